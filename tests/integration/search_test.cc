// The search box over HTTP: from an item sent to an item found, and what strangers may send.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SearchOverHttp : public testing::Test {
 protected:
  SearchOverHttp() {
    put("red", R"({"title":"Red running shoes","brand":"Nika","price":80,"categories":["shoes"]})");
    put("blue",
        R"({"title":"Blue running shoes","brand":"Adi","price":60,"categories":["shoes"]})");
    put("lamp", R"({"title":"Table lamp","brand":"Ikon","price":30,"categories":["lights"]})");
    found_within_a_second("lamp", "lamp");
  }
  void put(std::string_view id, std::string_view body) {
    ASSERT_EQ(server_.put_item(shop_, id, body).status, 200);
  }
  Answer search(std::string_view body) {
    return server_.post("/v1/search/search", shop_.publishable, body);
  }
  // Waits for what the index takes over on its own.
  void found_within_a_second(const std::string& query, const std::string& id) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    std::vector<std::string> ids;
    do {
      const auto answer = search("{\"query\":" + json_text(query) + "}");
      if (answer.status == 200 && text_at(answer.body, "/match") == "exact") {
        ids = item_ids(answer.body);
      }
      if (std::find(ids.begin(), ids.end(), id) != ids.end()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } while (std::chrono::steady_clock::now() < until);
    ADD_FAILURE() << id << " was not found by '" << query << "' within a second";
  }
  TestServer server_;
  Shop shop_ = server_.create_shop("shop");
};

TEST_F(SearchOverHttp, FindsWithFacetsHighlightsAndFields) {
  const auto answer = search(
      R"({"query":"running","filter":"price > 70","facets":["brand",{"attribute":"price","ranges":[[null,50],[50,100]]}],)"
      R"("fields":["price","category"],"explain":true})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(item_ids(answer.body), ElementsAre("red"));
  EXPECT_EQ(number_at(answer.body, "/total"), 1);
  EXPECT_EQ(text_at(answer.body, "/items/0/highlight/title"), "Red <em>running</em> shoes");
  EXPECT_EQ(number_at(answer.body, "/items/0/attributes/price"), 80);
  EXPECT_EQ(text_at(answer.body, "/items/0/attributes/categories/0"), "shoes");
  EXPECT_EQ(text_at(answer.body, "/facets/0/values/0/value"), "Nika");
  EXPECT_EQ(number_at(answer.body, "/facets/1/ranges/1/count"), 2)
      << "beside its own condition: what another choice of price would give";
  EXPECT_EQ(number_at(answer.body, "/items/0/parts/relevance"), 1);
}

TEST_F(SearchOverHttp, AFacetUnderTheWholeFilterCountsWhatIsShown) {
  const auto answer = search(
      R"({"query":"running","filter":"price > 70","facets":[{"attribute":"price","whole_filter":true,"ranges":[[null,50],[50,100]]}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/facets/0/ranges/1/count"), 1);
}

TEST_F(SearchOverHttp, AnItemIsFoundWithinASecondAndGoneAtOnce) {
  put("hat", R"({"title":"Straw hat"})");
  found_within_a_second("straw", "hat");
  ASSERT_EQ(server_.call({"DELETE", "/v1/items/hat", shop_.secret}).status, 200);
  EXPECT_THAT(item_ids(search(R"({"query":"straw"})").body), Not(Contains("hat")));
}

TEST_F(SearchOverHttp, AfterARestartTheIndexIsThereAgain) {
  server_.restart();
  found_within_a_second("running", "red");
}

TEST_F(SearchOverHttp, SettingsAreInForceWhenTheyAreAnswered) {
  const auto put =
      server_.call({"PUT", "/v1/search-settings", shop_.secret,
                    R"({"redirects":[{"query":"returns","url":"/help"}],"fallback":false})"});
  ASSERT_EQ(put.status, 200) << put.body;
  const auto answer = search(R"({"query":"Returns"})");
  EXPECT_EQ(text_at(answer.body, "/redirect"), "/help");
  EXPECT_THAT(item_ids(answer.body), IsEmpty());
  server_.restart();
  const auto kept = server_.get("/v1/search-settings", shop_.secret);
  EXPECT_EQ(kept.body, put.body);
  expect_problem(
      server_.call({"PUT", "/v1/search-settings", shop_.secret, R"({"language":"klingon"})"}), 400,
      "invalid_request");
  expect_problem(server_.call({"PUT", "/v1/search-settings", shop_.secret, R"({"personal":9})"}),
                 400, "invalid_request");
}

TEST_F(SearchOverHttp, SearchesAreEventsAndTeachWhatIsWanted) {
  for (const char* user : {"ann", "bob", "cid"}) {
    const auto answer =
        search("{\"query\":\"running\",\"user\":{\"user_id\":\"" + std::string(user) + "\"}}");
    ASSERT_EQ(answer.status, 200) << answer.body;
    // What follows is applied behind the search.
    const auto taken = server_.post("/v1/events", shop_.publishable,
                                    view_event(std::string("view-") + user, user, "blue"));
    recently_viewed(server_, shop_, user, text_at(taken.body, "/profile_version"));
  }
  const auto answer = search(R"({"query":"running","explain":true})");
  EXPECT_EQ(item_ids(answer.body).front(), "blue");
  EXPECT_GT(number_at(answer.body, "/items/0/parts/clicks"), 0);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::string suggested;
  do {
    suggested = server_.get("/v1/suggest?q=runn", shop_.publishable).body;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (suggested.find("\"kind\":\"query\"") == std::string::npos &&
           std::chrono::steady_clock::now() < until);
  EXPECT_EQ(text_at(suggested, "/suggestions/0/text"), "running") << suggested;
}

TEST_F(SearchOverHttp, HostileRequestsAreToldWhatIsWrong) {
  std::string words;
  for (int i = 0; i < 10'000; ++i) words += "word ";
  const auto refused = [&](const std::string& body, std::string_view code, std::string_view says) {
    const auto answer = search(body);
    expect_problem(answer, 400, code);
    EXPECT_THAT(answer.body, HasSubstr(says));
  };
  refused("{\"query\":\"" + words + "\"}", "invalid_request", "query: must be at most 512 bytes");
  refused("{\"query\":\"a\xFF\"}", "invalid_json", "UTF-8");
  refused(R"({"offset":99999999999999})", "invalid_request", "offset");
  refused(R"({"offset":4294967295})", "paging_limit", "narrow the search");
  refused(R"({"query":"x","facets":["brnd"]})", "facet_unknown_attribute", "brand");
  refused(R"({"query":"x","facets":["title"]})", "facet_type", "facets[0]");
  refused(R"({"query":"x","facets":[{"attribute":"price","ranges":[[5,1]]}]})", "invalid_request",
          "facets[0].ranges[0]");
  refused(R"({"query":"x","fields":["colour"]})", "invalid_request", "fields[0]");
  refused(R"({"query":"x","filter":"prise < 3"})", "filter_unknown_attribute", "price");
  refused(R"({"qery":"x"})", "invalid_request", "qery");
  refused(R"({"sort":"best"})", "invalid_request", "price_asc");
  refused("[]", "invalid_request", "JSON object");
  expect_problem(server_.post("/v1/search/home", shop_.publishable, "{}"), 404,
                 "placement_not_found");
  expect_problem(server_.get("/v1/suggest?q=%FF", shop_.publishable), 400, "invalid_request");
  expect_problem(server_.get("/v1/suggest?limit=0", shop_.publishable), 400, "invalid_request");
  expect_problem(server_.get("/v1/suggest?q=" + std::string(600, 'a'), shop_.publishable), 400,
                 "invalid_request");
  expect_serving(server_, shop_);
}

TEST_F(SearchOverHttp, AShopWithoutAnyItemFindsNothingAndSaysSo) {
  const Shop other = server_.create_shop("empty");
  const auto answer =
      server_.post("/v1/search/search", other.publishable, R"({"query":"running"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/total"), 0);
  EXPECT_THAT(item_ids(answer.body), IsEmpty());
  const auto suggested = server_.get("/v1/suggest?q=run", other.publishable);
  EXPECT_THAT(suggested.body, HasSubstr("\"suggestions\":[]"));
}

}  // namespace
}  // namespace vitrine::integration
