// What pages in browsers do: ask before (CORS), send beacons, read answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kShop = "https://shop.example";

class Browser : public testing::Test {
 protected:
  Browser() : shop_(server_.create_shop("shop")) {}

  // As fetch() of a page of `origin` sends it.
  Answer fetch(std::string_view origin, std::string_view target, std::string_view key,
               std::string_view body) {
    const std::string authorization = "Bearer " + std::string(key);
    const net::Header headers[] = {
        {"Origin", origin}, {"Authorization", authorization}, {"Content-Type", "application/json"}};
    return value(client_.request("POST", target, headers, body));
  }
  // As navigator.sendBeacon() of a page of `origin` sends a string.
  Answer beacon(std::string_view target, std::string_view body, std::string_view origin = kShop) {
    const net::Header headers[] = {{"Origin", origin},
                                   {"Content-Type", "text/plain;charset=UTF-8"}};
    return value(client_.request("POST", target, headers, body));
  }
  void allow(const std::string& origins) {
    const auto answer = server_.call({"PATCH", "/v1/admin/tenants/shop", server_.admin_key(),
                                      "{\"allowed_origins\":" + origins + "}"});
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("\"allowed_origins\":" + origins));
  }
  static Answer value(Result<net::ClientResponse> answer) {
    EXPECT_TRUE(answer.ok()) << answer.error().to_string();
    return answer.ok() ? std::move(answer).value() : Answer{};
  }
  std::vector<std::string> seen_by(std::string_view user, const Answer& taken) {
    return recently_viewed(server_, shop_, user, text_at(taken.body, "/profile_version"));
  }
  void list(const std::string& id) {
    ASSERT_EQ(server_.put_item(shop_, id, R"({"title":"T"})").status, 200);
  }

  TestServer server_;
  Shop shop_;
  net::Client client_ = server_.client();
};

TEST_F(Browser, AnyPageMayReadAnAnswerUnlessTheTenantNamesItsOwn) {
  const auto answer = fetch(kShop, "/v1/recommend/popular", shop_.publishable, "{}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
  EXPECT_EQ(answer.header("vary"), "");

  allow(R"(["https://shop.example"])");
  const auto own = fetch(kShop, "/v1/recommend/popular", shop_.publishable, "{}");
  EXPECT_EQ(own.status, 200);
  EXPECT_EQ(own.header("access-control-allow-origin"), kShop);
  EXPECT_EQ(own.header("vary"), "Origin");
  for (const char* other : {"https://other.example", "http://shop.example", "null",
                            "https://shop.example:8443", "https://shop.example.evil.example"}) {
    const auto refused = fetch(other, "/v1/recommend/popular", shop_.publishable, "{}");
    expect_problem(refused, 403, "origin_not_allowed");
  }
  allow("[]");
  EXPECT_EQ(fetch("https://other.example", "/v1/recommend/popular", shop_.publishable, "{}").status,
            200);
}

TEST_F(Browser, AServerThatSendsNoOriginIsNotAsked) {
  allow(R"(["https://shop.example"])");
  EXPECT_EQ(server_.post("/v1/recommend/popular", shop_.publishable, "{}").status, 200);
  EXPECT_EQ(server_.post("/v1/recommend/popular", shop_.publishable, "{}")
                .header("access-control-allow-origin"),
            "");
}

TEST_F(Browser, NoPageMayReadTheAnswerToASecretKey) {
  const auto answer = fetch(kShop, "/v1/recommend/popular", shop_.secret, "{}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "");
  EXPECT_EQ(
      fetch(kShop, "/v1/items:import", shop_.secret, "{}").header("access-control-allow-origin"),
      "");
}

TEST_F(Browser, ARefusalCanBeReadToo) {
  const auto answer = fetch(kShop, "/v1/recommend/popular", "vt_pub_nonsense", "{}");
  expect_problem(answer, 401);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
  const auto wrong = fetch(kShop, "/v1/recommend/popular", shop_.publishable, "{\"x\":1}");
  expect_problem(wrong, 400);
  EXPECT_EQ(wrong.header("access-control-allow-origin"), "*");
  EXPECT_THAT(std::string(wrong.header("access-control-expose-headers")), HasSubstr("Retry-After"));
}

TEST_F(Browser, ABeaconBringsItsKeyInTheUrlOrInItsBody) {
  list("a");
  list("b");
  list("c");
  auto taken = beacon("/v1/events?key=" + shop_.publishable, view_event("1", "u", "a"));
  ASSERT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(number_at(taken.body, "/accepted"), 1);
  taken =
      beacon("/v1/events", "{\"key\":" + json_text(shop_.publishable) + ",\"events\":[" +
                               view_event("2", "u", "b") + "," + view_event("2", "u", "b") + "]}");
  ASSERT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(number_at(taken.body, "/accepted"), 1);
  EXPECT_EQ(number_at(taken.body, "/duplicates"), 1);
  taken = beacon("/v1/events", "{\"events\":" + view_event("3", "u", "c") +
                                   ",\"key\":" + json_text(shop_.publishable) + "}");
  ASSERT_EQ(taken.status, 202) << taken.body;
  EXPECT_THAT(seen_by("u", taken), testing::ElementsAre("c", "b", "a"));
}

TEST_F(Browser, ABeaconOfAnotherPageIsRefused) {
  allow(R"(["https://shop.example"])");
  const std::string body = view_event("1", "u", "a");
  expect_problem(beacon("/v1/events?key=" + shop_.publishable, body, "https://other.example"), 403,
                 "origin_not_allowed");
  EXPECT_EQ(beacon("/v1/events?key=" + shop_.publishable, body).status, 202);
}

TEST_F(Browser, ASecretKeyIsNeverTakenFromAUrlOrABody) {
  const std::string body = view_event("1", "u", "a");
  std::string escaped = shop_.secret;
  escaped.replace(2, 1, "%5F");
  for (const std::string& query :
       {"?key=" + shop_.secret, "?key=" + escaped, "?x=1&api_key=" + shop_.secret,
        "?" + shop_.secret, "?key=" + server_.admin_key()}) {
    const auto answer = beacon("/v1/events" + query, body);
    expect_problem(answer, 403, "secret_exposed");
    EXPECT_THAT(answer.body, Not(HasSubstr(shop_.secret.substr(20))));
    // Also where a good key came as it should: the URL has leaked all the same.
    expect_problem(fetch(kShop, "/v1/events" + query, shop_.publishable, body), 403,
                   "secret_exposed");
  }
  expect_problem(
      beacon("/v1/events", "{\"key\":" + json_text(shop_.secret) + ",\"events\":[" + body + "]}"),
      403, "secret_exposed");
  const auto first = beacon("/v1/events?key=" + shop_.publishable, body);
  EXPECT_EQ(number_at(first.body, "/accepted"), 1) << "none of the refused ones was taken";
}

TEST_F(Browser, AnEnvelopeWithoutAGoodKeyIsRefusedAndALongOneNotEvenRead) {
  const std::string events = ",\"events\":[" + view_event("1", "u", "a") + "]}";
  expect_problem(beacon("/v1/events", view_event("1", "u", "a")), 401, "credential_missing");
  expect_problem(beacon("/v1/events", "{\"key\":7" + events), 401, "credential_missing");
  expect_problem(beacon("/v1/events", "{\"key\":\"vt_pub_x\"" + events), 401, "key_malformed");
  expect_problem(beacon("/v1/events", "{\"key\":" + json_text(shop_.publishable)), 401,
                 "credential_missing");
  expect_problem(beacon("/v1/events", "{\"key\":" + json_text(shop_.publishable) + "}"), 400);
  expect_problem(
      beacon("/v1/events", "{\"key\":" + json_text(shop_.publishable) + ",\"events\":\"none\"}"),
      400);
  expect_problem(beacon("/v1/events", "{\"key\":" + json_text(shop_.publishable) + ",\"pad\":\"" +
                                          std::string(70'000, 'x') + "\"" + events),
                 401, "credential_missing");
  expect_problem(beacon("/v1/items:import", "{\"key\":" + json_text(shop_.publishable) + "}"), 401,
                 "credential_missing");
}

TEST_F(Browser, TwoKeysThatDifferAreAmbiguousWhereverTheyCame) {
  const auto other = server_.create_shop("other");
  const auto answer = fetch(kShop, "/v1/events?key=" + other.publishable, shop_.publishable,
                            view_event("1", "u", "a"));
  expect_problem(answer, 401, "credential_ambiguous");
  EXPECT_EQ(fetch(kShop, "/v1/events?key=" + shop_.publishable, shop_.publishable,
                  view_event("1", "u", "a"))
                .status,
            202);
}

TEST_F(Browser, OptionsSayWhatAPathTakes) {
  auto answer = server_.call({"OPTIONS", "/v1/items/a", ""});
  EXPECT_EQ(answer.status, 204);
  for (const char* method : {"GET", "PUT", "PATCH", "DELETE"}) {
    EXPECT_THAT(std::string(answer.header("allow")), HasSubstr(method));
  }
  EXPECT_EQ(answer.header("access-control-allow-origin"), "");
  expect_problem(server_.call({"OPTIONS", "/v1/nothing", ""}), 404, "no_such_route");
}

}  // namespace
}  // namespace vitrine::integration
