// The shapes in which windows are asked for: a given list, many at once, page by page, a tenant's
// own placements.
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "platform/codec/time_format.h"
#include "tests/integration/answers.h"
#include "tests/integration/test_server.h"

namespace vitrine::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kItems = 60;

class Windows : public testing::Test {
 protected:
  Windows() : shop_(server_.create_shop("alpha")) {
    std::string lines;
    for (int i = 0; i < kItems; ++i) {
      lines += "{\"item_id\":\"p" + std::to_string(i) +
               "\",\"title\":\"T\",\"price\":" + std::to_string(i + 1) +
               ",\"stock\":" + (i == 7 ? "0" : "5") + ",\"categories\":[\"" +
               (i % 2 == 0 ? "even \\\"things\\\"" : "odd") + "\"]}\n";
    }
    auto taken = server_.post("/v1/items:import", shop_.secret, lines, "application/x-ndjson");
    EXPECT_EQ(number_at(taken.body, "/accepted"), kItems) << taken.body;
    std::vector<std::string> events;
    for (int user = 0; user < 20; ++user) {
      for (int n = 0; n < 6; ++n) {
        events.push_back(event("e-" + std::to_string(user) + "-" + std::to_string(n),
                               n == 5 ? "purchase-complete" : "detail-page-view",
                               "u" + std::to_string(user),
                               "p" + std::to_string((user * 3 + n * n) % kItems)));
      }
    }
    taken = server_.post("/v1/events", shop_.publishable, batch(events));
    version_ = text_at(taken.body, "/profile_version");
    recently_viewed(server_, shop_, "u0", version_);
    wait_until_indexed(server_);
  }
  Answer post(const std::string& path, const std::string& body) {
    return server_.post(path, shop_.publishable, body);
  }

  TestServer server_;
  Shop shop_;
  std::string version_;
};

TEST_F(Windows, AGivenListComesBackInThePlacementsOrderWithWhatItWouldNotShowApart) {
  const auto window = post("/v1/recommend/home", R"({"user":{"user_id":"u3"},"limit":30})");
  std::vector<std::string> expected = item_ids(window.body);
  std::vector<std::string> given(expected.rbegin(), expected.rend());
  std::string list;
  for (const std::string& id : given) list += "\"" + id + "\",";
  const auto ranked = post("/v1/rank/home", "{\"user\":{\"user_id\":\"u3\"},\"items\":[" + list +
                                                "\"p7\",\"never\",\"p7\"]}");
  ASSERT_EQ(ranked.status, 200) << ranked.body;
  // Limits per category reorder a window and not a list: compare scores within each link.
  EXPECT_THAT(item_ids(ranked.body), testing::UnorderedElementsAreArray(expected));
  std::map<std::string, double> scores;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    scores[expected[i]] = number_at(window.body, "/items/" + std::to_string(i) + "/score");
  }
  const auto ids = item_ids(ranked.body);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(number_at(ranked.body, "/items/" + std::to_string(i) + "/score"), scores[ids[i]]);
  }
  EXPECT_EQ(text_at(ranked.body, "/left_out/0/item_id"), "p7");
  EXPECT_EQ(text_at(ranked.body, "/left_out/0/reason"), "out_of_stock");
  EXPECT_EQ(text_at(ranked.body, "/left_out/1/reason"), "unknown");
  EXPECT_FALSE(has(ranked.body, "/left_out/2"));
  expect_problem(post("/v1/rank/home", "{}"), 400, "invalid_request");
  expect_problem(post("/v1/rank/home", R"({"items":[]})"), 400, "invalid_request");
  expect_problem(post("/v1/rank/home", R"({"items":[1]})"), 400, "invalid_request");
  expect_problem(post("/v1/rank/home", R"({"items":["p1"],"limit":3})"), 400, "invalid_request");
  expect_problem(post("/v1/rank/nowhere", R"({"items":["p1"]})"), 404, "placement_not_found");
  std::string many = "\"p1\"";
  for (int i = 0; i < 500; ++i) many += ",\"p1\"";
  expect_problem(post("/v1/rank/home", "{\"items\":[" + many + "]}"), 400, "invalid_request");
}

TEST_F(Windows, ABatchAnswersEachEntryAsItWouldBeAnsweredAlone) {
  std::string requests;
  std::vector<std::string> alone;
  for (int user = 0; user < 40; ++user) {
    const std::string who = "\"user\":{\"user_id\":\"u" + std::to_string(user) + "\"},\"limit\":5";
    const std::string placement = user % 3 == 0 ? "email" : "home";
    if (user > 0) requests += ',';
    requests += "{\"placement\":\"" + placement + "\"," + who + "}";
    alone.push_back(
        testing::PrintToString(item_ids(post("/v1/recommend/" + placement, "{" + who + "}").body)));
  }
  requests += R"(,{"placement":"home","filter":"nothing_like_it = 1"})";
  const auto answer = post("/v1/recommend:batch", "{\"requests\":[" + requests + "]}");
  ASSERT_EQ(answer.status, 200) << answer.body;
  codec::JsonParser parser;
  const auto json = parser.parse(answer.body);
  ASSERT_TRUE(json.ok()) << json.error().to_string();
  std::size_t at = 0;
  std::set<std::string> request_ids;
  for (const auto one : simdjson::dom::array((*json)["answers"])) {
    if (at == 40) {
      EXPECT_EQ(std::string_view(one["problem"]["code"]), "filter_unknown_attribute");
      break;
    }
    std::vector<std::string> ids;
    for (const auto item : simdjson::dom::array(one["items"])) {
      ids.emplace_back(std::string_view(item["item_id"]));
    }
    EXPECT_EQ(testing::PrintToString(ids), alone[at++]);
    request_ids.emplace(std::string_view(one["request_id"]));
  }
  EXPECT_EQ(at, 40u);
  EXPECT_EQ(request_ids.size(), 40u);
  expect_problem(post("/v1/recommend:batch", "{}"), 400, "invalid_request");
  expect_problem(post("/v1/recommend:batch", R"({"requests":[]})"), 400, "invalid_request");
  expect_problem(post("/v1/recommend:batch", R"({"requests":[{}]})"), 400, "invalid_request");
  expect_problem(post("/v1/recommend:batch", R"({"requests":[{"placement":"home","limit":0}]})"),
                 400, "invalid_request");
  const auto unknown = post("/v1/recommend:batch", R"({"requests":[{"placement":"nowhere"}]})");
  expect_problem(unknown, 404, "placement_not_found");
  std::string many = R"({"placement":"home"})";
  for (int i = 0; i < 200; ++i) many += R"(,{"placement":"home"})";
  const auto refused = post("/v1/recommend:batch", "{\"requests\":[" + many + "]}");
  expect_problem(refused, 400, "invalid_request");
  EXPECT_THAT(refused.body, HasSubstr("200"));
}

TEST_F(Windows, PagesShowEveryItemOnceWhateverTheVisitorDoesBetweenThem) {
  std::set<std::string> shown;
  std::string cursor;
  std::size_t items = 0;
  int pages = 0;
  for (; pages < 30; ++pages) {
    const auto page = post("/v1/recommend/category",
                           "{\"user\":{\"user_id\":\"u3\"},\"category\":\"odd\",\"limit\":4,"
                           "\"cursor\":\"" +
                               cursor + "\"}");
    ASSERT_EQ(page.status, 200) << page.body;
    for (const auto& id : item_ids(page.body)) {
      EXPECT_TRUE(shown.insert(id).second) << id << " twice";
      ++items;
    }
    if (!has(page.body, "/next_cursor") ||
        page.body.find("\"next_cursor\":null") != std::string::npos)
      break;
    cursor = text_at(page.body, "/next_cursor");
    // A click moves the ranking.
    const auto taken = server_.post(
        "/v1/events", shop_.publishable,
        view_event("click-" + std::to_string(pages), "u3", item_ids(page.body).back()));
    recently_viewed(server_, shop_, "u3", text_at(taken.body, "/profile_version"));
  }
  EXPECT_EQ(items, kItems / 2 - 1u);  // p7 is odd, and sold out
  const std::string other =
      R"({"user":{"user_id":"u4"},"category":"odd","cursor":")" + cursor + "\"}";
  expect_problem(post("/v1/recommend/category", other), 400, "invalid_request");
  expect_problem(post("/v1/recommend/home", R"({"cursor":"AAAA"})"), 400, "invalid_request");
  const Shop beta = server_.create_shop("beta");
  expect_problem(
      server_.post("/v1/recommend/category", beta.publishable,
                   R"({"user":{"user_id":"u3"},"category":"odd","cursor":")" + cursor + "\"}"),
      400);
  expect_problem(post("/v1/recommend/category", "{}"), 400);
}

TEST_F(Windows, ACategoryMayHaveAnyName) {
  const auto page = post("/v1/recommend/category",
                         R"({"category":"even \"things\"","filter":"price < 20 or price > 50"})");
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_EQ(item_ids(page.body).size(), 15u);
  for (const auto& id : item_ids(page.body)) {
    const int number = std::stoi(id.substr(1));
    EXPECT_EQ(number % 2, 0);
    EXPECT_TRUE(number < 19 || number > 49) << id;
  }
}

TEST_F(Windows, NewArrivalsAreTheNewestFirst) {
  for (const char* id : {"fresh-1", "fresh-2", "fresh-3"}) {
    ASSERT_EQ(server_.put_item(shop_, id, R"({"title":"New","price":1})").status, 200);
  }
  const auto page = post("/v1/recommend/new-arrivals", R"({"limit":3})");
  EXPECT_THAT(item_ids(page.body), ElementsAre("fresh-3", "fresh-2", "fresh-1"));
}

TEST_F(Windows, WhatWasShownAndIgnoredGivesWayToOthers) {
  const std::string ask = R"({"user":{"user_id":"u5"},"limit":4,"explain":true})";
  const auto first = item_ids(post("/v1/recommend/home", ask).body);
  std::string shown;
  for (const auto& id : first)
    shown += (shown.empty() ? "" : ",") + ("{\"item_id\":\"" + id + "\"}");
  Answer taken;
  for (int i = 0; i < 6; ++i) {
    taken = server_.post("/v1/events", shop_.publishable,
                         "{\"event_id\":\"imp-" + std::to_string(i) +
                             "\",\"type\":\"impression\",\"event_time\":\"" +
                             codec::format_rfc3339(system_clock().wall_us()) +
                             "\",\"user\":{\"user_id\":\"u5\"},\"items\":[" + shown + "]}");
    ASSERT_EQ(taken.status, 202) << taken.body;
  }
  recently_viewed(server_, shop_, "u5", text_at(taken.body, "/profile_version"));
  const auto second = post("/v1/recommend/home", ask);
  EXPECT_NE(item_ids(second.body), first) << second.body;
  const auto exported = server_.get("/v1/users/u5:export", shop_.secret);
  EXPECT_THAT(exported.body,
              HasSubstr("{\"kind\":\"shown\",\"item_id\":\"" + first.front() + "\""));
  // And for nobody else.
  const std::string other = R"({"user":{"user_id":"u6"},"limit":4})";
  EXPECT_EQ(item_ids(post("/v1/recommend/home", other).body),
            item_ids(post("/v1/recommend/home", other).body));
}

TEST_F(Windows, AnExplainedItemSaysForWhichOfTheVisitorsItemsItIsShown) {
  const auto answer =
      post("/v1/recommend/home", R"({"user":{"user_id":"u5"},"limit":8,"explain":true})");
  const auto seen = recently_viewed(server_, shop_, "u5", version_);
  int because = 0;
  for (std::size_t i = 0; i < item_ids(answer.body).size(); ++i) {
    const std::string at = "/items/" + std::to_string(i);
    const std::string source = text_at(answer.body, at + "/source");
    if (source != "co_view" && source != "second_hop" && source != "co_buy") continue;
    ASSERT_TRUE(has(answer.body, at + "/because")) << answer.body;
    EXPECT_THAT(seen, testing::Contains(text_at(answer.body, at + "/because/item_id")));
    ++because;
  }
  EXPECT_GT(because, 0) << answer.body;
  const auto page =
      post("/v1/recommend/product-similar", R"({"item_ids":["p3"],"limit":5,"explain":true})");
  EXPECT_EQ(text_at(page.body, "/items/0/because/item_id"), "p3") << page.body;
  EXPECT_EQ(text_at(page.body, "/items/0/because/relation"), "on_page");
}

TEST_F(Windows, ATenantsOwnPlacementAnswersAtOnceAndForItAlone) {
  const auto changed = server_.call(
      {"PATCH", "/v1/admin/tenants/alpha", server_.admin_key(),
       R"({"placements":[{"placement":"landing","based_on":"popular","limit_default":3},
                         {"placement":"home","limit_default":2}]})"});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(text_at(changed.body, "/placements/1/placement"), "landing");
  EXPECT_EQ(item_ids(post("/v1/recommend/landing", "{}").body).size(), 3u);
  EXPECT_EQ(item_ids(post("/v1/recommend/home", "{}").body).size(), 2u);
  const Shop beta = server_.create_shop("beta");
  const auto other = server_.post("/v1/recommend/landing", beta.publishable, "{}");
  expect_problem(other, 404, "placement_not_found");
  EXPECT_THAT(other.body, testing::Not(HasSubstr("there are landing")));
  // Decisions of it can be explained, and say by which policy.
  const auto asked = post("/v1/recommend/landing", "{}");
  const auto told =
      server_.get("/v1/decisions/" + text_at(asked.body, "/request_id"), shop_.secret);
  EXPECT_EQ(number_at(told.body, "/policy/limit_default"), 3) << told.body;
  server_.restart();
  EXPECT_EQ(item_ids(post("/v1/recommend/landing", "{}").body).size(), 3u);
  for (const char* bad :
       {R"({"placements":[{"placement":"x","limit_default":0}]})",
        R"({"placements":[{"placement":"x","colour":1}]})", R"({"placements":["home"]})",
        R"({"placements":{}})", R"({"placements":[{"placement":"x"},{"placement":"x"}]})"}) {
    expect_problem(server_.call({"PATCH", "/v1/admin/tenants/alpha", server_.admin_key(), bad}),
                   400);
  }
  EXPECT_EQ(item_ids(post("/v1/recommend/landing", "{}").body).size(), 3u);
}

}  // namespace
}  // namespace vitrine::integration
