#include "engine/repeat/repeat.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::repeat {
namespace {

constexpr ItemIndex kCoffee{3}, kSofa{7}, kUnknown{99};

// Coffee: 100 buyers, bought again about every 30 days. A sofa: 100 buyers, once.
Repeat coffee_and_sofas(double days = 30, int buyers = 100) {
  Repeat state;
  std::mt19937_64 random(5);
  std::normal_distribution<double> noise(days, days / 10);
  for (int buyer = 0; buyer < buyers; ++buyer) {
    state.first_purchase(kSofa);
    state.first_purchase(kCoffee);
    for (int again = 0; again < 4; ++again) {
      state.again(kCoffee, static_cast<TimeUs>(noise(random) * static_cast<double>(kDayUs)));
    }
  }
  return state;
}

double due_after(const Repeat& state, ItemIndex item, double days,
                 std::span<const TimeUs> gaps = {}) {
  const TimeUs last = 20'000 * kDayUs;
  return state.due(item, {last, gaps},
                   last + static_cast<TimeUs>(days * static_cast<double>(kDayUs)));
}

TEST(Repeat, BucketsAreHalfOctavesFromHalfADayOn) {
  EXPECT_EQ(bucket_of(0), kBuckets);
  EXPECT_EQ(bucket_of(kDayUs / 2 - 1), kBuckets);
  for (std::size_t b = 0; b < kBuckets; ++b) {
    EXPECT_EQ(bucket_of(bucket_begin(b)), b);
    EXPECT_EQ(bucket_of(bucket_begin(b + 1) - 1), b);
    const double ratio =
        static_cast<double>(bucket_begin(b + 1)) / static_cast<double>(bucket_begin(b));
    EXPECT_NEAR(ratio, std::sqrt(2.0), 1e-9) << b;
  }
  EXPECT_EQ(bucket_of(100'000 * kDayUs), kBuckets - 1);
}

TEST(Repeat, AConsumableIsMostDueAroundItsUsualGap) {
  const Repeat state = coffee_and_sofas();
  const double at_once = due_after(state, kCoffee, 1);
  const double in_time = due_after(state, kCoffee, 30);
  EXPECT_GT(in_time, 5 * at_once);
  EXPECT_GT(in_time, due_after(state, kCoffee, 10));
  EXPECT_GT(in_time, due_after(state, kCoffee, 120));
  EXPECT_NEAR(static_cast<double>(state.usual_gap(kCoffee)) / kDayUs, 30, 9);
  EXPECT_EQ(state.repeats(kCoffee), 400u);
}

TEST(Repeat, WhatNobodyBuysTwiceIsFarLessDueThanAConsumable) {
  const Repeat state = coffee_and_sofas();
  for (const double days : {20.0, 30.0, 40.0}) {
    EXPECT_LT(due_after(state, kSofa, days), due_after(state, kCoffee, days) / 4) << days;
  }
  EXPECT_EQ(state.usual_gap(kSofa), 0);
}

TEST(Repeat, WhoIsLongOverdueIsTakenToHaveLeft) {
  const Repeat state = coffee_and_sofas();
  double before = due_after(state, kCoffee, 45);
  for (const double days : {90.0, 180.0, 360.0, 720.0}) {
    const double now = due_after(state, kCoffee, days);
    EXPECT_LT(now, before) << days;
    before = now;
  }
}

TEST(Repeat, TheVisitorsOwnGapsMoveTheMomentFromTheItems) {
  const Repeat state = coffee_and_sofas(30, 5);
  const std::vector<TimeUs> fortnightly(3, 14 * kDayUs);
  EXPECT_GT(due_after(state, kCoffee, 14, fortnightly), 1.5 * due_after(state, kCoffee, 14));
  EXPECT_GT(due_after(state, kCoffee, 14, fortnightly), due_after(state, kCoffee, 60, fortnightly));
}

TEST(Repeat, AnItemNobodyKnowsFollowsTheShop) {
  const Repeat state = coffee_and_sofas();
  EXPECT_GT(due_after(state, kUnknown, 30), 0);
  EXPECT_GT(due_after(state, kUnknown, 30), due_after(state, kUnknown, 1));
  EXPECT_EQ(due_after(Repeat(), kUnknown, 30), 0);
}

TEST(Repeat, AllProbabilitiesAreBetweenZeroAndOneAndTimesBeforeThePurchaseGiveNone) {
  const Repeat state = coffee_and_sofas();
  for (double days = 0; days < 3000; days = days * 1.3 + 0.1) {
    for (const ItemIndex item : {kCoffee, kSofa, kUnknown}) {
      const double value = due_after(state, item, days);
      EXPECT_GE(value, 0) << days;
      EXPECT_LE(value, 1) << days;
    }
  }
  EXPECT_EQ(due_after(state, kCoffee, -1), 0);
}

TEST(Repeat, PurchasesOnOneShoppingTripAreNoRepeat) {
  Repeat state;
  state.first_purchase(kCoffee);
  state.again(kCoffee, 5 * kMinuteUs);
  EXPECT_EQ(state.repeats(kCoffee), 0u);
}

TEST(Repeat, CountsThatAreFullAreHalvedAndKeepTheirShape) {
  Repeat state;
  state.first_purchase(kCoffee);
  for (int i = 0; i < 70'000; ++i) {
    state.again(kCoffee, 30 * kDayUs);
    if (i % 2 == 0) state.again(kCoffee, 90 * kDayUs);
  }
  const TimeUs usual = state.usual_gap(kCoffee);
  EXPECT_EQ(bucket_of(usual), bucket_of(30 * kDayUs));
  EXPECT_LT(state.repeats(kCoffee), 2 * 65'536u);
  EXPECT_GT(state.repeats(kCoffee), 30'000u);
}

TEST(Repeat, SaveAndLoadGiveTheSameBytesAndAnswers) {
  const Repeat state = coffee_and_sofas();
  StringSink sink;
  state.save(sink);
  Repeat again;
  StringSource source(sink.bytes());
  ASSERT_TRUE(again.load(source).ok());
  StringSink second;
  again.save(second);
  EXPECT_EQ(second.bytes(), sink.bytes());
  for (const double days : {1.0, 30.0, 200.0}) {
    EXPECT_EQ(due_after(again, kCoffee, days), due_after(state, kCoffee, days));
    EXPECT_EQ(due_after(again, kSofa, days), due_after(state, kSofa, days));
  }
}

TEST(Repeat, EveryTruncationIsRefusedAndLeavesNothingBehind) {
  StringSink sink;
  coffee_and_sofas().save(sink);
  for (std::size_t size = 0; size < sink.bytes().size(); ++size) {
    Repeat state = coffee_and_sofas();
    StringSource source(std::string_view(sink.bytes()).substr(0, size));
    EXPECT_FALSE(state.load(source).ok()) << size;
    EXPECT_EQ(state.repeats(kCoffee), 0u);
  }
}

TEST(Repeat, WhatIsRetractedLeavesTheSameAnswers) {
  Repeat state = coffee_and_sofas();
  const Repeat before = coffee_and_sofas();
  state.first_purchase(kSofa);
  state.first_purchase(kCoffee);
  state.again(kCoffee, 9 * kDayUs);
  state.again(kSofa, 9 * kDayUs);
  state.retract_again(kSofa, bucket_of(9 * kDayUs));
  state.retract_again(kCoffee, bucket_of(9 * kDayUs));
  state.retract_first(kCoffee);
  state.retract_first(kSofa);
  for (const double days : {1.0, 30.0, 200.0}) {
    EXPECT_EQ(due_after(state, kCoffee, days), due_after(before, kCoffee, days));
    EXPECT_EQ(due_after(state, kSofa, days), due_after(before, kSofa, days));
  }
  // Nothing is there to be taken.
  Repeat empty;
  empty.retract_first(kSofa);
  empty.retract_again(kSofa, 3);
  empty.retract_again(kSofa, kBuckets);
  EXPECT_EQ(empty.repeats(kSofa), 0u);
}

}  // namespace
}  // namespace vitrine::repeat
