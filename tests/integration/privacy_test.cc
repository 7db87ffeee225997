// A person's data can be had, and can be ended: the proof is a search of every byte on disk.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/vitrine/commands.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Texts that stand for a person wherever they occur.
const std::vector<std::string> kTraces = {
    "ada-lovelace-1815", "phone-of-ada-77", "session-of-ada-31", "event-of-ada-",
    "Dear-diary-4242",   "Countess-9001",   "birthday-on-1210"};

class Privacy : public testing::Test {
 protected:
  static app::Settings settings() {
    app::Settings s = TestServer::default_settings();
    s.snapshot_records = 200;
    s.history_memory = 1 << 20;
    return s;
  }
  Privacy() : server_(settings()), shop_(server_.create_shop("shop")) {
    for (int i = 0; i < 20; ++i) {
      server_.put_item(shop_, "item-" + std::to_string(i), R"({"title":"x","price":1})");
    }
  }

  std::string happens(const std::string& id, const std::string& user, int item,
                      const std::string& note) {
    const auto taken =
        server_.post("/v1/events", shop_.publishable,
                     "{\"event_id\":\"" + id + "\",\"type\":\"detail-page-view\",\"user\":" + user +
                         ",\"items\":[{\"item_id\":\"item-" + std::to_string(item) +
                         "\"}],\"properties\":{\"note\":\"" + note + "\"}}");
    EXPECT_EQ(taken.status, 202) << taken.body;
    return text_at(taken.body, "/profile_version");
  }
  // Two people's lives, entangled: Ada on her phone, on which Bob signs in as well.
  void live() {
    const std::string ada = R"({"user_id":"ada-lovelace-1815","session_id":"session-of-ada-31"})";
    const std::string phone = R"({"anonymous_id":"phone-of-ada-77"})";
    const std::string both = R"({"user_id":"ada-lovelace-1815","anonymous_id":"phone-of-ada-77"})";
    const std::string bob = R"({"user_id":"bob"})";
    const std::string bob_there = R"({"user_id":"bob","anonymous_id":"phone-of-ada-77"})";
    for (int i = 0; i < 100; ++i) {
      const std::string id = "event-of-ada-" + std::to_string(i);
      const std::string& who = i % 3 == 0 ? ada : i % 3 == 1 ? phone : both;
      happens(id, who, i % 20, "Dear-diary-4242");
      happens("b" + std::to_string(i), i % 10 == 9 ? bob_there : bob, (i + 7) % 20, "nothing");
      if (i % 10 == 0) window(both), window(bob);
    }
    ASSERT_EQ(user("PUT", "/ada-lovelace-1815",
                   R"({"attributes":{"title":"Countess-9001","when":"birthday-on-1210"}})")
                  .status,
              200);
    ASSERT_EQ(user("PUT", "/bob", R"({"attributes":{"title":"Mister"}})").status, 200);
    ASSERT_EQ(user("PATCH", "/ada-lovelace-1815/consents", R"({"marketing":true})").status, 200);
  }
  Answer user(std::string_view method, std::string_view path, std::string body = {}) {
    return server_.call({std::string(method), "/v1/users" + std::string(path), shop_.secret, body});
  }
  std::vector<std::string> window(const std::string& who) {
    const auto answer = server_.post("/v1/recommend/recently-viewed", shop_.publishable,
                                     "{\"user\":" + who + ",\"limit\":100}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return item_ids(answer.body);
  }

  // Each trace that occurs in any file below the data directory, with the file.
  std::vector<std::string> traces() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(server_.settings().data_directory)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::stringstream bytes;
      bytes << file.rdbuf();
      for (const auto& trace : kTraces) {
        if (bytes.str().find(trace) != std::string::npos) {
          found.push_back(trace + " in " + entry.path().string());
        }
      }
    }
    return found;
  }
  // Of the state that a replay from the first record gives.
  std::string replayed_digest() const {
    const std::string copy = server_.settings().data_directory + "-replayed";
    fs::remove_all(copy);
    fs::copy(server_.settings().data_directory, copy, fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(copy)) {
      if (!entry.is_directory()) continue;
      for (const char* name : {"snapshots", "cold", "ids"}) fs::remove_all(entry.path() / name);
    }
    app::Settings replay = server_.settings();
    replay.data_directory = copy;
    std::ostringstream out;
    EXPECT_TRUE(app::run_state_digest(replay, true, out).ok());
    fs::remove_all(copy);
    return text_at(out.str().substr(0, out.str().find('\n')), "/digest");
  }
  std::string erase() {
    std::ostringstream out;
    const Status status = app::run_erase(server_.settings(), no_progress(), out);
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    return out.str();
  }
  Status verify() {
    std::ostringstream out;
    return app::run_erase_status(server_.settings(), false, true, out);
  }

  TestServer server_;
  Shop shop_;
};

TEST_F(Privacy, AnErasedPersonIsInNoByteOnDiskAndNobodyElseIsTouched) {
  live();
  server_.restart();  // a snapshot, and a log that was sealed
  const std::string bob = R"({"user_id":"bob"})";
  const auto bobs = window(bob);
  ASSERT_THAT(bobs, Not(IsEmpty()));
  ASSERT_THAT(window(R"({"user_id":"ada-lovelace-1815"})"), Not(IsEmpty()));
  ASSERT_GE(traces().size(), kTraces.size());  // the search finds what there is

  const auto ordered = user("POST", "/ada-lovelace-1815:erase");
  ASSERT_EQ(ordered.status, 202) << ordered.body;
  EXPECT_EQ(number_at(ordered.body, "/ids"), 2);
  // Forgotten at once. (Asking for a window under the id would be recorded again.)
  EXPECT_EQ(user("GET", "/ada-lovelace-1815").status, 404);
  EXPECT_EQ(window(bob), bobs);
  EXPECT_FALSE(verify().ok());
  // While the server runs its files are its own.
  std::ostringstream ignored;
  EXPECT_FALSE(app::run_erase(server_.settings(), no_progress(), ignored).ok());

  server_.stop();
  EXPECT_THAT(erase(), HasSubstr("replayed from the first record"));
  EXPECT_TRUE(verify().ok());
  EXPECT_THAT(traces(), IsEmpty());
  const auto digest = server_.digests()[shop_.id];
  EXPECT_EQ(digest, replayed_digest());
  EXPECT_THAT(erase(), HasSubstr(" 0 records and 0 answers"));  // again: nothing left to do
  EXPECT_EQ(server_.digests()[shop_.id], digest);

  server_.start();
  EXPECT_EQ(window(bob), bobs);
  EXPECT_EQ(text_at(user("GET", "/bob").body, "/attributes/title"), "Mister");
  EXPECT_EQ(number_at(user("GET", "/bob").body, "/activity/events"), 100);
  EXPECT_EQ(user("GET", "/ada-lovelace-1815").status, 404);
  // Who comes back is somebody new.
  EXPECT_THAT(window(R"({"user_id":"ada-lovelace-1815"})"), IsEmpty());
  EXPECT_THAT(window(R"({"anonymous_id":"phone-of-ada-77"})"), IsEmpty());
  const auto version = happens("again-1", R"({"user_id":"ada-lovelace-1815"})", 3, "hello");
  EXPECT_THAT(recently_viewed(server_, shop_, "ada-lovelace-1815", version), SizeIs(1));
  EXPECT_EQ(number_at(user("GET", "/ada-lovelace-1815").body, "/activity/events"), 1);
  expect_serving(server_, shop_);
}

TEST_F(Privacy, WithoutARecommendationLogPersonsAreErasedFromTheRest) {
  live();
  ASSERT_EQ(user("POST", "/ada-lovelace-1815:erase").status, 202);
  server_.stop();
  fs::remove_all(server_.settings().data_directory + "/answers");
  EXPECT_EQ(verify().error().code(), ErrorCode::kConflict) << "the event log has something left";
  EXPECT_THAT(erase(), HasSubstr(" 0 answers"));
  EXPECT_TRUE(verify().ok());
  EXPECT_THAT(traces(), IsEmpty());
  server_.start();
  EXPECT_EQ(user("GET", "/ada-lovelace-1815").status, 404);
  EXPECT_EQ(number_at(user("GET", "/bob").body, "/activity/events"), 100);
}

TEST_F(Privacy, DeleteForgetsAndEraseTrueErases) {
  live();
  EXPECT_EQ(user("DELETE", "/ada-lovelace-1815").status, 200);
  EXPECT_THAT(window(R"({"user_id":"ada-lovelace-1815"})"), IsEmpty());
  EXPECT_THAT(user("GET", "/ada-lovelace-1815").body, HasSubstr("\"marketing\":true"));
  EXPECT_EQ(user("DELETE", "/ada-lovelace-1815?erase=true").status, 202);
  EXPECT_EQ(user("GET", "/ada-lovelace-1815").status, 404);
  expect_problem(user("POST", "/nobody:erase"), 404, "user_not_found");
}

TEST_F(Privacy, AnExportHoldsEverythingOfThePersonAndNothingOfOthers) {
  live();
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // answers are synced each second
  const auto page = user("GET", "/ada-lovelace-1815:export");
  ASSERT_EQ(page.status, 200) << page.body;
  std::map<std::string, int> kinds;
  std::istringstream lines(page.body);
  for (std::string line; std::getline(lines, line);) {
    const std::string kind = text_at(line, "/kind");
    ++kinds[kind];
    EXPECT_THAT(line, Not(HasSubstr("\"bob\"")));
    if (kind == "user") {
      EXPECT_EQ(text_at(line, "/attributes/title"), "Countess-9001");
      EXPECT_EQ(number_at(line, "/events"), 100);
      EXPECT_EQ(number_at(line, "/merged_visitors"), 1);
      EXPECT_THAT(line, HasSubstr("\"marketing\":true"));
    }
    if (kind == "event") {
      EXPECT_EQ(text_at(line, "/event/properties/note"), "Dear-diary-4242");
    }
  }
  EXPECT_EQ(kinds["user"], 1);
  EXPECT_EQ(kinds["event"], 100);
  EXPECT_EQ(kinds["history"], 100);
  EXPECT_EQ(kinds["change"], 2);
  EXPECT_EQ(kinds["answer"], 10);
  EXPECT_EQ(kinds["end"], 1);
  EXPECT_THAT(page.body, HasSubstr("{\"kind\":\"end\",\"next_cursor\":null}"));
  expect_problem(user("GET", "/nobody:export"), 404, "user_not_found");
  expect_problem(user("GET", "/bob:export?cursor=x"), 400);
  EXPECT_EQ(user("GET", "/bob:export?cursor=log-1").status, 200);
}

}  // namespace
}  // namespace vitrine::integration
