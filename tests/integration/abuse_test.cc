// Visitors that are no customers, from outside: kept out, listed, cleared, trusted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/integration/answers.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Abuse : public testing::Test {
 protected:
  Abuse() : shop_(server_.create_shop("shop")) {
    for (const char* item : {"boot", "hat", "sock"}) {
      server_.put_item(shop_, item, R"({"title":"x","price":1})");
    }
  }
  // So many pages of one item, 50 ms apart; the version that shows them.
  std::string look(const std::string& who, const std::string& item, int times) {
    std::string body = "[";
    for (int n = 0; n < times; ++n) {
      const double at = static_cast<double>(start_ms_ + 50 * ++events_);
      body += std::string(n > 0 ? "," : "") + "{\"event_id\":\"e" + std::to_string(events_) +
              "\",\"event_time\":" + std::to_string(static_cast<std::int64_t>(at)) +
              ",\"type\":\"detail-page-view\",\"user\":{\"anonymous_id\":\"" + who +
              "\"},\"items\":[{\"item_id\":\"" + item + "\"}]}";
    }
    const auto taken = server_.post("/v1/events", shop_.publishable, body + "]");
    EXPECT_EQ(taken.status, 202) << taken.body;
    EXPECT_THAT(taken.body, HasSubstr("\"accepted\":" + std::to_string(times)));
    return text_at(taken.body, "/profile_version");
  }
  std::vector<std::string> window(const std::string& placement, const std::string& who,
                                  const std::string& version) {
    const auto answer = server_.post("/v1/recommend/" + placement, shop_.publishable,
                                     "{\"user\":{\"anonymous_id\":\"" + who +
                                         "\"},\"min_profile_version\":\"" + version + "\"}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return item_ids(answer.body);
  }
  Answer ask(std::string_view method, std::string_view path, std::string body = {}) {
    return server_.call({std::string(method), std::string(path), shop_.secret, std::move(body)});
  }

  TestServer server_;
  Shop shop_;
  const std::int64_t start_ms_ = system_clock().wall_us() / 1000 - 3'600'000;
  int events_ = 0;
};

TEST_F(Abuse, ARobotPushesNothingToTheTopAndKeepsItsOwnHistory) {
  look("ann", "hat", 3);
  const std::string version = look("robot", "boot", 150);
  EXPECT_EQ(window("trending", "bob", version).front(), "hat");
  EXPECT_THAT(window("recently-viewed", "robot", version), Contains("boot"));

  const auto list = ask("GET", "/v1/visitors:flagged");
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(text_at(list.body, "/visitors/0/anonymous_id"), "robot");
  EXPECT_EQ(text_at(list.body, "/visitors/0/standing"), "flagged");
  EXPECT_EQ(text_at(list.body, "/visitors/0/reason"), "regular_gaps");

  // Cleared, it counts like everybody.
  const auto cleared = ask("POST", "/v1/visitors:standing",
                           R"({"anonymous_id":"robot","standing":"trusted","note":"our own"})");
  ASSERT_EQ(cleared.status, 200) << cleared.body;
  EXPECT_EQ(window("trending", "bob", text_at(cleared.body, "/profile_version")).front(), "boot");
  EXPECT_THAT(ask("GET", "/v1/visitors:flagged").body, HasSubstr("\"note\":\"our own\""));
  const auto metrics = server_.call({"GET", "/metrics", "", ""});
  EXPECT_THAT(metrics.body, HasSubstr("vitrine_events_kept_out_total"));
}

TEST_F(Abuse, AnOperatorKeepsSomebodyOutAndLetsThemInAgain) {
  look("ann", "hat", 1);
  look("rival", "sock", 5);
  const auto flagged =
      ask("POST", "/v1/visitors:standing", R"({"anonymous_id":"rival","standing":"flagged"})");
  ASSERT_EQ(flagged.status, 200) << flagged.body;
  EXPECT_EQ(window("trending", "bob", text_at(flagged.body, "/profile_version")).front(), "hat");
  const auto counted =
      ask("POST", "/v1/visitors:standing", R"({"anonymous_id":"rival","standing":"counted"})");
  EXPECT_EQ(window("trending", "bob", text_at(counted.body, "/profile_version")).front(), "sock");
  EXPECT_THAT(ask("GET", "/v1/visitors:flagged").body, Not(HasSubstr("rival")));
}

TEST_F(Abuse, SaysWhatIsWrongWithARequest) {
  EXPECT_EQ(ask("GET", "/v1/visitors:flagged?limit=0").status, 400);
  EXPECT_EQ(ask("GET", "/v1/visitors:flagged?cursor=x").status, 400);
  const auto standing = ask("POST", "/v1/visitors:standing", R"({"standing":"flagged"})");
  EXPECT_EQ(standing.status, 400);
  EXPECT_THAT(standing.body, HasSubstr("anonymous_id is missing"));
  const auto settings = ask("PUT", "/v1/abuse-settings", R"({"views_per_hour":-1})");
  EXPECT_EQ(settings.status, 400);
  EXPECT_THAT(settings.body, HasSubstr("views_per_hour"));
}

TEST_F(Abuse, ATenantSetsItsOwnBounds) {
  const auto put = ask("PUT", "/v1/abuse-settings",
                       R"({"quick_views":0,"views_per_minute":0,"regular_views":0})");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(ask("GET", "/v1/abuse-settings").body, put.body);
  look("ann", "hat", 1);
  EXPECT_EQ(window("trending", "bob", look("robot", "boot", 150)).front(), "boot");
  EXPECT_THAT(ask("GET", "/v1/visitors:flagged").body, HasSubstr("\"visitors\":[]"));
}

}  // namespace
}  // namespace vitrine::integration
