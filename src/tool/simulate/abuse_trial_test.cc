#include "tool/simulate/abuse_trial.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

namespace vitrine::simulate {
namespace {

AbuseOptions small() {
  AbuseOptions options;
  options.shop.items = 200;
  options.shop.categories = 8;
  options.shop.visitors = 400;
  options.shop.history_days = 10;
  options.shop.days = 1;
  options.shop.start = 20'000 * kDayUs;
  options.percent = 40;
  return options;
}

TEST(AbuseTrial, TheCrowdFollowsFromItsSeedAndComesInOrderOfTime) {
  ShopOptions shop_options = small().shop;
  const auto shop = make_shop(shop_options);
  ASSERT_TRUE(shop.ok());
  const auto crowd = make_crowd(*shop, 40);
  const auto again = make_crowd(*shop, 40);
  ASSERT_TRUE(crowd.ok());
  ASSERT_EQ(crowd->doings.size(), again->doings.size());
  EXPECT_TRUE(std::ranges::is_sorted(crowd->doings, {}, &Doing::at));
  EXPECT_GE(crowd->robot_events * 100, crowd->doings.size() * 39);
  EXPECT_EQ(crowd->ids.size(), crowd->kinds.size());
  const auto alone = make_crowd(*shop, 0);
  ASSERT_TRUE(alone.ok());
  EXPECT_EQ(alone->robot_events, 0u);
}

TEST(AbuseTrial, RobotsAreFoundPeopleAreNotAndTheCountersStayClean) {
  const auto result = try_abuse(small(), 101);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->people_flagged, 0u);
  EXPECT_GT(result->people, 200u);
  EXPECT_GT(result->top_kept, result->top_kept_unwatched);
  EXPECT_LT(result->popular_off, result->popular_off_unwatched / 2);
  const auto& crawlers = result->kinds[static_cast<std::size_t>(RobotKind::kPriceWatch)];
  EXPECT_EQ(crawlers.found, crawlers.robots);
}

TEST(AbuseTrial, WithoutRobotsNothingDiffers) {
  AbuseOptions options = small();
  options.percent = 0;
  const auto result = try_abuse(options, 102);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->robot_events, 0u);
  EXPECT_EQ(result->people_flagged, 0u);
  EXPECT_EQ(result->popular_off, 0);
  EXPECT_EQ(result->top_kept, 1);
}

TEST(AbuseTrial, TheLastLineIsJson) {
  std::ostringstream out;
  ASSERT_TRUE(run_abuse_trial(small(), false, out, no_progress()).ok());
  const std::string text = out.str();
  EXPECT_NE(text.find("top 20 of trending in common"), std::string::npos);
  EXPECT_NE(text.rfind("{\"seeds\":1,"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::simulate
