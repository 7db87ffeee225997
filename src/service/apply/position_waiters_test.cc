#include "service/apply/position_waiters.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace vitrine::apply {
namespace {

TEST(PositionWaiters, RunEachCallbackOnceWhenItsPositionIsReached) {
  PositionWaiters waiters;
  std::vector<int> ran;
  waiters.add(5, [&] { ran.push_back(5); });
  waiters.add(3, [&] { ran.push_back(3); });
  waiters.reached(2);
  EXPECT_TRUE(ran.empty());
  waiters.reached(4);
  EXPECT_EQ(ran, std::vector<int>({3}));
  waiters.reached(9);
  waiters.reached(10);
  EXPECT_EQ(ran, std::vector<int>({3, 5}));
}

TEST(PositionWaiters, APositionAlreadyReachedRunsAtOnce) {
  PositionWaiters waiters;
  waiters.reached(7);
  bool ran = false;
  const auto id = waiters.add(7, [&] { ran = true; });
  EXPECT_TRUE(ran);
  EXPECT_FALSE(waiters.cancel(id));
}

TEST(PositionWaiters, ACancelledCallbackNeverRuns) {
  PositionWaiters waiters;
  bool ran = false;
  const auto id = waiters.add(7, [&] { ran = true; });
  EXPECT_TRUE(waiters.cancel(id));
  EXPECT_FALSE(waiters.cancel(id));
  waiters.reached(8);
  EXPECT_FALSE(ran);
}

// Goal: no waiter is forgotten when it is added while the applier passes its position.
TEST(PositionWaiters, NoWaiterIsForgottenWhenItRacesWithTheApplier) {
  PositionWaiters waiters;
  constexpr eventlog::Position kLast = 20000;
  std::atomic<int> ran{0};
  std::thread applier([&] {
    for (eventlog::Position p = 1; p <= kLast; ++p) waiters.reached(p);
  });
  for (eventlog::Position p = 1; p <= kLast; ++p) waiters.add(p, [&] { ++ran; });
  applier.join();
  waiters.reached(kLast);
  EXPECT_EQ(ran, static_cast<int>(kLast));
  EXPECT_EQ(waiters.waiting(), 0u);
}

}  // namespace
}  // namespace vitrine::apply
