// What is over a tenant's quota is refused whole, with the time to wait.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

std::string views(const std::string& mark, int count) {
  std::vector<std::string> events;
  for (int i = 0; i < count; ++i) {
    events.push_back(view_event(mark + std::to_string(i), "user-" + mark, "item"));
  }
  return batch(events);
}

TEST(Quotas, ABatchAboveTheEventRateIsRefusedWithRetryAfterAndNothingOfItIsTaken) {
  TestServer server;
  const Shop shop =
      server.create_shop("small", R"({"events_per_s":10,"events_burst_s":2,"requests_per_s":0})");
  server.put_item(shop, "item", R"({"title":"x","price":1})");
  ASSERT_EQ(server.post("/v1/events", shop.publishable, views("a", 20)).status, 202);
  const auto before = server.digests();
  const auto refused = server.post("/v1/events", shop.publishable, views("b", 20));
  expect_problem(refused, 429, "quota_exceeded");
  const std::string wait(refused.header("retry-after"));
  ASSERT_FALSE(wait.empty());
  EXPECT_GE(std::stoi(wait), 1);
  EXPECT_LE(std::stoi(wait), 3);
  EXPECT_EQ(server.digests(), before);
  EXPECT_TRUE(recently_viewed(server, shop, "user-b", {}).empty());
  // Who waits as long as told is served, and nothing of the refused batch was remembered.
  std::this_thread::sleep_for(std::chrono::seconds(std::stoi(wait)));
  const auto taken = server.post("/v1/events", shop.publishable, views("b", 20));
  EXPECT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(number_at(taken.body, "/accepted"), 20);
  EXPECT_EQ(number_at(taken.body, "/duplicates"), 0);
}

TEST(Quotas, OneTenantsQuotaIsNotAnothers) {
  TestServer server;
  const Shop small =
      server.create_shop("small", R"({"events_per_s":1,"events_burst_s":1,"requests_per_s":0})");
  const Shop other = server.create_shop("other");
  server.post("/v1/events", small.publishable, views("a", 1));
  expect_problem(server.post("/v1/events", small.publishable, views("b", 1)), 429);
  EXPECT_EQ(server.post("/v1/events", other.publishable, views("b", 500)).status, 202);
}

TEST(Quotas, TheRequestRateCountsEveryRoute) {
  TestServer server;
  const Shop shop =
      server.create_shop("slow", R"({"events_per_s":0,"requests_per_s":1,"requests_burst_s":3})");
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    const auto answer = server.get("/v1/items", shop.secret);
    if (answer.status == 200) continue;
    expect_problem(answer, 429, "quota_exceeded");
    EXPECT_FALSE(answer.header("retry-after").empty());
    ++refused;
  }
  EXPECT_GE(refused, 5);
  EXPECT_EQ(server.get("/readyz", {}).status, 200);
}

TEST(Quotas, AChangedQuotaIsInForceAtOnce) {
  TestServer server;
  const Shop shop = server.create_shop("shop");
  EXPECT_EQ(server.post("/v1/events", shop.publishable, views("a", 100)).status, 202);
  const auto changed = server.call({"PATCH", "/v1/admin/tenants/shop", server.admin_key(),
                                    R"({"quotas":{"events_per_s":1,"events_burst_s":1}})"});
  ASSERT_EQ(changed.status, 200) << changed.body;
  // A batch above the burst is taken when nothing was spent yet, and paid for afterwards.
  server.post("/v1/events", shop.publishable, views("b", 100));
  expect_problem(server.post("/v1/events", shop.publishable, views("c", 100)), 429);
}

}  // namespace
}  // namespace vitrine::integration
