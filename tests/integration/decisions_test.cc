// What was shown can be questioned: why, why not, and made again.
#include <chrono>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/vitrine/commands.h"
#include "tests/integration/answers.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

class Decisions : public testing::Test {
 protected:
  Decisions() : shop_(server_.create_shop("alpha")) {
    for (int i = 0; i < 12; ++i) {
      const std::string id = "p" + std::to_string(i);
      EXPECT_EQ(server_
                    .put_item(shop_, id,
                              "{\"title\":\"T\",\"brand\":\"B\",\"price\":" +
                                  std::to_string(i + 1) + ",\"stock\":" + (i == 7 ? "0" : "5") +
                                  ",\"categories\":[\"c" + std::to_string(i % 3) + "\"]}")
                    .status,
                200);
    }
    std::vector<std::string> events;
    for (int user = 0; user < 6; ++user) {
      for (int n = 0; n < 5; ++n) {
        events.push_back(event("e-" + std::to_string(user) + "-" + std::to_string(n),
                               n == 4 ? "purchase-complete" : "detail-page-view",
                               "u" + std::to_string(user), "p" + std::to_string((user + n) % 12)));
      }
    }
    const auto taken = server_.post("/v1/events", shop_.publishable, batch(events));
    version_ = text_at(taken.body, "/profile_version");
  }

  std::string home(const std::string& user, const std::string& more = {}) {
    const auto answer = server_.post("/v1/recommend/home", shop_.publishable,
                                     "{\"user\":{\"user_id\":\"" + user +
                                         "\"},\"limit\":4,"
                                         "\"min_profile_version\":\"" +
                                         version_ + "\"" + more + "}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }
  Answer decision(const std::string& request_id, const std::string& item = {}) {
    return server_.get("/v1/decisions/" + request_id + (item.empty() ? "" : "?item=" + item),
                       shop_.secret);
  }

  TestServer server_;
  Shop shop_;
  std::string version_;
};

TEST_F(Decisions, SayWhatWasShownAndWhatEachSourceGave) {
  const std::string answer = home("u0", R"(,"explain":true,"filter":"price < 100")");
  const auto told = decision(text_at(answer, "/request_id"));
  ASSERT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(text_at(told.body, "/request_id"), text_at(answer, "/request_id"));
  EXPECT_EQ(text_at(told.body, "/placement"), "home");
  EXPECT_EQ(text_at(told.body, "/asked/user/user_id"), "u0");
  EXPECT_EQ(text_at(told.body, "/asked/filter"), "price < 100");
  EXPECT_EQ(item_ids(told.body), item_ids(answer));
  for (std::size_t i = 0; i < item_ids(answer).size(); ++i) {
    const std::string at = "/items/" + std::to_string(i);
    EXPECT_EQ(number_at(told.body, at + "/score"), number_at(answer, at + "/score"));
    EXPECT_EQ(text_at(told.body, at + "/source"), text_at(answer, at + "/source"));
    EXPECT_EQ(number_at(told.body, at + "/rank"), static_cast<double>(i + 1));
  }
  EXPECT_TRUE(has(told.body, "/policy/category_max"));
  EXPECT_TRUE(has(told.body, "/dropped"));
}

TEST_F(Decisions, SayWhyAnItemWasNotThere) {
  const std::string answer = home("u0", R"(,"filter":"price != 12")");
  const std::string id = text_at(answer, "/request_id");
  const std::string first = item_ids(answer).front();
  auto told = decision(id, first);
  EXPECT_EQ(text_at(told.body, "/item/fate"), "shown") << told.body;
  EXPECT_EQ(number_at(told.body, "/item/rank"), 1);
  told = decision(id, "p11");
  EXPECT_EQ(text_at(told.body, "/item/dropped_by"), "filter") << told.body;
  told = decision(id, "p7");
  EXPECT_EQ(text_at(told.body, "/item/dropped_by"), "out_of_stock") << told.body;
  told = decision(id, "p0");  // u0 looked at it
  EXPECT_EQ(text_at(told.body, "/item/dropped_by"), "seen") << told.body;
  told = decision(id, "p4");  // u0 bought it
  EXPECT_EQ(text_at(told.body, "/item/dropped_by"), "bought") << told.body;
  told = decision(id, "nobody-knows-it");
  EXPECT_EQ(text_at(told.body, "/item/fate"), "unknown") << told.body;
  // Whatever is neither shown nor dropped has a rank behind what is shown.
  for (int i = 0; i < 12; ++i) {
    told = decision(id, "p" + std::to_string(i));
    ASSERT_EQ(told.status, 200) << told.body;
    if (text_at(told.body, "/item/fate") == "below") {
      EXPECT_GT(number_at(told.body, "/item/rank"), 4) << told.body;
    }
  }
}

TEST_F(Decisions, OfAnotherTenantAndOfNobodyAreNotFoundAlike) {
  const Shop other = server_.create_shop("beta");
  const std::string id = text_at(home("u0"), "/request_id");
  expect_problem(server_.get("/v1/decisions/" + id, other.secret), 404, "decision_not_found");
  std::string unknown = id;
  unknown.back() = unknown.back() == '0' ? '1' : '0';
  expect_problem(decision(unknown), 404, "decision_not_found");
  expect_problem(decision("ffffffff" + id.substr(8)), 404, "decision_not_found");
  for (const char* odd : {"x", "%20", "..", "0", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}) {
    expect_problem(decision(odd), 404);
  }
  expect_problem(server_.get("/v1/decisions/" + id, shop_.publishable), 403, "right_missing");
}

TEST_F(Decisions, PastTheirRetentionAreGone) {
  const std::string id = text_at(home("u0"), "/request_id");
  expect_problem(decision("3b9aca00" + id.substr(8)), 410, "decision_gone");
}

TEST_F(Decisions, CanBeMadeAgainBitForBitAfterTheWorldMovedOn) {
  std::vector<std::string> ids;
  for (int user = 0; user < 6; ++user) {
    ids.push_back(text_at(home("u" + std::to_string(user), R"(,"diversity":0.3)"), "/request_id"));
  }
  ids.push_back(text_at(server_
                            .post("/v1/recommend/cart", shop_.publishable,
                                  R"({"user":{"user_id":"u1"},"cart":["p2"],
                                      "boost":[{"filter":"price > 3","factor":2}]})")
                            .body,
                        "/request_id"));
  ids.push_back(text_at(server_
                            .post("/v1/rank/home", shop_.publishable,
                                  R"({"user":{"user_id":"u1"},"items":["p9","p3","p5","p7"]})")
                            .body,
                        "/request_id"));
  // What came later changes every score, and must not change the answers of before.
  std::vector<std::string> events;
  for (int n = 0; n < 200; ++n) {
    events.push_back(event("later-" + std::to_string(n), "detail-page-view",
                           "u" + std::to_string(n % 9), "p" + std::to_string(n * 7 % 12)));
  }
  ASSERT_EQ(server_.post("/v1/events", shop_.publishable, batch(events)).status, 202);
  ASSERT_EQ(server_.put_item(shop_, "p7", R"({"title":"Back in stock","stock":9})").status, 200);
  ASSERT_EQ(decision(ids.back()).status, 200);  // its record is on disk
  for (const bool running : {true, false}) {
    if (!running) server_.stop();
    for (const std::string& id : ids) {
      std::ostringstream out;
      const Status same = app::run_replay_decision(server_.settings(), {id, "", "p7", true}, out);
      ASSERT_TRUE(same.ok()) << same.error().to_string() << out.str();
      EXPECT_THAT(out.str(), HasSubstr("\"same\":true"));
      EXPECT_THAT(out.str(), HasSubstr("out_of_stock"));  // then
    }
  }
  server_.start();
}

// Polls until the job has ended.
Answer ended(TestServer& server, const std::string& id, const std::string& key) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (true) {
    Answer job = server.get("/v1/jobs/" + id, key);
    const std::string state = text_at(job.body, "/state");
    if (state == "done" || state == "failed") return job;
    if (job.status != 200 || std::chrono::steady_clock::now() > until) return job;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST_F(Decisions, AJobSaysWhatItWasThoughTheWorldMovedOn) {
  const std::string id = text_at(home("u0"), "/request_id");
  ASSERT_EQ(server_.put_item(shop_, "p7", R"({"title":"Back in stock","stock":9})").status, 200);
  const Answer now = decision(id, "p7");
  EXPECT_THAT(now.body, HasSubstr("\"exact\":false"));
  const std::string order = text_at(now.body, "/item/exact_by");
  ASSERT_EQ(order, "POST /v1/decisions/" + id + ":replay");
  const Answer ordered = server_.post(order.substr(5), shop_.secret, R"({"item":"p7"})");
  ASSERT_EQ(ordered.status, 202) << ordered.body;
  const std::string job = text_at(ordered.body, "/job_id");
  EXPECT_EQ(ordered.header("location"), "/v1/jobs/" + job);
  const Answer done = ended(server_, job, shop_.secret);
  EXPECT_EQ(text_at(done.body, "/state"), "done") << done.body;
  EXPECT_THAT(done.body, HasSubstr("\"same\":true"));
  EXPECT_EQ(text_at(done.body, "/result/item/dropped_by"), "out_of_stock") << done.body;
  EXPECT_THAT(server_.get("/metrics", "").body,
              HasSubstr("vitrine_jobs_total{result=\"done\"} 1\n"));

  const Shop other = server_.create_shop("beta");
  expect_problem(server_.get("/v1/jobs/" + job, other.secret), 404, "job_not_found");
  expect_problem(server_.post("/v1/decisions/" + id + ":replay", other.secret, ""), 404,
                 "decision_not_found");
  expect_problem(server_.post("/v1/decisions/" + id + ":replay", shop_.secret, R"({"items":"a"})"),
                 400, "invalid_request");
}

TEST_F(Decisions, AJobThatCannotBeDoneFailsAndSaysWhy) {
  const std::string id = text_at(home("u0"), "/request_id");
  ASSERT_EQ(decision(id).status, 200);
  app::Settings settings = server_.settings();
  server_.stop();
  settings.program = "/nowhere/vitrine";
  TestServer without(settings);
  const Answer ordered = without.post("/v1/decisions/" + id + ":replay", shop_.secret, "");
  ASSERT_EQ(ordered.status, 202) << ordered.body;
  const Answer failed = ended(without, text_at(ordered.body, "/job_id"), shop_.secret);
  EXPECT_EQ(text_at(failed.body, "/state"), "failed") << failed.body;
  EXPECT_THAT(text_at(failed.body, "/error"), HasSubstr("/nowhere/vitrine"));
}

}  // namespace
}  // namespace vitrine::integration
