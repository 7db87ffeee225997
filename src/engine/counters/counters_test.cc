#include "engine/counters/counters.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::counters {
namespace {

std::vector<std::uint32_t> order_of(const Counters& counters) {
  std::vector<std::uint32_t> order;
  counters.for_each_from_top([&](ItemIndex item) {
    order.push_back(item.value);
    return true;
  });
  return order;
}

// The obvious way: remember every addition, add them up for the asked moment, sort all items.
class SumOfEverything {
 public:
  explicit SumOfEverything(TimeUs half_life) : half_life_(half_life) {}
  void add(std::uint32_t item, double weight, TimeUs at) {
    if (item >= items_) items_ = item + 1;
    additions_.push_back({item, weight, at});
  }
  std::vector<double> scores(TimeUs at) const {
    std::vector<double> sums(items_);
    for (const auto& [item, weight, when] : additions_) {
      sums[item] +=
          weight * std::exp2(-static_cast<double>(at - when) / static_cast<double>(half_life_));
    }
    return sums;
  }

 private:
  struct Addition {
    std::uint32_t item;
    double weight;
    TimeUs at;
  };
  TimeUs half_life_;
  std::uint32_t items_ = 0;
  std::vector<Addition> additions_;
};

std::string bytes_of(const Counters& counters) {
  StringSink sink;
  counters.save(sink);
  return sink.bytes();
}

// Goal: the walk is the full sort, for any mix of weights, signs and late events.
// Method: random streams; the order must be descending by the twin's scores wherever those differ
// by more than the time resolution, each item exactly once, and descending by score() exactly.
TEST(Counters, WalkInTheOrderOfSortingEverything) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const TimeUs half_life = kDayUs * static_cast<TimeUs>(1 + random() % 30);
    const std::uint32_t items = 1 + random() % 2000;
    Counters counters(half_life);
    SumOfEverything twin(half_life);
    TimeUs now = 1'600'000'000 * kSecondUs;
    for (int i = 0; i < 3000; ++i) {
      now += static_cast<TimeUs>(random() % static_cast<std::uint64_t>(kHourUs));
      const auto item = static_cast<std::uint32_t>(random() % items * (random() % items) / items);
      const double weight = random() % 8 == 0 ? -1.0 : static_cast<double>(1 + random() % 4);
      const TimeUs at = random() % 10 == 0 ? now - 20 * kDayUs : now;
      counters.add(ItemIndex{item}, weight, at);
      twin.add(item, weight, at);
    }
    const std::vector<double> expected = twin.scores(now);
    const std::vector<std::uint32_t> order = order_of(counters);
    ASSERT_EQ(order.size(), expected.size());
    std::vector<std::uint32_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
    for (std::uint32_t item = 0; item < expected.size(); ++item) {
      ASSERT_NEAR(counters.score(ItemIndex{item}, now), expected[item],
                  0.01 + 3e-4 * std::fabs(expected[item]))
          << item;
    }
    for (std::size_t i = 1; i < order.size(); ++i) {
      const double before = counters.score(ItemIndex{order[i - 1]}, now);
      const double after = counters.score(ItemIndex{order[i]}, now);
      ASSERT_GE(before, after);
      if (before == after) {
        ASSERT_LT(order[i - 1], order[i]);
      }
    }
  }
}

TEST(Counters, OneEventADayLaterWinsAndTwoHalfLivesMakeAQuarter) {
  Counters counters(kDayUs);
  counters.add(ItemIndex{3}, 1, 0);
  counters.add(ItemIndex{1}, 1, kDayUs);
  EXPECT_THAT(order_of(counters), testing::ElementsAre(1, 3, 0, 2));
  EXPECT_DOUBLE_EQ(counters.score(ItemIndex{3}, 2 * kDayUs), 0.25);
  EXPECT_DOUBLE_EQ(counters.score(ItemIndex{1}, 2 * kDayUs), 0.5);
  EXPECT_EQ(counters.score(ItemIndex{2}, 2 * kDayUs), 0);
  EXPECT_EQ(counters.score(ItemIndex{900}, 2 * kDayUs), 0);
}

TEST(Counters, EqualScoresComeByItemIndexWhateverTheOrderOfAdding) {
  Counters counters(kDayUs);
  for (const std::uint32_t item : {5u, 0u, 9u, 2u}) counters.add(ItemIndex{item}, 1, kDayUs);
  EXPECT_THAT(order_of(counters), testing::ElementsAre(0, 2, 5, 9, 1, 3, 4, 6, 7, 8));
}

TEST(Counters, ARefundTakesBackWhatWasGivenAndADislikeGoesBelowZero) {
  Counters counters(kDayUs);
  counters.add(ItemIndex{0}, 2, kDayUs);
  counters.add(ItemIndex{0}, -2, kDayUs);
  counters.add(ItemIndex{1}, -1, kDayUs);
  counters.add(ItemIndex{2}, -2, kDayUs);
  counters.add(ItemIndex{3}, 1, kDayUs);
  EXPECT_THAT(order_of(counters), testing::ElementsAre(3, 0, 1, 2));
  counters.add(ItemIndex{2}, 5, kDayUs);
  EXPECT_THAT(order_of(counters), testing::ElementsAre(2, 3, 0, 1));
}

TEST(Counters, AWalkStopsWhenToldTo) {
  Counters counters(kDayUs);
  for (std::uint32_t i = 0; i < 100; ++i) counters.add(ItemIndex{i}, i + 1.0, 0);
  int calls = 0;
  counters.for_each_from_top([&](ItemIndex) { return ++calls < 7; });
  EXPECT_EQ(calls, 7);
}

TEST(Counters, ThousandsOfHalfLivesOfSilenceForgetAndKeepCounting) {
  Counters counters(kSecondUs);
  counters.add(ItemIndex{0}, 1, 0);
  counters.add(ItemIndex{1}, 1, 5000 * kSecondUs);
  EXPECT_EQ(counters.score(ItemIndex{0}, 5000 * kSecondUs), 0);
  EXPECT_DOUBLE_EQ(counters.score(ItemIndex{1}, 5001 * kSecondUs), 0.5);
  // 800 half-lives on: no overflow, and the order is right over a move of the landmark.
  for (int i = 0; i < 10; ++i) counters.add(ItemIndex{2}, 1, (5000 + 800 * i) * kSecondUs);
  EXPECT_DOUBLE_EQ(counters.score(ItemIndex{2}, 12200 * kSecondUs), 1);
  EXPECT_THAT(order_of(counters), testing::ElementsAre(2, 0, 1));
}

TEST(Counters, TakeTimesFromTheEndsOfTime) {
  Counters counters(1);
  counters.add(ItemIndex{0}, 1, INT64_MIN);
  counters.add(ItemIndex{1}, 1, INT64_MAX);
  counters.add(ItemIndex{2}, 1, 0);
  EXPECT_EQ(order_of(counters).size(), 3u);
  EXPECT_TRUE(std::isfinite(counters.score(ItemIndex{1}, INT64_MAX)));
}

TEST(Counters, LoadGivesTheSameBytesOrderAndFuture) {
  std::mt19937_64 random(1);
  Counters counters(7 * kDayUs);
  for (int i = 0; i < 5000; ++i) {
    counters.add(ItemIndex{static_cast<std::uint32_t>(random() % 700)}, i % 9 == 0 ? -1 : 1,
                 i * kHourUs);
  }
  const std::string bytes = bytes_of(counters);
  Counters loaded(kDayUs);
  StringSource source(bytes);
  ASSERT_TRUE(loaded.load(source).ok());
  EXPECT_EQ(bytes_of(loaded), bytes);
  EXPECT_EQ(order_of(loaded), order_of(counters));
  counters.add(ItemIndex{3}, 1, 6000 * kHourUs);
  loaded.add(ItemIndex{3}, 1, 6000 * kHourUs);
  EXPECT_EQ(bytes_of(loaded), bytes_of(counters));
}

// The bits are part of `state digest`: they must be these on every machine and in every build.
TEST(Counters, DigestIsStable) {
  Counters counters(30 * kDayUs);
  for (int i = 0; i < 1000; ++i) {
    counters.add(ItemIndex{static_cast<std::uint32_t>(i * 7 % 101)}, 1 + i % 3,
                 1'700'000'000 * kSecondUs + i * kHourUs);
  }
  HashSink sink;
  counters.save(sink);
  EXPECT_EQ(sink.finish().low, 5785680094847292298u);
}

TEST(Counters, EveryTruncationAndManyFlippedBytesAreRefusedOrHarmless) {
  Counters counters(kDayUs);
  for (std::uint32_t i = 0; i < 20; ++i) counters.add(ItemIndex{i}, i, i * kHourUs);
  const std::string bytes = bytes_of(counters);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    Counters loaded(kDayUs);
    StringSource source(std::string_view(bytes).substr(0, cut));
    const Status status = loaded.load(source);
    ASSERT_FALSE(status.ok()) << cut;
    EXPECT_EQ(status.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(loaded.size(), 0u);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 0xFF);
    Counters loaded(kDayUs);
    StringSource source(bad);
    if (loaded.load(source).ok()) {
      loaded.add(ItemIndex{2}, 1, kDayUs);
      EXPECT_GE(order_of(loaded).size(), 3u);
    }
  }
}

// The one moment against the long way round: value / 2^(fraction) moved by whole half-lives.
TEST(Counters, AScoreIsTheSameReadAloneOrForOneMomentFromLongBeforeToLongAfter) {
  std::mt19937_64 random(5);
  Counters counters(3 * kHourUs + 7);
  for (int i = 0; i < 1000; ++i) {
    counters.add(ItemIndex{static_cast<std::uint32_t>(random() % 200)},
                 static_cast<double>(random() % 1000) / 7 - 20,
                 static_cast<TimeUs>(random() % (20 * kDayUs)));
  }
  // Far enough that scores become subnormal, then 0, and large, in both directions.
  for (const TimeUs at : {TimeUs{0}, 10 * kDayUs, 20 * kDayUs + 1, 150 * kDayUs, 155 * kDayUs,
                          400 * kDayUs, 900 * kDayUs, -100 * kDayUs}) {
    const ScoreAt score(counters, at);
    for (std::uint32_t item = 0; item < 210; ++item) {
      const double alone = counters.score(ItemIndex{item}, at);
      EXPECT_EQ(score(ItemIndex{item}), alone) << item << " at " << at;
      const double near = counters.score(ItemIndex{item}, 20 * kDayUs);
      const double moved = near * std::exp2(static_cast<double>(20 * kDayUs - at) /
                                            static_cast<double>(3 * kHourUs + 7));
      EXPECT_NEAR(alone, moved, std::fabs(moved) * 1e-3 + 1e-320);
    }
  }
}

// The head holds up to 16,384; ties, falls out of it, and a cut among equals are the hard parts.
TEST(Counters, TheOrderIsExactWithManyMoreItemsThanTheHeadHolds) {
  std::mt19937_64 random(6);
  for (const bool few_values : {false, true}) {
    Counters counters(kDayUs);
    std::vector<double> expected(60'000);
    for (int i = 0; i < 400'000; ++i) {
      const std::uint64_t at = random() % (random() % 3 == 0 ? 60'000 : 20'000);
      const auto item = static_cast<std::uint32_t>(at);
      double weight = few_values ? 1.0 : static_cast<double>(random() % 10'000);
      if (random() % 8 == 0) weight = -expected[item] * static_cast<double>(random() % 3) / 2;
      counters.add(ItemIndex{item}, weight, 0);
      expected[item] += weight;
      if (i % 80'000 != 79'999) continue;
      std::vector<std::uint32_t> order(counters.size());
      std::iota(order.begin(), order.end(), 0u);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::uint32_t a, std::uint32_t b) { return expected[a] > expected[b]; });
      ASSERT_EQ(order_of(counters), order) << i;
      TopWalk walk(counters);
      const ScoreAt score(counters, kDayUs);
      for (ItemIndex top = walk.next(); top != kNoItem; top = walk.next()) {
        ASSERT_EQ(score.of_stored(walk.stored()), counters.score(top, kDayUs));
      }
    }
  }
}

TEST(Counters, OneScoreForEveryoneLeavesTheHeadEmptyAndTheOrderByItem) {
  Counters counters(kDayUs);
  for (std::uint32_t i = 0; i < 70'000; ++i) counters.add(ItemIndex{69'999 - i}, 1, 0);
  std::vector<std::uint32_t> order(70'000);
  std::iota(order.begin(), order.end(), 0u);
  EXPECT_EQ(order_of(counters), order);
}

}  // namespace
}  // namespace vitrine::counters
