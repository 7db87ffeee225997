// What a tenant takes for the conduct of a customer. Whoever passes one of the bounds is flagged:
// served as before, but kept out of what is counted for others (docs/abuse.md).
//
// The defaults are far above what people do: above every visitor of the data sets and simulated
// shops in docs/abuse.md, wholesale customers among them. 0 switches a rule off.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::conduct {

struct Settings {
  // false: nobody is flagged by what they do; flags that an operator sets stay.
  bool detect = true;

  // Views and clicks of one visitor, by event time.
  std::uint32_t views_per_minute = 120;
  std::uint32_t views_per_hour = 900;
  std::uint32_t views_per_day = 3'000;
  // All events of one visitor, by arrival: no time that a sender makes up changes it.
  std::uint32_t events_per_minute = 1'200;
  std::uint32_t events_per_day = 30'000;
  // So many pages of items within an hour, of which `quick_percent` came less than a second after
  // the one before: nobody looked.
  std::uint32_t quick_views = 80;
  std::uint32_t quick_percent = 90;
  // So many pages of items in a row, one as long after the other as the next (their standard
  // deviation is below a tenth of their mean).
  std::uint32_t regular_views = 60;
  // Different items looked at in a day without putting any into the cart. An estimate, 5 % off.
  std::uint32_t items_per_day = 1'000;
  // Interactions in a day, most of them with one and the same item.
  std::uint32_t one_item_per_day = 200;
  // Clicks in a day of which nothing came, in a shop that usually sees a page after a click.
  std::uint32_t dead_clicks_per_day = 200;
  // Orders in a day, if they are also `orders_times_usual` times what a buyer of this shop orders
  // in a day. Purchases within a minute are one order.
  std::uint32_t orders_per_day = 100;
  std::uint32_t orders_times_usual = 20;
  // An item that so many new visitors begin with in an hour, which are `push_percent` of all new
  // ones: those who do nothing else are not counted until they do.
  std::uint32_t push_visitors = 300;
  std::uint32_t push_percent = 50;
  // A flag that was set by a rule ends after so many days without an event.
  std::uint32_t flag_days = 30;

  friend bool operator==(const Settings&, const Settings&) = default;
};

inline constexpr std::size_t kSettingsBytesMax = 8 << 10;

// kInvalidArgument names the field and what it must be. Unknown fields are refused; absent ones
// have the values above. kTooLarge above kSettingsBytesMax.
Result<Settings> parse_settings(std::string_view json, std::size_t readable_behind = 0);
// parse(print(s)) == s.
std::string print_settings(const Settings& settings);

}  // namespace vitrine::conduct
