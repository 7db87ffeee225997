// Backup and archive of a running server: what comes back is what was there.
#include <filesystem>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "apps/vitrine/backup_commands.h"
#include "apps/vitrine/commands.h"
#include "platform/io/atomic_file.h"
#include "service/archive/archive_verify.h"
#include "tests/integration/answers.h"
#include "tests/integration/test_server.h"
#include "tool/backup/commands.h"

namespace vitrine::integration {
namespace {

class BackupTest : public ::testing::Test {
 protected:
  void fill(const Shop& shop, int events) {
    for (int i = 0; i < 20; ++i) {
      const std::string text = std::to_string(i);
      server_.put_item(shop, "item-" + text,
                       "{\"title\":\"Item " + text + "\",\"price\":" + text + "}");
    }
    std::string body = "[";
    for (int i = 0; i < events; ++i) {
      body +=
          (i == 0 ? "" : ",") + view_event("e" + std::to_string(i), "user-" + std::to_string(i % 9),
                                           "item-" + std::to_string(i * 7 % 20));
    }
    const auto taken = server_.post("/v1/events", shop.publishable, body + "]");
    ASSERT_EQ(taken.status, 202) << taken.body;
    recently_viewed(server_, shop, "user-1", text_at(taken.body, "/profile_version"));
  }

  std::string answers(TestServer& server, const Shop& shop) {
    std::string out;
    for (const char* placement : {"home", "recently-viewed", "popular", "product-similar"}) {
      for (int user = 0; user < 9; ++user) {
        const auto answer = server.post(std::string("/v1/recommend/") + placement, shop.secret,
                                        "{\"user\":{\"user_id\":\"user-" + std::to_string(user) +
                                            "\"},\"item_ids\":[\"item-3\"],\"limit\":10}");
        EXPECT_EQ(answer.status, 200) << answer.body;
        for (const auto& item : item_ids(answer.body)) out += item + " ";
        out += "\n";
      }
    }
    return out;
  }

  std::string settled_answers(TestServer& server, const Shop& shop) {
    wait_until_indexed(server);
    return answers(server, shop);
  }

  void create() {
    const auto opened = backup::open_repository(command_, true);
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    const auto made = create_backup(*opened.value().repository,
                                    app::backup_create_options(server_.settings()), no_progress());
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    made_ = made.value();
  }

  backup::RestoreOptions restore_to(const std::string& target) {
    backup::RestoreOptions options;
    options.files = &io::system_files();
    options.clock = &system_clock();
    options.executor = &thread_executor();
    options.target = target;
    options.finish = [](const std::string& folder) { return app::finish_restore(folder, "x"); };
    return options;
  }

  TempFolder folder_;
  TestServer server_;
  Shop shoes_ = server_.create_shop("shoes");
  Shop books_ = server_.create_shop("books");
  backup::CommandOptions command_{folder_.path() + "/repository", "", false};
  backup::CreateReport made_;
};

TEST_F(BackupTest, ARestoredServerAnswersAsTheOldOneDidAtTheCutThoughEventsKeptComing) {
  fill(shoes_, 300);
  const std::string before = settled_answers(server_, shoes_);
  std::atomic<bool> stop{false};
  std::thread load([&] {
    net::Client client = server_.client();
    for (int i = 0; !stop; ++i) {
      const auto answer =
          send(client, {"POST", "/v1/events", books_.publishable,
                        view_event("live-" + std::to_string(i), "reader", "item-1")});
      ASSERT_EQ(answer.status, 202);
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  create();
  stop = true;
  load.join();
  const auto opened = backup::open_repository(command_, false);
  const std::string target = folder_.path() + "/restored";
  const auto restored =
      restore_backup(*opened.value().repository, restore_to(target), no_progress());
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_GE(made_.manifest.logs.at(0).last, made_.manifest.logs.at(0).durable_before);

  app::Settings settings = server_.settings();
  backup::LastPositions last{{0, made_.manifest.logs.at(0).last}};
  const auto expected = app::state_digests(settings, last);
  settings.data_directory = target;
  EXPECT_EQ(app::state_digests(settings, {}).value(), expected.value());
  TestServer again(settings);
  EXPECT_EQ(settled_answers(again, shoes_), before)
      << "the old keys work, the answers are the same";
  const auto profile =
      again.post("/v1/events", shoes_.publishable, view_event("after", "user-1", "item-2"));
  EXPECT_EQ(text_at(profile.body, "/profile_version").substr(0, 2), "2-") << "a new epoch";
}

TEST_F(BackupTest, OneTenantComesBackIntoANewOneAndNoOtherIsTouched) {
  fill(shoes_, 300);
  fill(books_, 100);
  create();
  const Shop again = server_.create_shop("shoes-again");
  const auto others = server_.digests();
  backup::TenantRestoreOptions options;
  options.restore = restore_to(folder_.path() + "/scratch");
  options.restore.finish = nullptr;
  options.tenant = "shoes";
  options.url = server_.application().url();
  options.key = again.secret;
  const auto opened = backup::open_repository(command_, false);
  backup::Repository& repository = *opened.value().repository;
  const auto restored = restore_tenant(repository, options, no_progress());
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->items.accepted, 20u);
  EXPECT_EQ(restored->events.accepted, 300u);
  EXPECT_EQ(restored->items.rejected + restored->events.rejected, 0u);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/scratch"));
  recently_viewed(server_, again, "user-1", restored->events.profile_version);
  wait_until_indexed(server_);
  EXPECT_EQ(answers(server_, again), answers(server_, shoes_));
  const auto after = server_.digests();
  for (const auto& [tenant, digest] : others) EXPECT_EQ(after.at(tenant), digest) << tenant;

  EXPECT_EQ(restore_tenant(repository, options, no_progress()).error().code(), ErrorCode::kConflict)
      << "the target is not empty any more";
  options.allow_existing = true;
  const auto repeated = restore_tenant(repository, options, no_progress());
  ASSERT_TRUE(repeated.ok()) << repeated.error().to_string();
  EXPECT_EQ(repeated->events.duplicates, 300u) << "repeating counts nothing twice";
  options.tenant = "hats";
  EXPECT_EQ(restore_tenant(repository, options, no_progress()).error().code(),
            ErrorCode::kNotFound);
  options.tenant = "shoes";
  options.key = "vt_sec_wrong";
  EXPECT_FALSE(restore_tenant(repository, options, no_progress()).ok());
}

TEST_F(BackupTest, PeopleComeBackAsTheyWereInOneTenantAndTheErasedDoNot) {
  fill(shoes_, 20);
  const auto user = [&](const Shop& shop, const std::string& method, const std::string& path,
                        const std::string& body = {}) {
    return server_.call({method, "/v1/users/" + path, shop.secret, body});
  };
  const auto says = [&](const std::string& method, const std::string& path,
                        const std::string& body = {}) {
    const auto answer = user(shoes_, method, path, body);
    ASSERT_TRUE(answer.status == 200 || answer.status == 202) << path << " " << answer.body;
  };
  const auto views = [&](const std::string& id, const std::string& who, const std::string& item) {
    const auto taken =
        server_.post("/v1/events", shoes_.publishable,
                     "{\"event_id\":\"" + id + "\",\"type\":\"detail-page-view\",\"user\":" + who +
                         ",\"items\":[{\"item_id\":\"" + item + "\"}]}");
    ASSERT_EQ(taken.status, 202) << taken.body;
  };
  // One who denies, after an event that counted.
  views("ann-1", R"({"user_id":"ann"})", "item-1");
  says("PUT", "ann", R"({"attributes":{"size":42,"city":"Ulm"}})");
  says("PATCH", "ann", R"({"attributes":{"city":null,"vip":true}})");
  says("PATCH", "ann/consents", R"({"personalization":false})");
  views("ann-2", R"({"user_id":"ann"})", "item-2");
  says("PATCH", "ann/consents", R"({"marketing":true})");
  // One who denied for a while, and whose events say something else about it.
  says("PATCH", "ben/consents", R"({"personalization":false,"analytics":false})");
  views("ben-1", R"({"user_id":"ben"})", "item-3");
  says("PATCH", "ben/consents", R"({"personalization":true})");
  views("ben-2", R"({"user_id":"ben"})", "item-4");
  // A visitor that became a user without an event that says so; its id is one to be escaped.
  views("dora-1", R"({"anonymous_id":"tablet"})", "item-5");
  says("POST", "dora%2Fx:merge", R"({"anonymous_id":"tablet"})");
  views("dora-2", R"({"anonymous_id":"tablet"})", "item-6");
  EXPECT_EQ(user(shoes_, "POST", "ann:merge", R"({"anonymous_id":"tablet"})").status, 409);
  // One who was erased, with a phone that somebody else used as well.
  says("PUT", "eve", R"({"attributes":{"size":36}})");
  says("PATCH", "eve/consents", R"({"marketing":false})");
  views("eve-1", R"({"anonymous_id":"phone"})", "item-7");
  views("eve-2", R"({"user_id":"eve","anonymous_id":"phone"})", "item-8");
  views("bob-1", R"({"user_id":"bob","anonymous_id":"phone"})", "item-9");
  says("PATCH", "bob/consents", R"({"marketing":true})");
  says("POST", "eve:erase");
  // One who was erased and came back.
  says("PUT", "fay", R"({"attributes":{"size":37}})");
  views("fay-1", R"({"user_id":"fay"})", "item-10");
  says("PATCH", "fay/consents", R"({"marketing":true})");
  says("POST", "fay:erase");
  views("fay-2", R"({"user_id":"fay"})", "item-11");
  says("PATCH", "fay/consents", R"({"analytics":false})");
  // One who was deleted: the consents stay.
  views("gus-1", R"({"user_id":"gus"})", "item-12");
  says("PUT", "gus", R"({"attributes":{"size":45}})");
  says("PATCH", "gus/consents", R"({"marketing":false})");
  says("DELETE", "gus");

  // What is known, without the times of its description.
  const auto known = [&](const Shop& shop, const std::string& who) {
    const auto answer = user(shop, "GET", who);
    return std::to_string(answer.status) + " " +
           answer.body.substr(0, answer.body.find(",\"created\""));
  };
  const std::vector<std::string> people = {"ann", "ben", "dora%2Fx", "bob", "fay", "gus"};
  const auto expect_as_before = [&](const Shop& again) {
    for (const auto& who : people) EXPECT_EQ(known(again, who), known(shoes_, who));
  };
  ASSERT_EQ(number_at(user(shoes_, "GET", "ann").body, "/activity/history"), 1);
  ASSERT_EQ(number_at(user(shoes_, "GET", "ben").body, "/activity/history"), 1);
  ASSERT_EQ(number_at(user(shoes_, "GET", "dora%2Fx").body, "/activity/history"), 2);
  ASSERT_EQ(number_at(user(shoes_, "GET", "fay").body, "/activity/events"), 1);
  ASSERT_EQ(number_at(user(shoes_, "GET", "gus").body, "/activity/events"), 0);
  create();

  const Shop again = server_.create_shop("shoes-again");
  backup::TenantRestoreOptions options;
  options.restore = restore_to(folder_.path() + "/scratch");
  options.restore.finish = nullptr;
  options.tenant = "shoes";
  options.url = server_.application().url();
  options.key = again.secret;
  const auto opened = backup::open_repository(command_, false);
  backup::Repository& repository = *opened.value().repository;
  const auto restored = restore_tenant(repository, options, no_progress());
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->rejected(), 0u);
  EXPECT_EQ(restored->events.accepted, 29u) << "20 and 12, without the 3 of before the erasures";
  EXPECT_EQ(restored->erased, 7u);
  EXPECT_EQ(restored->users.accepted, 1u) << "ann alone is described";
  EXPECT_EQ(restored->merges, 1u);
  EXPECT_EQ(restored->merges_refused, 1u);
  EXPECT_EQ(restored->forgotten, 1u);
  expect_as_before(again);
  EXPECT_EQ(user(again, "GET", "eve").status, 404);
  EXPECT_EQ(user(again, "GET", "eve:export").status, 404);
  EXPECT_EQ(user(again, "GET", "bob:export").body.find("phone"), std::string::npos)
      << "the id of an erased person's device stays out of others' events";

  // Who comes back under the erased ids is somebody new.
  const auto back = server_.post("/v1/events", again.publishable,
                                 R"({"event_id":"back-1","type":"detail-page-view",
                                     "user":{"user_id":"eve","anonymous_id":"phone"},
                                     "items":[{"item_id":"item-1"}]})");
  ASSERT_EQ(back.status, 202) << back.body;
  EXPECT_EQ(recently_viewed(server_, again, "eve", text_at(back.body, "/profile_version")),
            (std::vector<std::string>{"item-1"}));
  const std::string lines = user(again, "GET", "eve:export").body;
  EXPECT_EQ(lines.find("eve-1"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("eve-2"), std::string::npos) << lines;
  EXPECT_NE(lines.find("back-1"), std::string::npos) << lines;

  options.allow_existing = true;
  const auto repeated = restore_tenant(repository, options, no_progress());
  ASSERT_TRUE(repeated.ok()) << repeated.error().to_string();
  EXPECT_EQ(repeated->events.duplicates, 29u);
  EXPECT_EQ(repeated->rejected(), 0u);
  expect_as_before(again);
}

TEST_F(BackupTest, FromAFolderThatWasRestoredWithoutAnswersOneCanErase) {
  fill(shoes_, 50);
  ASSERT_EQ(server_.post("/v1/users/user-1:erase", shoes_.secret, "").status, 202);
  create();
  const auto opened = backup::open_repository(command_, false);
  app::Settings settings = server_.settings();
  settings.data_directory = folder_.path() + "/restored";
  const auto restored = restore_backup(*opened.value().repository,
                                       restore_to(settings.data_directory), no_progress());
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  ASSERT_FALSE(std::filesystem::exists(settings.data_directory + "/answers"));
  std::ostringstream out;
  EXPECT_EQ(app::run_erase_status(settings, false, true, out).error().code(), ErrorCode::kConflict)
      << "there is something left to erase";
  const Status erased = app::run_erase(settings, no_progress(), out);
  ASSERT_TRUE(erased.ok()) << erased.error().to_string();
  const Status verified = app::run_erase_status(settings, false, true, out);
  EXPECT_TRUE(verified.ok()) << verified.error().to_string();
  TestServer again(settings);
  EXPECT_EQ(again.get("/v1/users/user-1", shoes_.secret).status, 404);
  EXPECT_EQ(again.get("/v1/users/user-2", shoes_.secret).status, 200);
}

TEST_F(BackupTest, WhoIsErasedAfterABackupIsInNothingThatIsRestoredFromIt) {
  fill(shoes_, 50);
  const std::string secret = "erin-4711-unmistakable";
  const auto view = [&](const std::string& id, const std::string& who) {
    const auto taken =
        server_.post("/v1/events", shoes_.publishable,
                     "{\"event_id\":\"" + id + R"(","type":"detail-page-view","user":)" + who +
                         R"(,"items":[{"item_id":"item-1"}]})");
    ASSERT_EQ(taken.status, 202) << taken.body;
  };
  view("erin-1", R"({"anonymous_id":"erins-phone"})");
  ASSERT_EQ(
      server_
          .call({"PUT", "/v1/users/" + secret, shoes_.secret, R"({"attributes":{"city":"Ulm"}})"})
          .status,
      200);
  create();
  const std::string older = made_.manifest.id;
  // Only now the phone is known to be the person's: acknowledged, and perhaps not applied yet.
  view("erin-2", "{\"user_id\":\"" + secret + R"(","anonymous_id":"erins-phone"})");
  ASSERT_EQ(server_.post("/v1/users/" + secret + ":erase", shoes_.secret, "").status, 202);

  const auto restore_full = [&](const std::string& target, const std::string& file) {
    backup::CommandOptions command = command_;
    command.erasures = file;
    auto options = restore_to(target);
    options.id = older;
    options.erase = [](const std::string& folder, std::uint32_t partition,
                       const privacy::ErasureList& orders) {
      return app::erase_in_restored(folder, partition, orders, no_progress());
    };
    std::ostringstream out;
    const Status restored = backup::run_restore(command, options, no_progress(), out);
    EXPECT_TRUE(restored.ok()) << restored.error().to_string();
    return out.str();
  };
  const auto expect_gone = [&](const std::string& target) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(target)) {
      if (!entry.is_regular_file()) continue;
      const auto bytes = io::read_file(io::system_files(), entry.path().string(), 1ull << 30);
      ASSERT_TRUE(bytes.ok());
      EXPECT_EQ(bytes->find(secret), std::string::npos) << entry.path();
      EXPECT_EQ(bytes->find("erins-phone"), std::string::npos) << entry.path();
    }
    app::Settings settings = server_.settings();
    settings.data_directory = target;
    TestServer again(settings);
    EXPECT_EQ(again.get("/v1/users/" + secret, shoes_.secret).status, 404);
    EXPECT_EQ(again.get("/v1/users/user-1", shoes_.secret).status, 200);
    EXPECT_TRUE(recently_viewed(again, shoes_, secret, "").empty());
  };
  // The order is in no backup yet: the surviving directory's list has it.
  std::ostringstream list;
  ASSERT_TRUE(app::run_erase_list(server_.settings(), list).ok());
  EXPECT_EQ(list.str().find(secret), std::string::npos);
  const std::string file = folder_.path() + "/erasures";
  ASSERT_TRUE(io::write_file_atomically(io::system_files(), file, list.str()).ok());
  EXPECT_NE(restore_full(folder_.path() + "/by-file", file).find("1 orders to erase"),
            std::string::npos);
  expect_gone(folder_.path() + "/by-file");
  // The next backup keeps it for all before it.
  create();
  EXPECT_EQ(made_.manifest.erasures.size(), 1u);
  EXPECT_NE(restore_full(folder_.path() + "/by-repository", "").find("1 orders to erase"),
            std::string::npos);
  expect_gone(folder_.path() + "/by-repository");

  const Shop again = server_.create_shop("shoes-again");
  backup::TenantRestoreOptions options;
  options.restore = restore_to(folder_.path() + "/scratch");
  options.restore.finish = nullptr;
  options.restore.id = older;
  options.tenant = "shoes";
  options.url = server_.application().url();
  options.key = again.secret;
  std::ostringstream out;
  const Status restored = backup::run_restore_tenant(command_, options, no_progress(), out);
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_NE(out.str().find("1 orders to erase from after the cut were heeded"), std::string::npos);
  EXPECT_EQ(server_.get("/v1/users/" + secret, again.secret).status, 404);
  EXPECT_EQ(server_.get("/v1/users/user-1", again.secret).status, 200);
}

// A server in this process instead of one of its own.
class ServerHere final : public backup::DrillServer {
 public:
  explicit ServerHere(app::Settings settings) : server_(std::move(settings)) {}
  Status ask() override { return ok_status(); }
  std::uint64_t replayed_records() const override { return 7; }
  Status stop() override {
    server_.stop();
    return ok_status();
  }

 private:
  TestServer server_;
};

TEST_F(BackupTest, ADrillComparesStatesAndSeesADifference) {
  fill(shoes_, 200);
  create();
  fill(books_, 50);  // after the cut
  backup::DrillOptions drill = app::backup_drill_options(server_.settings());
  drill.restore = restore_to(folder_.path() + "/drill");
  drill.start = [&](const std::string& directory) -> Result<std::unique_ptr<backup::DrillServer>> {
    app::Settings settings = server_.settings();
    settings.data_directory = directory;
    return std::unique_ptr<backup::DrillServer>(std::make_unique<ServerHere>(settings));
  };
  const auto opened = backup::open_repository(command_, false);
  backup::Repository& repository = *opened.value().repository;
  const auto report = run_drill(repository, drill, no_progress());
  ASSERT_TRUE(report.ok()) << report.error().to_string();
  EXPECT_TRUE(report->digest_equal());
  EXPECT_EQ(report->tenants_compared, 1u);
  EXPECT_EQ(report->rpo_records, 0u);
  EXPECT_EQ(report->records_since, 70u);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/drill"));

  const auto honest = drill.digests;
  drill.digests = [&, calls = 0](const std::string& directory,
                                 const backup::LastPositions& last) mutable {
    auto found = honest(directory, last);
    if (++calls == 2) found.value().at(0).digest.low ^= 1;
    return found;
  };
  const auto different = run_drill(repository, drill, no_progress());
  ASSERT_TRUE(different.ok());
  EXPECT_FALSE(different->digest_equal());
  EXPECT_EQ(different->differences.size(), 1u);
}

TEST(ArchiveInServer, EventsAppearInTheArchiveOfTheirTenant) {
  TempFolder folder;
  app::Settings settings = TestServer::default_settings();
  settings.archive_directory = folder.path() + "/archive";
  settings.archive_interval = 50'000;
  TestServer server(settings);
  const Shop shop = server.create_shop("shoes");
  ASSERT_EQ(server.post("/v1/events", shop.publishable, view_event("e1", "u1", "item-1")).status,
            202);
  auto store = blob::DirectoryStore::open(io::system_files(), settings.archive_directory).value();
  eventlog::Position archived = 0;
  for (int i = 0; i < 200 && archived == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    archived = archive::archived_position(*store, "partition-0").value();
  }
  EXPECT_EQ(archived, 1u);
  const auto objects = store->list("events/tenant=" + std::to_string(shop.id) + "/").value();
  EXPECT_EQ(objects.size(), 1u);
  archive::ArchiveOptions options;
  options.store = store.get();
  options.files = &io::system_files();
  options.log = "partition-0";
  options.log_directory = server.settings().data_directory + "/partition-0/log";
  options.print = app::write_record_payload;
  const auto report = archive::verify_archive(options, no_progress());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->problems.empty());
  EXPECT_EQ(report->compared, 1u);
}

}  // namespace
}  // namespace vitrine::integration
