// What one visitor did lately, in fixed space: enough to tell somebody who shops from something
// that runs.
//
// Windows slide: what was done in the last minute, hour and day is what falls into the present
// minute of the clock, and of the one before the share that the window still covers. What is older
// than the window before the newest is not counted. All numbers are whole, so that every machine
// comes to the same verdict.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/clock.h"
#include "base/ids.h"
#include "domain/conduct/settings.h"
#include "domain/event/event.h"

namespace vitrine::conduct {

// Why somebody is flagged. Values are on disk: add, never renumber.
enum class Reason : std::uint8_t {
  kNone = 0,
  kViewRate = 1,     // views_per_minute, _hour, _day
  kEventRate = 2,    // events_per_minute, _day
  kNoDwell = 3,      // quick_views
  kRegularGaps = 4,  // regular_views
  kCrawl = 5,        // items_per_day
  kOneItem = 6,      // one_item_per_day
  kDeadClicks = 7,   // dead_clicks_per_day
  kOrders = 8,       // orders_per_day
  kOperator = 9,     // somebody said so
};
inline constexpr std::size_t kReasons = 10;

// "view_rate" and so on: API. Empty for values that are none.
std::string_view reason_name(Reason reason);

// What one event tells about its visitor.
struct Act {
  event::EventType type = event::EventType::kCustom;
  TimeUs at = 0;       // when it happened, at most `arrived`
  TimeUs arrived = 0;  // append time
  std::span<const ItemIndex> items;
};

// What is usual in the shop; of visitors who are not flagged.
struct Usual {
  std::uint64_t views = 0;
  std::uint64_t clicks = 0;
  std::uint64_t orders = 0;
  std::uint64_t buyer_days = 0;  // visitors and days with an order
};

struct Verdict {
  Reason reason = Reason::kNone;
  std::uint32_t found = 0;  // what was counted
  std::uint32_t bound = 0;  // what the rule allows
};

class Habits {
 public:
  // Takes note; adds what is usual to `usual`.
  void note(const Act& act, Usual& usual);
  // Of the visitor as of the last note(). The first rule that it breaks.
  Verdict judge(const Settings& settings, const Usual& usual) const;

  // For a reader of bytes: values that note() can't leave.
  bool plausible() const;

 private:
  // Of the present window and of the one before.
  using Pair = std::array<std::uint16_t, 2>;

  void roll(std::uint32_t second);
  void roll_arrival(std::uint32_t second);
  void note_page(const Act& act, std::uint32_t second);
  void note_gap(TimeUs gap);
  void note_item(ItemIndex item);
  bool regular(std::uint32_t wanted) const;
  std::uint32_t different_items() const;
  std::uint32_t in_minute(const Pair& pair) const;
  std::uint32_t in_hour(const Pair& pair) const;
  std::uint32_t in_day(const Pair& pair) const;

  TimeUs last_page_ = 0;  // a detail page; 0: none yet
  TimeUs last_order_ = 0;
  // Gaps between detail pages, in milliseconds, as long as they are regular.
  std::uint64_t gap_sum_ = 0;
  std::uint64_t gap_squares_ = 0;
  std::array<std::uint64_t, 8> seen_{};  // hashed items looked at in the present day
  std::uint32_t second_ = 0;             // the newest, since 1970
  std::uint32_t arrival_ = 0;
  std::array<std::uint32_t, 2> arrived_day_{};
  Pair arrived_minute_{};
  Pair views_minute_{}, views_hour_{}, views_day_{};
  Pair pages_hour_{}, quick_hour_{};
  Pair clicks_day_{}, leads_day_{}, orders_day_{};
  std::uint16_t carts_today_ = 0;
  std::uint16_t gaps_ = 0;
  // The item that most of the present day's interactions are about, if one is (Boyer and Moore's
  // vote), and by how many they outnumber the others.
  std::uint32_t item_ = 0;
  std::uint16_t item_lead_ = 0;
  std::uint16_t zero_ = 0;  // no padding: habits are saved as they lie in memory
};
static_assert(std::is_trivially_copyable_v<Habits>);
static_assert(std::has_unique_object_representations_v<Habits>);
static_assert(sizeof(Habits) == 160);

}  // namespace vitrine::conduct
