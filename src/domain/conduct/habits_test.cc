#include "domain/conduct/habits.h"

#include <vector>

#include <gtest/gtest.h>

namespace vitrine::conduct {
namespace {

using event::EventType;

constexpr TimeUs kStart = 20'000 * kDayUs + 9 * kHourUs;

class HabitsTest : public ::testing::Test {
 protected:
  // The first reason found on the way.
  Reason act(EventType type, TimeUs at, std::uint32_t item, TimeUs arrived = 0) {
    const ItemIndex index{item};
    habits_.note({type, at, arrived == 0 ? at : arrived, std::span(&index, 1)}, usual_);
    EXPECT_TRUE(habits_.plausible());
    const Verdict verdict = habits_.judge(settings_, usual_);
    if (first_.reason == Reason::kNone) first_ = verdict;
    return verdict.reason;
  }
  Reason view(TimeUs at, std::uint32_t item) { return act(EventType::kDetailPageView, at, item); }
  // In [0, 1), the same at every run.
  double random() {
    seed_ = seed_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(seed_ >> 40) / (1 << 24);
  }

  void start_anew() {
    habits_ = {};
    usual_ = {};
    first_ = {};
  }

  Settings settings_;
  Habits habits_;
  Usual usual_;
  Verdict first_;
  std::uint64_t seed_ = 7;
};

TEST_F(HabitsTest, ADayOfHardShoppingIsNothingStrange) {
  // Twelve hours, a page each 15 s on average, tabs opened in bursts, 300 different items.
  TimeUs at = kStart;
  for (int n = 0; n < 2'800; ++n) {
    at += static_cast<TimeUs>((random() < 0.2 ? 0.3 : 0.5 + 35 * random() * random()) * 1e6);
    EXPECT_EQ(view(at, static_cast<std::uint32_t>(random() * 300)), Reason::kNone) << n;
  }
  EXPECT_LT(at - kStart, 14 * kHourUs);
}

TEST_F(HabitsTest, AWholesaleOrderOfFiveHundredLinesIsOneOrder) {
  for (std::uint32_t line = 0; line < 500; ++line) {
    EXPECT_EQ(act(EventType::kAddToCart, kStart + line * 1'000, line), Reason::kNone);
    EXPECT_EQ(act(EventType::kPurchaseComplete, kStart + kMinuteUs, line), Reason::kNone);
  }
  EXPECT_EQ(usual_.orders, 1u);
  EXPECT_EQ(usual_.buyer_days, 1u);
}

TEST_F(HabitsTest, MoreViewsThanEyesCanTakeInAreARate) {
  settings_.quick_views = 0;  // these are also that
  TimeUs at = kStart;
  while (view(at += static_cast<TimeUs>((0.1 + 0.6 * random()) * 1e6),
              static_cast<std::uint32_t>(random() * 50)) == Reason::kNone) {
    ASSERT_LT(at, kStart + 2 * kMinuteUs);
  }
  EXPECT_EQ(first_.reason, Reason::kViewRate);
  EXPECT_EQ(first_.bound, settings_.views_per_minute);
}

// Goal: windows slide. Method: as many views around the turn of an hour as within one.
TEST_F(HabitsTest, TheTurnOfAnHourHidesNothing) {
  TimeUs at = kStart + kHourUs / 2;
  while (view(at += static_cast<TimeUs>((1 + 4 * random()) * 1e6),
              static_cast<std::uint32_t>(random() * 50)) == Reason::kNone) {
    ASSERT_LT(at, kStart + 2 * kHourUs);
  }
  EXPECT_EQ(first_.reason, Reason::kViewRate);
  EXPECT_EQ(first_.bound, settings_.views_per_hour);
  EXPECT_LT(at, kStart + kHourUs / 2 + 70 * kMinuteUs);
}

TEST_F(HabitsTest, TimesThatAreMadeUpDoNotHideAFlood) {
  Reason found = Reason::kNone;
  for (int n = 0; n < 3'000 && found == Reason::kNone; ++n) {
    found = act(EventType::kAddToCart, kStart - n * 80 * kSecondUs,
                static_cast<std::uint32_t>(n % 7), kStart + n * 1'000);
  }
  EXPECT_EQ(found, Reason::kEventRate);
  EXPECT_EQ(first_.found, settings_.events_per_minute + 1);
}

TEST_F(HabitsTest, PagesThatNobodyLooksAtAreNoReading) {
  TimeUs at = kStart;
  int views = 0;
  // Slower than the bound of a minute on the whole: a burst, then a pause.
  while (first_.reason == Reason::kNone && views < 400) {
    for (int n = 0; n < 30; ++n, ++views)
      view(at += 150'000 + 100'000 * (n % 3), static_cast<std::uint32_t>(views % 40));
    at += 50 * kSecondUs;
  }
  EXPECT_EQ(first_.reason, Reason::kNoDwell);
}

TEST_F(HabitsTest, ATimerIsNoHand) {
  TimeUs at = kStart;
  for (int n = 0; n < 100; ++n) {
    view(at += 30 * kSecondUs + static_cast<TimeUs>(random() * 2e6),
         static_cast<std::uint32_t>(n % 30));
  }
  EXPECT_EQ(first_.reason, Reason::kRegularGaps);
  EXPECT_EQ(first_.bound, settings_.regular_views);
}

TEST_F(HabitsTest, AHandThatIsQuickAndSteadyIsStillNoTimer) {
  TimeUs at = kStart;
  for (int n = 0; n < 400; ++n) {
    view(at += static_cast<TimeUs>((8 + 6 * random()) * 1e6), static_cast<std::uint32_t>(n % 30));
  }
  EXPECT_EQ(first_.reason, Reason::kNone);  // the standard deviation is a sixth of the mean
}

TEST_F(HabitsTest, WhoReadsTheWholeCatalogBuysNothing) {
  TimeUs at = kStart;
  for (std::uint32_t n = 0; n < 1'300; ++n) {
    view(at += static_cast<TimeUs>((5 + 30 * random()) * 1e6), n);
  }
  EXPECT_EQ(first_.reason, Reason::kCrawl);
  EXPECT_NEAR(first_.found, 1'000, 100);

  // The same with something in the cart is a customer with much time.
  start_anew();
  at = kStart;
  act(EventType::kAddToCart, at, 3);
  for (std::uint32_t n = 0; n < 1'300; ++n) {
    view(at += static_cast<TimeUs>((5 + 30 * random()) * 1e6), n);
  }
  EXPECT_EQ(first_.reason, Reason::kNone);
}

TEST_F(HabitsTest, TheSameItemOverAndOverIsAPush) {
  TimeUs at = kStart;
  for (int n = 0; n < 400; ++n) {
    act(n % 3 == 0 ? EventType::kAddToCart : EventType::kDetailPageView,
        at += static_cast<TimeUs>((20 + 80 * random()) * 1e6),
        n % 5 == 0 ? static_cast<std::uint32_t>(n) : 7);
  }
  EXPECT_EQ(first_.reason, Reason::kOneItem);
}

TEST_F(HabitsTest, ClicksThatLeadNowhereAreDeadOnlyWhereClicksLeadSomewhere) {
  const auto click_on = [&] {
    TimeUs at = kStart;
    for (int n = 0; n < 300; ++n) {
      act(EventType::kItemClick, at += static_cast<TimeUs>((5 + 60 * random()) * 1e6),
          static_cast<std::uint32_t>(n % 90));
    }
  };
  click_on();
  EXPECT_EQ(first_.reason, Reason::kNone);  // this shop sends no pages
  start_anew();
  usual_.views = 10'000;
  usual_.clicks = 10'000;
  click_on();
  EXPECT_EQ(first_.reason, Reason::kDeadClicks);
}

TEST_F(HabitsTest, OrdersAreManyAgainstWhatTheShopIsUsedTo) {
  const auto order_on = [&] {
    for (int n = 0; n < 200; ++n)
      act(EventType::kPurchaseComplete, kStart + n * 4 * kMinuteUs, static_cast<std::uint32_t>(n));
  };
  usual_.orders = 1'100;
  usual_.buyer_days = 1'000;
  order_on();
  EXPECT_EQ(first_.reason, Reason::kOrders);
  start_anew();  // a marketplace where every buyer is a robot of a company
  usual_.orders = 50'000;
  usual_.buyer_days = 1'000;
  order_on();
  EXPECT_EQ(first_.reason, Reason::kNone);
}

TEST_F(HabitsTest, ARuleOfZeroIsOff) {
  settings_ = {.views_per_minute = 0,
               .views_per_hour = 0,
               .views_per_day = 0,
               .events_per_minute = 0,
               .events_per_day = 0,
               .quick_views = 0,
               .regular_views = 0,
               .items_per_day = 0,
               .one_item_per_day = 0,
               .dead_clicks_per_day = 0,
               .orders_per_day = 0};
  for (std::uint32_t n = 0; n < 5'000; ++n) view(kStart + n * 100'000, n % 3);
  EXPECT_EQ(first_.reason, Reason::kNone);
}

}  // namespace
}  // namespace vitrine::conduct
