// Users from outside: described, merged, with and without consent, counted and bounded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Users : public testing::Test {
 protected:
  Users() : shop_(server_.create_shop("shop")) {
    for (const char* item : {"boot", "hat", "sock"}) {
      server_.put_item(shop_, item, R"({"title":"x","price":1})");
    }
  }
  Answer ask(std::string_view method, std::string_view path, std::string body = {}) {
    return server_.call({std::string(method), "/v1/users" + std::string(path), shop_.secret, body});
  }
  // An event of anybody; the version that shows it.
  std::string happens(const std::string& user, const std::string& item,
                      const std::string& context = "{}") {
    ++events_;
    const auto taken = server_.post(
        "/v1/events", shop_.publishable,
        "{\"event_id\":\"e" + std::to_string(events_) + "\",\"event_time\":" +
            std::to_string(start_s_ + events_) + ",\"type\":\"detail-page-view\",\"user\":" + user +
            ",\"items\":[{\"item_id\":\"" + item + "\"}],\"context\":" + context + "}");
    EXPECT_EQ(taken.status, 202) << taken.body;
    return text_at(taken.body, "/profile_version");
  }
  std::vector<std::string> recent(const std::string& user, const std::string& version) {
    const auto answer =
        server_.post("/v1/recommend/recently-viewed", shop_.publishable,
                     "{\"user\":" + user + ",\"min_profile_version\":\"" + version + "\"}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return item_ids(answer.body);
  }

  TestServer server_;
  Shop shop_;
  // A second between events: of one millisecond the order would be another question.
  const TimeUs start_s_ = system_clock().wall_us() / kSecondUs - 3600;
  int events_ = 0;
};

const std::string kAda = R"({"user_id":"ada"})";
const std::string kPhone = R"({"anonymous_id":"phone"})";
const std::string kBoth = R"({"user_id":"ada","anonymous_id":"phone"})";

TEST_F(Users, AreDescribedPatchedListedAndForgotten) {
  EXPECT_EQ(ask("GET", "/ada").status, 404);
  auto put = ask("PUT", "/ada", R"({"attributes":{"country":"DE","points":5}})");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_TRUE(has(put.body, "/profile_version"));
  EXPECT_EQ(ask("PATCH", "/ada", R"({"attributes":{"points":null,"vip":true}})").status, 200);
  auto got = ask("GET", "/ada");
  EXPECT_EQ(text_at(got.body, "/attributes/country"), "DE");
  EXPECT_FALSE(has(got.body, "/attributes/points"));
  // What GET gives can be PUT back.
  EXPECT_EQ(ask("PUT", "/ada", got.body).status, 200);
  EXPECT_EQ(text_at(ask("GET", "/ada").body, "/attributes/country"), "DE");
  expect_problem(ask("PATCH", "/bob", R"({"attributes":{}})"), 404, "user_not_found");
  expect_problem(ask("PUT", "/ada", R"({"attributes":{"country":7}})"), 409, "type_conflict");
  expect_problem(ask("PUT", "/ada", R"({"country":"DE"})"), 400, "invalid_user");
  EXPECT_EQ(ask("DELETE", "/ada").status, 200);
  EXPECT_EQ(ask("GET", "/ada").status, 404);
  expect_problem(ask("DELETE", "/bob"), 404, "user_not_found");
}

TEST_F(Users, ComeInThousandsAndAreListedPageByPage) {
  std::string lines;
  for (int i = 0; i < 250; ++i) {
    lines += "{\"user_id\":\"u" + std::to_string(i) +
             "\",\"attributes\":{\"n\":" + std::to_string(i) + "}}\n\n";
  }
  lines += "{\"user_id\":\"\"}\n{\"user_id\":\"x\",\"attributes\":{\"n\":\"text\"}}\n";
  const auto taken = server_.post("/v1/users:import", shop_.secret, lines, "application/x-ndjson");
  ASSERT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(number_at(taken.body, "/accepted"), 250);
  EXPECT_EQ(number_at(taken.body, "/rejected/0/index"), 250);
  EXPECT_EQ(text_at(taken.body, "/rejected/0/code"), "invalid_user");
  EXPECT_EQ(text_at(taken.body, "/rejected/1/code"), "type_conflict");
  int seen = 0;
  std::string cursor;
  do {
    const auto page = ask("GET", "?limit=100&cursor=" + cursor);
    ASSERT_EQ(page.status, 200) << page.body;
    for (int i = 0; has(page.body, "/users/" + std::to_string(i)); ++i) {
      EXPECT_EQ(text_at(page.body, "/users/" + std::to_string(i) + "/user_id"),
                "u" + std::to_string(seen++));
    }
    cursor = page.body.find("\"next_cursor\":null") == std::string::npos
                 ? text_at(page.body, "/next_cursor")
                 : "";
  } while (!cursor.empty());
  EXPECT_EQ(seen, 250);
  expect_problem(ask("GET", "?limit=0"), 400);
}

TEST_F(Users, AVisitorWhoSignsInKeepsTheHistory) {
  happens(kPhone, "boot");
  happens(kAda, "hat");
  const auto both = happens(kBoth, "sock");
  EXPECT_THAT(recent(kAda, both), ElementsAre("sock", "hat", "boot"));
  EXPECT_THAT(recent(kPhone, both), ElementsAre("sock", "hat", "boot"));
  EXPECT_THAT(recent(kBoth, both), ElementsAre("sock", "hat", "boot"));
  // Another user of the same device sees nothing of it.
  EXPECT_THAT(recent(R"({"user_id":"bob","anonymous_id":"phone"})", both), IsEmpty());
}

TEST_F(Users, MergedByRequestOnceAndForGood) {
  happens(kPhone, "boot");
  EXPECT_EQ(ask("POST", "/ada:merge", R"({"anonymous_id":"phone"})").status, 200);
  const auto again = ask("POST", "/ada:merge", R"({"anonymous_id":"phone"})");
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_THAT(recent(kAda, text_at(again.body, "/profile_version")), ElementsAre("boot"));
  EXPECT_EQ(number_at(ask("GET", "/ada").body, "/activity/events"), 1);
  expect_problem(ask("POST", "/bob:merge", R"({"anonymous_id":"phone"})"), 409, "merged_elsewhere");
  expect_problem(ask("POST", "/bob:merge", R"({"anonymous":"phone"})"), 400, "invalid_user");
  const auto before = server_.digests();
  server_.restart();
  EXPECT_EQ(server_.digests(), before);
  EXPECT_THAT(recent(kAda, text_at(again.body, "/profile_version")), ElementsAre("boot"));
}

TEST_F(Users, WithoutConsentNothingIsPersonal) {
  const auto seen = happens(kAda, "boot");
  EXPECT_THAT(recent(kAda, seen), ElementsAre("boot"));
  const auto denied = ask("PATCH", "/ada/consents", R"({"personalization":false})");
  ASSERT_EQ(denied.status, 200) << denied.body;
  EXPECT_THAT(recent(kAda, text_at(denied.body, "/profile_version")), IsEmpty());
  happens(kAda, "hat");
  const auto consents = ask("GET", "/ada/consents");
  EXPECT_THAT(consents.body, HasSubstr(R"("consents":{"personalization":false})"));
  const auto granted = happens(kAda, "sock", R"({"consent":{"personalization":true}})");
  EXPECT_THAT(recent(kAda, granted), ElementsAre("sock", "boot"));
  expect_problem(ask("PATCH", "/ada/consents", R"({"ads":true})"), 400, "invalid_user");
}

TEST(UserQuota, BoundsWhoIsToldApart) {
  TestServer server;
  const Shop shop =
      server.create_shop("small", R"({"events_per_s":0,"requests_per_s":0,"users_max":2})");
  server.put_item(shop, "item", R"({"title":"x","price":1})");
  const auto put = [&](const std::string& id) {
    return server.call({"PUT", "/v1/users/" + id, shop.secret, "{}"});
  };
  EXPECT_EQ(put("a").status, 200);
  ASSERT_EQ(server.post("/v1/events", shop.publishable, view_event("1", "b", "item")).status, 202);
  EXPECT_EQ(put("b").status, 200);
  expect_problem(put("c"), 409, "users_limit");
  EXPECT_EQ(put("a").status, 200);
  // Events of who is known go on; of others they are rejected one by one.
  const auto mixed = server.post("/v1/events", shop.publishable,
                                 batch({view_event("2", "a", "item"), view_event("3", "c", "item"),
                                        view_event("4", "b", "item")}));
  ASSERT_EQ(mixed.status, 202) << mixed.body;
  EXPECT_EQ(number_at(mixed.body, "/accepted"), 2);
  EXPECT_EQ(number_at(mixed.body, "/rejected/0/index"), 1);
  EXPECT_EQ(text_at(mixed.body, "/rejected/0/code"), "users_limit");
  expect_problem(server.post("/v1/events", shop.publishable, view_event("5", "d", "item")), 400,
                 "users_limit");
}

}  // namespace
}  // namespace vitrine::integration
