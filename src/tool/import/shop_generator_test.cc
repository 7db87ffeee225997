#include "tool/import/shop_generator.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

namespace vitrine::importer {
namespace {

ShopOptions small() {
  ShopOptions options;
  options.items = 200;
  options.customers = 100;
  options.end_time = 20'000 * kDayUs;
  return options;
}

std::string all_json(const GeneratedShop& shop) {
  std::string text;
  for (const auto& item : shop.items) text += item_json(item) + "\n";
  for (std::size_t i = 0; i < shop.events.size(); ++i) text += event_json(shop, i) + "\n";
  return text;
}

TEST(ShopGenerator, TheSameSeedGivesTheSameBytesAndAnotherSeedOthers) {
  auto options = small();
  const std::string one = all_json(generate_shop(options).value());
  EXPECT_EQ(one, all_json(generate_shop(options).value()));
  options.seed = 2;
  EXPECT_NE(one, all_json(generate_shop(options).value()));
}

TEST(ShopGenerator, IdsAreUniqueAndTimesAreInOrderWithinTheDays) {
  const auto options = small();
  const auto shop = generate_shop(options).value();
  std::set<std::string> ids;
  TimeUs last = 0;
  for (const auto& event : shop.events) {
    EXPECT_TRUE(ids.insert(event.event_id).second) << event.event_id;
    EXPECT_GE(event.time, last);
    EXPECT_GE(event.time, options.end_time - options.days * kDayUs);
    EXPECT_LE(event.time, options.end_time);
    EXPECT_FALSE(event.items.empty());
    EXPECT_LE(event.items.size(), 100u);
    last = event.time;
  }
}

TEST(ShopGenerator, CustomersBuyByTaste) {
  // Whoever bought twice or more in a category must have the same style again far more often than
  // the one in five that chance gives.
  const auto shop = generate_shop(small()).value();
  std::map<std::string, std::map<std::string, int>> styles;
  for (const auto& event : shop.events) {
    if (event.type != "purchase-complete") continue;
    for (const auto item : event.items) ++styles[event.user_id][shop.items[item].style];
  }
  int favourite = 0;
  int bought = 0;
  for (const auto& [user, counts] : styles) {
    int most = 0;
    int sum = 0;
    for (const auto& [style, count] : counts) {
      most = std::max(most, count);
      sum += count;
    }
    if (sum < 8) continue;
    favourite += most;
    bought += sum;
  }
  ASSERT_GT(bought, 100);
  EXPECT_GT(favourite, bought / 2);
}

TEST(ShopGenerator, OptionsOutOfRangeAreRefused) {
  auto options = small();
  options.items = 19;
  EXPECT_FALSE(generate_shop(options).ok());
  options = small();
  options.customers = 0;
  EXPECT_FALSE(generate_shop(options).ok());
  options = small();
  options.customers = 1;
  options.days = 1;
  EXPECT_FALSE(generate_shop(options).value().events.empty());
}

}  // namespace
}  // namespace vitrine::importer
