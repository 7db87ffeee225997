// What was accepted shows in the next answer that asks for it.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::ElementsAre;

std::int64_t elapsed_ms(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               since)
      .count();
}

class ReadYourWrites : public testing::Test {
 protected:
  TestServer server_;
  Shop shop_ = server_.create_shop("shop");
};

TEST_F(ReadYourWrites, AnAcceptedEventIsInTheNextAnswerThatNamesItsVersion) {
  for (int i = 0; i < 20; ++i) {
    server_.put_item(shop_, "item-" + std::to_string(i), R"({"title":"x","price":1})");
  }
  for (int i = 0; i < 500; ++i) {
    const std::string item = "item-" + std::to_string(i % 20);
    const std::string user = "user-" + std::to_string(i);
    const auto taken = server_.post("/v1/events", shop_.publishable,
                                    view_event("e" + std::to_string(i), user, item));
    ASSERT_EQ(taken.status, 202) << taken.body;
    const auto answer =
        server_.post("/v1/recommend/recently-viewed", shop_.publishable,
                     "{\"user\":{\"user_id\":\"" + user + "\"},\"min_profile_version\":\"" +
                         text_at(taken.body, "/profile_version") + "\"}");
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_THAT(item_ids(answer.body), ElementsAre(item)) << "in round " << i;
    ASSERT_FALSE(has(answer.body, "/stale")) << answer.body;
  }
}

TEST_F(ReadYourWrites, AVersionOfTheFutureIsAnsweredStaleAfterAQuarterSecond) {
  server_.put_item(shop_, "item", R"({"title":"x","price":1})");
  // Of this log, and of a later epoch whose position is reached already.
  for (const char* version : {"1-999999999", "9-1", "9-0", "18446744073709551615-0"}) {
    SCOPED_TRACE(version);
    const auto began = std::chrono::steady_clock::now();
    const auto answer = server_.post("/v1/recommend/popular", shop_.publishable,
                                     std::string("{\"min_profile_version\":\"") + version + "\"}");
    const auto took_ms = elapsed_ms(began);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_TRUE(has(answer.body, "/stale")) << answer.body;
    EXPECT_THAT(item_ids(answer.body), ElementsAre("item"));
    EXPECT_GE(took_ms, 200);
    EXPECT_LT(took_ms, 2000);
  }
}

TEST_F(ReadYourWrites, AWaitingAnswerComesAsSoonAsItsVersionShows) {
  server_.put_item(shop_, "item", R"({"title":"x","price":1})");
  const auto first = server_.post("/v1/events", shop_.publishable, view_event("a", "u", "item"));
  const std::string version = text_at(first.body, "/profile_version");
  const auto dash = version.find('-');
  const std::string next =
      version.substr(0, dash + 1) + std::to_string(std::stoull(version.substr(dash + 1)) + 1);
  for (int i = 0; i < 20; ++i) {
    // Another connection sends the event while the answer waits; one of the two is first.
    std::thread sender([&] {
      auto client = server_.client();
      send(client, {"POST", "/v1/events", shop_.publishable,
                    view_event("b" + std::to_string(i), "u", "item")});
    });
    const auto answer =
        server_.post("/v1/recommend/recently-viewed", shop_.publishable,
                     "{\"user\":{\"user_id\":\"u\"},\"min_profile_version\":\"" + next + "\"}");
    sender.join();
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_FALSE(has(answer.body, "/stale")) << answer.body;
  }
}

TEST_F(ReadYourWrites, ACatalogChangeIsInForceWhenItsCallReturns) {
  for (int price = 1; price <= 100; ++price) {
    const std::string text = std::to_string(price);
    ASSERT_EQ(server_.put_item(shop_, "item", "{\"title\":\"x\",\"price\":" + text + "}").status,
              200);
    const auto with_filter = [&](const std::string& filter) {
      return item_ids(server_
                          .post("/v1/recommend/popular", shop_.publishable,
                                "{\"filter\":" + json_text(filter) + "}")
                          .body);
    };
    ASSERT_THAT(with_filter("price = " + text), ElementsAre("item"));
    ASSERT_THAT(with_filter("price < " + text), ElementsAre());
  }
  const auto stock = [&](int count) {
    return server_
        .post("/v1/items/item:inventory", shop_.secret, "{\"stock\":" + std::to_string(count) + "}")
        .status;
  };
  const auto popular = [&] {
    return item_ids(server_.post("/v1/recommend/popular", shop_.publishable, "{}").body);
  };
  EXPECT_EQ(stock(0), 200);
  EXPECT_THAT(popular(), ElementsAre());
  EXPECT_EQ(stock(1), 200);
  EXPECT_THAT(popular(), ElementsAre("item"));
  EXPECT_EQ(server_.call({"DELETE", "/v1/items/item", shop_.secret}).status, 200);
  EXPECT_THAT(popular(), ElementsAre());
}

}  // namespace
}  // namespace vitrine::integration
