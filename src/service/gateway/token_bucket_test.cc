#include "service/gateway/token_bucket.h"

#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace vitrine::gateway {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

TEST(TokenBucket, RateZeroIsUnlimited) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(bucket.take(1e9, 0), 0);
  bucket.configure(0, 10);
  EXPECT_EQ(bucket.take(1e9, 0), 0);
}

TEST(TokenBucket, AnIdleOneGrantsItsBurstAndThenOneForEachInterval) {
  ManualClock clock(1'000'000);
  TokenBucket bucket;
  bucket.configure(10, 2);  // 20 at once, then one each 100 ms
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bucket.take(1, clock.steady_ns()), 0) << i;
  EXPECT_EQ(bucket.take(1, clock.steady_ns()), kSecondNs / 10);
  clock.advance_us(99'999);
  EXPECT_GT(bucket.take(1, clock.steady_ns()), 0);
  clock.advance_us(1);
  EXPECT_EQ(bucket.take(1, clock.steady_ns()), 0);
  EXPECT_GT(bucket.take(1, clock.steady_ns()), 0);
}

TEST(TokenBucket, WaitingAsLongAsToldIsEnoughAndOneNanosecondLessIsNot) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    TokenBucket bucket;
    bucket.configure(1 + static_cast<double>(random() % 100000) / 7, 0.1 + (random() % 50) / 10.0);
    std::int64_t now = static_cast<std::int64_t>(random() % 1000) * kSecondNs;
    for (int i = 0; i < 20; ++i) {
      const double n = 1 + static_cast<double>(random() % 3000);
      const std::int64_t wait = bucket.take(n, now);
      if (wait == 0) continue;
      ASSERT_GT(bucket.take(n, now + wait - 1), 0);
      ASSERT_EQ(bucket.take(n, now + wait), 0);
      now += wait;
    }
  }
}

// Goal: over every window of time no more is granted than rate * t + burst, plus one request
// larger than the bucket. Method: the obvious check, all windows of a random run.
TEST(TokenBucket, NoWindowOfTimeGetsMoreThanRateTimesTimePlusBurst) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 50; ++round) {
    const double rate = 1 + static_cast<double>(random() % 1000);
    const double burst_s = 0.5 + static_cast<double>(random() % 40) / 10;
    TokenBucket bucket;
    bucket.configure(rate, burst_s);
    struct Grant {
      std::int64_t at;
      double n;
    };
    std::vector<Grant> grants;
    std::int64_t now = 0;
    double largest = 0;
    for (int i = 0; i < 400; ++i) {
      now += static_cast<std::int64_t>(random() % (kSecondNs / 20));
      const double n = random() % 10 == 0 ? static_cast<double>(random() % 3000)
                                          : 1 + static_cast<double>(random() % 20);
      if (bucket.take(n, now) != 0) continue;
      grants.push_back({now, n});
      if (n > rate * burst_s) largest = std::max(largest, n);
    }
    for (std::size_t i = 0; i < grants.size(); ++i) {
      double sum = 0;
      for (std::size_t j = i; j < grants.size(); ++j) {
        sum += grants[j].n;
        const double seconds = static_cast<double>(grants[j].at - grants[i].at) / 1e9;
        ASSERT_LE(sum, rate * (seconds + burst_s) + largest + 1e-3);
      }
    }
  }
}

TEST(TokenBucket, ASteadySenderJustBelowTheRateIsNeverRefused) {
  TokenBucket bucket;
  bucket.configure(1000, 1);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_EQ(bucket.take(1, std::int64_t{i} * (kSecondNs / 999)), 0) << i;
  }
}

TEST(TokenBucket, ARequestLargerThanTheBucketIsGrantedWhenFullAndPaidForAfterwards) {
  TokenBucket bucket;
  bucket.configure(10, 1);
  EXPECT_EQ(bucket.take(100, 0), 0);
  EXPECT_EQ(bucket.take(1, 0), kSecondNs * 91 / 10);
  EXPECT_EQ(bucket.take(100, 0), kSecondNs * 10);
  EXPECT_EQ(bucket.take(100, kSecondNs * 10), 0);
}

TEST(TokenBucket, GivingBackUndoesTheTake) {
  TokenBucket bucket;
  bucket.configure(10, 1);
  EXPECT_EQ(bucket.take(10, 0), 0);
  EXPECT_GT(bucket.take(1, 0), 0);
  bucket.give_back(10);
  EXPECT_EQ(bucket.take(10, 0), 0);
  EXPECT_GT(bucket.take(1, 0), 0);
}

TEST(TokenBucket, AHugeCostNeitherOverflowsNorLocksForEver) {
  TokenBucket bucket;
  bucket.configure(1e-6, 1);
  EXPECT_EQ(bucket.take(1e300, INT64_MAX / 4), 0);
  const auto wait = bucket.take(1, INT64_MAX / 4);
  EXPECT_GT(wait, 0);
  EXPECT_LE(wait, std::int64_t{101} * 86400 * kSecondNs);
}

TEST(TokenBucket, ALowerRateIsInForceAtOnceWithoutARefill) {
  TokenBucket bucket;
  bucket.configure(10, 1);
  EXPECT_EQ(bucket.take(10, 0), 0);
  bucket.configure(1, 1);
  EXPECT_GT(bucket.take(1, 0), kSecondNs / 2);
}

TEST(TokenBucket, ManyThreadsTogetherGetExactlyTheBurst) {
  TokenBucket bucket;
  bucket.configure(1000, 5);
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) granted += bucket.take(1, 0) == 0 ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(granted, 5000);
}

}  // namespace
}  // namespace vitrine::gateway
