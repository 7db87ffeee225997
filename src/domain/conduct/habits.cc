#include "domain/conduct/habits.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace vitrine::conduct {
namespace {

using event::EventType;

constexpr std::uint32_t kMinute = 60;
constexpr std::uint32_t kHour = 3'600;
constexpr std::uint32_t kDay = 86'400;

constexpr TimeUs kQuick = kSecondUs;
constexpr TimeUs kOneOrder = kMinuteUs;
// Gaps outside are of a session that begins or of one page that was sent twice.
constexpr TimeUs kGapLeast = 50'000;
constexpr TimeUs kGapMost = 10 * kMinuteUs;

constexpr std::uint32_t kSeenBits = 512;

constexpr std::array<std::string_view, kReasons> kNames = {
    "",      "view_rate", "event_rate",  "no_dwell", "regular_gaps",
    "crawl", "one_item",  "dead_clicks", "orders",   "operator"};

// How many different items set so many bits: after k of them are set the next new item sets
// another one with chance (bits - k) / bits.
constexpr std::array<std::uint32_t, kSeenBits + 1> make_estimates() {
  std::array<std::uint32_t, kSeenBits + 1> out{};
  double sum = 0;
  for (std::uint32_t k = 0; k < kSeenBits; ++k) {
    sum += static_cast<double>(kSeenBits) / (kSeenBits - k);
    out[k + 1] = static_cast<std::uint32_t>(sum);
  }
  return out;
}
constexpr auto kEstimates = make_estimates();

std::uint32_t second_of(TimeUs at) {
  return static_cast<std::uint32_t>(
      std::clamp<TimeUs>(at / kSecondUs, 0, std::numeric_limits<std::uint32_t>::max()));
}

template <class Count>
void add_one(Count& count) {
  if (count < std::numeric_limits<Count>::max()) ++count;
}

// `steps`: how many windows later it is now.
template <class Pair>
void shift(Pair& pair, std::uint32_t steps) {
  pair[1] = steps == 1 ? pair[0] : 0;
  pair[0] = 0;
}

// Of windows that are `span` long, at `second`.
std::uint32_t sliding(std::uint32_t now, std::uint32_t before, std::uint32_t second,
                      std::uint32_t span) {
  const std::uint64_t left = span - second % span;
  return now + static_cast<std::uint32_t>(before * left / span);
}

bool is_browsing(EventType type) {
  return type == EventType::kDetailPageView || type == EventType::kItemClick ||
         type == EventType::kMessageClick;
}

// What comes of a click: a page, a cart, an order.
bool is_lead(EventType type) {
  return type == EventType::kDetailPageView || type == EventType::kAddToCart ||
         type == EventType::kPurchaseComplete;
}

std::uint32_t hash_of(ItemIndex item) {
  return static_cast<std::uint32_t>((item.value * 0x9E3779B97F4A7C15ull) >> 40);
}

}  // namespace

std::string_view reason_name(Reason reason) {
  const auto value = static_cast<std::size_t>(reason);
  return value < kReasons ? kNames[value] : std::string_view{};
}

void Habits::roll_arrival(std::uint32_t second) {
  if (second <= arrival_) return;
  if (const auto steps = second / kMinute - arrival_ / kMinute) shift(arrived_minute_, steps);
  if (const auto steps = second / kDay - arrival_ / kDay) shift(arrived_day_, steps);
  arrival_ = second;
}

void Habits::roll(std::uint32_t second) {
  if (second <= second_) return;
  if (const auto steps = second / kMinute - second_ / kMinute) shift(views_minute_, steps);
  if (const auto steps = second / kHour - second_ / kHour) {
    for (Pair* pair : {&views_hour_, &pages_hour_, &quick_hour_}) shift(*pair, steps);
  }
  if (const auto steps = second / kDay - second_ / kDay) {
    for (Pair* pair : {&views_day_, &clicks_day_, &leads_day_, &orders_day_}) shift(*pair, steps);
    seen_ = {};
    carts_today_ = 0;
    item_lead_ = 0;
  }
  second_ = second;
}

void Habits::note(const Act& act, Usual& usual) {
  const std::uint32_t second = second_of(act.at);
  roll_arrival(second_of(act.arrived));
  roll(second);
  add_one(arrived_minute_[0]);
  add_one(arrived_day_[0]);
  // Which of the two windows it falls into; above 1: it is too old to be counted.
  const std::uint32_t hour = second_ / kHour - second / kHour;
  const std::uint32_t day = second_ / kDay - second / kDay;
  const std::uint32_t minute = second_ / kMinute - second / kMinute;
  if (is_browsing(act.type)) {
    if (minute < 2) add_one(views_minute_[minute]);
    if (hour < 2) add_one(views_hour_[hour]);
    if (day < 2) add_one(views_day_[day]);
  }
  if (act.type == EventType::kItemClick) {
    ++usual.clicks;
    if (day < 2) add_one(clicks_day_[day]);
  }
  if (is_lead(act.type) && day < 2) add_one(leads_day_[day]);
  if (act.type == EventType::kDetailPageView) {
    ++usual.views;
    note_page(act, second);
  }
  if (act.type == EventType::kAddToCart && day == 0) add_one(carts_today_);
  if (act.type == EventType::kPurchaseComplete) {
    const bool another =
        last_order_ == 0 || act.at - last_order_ >= kOneOrder || last_order_ - act.at >= kOneOrder;
    last_order_ = std::max(last_order_, act.at);
    if (day == 0) add_one(carts_today_);
    if (another && day < 2) {
      ++usual.orders;
      if (orders_day_[day] == 0) ++usual.buyer_days;
      add_one(orders_day_[day]);
    }
  } else if (day == 0 && (is_browsing(act.type) || act.type == EventType::kAddToCart ||
                          act.type == EventType::kRating)) {
    for (const ItemIndex item : act.items) note_item(item);
  }
}

void Habits::note_page(const Act& act, std::uint32_t second) {
  const std::uint32_t hour = second_ / kHour - second / kHour;
  const TimeUs gap = act.at - last_page_;
  const bool first = last_page_ == 0;
  if (hour < 2) {
    add_one(pages_hour_[hour]);
    if (!first && gap >= 0 && gap < kQuick) add_one(quick_hour_[hour]);
  }
  if (second_ / kDay == second / kDay) {
    for (const ItemIndex item : act.items) {
      const std::uint32_t bit = hash_of(item) % kSeenBits;
      seen_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  if (gap < 0) return;
  last_page_ = act.at;
  if (!first) note_gap(gap);
}

// A gap that does not fit begins a new run. "Fits" is wide here, a half of the mean either way;
// judge() looks at the spread of the whole run.
void Habits::note_gap(TimeUs gap) {
  const auto ms = static_cast<std::uint64_t>(gap / 1'000);
  const bool fits = gap >= kGapLeast && gap <= kGapMost &&
                    (gaps_ == 0 || (2 * ms * gaps_ >= gap_sum_ && 2 * ms * gaps_ <= 3 * gap_sum_));
  if (!fits) {
    gaps_ = 0;
    gap_sum_ = gap_squares_ = 0;
    if (gap < kGapLeast || gap > kGapMost) return;
  }
  if (gaps_ == std::numeric_limits<std::uint16_t>::max()) return;
  ++gaps_;
  gap_sum_ += ms;
  gap_squares_ += ms * ms;
}

void Habits::note_item(ItemIndex item) {
  if (item_lead_ == 0) item_ = item.value;
  if (item_ == item.value) {
    add_one(item_lead_);
  } else {
    --item_lead_;
  }
}

std::uint32_t Habits::in_minute(const Pair& p) const {
  return sliding(p[0], p[1], second_, kMinute);
}
std::uint32_t Habits::in_hour(const Pair& p) const { return sliding(p[0], p[1], second_, kHour); }
std::uint32_t Habits::in_day(const Pair& p) const { return sliding(p[0], p[1], second_, kDay); }

// variance < (mean / 10)^2, without a division: n Q - S^2 < S^2 / 100. At most 65,535 gaps of
// 600,000 ms: S < 2^36, n Q < 2^71.
bool Habits::regular(std::uint32_t wanted) const {
  if (gaps_ < wanted) return false;
  __extension__ using Wide = unsigned __int128;
  const Wide squares = static_cast<Wide>(gap_squares_) * gaps_;
  const Wide mean = static_cast<Wide>(gap_sum_) * gap_sum_;
  return (squares - mean) * 100 < mean;
}

std::uint32_t Habits::different_items() const {
  std::uint32_t bits = 0;
  for (const std::uint64_t word : seen_) bits += static_cast<std::uint32_t>(std::popcount(word));
  return kEstimates[bits];
}

Verdict Habits::judge(const Settings& s, const Usual& usual) const {
  const auto above = [](std::uint32_t found, std::uint32_t bound) {
    return bound != 0 && found > bound;
  };
  const auto over = [](Reason reason, std::uint32_t found, std::uint32_t bound) {
    return Verdict{reason, found, bound};
  };
  if (const auto n = in_minute(views_minute_); above(n, s.views_per_minute))
    return over(Reason::kViewRate, n, s.views_per_minute);
  if (const auto n = in_hour(views_hour_); above(n, s.views_per_hour))
    return over(Reason::kViewRate, n, s.views_per_hour);
  if (const auto n = in_day(views_day_); above(n, s.views_per_day))
    return over(Reason::kViewRate, n, s.views_per_day);
  if (const auto n = sliding(arrived_minute_[0], arrived_minute_[1], arrival_, kMinute);
      above(n, s.events_per_minute))
    return over(Reason::kEventRate, n, s.events_per_minute);
  if (const auto n = sliding(arrived_day_[0], arrived_day_[1], arrival_, kDay);
      above(n, s.events_per_day))
    return over(Reason::kEventRate, n, s.events_per_day);
  if (const auto pages = in_hour(pages_hour_); above(pages, s.quick_views)) {
    const std::uint32_t quick = in_hour(quick_hour_);
    if (quick * 100 >= pages * s.quick_percent) return over(Reason::kNoDwell, quick, s.quick_views);
  }
  if (s.regular_views != 0 && regular(s.regular_views))
    return over(Reason::kRegularGaps, gaps_, s.regular_views);
  if (s.items_per_day != 0 && carts_today_ == 0 && views_day_[0] > s.items_per_day / 2) {
    if (const auto n = different_items(); n > s.items_per_day)
      return over(Reason::kCrawl, n, s.items_per_day);
  }
  if (above(item_lead_, s.one_item_per_day))
    return over(Reason::kOneItem, item_lead_, s.one_item_per_day);
  if (const auto n = in_day(clicks_day_); above(n, s.dead_clicks_per_day)) {
    if (in_day(leads_day_) * 20 < n && usual.views * 2 >= usual.clicks)
      return over(Reason::kDeadClicks, n, s.dead_clicks_per_day);
  }
  if (const auto n = in_day(orders_day_); above(n, s.orders_per_day)) {
    if (n * usual.buyer_days >= usual.orders * s.orders_times_usual)
      return over(Reason::kOrders, n, s.orders_per_day);
  }
  return {};
}

bool Habits::plausible() const {
  return zero_ == 0 && gap_sum_ <= std::uint64_t{gaps_} * (kGapMost / 1'000) &&
         gap_squares_ <= std::uint64_t{gaps_} * (kGapMost / 1'000) * (kGapMost / 1'000) &&
         last_page_ >= 0 && last_order_ >= 0;
}

}  // namespace vitrine::conduct
