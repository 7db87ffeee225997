// What Gorse's client libraries send, as recorded from them, and what they get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "platform/codec/time_format.h"
#include "platform/net/url.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class Gorse : public testing::Test {
 protected:
  Gorse() : shop_(server_.create_shop("shop")) {}

  Answer send(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view key = {}) {
    std::vector<net::Header> headers = {
        {"X-API-Key", key.empty() ? std::string_view(shop_.secret) : key},
        {"Accept", "application/json, text/plain, */*"}};
    if (!body.empty()) headers.push_back({"Content-Type", "application/json"});
    auto answer = client_.request(method, target, headers, body);
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    return answer.ok() ? std::move(answer).value() : Answer{};
  }
  // The strings of an array, or the Id of each of its objects.
  static std::vector<std::string> ids(const Answer& answer) {
    codec::JsonParser parser;
    const auto parsed = parser.parse(answer.body);
    std::vector<std::string> out;
    simdjson::dom::array list;
    if (!parsed.ok() || parsed->get(list) != simdjson::SUCCESS) {
      ADD_FAILURE() << answer.status << " " << answer.body;
      return out;
    }
    for (const auto entry : list) {
      std::string_view id;
      if (entry.get(id) != simdjson::SUCCESS) {
        EXPECT_EQ(entry["Id"].get(id), simdjson::SUCCESS) << answer.body;
        EXPECT_TRUE(entry["Score"].is_number()) << answer.body;
      }
      out.emplace_back(id);
    }
    return out;
  }
  void item(const std::string& id, const std::string& category, const std::string& time) {
    const auto answer =
        send("POST", "/api/item",
             "{\"ItemId\":\"" + id + R"(","IsHidden":false,"Categories":[")" + category +
                 R"("],"Labels":["l"],"Comment":"c","Timestamp":")" + time + "\"}");
    ASSERT_EQ(answer.body, R"({"RowAffected":1})");
  }
  void shop_of_six() {
    for (int i = 0; i < 6; ++i) {
      item("i" + std::to_string(i), i % 2 == 0 ? "even" : "odd",
           "2026-01-0" + std::to_string(i + 1) + "T00:00:00Z");
    }
  }
  std::string feedback(const std::string& type, const std::string& user, const std::string& id) {
    return "{\"FeedbackType\":\"" + type + R"(","UserId":")" + user + R"(","ItemId":")" + id +
           R"(","Timestamp":"2026-11-20T10:00:00.000Z"})";
  }

  TestServer server_;
  Shop shop_;
  net::Client client_ = server_.client();
};

TEST_F(Gorse, ItemsAreWrittenReadListedChangedAndDeleted) {
  const std::string one =
      R"({"ItemId":"a","IsHidden":false,"Categories":["x"],"Timestamp":"2026-01-01T00:00:00Z","Labels":["l"],"Comment":"c"})";
  EXPECT_EQ(send("POST", "/api/item", one).body, R"({"RowAffected":1})");
  EXPECT_EQ(send("GET", "/api/item/a").body, one);
  EXPECT_EQ(send("POST", "/api/items", R"([{"ItemId":"b"},{"ItemId":"c"}])").body,
            R"({"RowAffected":2})");
  auto page = send("GET", "/api/items?n=2");
  EXPECT_EQ(text_at(page.body, "/Items/1/ItemId"), "b");
  const std::string cursor = text_at(page.body, "/Cursor");
  EXPECT_FALSE(cursor.empty());
  page = send("GET", "/api/items?n=2&cursor=" + cursor);
  EXPECT_EQ(text_at(page.body, "/Items/0/ItemId"), "c");
  EXPECT_EQ(text_at(page.body, "/Cursor"), "");
  EXPECT_EQ(send("PATCH", "/api/item/a", R"({"Comment":"new","IsHidden":true})").body,
            R"({"RowAffected":1})");
  EXPECT_EQ(text_at(send("GET", "/api/item/a").body, "/Comment"), "new");
  EXPECT_TRUE(has(send("GET", "/api/item/a").body, "/IsHidden"));
  EXPECT_EQ(send("DELETE", "/api/item/a").body, R"({"RowAffected":1})");
  expect_problem(send("GET", "/api/item/a"), 404, "item_not_found");
  expect_problem(send("DELETE", "/api/item/a"), 404, "item_not_found");
  expect_problem(send("PATCH", "/api/item/a", R"({"Comment":"x"})"), 404, "item_not_found");
  expect_problem(send("POST", "/api/items", R"([{"ItemId":"d"},{"ItemId":""}])"), 400,
                 "invalid_item");
  expect_problem(send("GET", "/api/item/d"), 404, "item_not_found");
}

TEST_F(Gorse, FeedbackCountsOnceAndSteersWhatIsRecommended) {
  shop_of_six();
  std::string many = "[";
  for (int user = 0; user < 5; ++user) {
    for (const char* id : {"i0", "i2"}) {
      many += feedback("star", "user" + std::to_string(user), id) + ",";
    }
  }
  many += R"({"FeedbackType":"read","UserId":"bob","ItemId":"i0","Timestamp":")" +
          codec::format_rfc3339(system_clock().wall_us()) + "\"}]";
  EXPECT_EQ(send("POST", "/api/feedback", many).body, R"({"RowAffected":11})");
  EXPECT_EQ(send("PUT", "/api/feedback", many).body, R"({"RowAffected":11})");
  // Anything that waits for the applier shows the feedback before it.
  item("i6", "even", "2025-01-01T00:00:00Z");
  const auto for_bob = ids(send("GET", "/api/recommend/bob/?n=3"));
  ASSERT_FALSE(for_bob.empty());
  EXPECT_EQ(for_bob.front(), "i2") << "what others starred together with what bob read";
  EXPECT_THAT(for_bob, Not(Contains("i0")));
  EXPECT_EQ(ids(send("GET", "/api/popular/?n=2")).size(), 2u);
  EXPECT_THAT(ids(send("GET", "/api/item/i0/neighbors/?n=1")), ElementsAre("i2"));
  EXPECT_EQ(text_at(send("GET", "/api/user/bob").body, "/UserId"), "bob");
  expect_problem(send("GET", "/api/user/nobody"), 404, "user_not_found");
}

TEST_F(Gorse, AnswersKeepToCategoryNumberAndOffset) {
  shop_of_six();
  for (const char* path : {"/api/popular/odd", "/api/latest/odd", "/api/recommend/bob/odd",
                           "/api/item/i0/neighbors/odd"}) {
    const auto shown = ids(send("GET", std::string(path) + "?n=100"));
    EXPECT_THAT(shown, testing::UnorderedElementsAre("i1", "i3", "i5")) << path;
  }
  EXPECT_THAT(ids(send("GET", "/api/popular/" + net::percent_encode("no \"such\" \\ one"))),
              IsEmpty());
  EXPECT_THAT(ids(send("GET", "/api/latest?n=2")), ElementsAre("i5", "i4"));
  EXPECT_THAT(ids(send("GET", "/api/latest?n=2&offset=1")), ElementsAre("i4", "i3"));
  EXPECT_THAT(ids(send("GET", "/api/latest?n=2&offset=50")), IsEmpty());
  const auto all = ids(send("GET", "/api/recommend/bob?n=6"));
  const auto rest = ids(send("GET", "/api/recommend/bob?n=4&offset=2"));
  EXPECT_EQ(rest, std::vector<std::string>(all.begin() + 2, all.end()));
  for (const char* bad : {"?n=0", "?n=101", "?n=x", "?n=60&offset=60", "?offset=-1"}) {
    expect_problem(send("GET", std::string("/api/popular") + bad), 400, "invalid_argument");
  }
}

TEST_F(Gorse, AHiddenItemIsNeverShown) {
  shop_of_six();
  send("PATCH", "/api/item/i5", R"({"IsHidden":true})");
  for (const char* path : {"/api/popular", "/api/latest", "/api/recommend/bob"}) {
    EXPECT_THAT(ids(send("GET", std::string(path) + "?n=100")), Not(Contains("i5"))) << path;
  }
  send("PATCH", "/api/item/i5", R"({"IsHidden":false})");
  EXPECT_THAT(ids(send("GET", "/api/latest?n=1")), ElementsAre("i5"));
}

TEST_F(Gorse, ScoresComeWithTheSecondVersion) {
  shop_of_six();
  const net::Header headers[] = {{"X-API-Key", shop_.publishable}, {"X-API-Version", "2"}};
  const auto answer = client_.request("GET", "/api/recommend/bob?n=1", headers);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(has(answer->body, "/0/Score")) << answer->body;
}

TEST_F(Gorse, WhatIsWrittenBackIsAnImpressionAndNoInterest) {
  shop_of_six();
  const auto shown =
      ids(send("GET", "/api/recommend/bob?n=2&write-back-type=read&write-back-delay=10m"));
  EXPECT_EQ(shown.size(), 2u);
  item("i6", "even", "2025-01-01T00:00:00Z");
  EXPECT_EQ(send("GET", "/api/user/bob").status, 200) << "the impression is bob's";
  const auto history = server_.post("/v1/recommend/recently-viewed", shop_.publishable,
                                    R"({"user":{"user_id":"bob"}})");
  EXPECT_THAT(item_ids(history.body), IsEmpty());
}

TEST_F(Gorse, WrongFeedbackIsNamedAndTheRestIsTaken) {
  const auto answer = send("POST", "/api/feedback",
                           "[" + feedback("read", "u", "a") + "," + feedback("dance", "u", "a") +
                               "," + feedback("star", "u", "a") + ",7]");
  expect_problem(answer, 400, "unknown_type");
  EXPECT_THAT(text_at(answer.body, "/detail"), testing::StartsWith("[1]: "));
  EXPECT_THAT(text_at(answer.body, "/detail"), testing::HasSubstr("2 of 4 are wrong"));
  EXPECT_EQ(send("POST", "/api/feedback",
                 "[" + feedback("read", "u", "a") + "," + feedback("star", "u", "a") + "]")
                .body,
            R"({"RowAffected":2})");
  expect_problem(send("POST", "/api/feedback", "nonsense"), 400, "invalid_json");
}

TEST_F(Gorse, APublishableKeySendsLiveFeedbackAndAsksButWritesNoItem) {
  const std::string now = codec::format_rfc3339(system_clock().wall_us());
  EXPECT_EQ(
      send("PUT", "/api/feedback",
           R"([{"FeedbackType":"read","UserId":"u","ItemId":"a","Timestamp":")" + now + "\"}]",
           shop_.publishable)
          .status,
      200);
  expect_problem(
      send("PUT", "/api/feedback",
           R"([{"FeedbackType":"read","UserId":"u","ItemId":"a","Timestamp":"2020-01-01"}])",
           shop_.publishable),
      400, "time_too_old");
  EXPECT_EQ(send("GET", "/api/recommend/u", {}, shop_.publishable).status, 200);
  expect_problem(send("POST", "/api/item", R"({"ItemId":"a"})", shop_.publishable), 403,
                 "right_missing");
}

TEST_F(Gorse, UsersAreWrittenReadListedAndChanged) {
  const std::string one =
      R"({"UserId":"bob","Labels":{"Shoe Size":43},"Subscribe":["news"],"Comment":"c"})";
  EXPECT_EQ(send("POST", "/api/user", one).body, R"({"RowAffected":1})");
  EXPECT_EQ(send("POST", "/api/user", one).body, R"({"RowAffected":1})");
  EXPECT_EQ(send("GET", "/api/user/bob").body, one);
  EXPECT_EQ(send("POST", "/api/users", R"([{"UserId":"ann"},{"UserId":"cem"}])").body,
            R"({"RowAffected":2})");
  auto page = send("GET", "/api/users?n=2");
  EXPECT_EQ(text_at(page.body, "/Users/0/UserId"), "bob");
  EXPECT_EQ(text_at(page.body, "/Users/1/UserId"), "ann");
  page = send("GET", "/api/users?n=2&cursor=" + text_at(page.body, "/Cursor"));
  EXPECT_EQ(text_at(page.body, "/Users/0/UserId"), "cem");
  EXPECT_EQ(text_at(page.body, "/Cursor"), "");
  expect_problem(send("GET", "/api/users?n=0"), 400, "invalid_argument");

  EXPECT_EQ(send("PATCH", "/api/user/bob", R"({"Labels":["a"],"Comment":""})").body,
            R"({"RowAffected":1})");
  EXPECT_EQ(send("GET", "/api/user/bob").body,
            R"({"UserId":"bob","Labels":["a"],"Subscribe":["news"],"Comment":""})");
  EXPECT_EQ(send("PATCH", "/api/user/dan", R"({"Comment":"new"})").body, R"({"RowAffected":1})");
  EXPECT_EQ(text_at(send("GET", "/api/user/dan").body, "/Comment"), "new");
  // The same user, by Vitrine's own route.
  const auto user = server_.call({"GET", "/v1/users/bob", shop_.secret, ""});
  EXPECT_EQ(text_at(user.body, "/attributes/labels/0"), "a") << user.body;

  EXPECT_EQ(send("POST", "/api/users", "[]").body, R"({"RowAffected":0})");
  expect_problem(send("POST", "/api/user", "{"), 400, "invalid_json");
  expect_problem(send("POST", "/api/users", R"([{"UserId":"eve"},{"Labels":["x"]}])"), 400,
                 "invalid_user");
  expect_problem(send("GET", "/api/user/eve"), 404, "user_not_found");
  expect_problem(send("POST", "/api/user", R"({"UserId":"eve"})", shop_.publishable), 403,
                 "right_missing");
}

TEST_F(Gorse, ADeletedUserIsForgottenWithItsFeedback) {
  shop_of_six();
  EXPECT_EQ(send("POST", "/api/user", R"({"UserId":"bob"})").status, 200);
  EXPECT_EQ(send("PUT", "/api/feedback", "[" + feedback("read", "bob", "i0") + "]").status, 200);
  EXPECT_EQ(send("DELETE", "/api/user/bob").body, R"({"RowAffected":1})");
  expect_problem(send("GET", "/api/user/bob"), 404, "user_not_found");
  EXPECT_THAT(recently_viewed(server_, shop_, "bob", ""), IsEmpty());
  expect_problem(send("DELETE", "/api/user/nobody"), 404, "user_not_found");
}

}  // namespace
}  // namespace vitrine::integration
