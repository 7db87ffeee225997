#include "service/gateway/tenant_router.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace vitrine::gateway {
namespace {

TEST(TenantRouter, FindsWhatWasPutUntilItIsTaken) {
  TenantRouter<int> router;
  EXPECT_EQ(router.find(TenantId{1}), nullptr);
  EXPECT_EQ(router.put(TenantId{1}, std::make_shared<int>(10)), nullptr);
  EXPECT_EQ(*router.find(TenantId{1}), 10);
  EXPECT_EQ(router.find(TenantId{2}), nullptr);
  EXPECT_EQ(*router.put(TenantId{1}, std::make_shared<int>(11)), 10);
  EXPECT_EQ(router.all().size(), 1u);
  EXPECT_EQ(*router.take(TenantId{1}), 11);
  EXPECT_EQ(router.take(TenantId{1}), nullptr);
  EXPECT_EQ(router.find(TenantId{1}), nullptr);
}

TEST(TenantRouter, RoutersOfTheSameTypeOnOneThreadDontSeeEachOthersTenants) {
  for (int round = 0; round < 50; ++round) {
    TenantRouter<int> a;
    TenantRouter<int> b;
    a.put(TenantId{1}, std::make_shared<int>(round));
    EXPECT_EQ(*a.find(TenantId{1}), round);
    EXPECT_EQ(b.find(TenantId{1}), nullptr);
    EXPECT_EQ(*a.find(TenantId{1}), round);
  }
}

TEST(TenantRouter, ManyThreadsAskingForANewTenantMakeItOnce) {
  TenantRouter<int> router;
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint32_t id = 1; id <= 200; ++id) {
        auto runtime = router.find_or_put(TenantId{id}, [&] {
          ++made;
          return std::make_shared<int>(static_cast<int>(id));
        });
        ASSERT_EQ(*runtime, static_cast<int>(id));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 200);
  EXPECT_EQ(router.find_or_put(TenantId{999}, [] { return std::shared_ptr<int>(); }), nullptr);
  EXPECT_EQ(router.all().size(), 200u);
}

TEST(Published, AReadThatBeginsAfterAReplaceSeesIt) {
  Published<int> value(std::make_shared<const int>(0));
  std::atomic<int> floor{0};
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      const int at_least = floor;
      ASSERT_GE(value.read([](int v) { return v; }), at_least);
    }
  });
  for (int i = 1; i <= 20000; ++i) {
    value.replace(std::make_shared<const int>(i));
    floor = i;
  }
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace vitrine::gateway
