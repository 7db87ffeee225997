// What Segment's client libraries send, as recorded from them, and what they get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/gzip.h"
#include "platform/codec/time_format.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Segment : public testing::Test {
 protected:
  Segment() : shop_(server_.create_shop("shop")) {
    for (const char* id : {"a", "b", "c"}) server_.put_item(shop_, id, R"({"title":"T"})");
  }
  // With the headers of the Node library.
  Answer post(std::string_view target, std::string_view body, std::string_view authorization,
              std::string_view encoding = {}) {
    std::vector<net::Header> headers = {{"Content-Type", "application/json"},
                                        {"User-Agent", "analytics-node/6.2.0"}};
    if (!authorization.empty()) headers.push_back({"Authorization", authorization});
    if (!encoding.empty()) headers.push_back({"Content-Encoding", encoding});
    auto answer = client_.request("POST", target, headers, body);
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    return answer.ok() ? std::move(answer).value() : Answer{};
  }
  // "KEY:" in base 64, as a user without password.
  static std::string basic(std::string_view key) {
    static constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::string text = std::string(key) + ":";
    std::string out = "Basic ";
    for (std::size_t i = 0; i < text.size(); i += 3) {
      std::uint32_t bits = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0);
      }
      for (std::size_t k = 0; k < 4; ++k) {
        out += i + k > text.size() ? '=' : kDigits[bits >> (18 - 6 * k) & 63];
      }
    }
    return out;
  }
  static std::string now() { return codec::format_rfc3339(system_clock().wall_us()); }
  std::string viewed(std::string_view id, std::string_view item, std::string_view more = {}) {
    return "{\"messageId\":\"" + std::string(id) +
           R"(","type":"track","event":"Product Viewed","userId":"u","properties":{"product_id":")" +
           std::string(item) + "\"}" + std::string(more) + "}";
  }
  std::vector<std::string> seen() {
    // A later write's version covers the earlier ones.
    const auto marker = server_.post(
        "/v1/events", shop_.secret,
        event("marker" + std::to_string(++markers_), "home-page-view", "somebody", "a"));
    return recently_viewed(server_, shop_, "u", text_at(marker.body, "/profile_version"));
  }

  TestServer server_;
  Shop shop_;
  net::Client client_ = server_.client();
  int markers_ = 0;
};

TEST_F(Segment, ABatchOfTheNodeLibraryIsTaken) {
  const std::string time = now();
  const std::string context =
      R"(,"integrations":{},"context":{"library":{"name":"@segment/analytics-node","version":"2.2.0"}},"_metadata":{"nodeVersion":"20.1.0","jsRuntime":"node"},"timestamp":")" +
      time + "\"";
  const std::string body =
      R"({"batch":[{"messageId":"node-next-1","type":"identify","userId":"u","traits":{"plan":"gold"})" +
      context + "}," + viewed("node-next-2", "a", context) + "," +
      viewed("node-next-3", "b", context) +
      R"(,{"messageId":"node-next-4","type":"page","userId":"u","name":"Home","properties":{})" +
      context + R"(},{"messageId":"node-next-5","type":"track","userId":"u","event":"Signed Up")" +
      context +
      R"(},{"messageId":"node-next-6","type":"track","userId":"u","event":"Order Completed",)"
      R"("properties":{"order_id":"o","total":19.5,"currency":"EUR","products":[{"product_id":"c","price":19.5,"quantity":1}]})" +
      context + R"(}],"writeKey":"ignored","sentAt":")" + time + "\"}";
  const auto answer = post("/v1/batch", body, basic(shop_.publishable));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(has(answer.body, "/success"));
  EXPECT_EQ(number_at(answer.body, "/accepted"), 4);
  EXPECT_EQ(number_at(answer.body, "/ignored/0/index"), 0);
  EXPECT_EQ(number_at(answer.body, "/ignored/1/index"), 4);
  EXPECT_THAT(text_at(answer.body, "/ignored/1/detail"), HasSubstr("'signed-up'"));
  EXPECT_THAT(seen(), ElementsAre("c", "b", "a"));

  const auto again = post("/v1/batch", body, basic(shop_.publishable));
  EXPECT_EQ(number_at(again.body, "/accepted"), 0);
  EXPECT_EQ(number_at(again.body, "/duplicates"), 4);
}

TEST_F(Segment, AWrongMessageOfABatchCostsOnlyItselfAndIsNamedByItsPlace) {
  const auto answer = post(
      "/v1/batch",
      R"({"batch":[{"type":"identify"},)" + viewed("1", "a") +
          R"(,{"type":"track","messageId":"2","event":"Product Viewed","userId":"u","properties":{}},)" +
          viewed("3", "b", R"(,"timestamp":"soon")") + "]}",
      basic(shop_.publishable));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/accepted"), 1);
  EXPECT_EQ(number_at(answer.body, "/rejected/0/index"), 2);
  EXPECT_EQ(text_at(answer.body, "/rejected/0/code"), "missing_field");
  EXPECT_EQ(number_at(answer.body, "/rejected/1/index"), 3);
  EXPECT_EQ(text_at(answer.body, "/rejected/1/code"), "invalid_time");
}

TEST_F(Segment, AMessageByItselfIsTakenOrRefused) {
  EXPECT_EQ(post("/v1/track", viewed("1", "a"), basic(shop_.secret)).status, 200);
  EXPECT_EQ(post("/v1/page", R"({"userId":"u","name":"Home"})", basic(shop_.secret)).status, 200);
  EXPECT_EQ(post("/v1/identify", R"({"userId":"u"})", basic(shop_.secret)).status, 200);
  expect_problem(
      post("/v1/track", R"({"event":"Product Viewed","userId":"u"})", basic(shop_.secret)), 400,
      "missing_field");
  expect_problem(post("/v1/track", "{", basic(shop_.secret)), 400, "invalid_json");
  expect_problem(post("/v1/batch", "{}", basic(shop_.secret)), 400, "invalid_request");
}

TEST_F(Segment, PeopleOfABatchAreDescribedAndMergedInItsOrder) {
  const std::string body =
      R"({"batch":[{"type":"track","messageId":"1","event":"Product Viewed","anonymousId":"v","properties":{"product_id":"a"}},)"
      R"({"type":"identify","userId":"u","anonymousId":"v","traits":{"plan":"gold","firstName":"Ann"}},)" +
      viewed("2", "b") +
      R"(,{"type":"alias","userId":"u","previousId":"tv"},{"type":"group","userId":"u","groupId":"g"},)"
      R"({"type":"identify","userId":"u","traits":{"plan":null}},{"type":"alias","userId":"u"},)" +
      viewed("3", "c") + "]}";
  for (const bool again : {false, true}) {
    const auto answer = post("/v1/batch", body, basic(shop_.secret));
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(number_at(answer.body, "/accepted"), again ? 4 : 7) << answer.body;
    EXPECT_EQ(number_at(answer.body, "/duplicates"), again ? 3 : 0);
    EXPECT_EQ(number_at(answer.body, "/rejected/0/index"), 6);
    EXPECT_EQ(text_at(answer.body, "/rejected/0/code"), "invalid_user");
    const auto user = server_.call({"GET", "/v1/users/u", shop_.secret, ""});
    EXPECT_EQ(text_at(user.body, "/attributes/first_name"), "Ann") << user.body;
    EXPECT_EQ(text_at(user.body, "/attributes/group"), "g");
    EXPECT_FALSE(has(user.body, "/attributes/plan"));
    EXPECT_EQ(number_at(user.body, "/activity/events"), 3) << "the visitor's is the user's";
    EXPECT_THAT(seen(), ElementsAre("c", "b", "a"));
  }
}

TEST_F(Segment, WhatAUserDeniesBeforeAnEventOfTheBatchHoldsForIt) {
  const std::string body =
      "{\"batch\":[" + viewed("1", "a") +
      R"(,{"type":"identify","userId":"u","context":{"consent":{"personalization":false}}},)" +
      viewed("2", "b") +
      R"(,{"type":"identify","userId":"u","context":{"consent":{"personalization":true}}},)" +
      viewed("3", "c") + "]}";
  const auto answer = post("/v1/batch", body, basic(shop_.secret));
  EXPECT_EQ(number_at(answer.body, "/accepted"), 5) << answer.body;
  EXPECT_THAT(seen(), ElementsAre("c", "a"));
}

TEST_F(Segment, ABrowsersKeyTiesVisitorsToUsersAndDescribesNobody) {
  post("/v1/track",
       R"({"event":"Product Viewed","anonymousId":"v","properties":{"product_id":"a"}})",
       basic(shop_.publishable));
  const auto answer =
      post("/v1/identify", R"({"userId":"u","anonymousId":"v","traits":{"plan":"gold"}})",
           basic(shop_.publishable));
  EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << answer.body;
  EXPECT_THAT(text_at(answer.body, "/ignored/0/detail"), HasSubstr("secret key"));
  const auto user = server_.call({"GET", "/v1/users/u", shop_.secret, ""});
  EXPECT_FALSE(has(user.body, "/attributes/plan")) << user.body;
  EXPECT_THAT(seen(), ElementsAre("a"));
}

TEST_F(Segment, APersonThatCanNotBeTakenIsRefusedAlone) {
  EXPECT_EQ(
      post("/v1/identify", R"({"userId":"u","traits":{"points":1}})", basic(shop_.secret)).status,
      200);
  expect_problem(
      post("/v1/identify", R"({"userId":"u","traits":{"points":"x"}})", basic(shop_.secret)), 409,
      "type_conflict");
  expect_problem(post("/v1/alias", R"({"userId":"u"})", basic(shop_.secret)), 400, "invalid_user");
  EXPECT_EQ(post("/v1/alias", R"({"userId":"u","previousId":"v"})", basic(shop_.secret)).status,
            200);
  expect_problem(post("/v1/alias", R"({"userId":"w","previousId":"v"})", basic(shop_.secret)), 409,
                 "merged_elsewhere");
  // As with an event that carries both: the visitor stays who it was.
  EXPECT_EQ(post("/v1/identify", R"({"userId":"w","anonymousId":"v"})", basic(shop_.secret)).status,
            200);
  server_.call(
      {"PATCH", "/v1/admin/tenants/shop", server_.admin_key(), R"({"quotas":{"users_max":2}})"});
  const auto answer = post(
      "/v1/batch",
      R"({"batch":[{"type":"identify","userId":"new","traits":{"points":1}},{"type":"identify","userId":"u","traits":{"points":2}}]})",
      basic(shop_.secret));
  EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << answer.body;
  EXPECT_EQ(text_at(answer.body, "/rejected/0/code"), "users_limit");
}

TEST_F(Segment, GzipIsUnpacked) {
  const std::string packed = codec::gzip("{\"batch\":[" + viewed("1", "a") + "]}");
  const auto answer = post("/v1/batch", packed, basic(shop_.publishable), "gzip");
  EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << answer.body;
  expect_problem(post("/v1/batch", packed.substr(0, 20), basic(shop_.publishable), "gzip"), 400,
                 "invalid_gzip");
  expect_problem(post("/v1/batch", packed, basic(shop_.publishable), "br"), 415,
                 "unsupported_encoding");
}

TEST_F(Segment, TheWriteKeyComesAsUserAsTokenOrInTheBody) {
  EXPECT_EQ(post("/v1/track", viewed("1", "a"), "Bearer " + shop_.publishable).status, 200);
  EXPECT_EQ(post("/v1/track", viewed("2", "a", ",\"writeKey\":" + json_text(shop_.publishable)), "")
                .status,
            200);
  expect_problem(
      post("/v1/track", viewed("3", "a", ",\"writeKey\":" + json_text(shop_.secret)), ""), 403,
      "secret_exposed");
  expect_problem(post("/v1/track", viewed("4", "a"), ""), 401, "credential_missing");
  expect_problem(post("/v1/track", viewed("4", "a"), basic("nonsense")), 401, "key_malformed");
  for (const char* broken : {"Basic", "Basic ", "Basic !!!!", "Basic Zm9v", "basic Og=="}) {
    expect_problem(post("/v1/track", viewed("4", "a"), broken), 401);
  }
  // Elsewhere Basic authentication is no way in.
  expect_problem(post("/v1/events", view_event("5", "u", "a"), basic(shop_.publishable)), 401,
                 "credential_malformed");
}

TEST_F(Segment, ADeclaredTypeIsKeptUnderItsName) {
  server_.call({"PATCH", "/v1/admin/tenants/shop", server_.admin_key(),
                R"({"event_types":["checkout-started"]})"});
  const auto answer =
      post("/v1/track", R"({"event":"Checkout Started","userId":"u","properties":{"step":1}})",
           basic(shop_.publishable));
  EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << answer.body;
}

TEST_F(Segment, HistoryNeedsASecretKey) {
  const std::string old = viewed("old", "a", R"(,"timestamp":"2020-01-01T00:00:00Z")");
  expect_problem(post("/v1/track", old, basic(shop_.publishable)), 400, "time_too_old");
  EXPECT_EQ(post("/v1/track", old, basic(shop_.secret)).status, 200);
}

}  // namespace
}  // namespace vitrine::integration
