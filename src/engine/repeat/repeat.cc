#include "engine/repeat/repeat.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace vitrine::repeat {
namespace {

// Half a day times 2^(bucket / 2), rounded down to microseconds: whole numbers, because a border
// must lie at the same place on every machine.
constexpr std::array<TimeUs, kBuckets + 1> make_begins() {
  std::array<TimeUs, kBuckets + 1> begins{};
  TimeUs even = kDayUs / 2;
  TimeUs odd = 61'094'025'894;  // half a day times the square root of 2
  for (std::size_t i = 0; i <= kBuckets; ++i) {
    begins[i] = i % 2 == 0 ? even : odd;
    if (i % 2 == 0) {
      even *= 2;
    } else {
      odd *= 2;
    }
  }
  return begins;
}
constexpr auto kBegins = make_begins();

// The share of repeats that is taken to come after any gap, so that nothing is impossible because
// it has not been seen yet.
constexpr double kAnyGap = 0.05;

// A half of a gap's count stays in its bucket and a quarter goes to each neighbour: who buys every
// 30 days must not be strange to the bucket that begins at 32.
double smoothed(std::span<const double, kBuckets> counts, std::size_t bucket) {
  const double before = bucket > 0 ? counts[bucket - 1] : counts[bucket];
  const double after = bucket + 1 < kBuckets ? counts[bucket + 1] : counts[bucket];
  return counts[bucket] * 0.5 + (before + after) * 0.25;
}

}  // namespace

TimeUs bucket_begin(std::size_t bucket) { return kBegins[bucket]; }

std::size_t bucket_of(TimeUs gap) {
  if (gap < kBegins[0]) return kBuckets;
  const auto above = std::upper_bound(kBegins.begin(), kBegins.end(), gap);
  return std::min<std::size_t>(kBuckets - 1, static_cast<std::size_t>(above - kBegins.begin()) - 1);
}

Repeat::Slot& Repeat::slot(ItemIndex item) {
  VITRINE_CHECK(item != kNoItem);
  if (item.value >= slots_.size()) slots_.resize(item.value + 1);
  return slots_[item.value];
}

const Repeat::Row* Repeat::row(ItemIndex item) const {
  if (item.value >= slots_.size() || slots_[item.value].has_row == 0) return nullptr;
  return &rows_[slots_[item.value].row];
}

std::uint32_t Repeat::buyers(ItemIndex item) const {
  if (item.value >= slots_.size()) return 0;
  const Row* found = row(item);
  return found != nullptr ? found->buyers : slots_[item.value].row;
}

void Repeat::first_purchase(ItemIndex item) {
  Slot& at = slot(item);
  ++shop_buyers_;
  if (at.has_row != 0) {
    Row& known = rows_[at.row];
    if (known.buyers < kSlotMost) ++known.buyers;
  } else if (at.row < kSlotMost) {
    at.row = (at.row + 1) & kSlotMost;
  }
}

void Repeat::again(ItemIndex item, TimeUs gap) {
  const std::size_t bucket = bucket_of(gap);
  if (bucket == kBuckets) return;
  Slot& at = slot(item);
  if (at.has_row == 0) {
    Row fresh;
    fresh.buyers = at.row;
    VITRINE_CHECK(rows_.size() < kSlotMost);
    at.row = static_cast<std::uint32_t>(rows_.size()) & kSlotMost;
    at.has_row = 1;
    rows_.push_back(fresh);
  }
  Row& counts = rows_[at.row];
  if (counts.gaps[bucket] == 0xFFFF) {
    for (std::uint16_t& count : counts.gaps) count = static_cast<std::uint16_t>(count / 2);
    counts.buyers = (counts.buyers + 1) / 2;
  }
  ++counts.gaps[bucket];
  ++shop_gaps_[bucket];
}

void Repeat::retract_first(ItemIndex item) {
  if (item.value >= slots_.size()) return;
  Slot& at = slots_[item.value];
  if (at.has_row == 0 && at.row > 0) {
    at.row = (at.row - 1) & kSlotMost;
  } else if (at.has_row != 0 && rows_[at.row].buyers > 0) {
    --rows_[at.row].buyers;
  } else {
    return;
  }
  if (shop_buyers_ > 0) --shop_buyers_;
}

void Repeat::retract_again(ItemIndex item, std::size_t bucket) {
  if (bucket >= kBuckets || item.value >= slots_.size()) return;
  const Slot at = slots_[item.value];
  if (at.has_row == 0 || rows_[at.row].gaps[bucket] == 0) return;
  --rows_[at.row].gaps[bucket];
  if (shop_gaps_[bucket] > 0) --shop_gaps_[bucket];
}

double Repeat::due(ItemIndex item, const Purchases& purchases, TimeUs now,
                   const ScoreOptions& options) const {
  if (now < purchases.last) return 0;
  double shop_repeats = 0;
  for (const std::uint64_t count : shop_gaps_) shop_repeats += static_cast<double>(count);
  if (shop_repeats == 0) return 0;

  std::array<double, kBuckets> counts{};
  double repeats = 0;
  if (const Row* known = row(item)) {
    for (std::size_t b = 0; b < kBuckets; ++b) {
      counts[b] = known->gaps[b];
      repeats += counts[b];
    }
  }
  // A buyer has a chance to come again after each purchase, the repeats included.
  const double chances = static_cast<double>(buyers(item)) + repeats;
  const double shop_rate = shop_repeats / (static_cast<double>(shop_buyers_) + shop_repeats);
  for (std::size_t b = 0; b < kBuckets; ++b) {
    const double of_shop = static_cast<double>(shop_gaps_[b]) / shop_repeats;
    counts[b] += options.shop_weight * (of_shop * (1 - kAnyGap) + kAnyGap / kBuckets);
  }
  double own = 0;
  for (const TimeUs gap : purchases.gaps) {
    const std::size_t bucket = bucket_of(gap);
    if (bucket == kBuckets) continue;
    counts[bucket] += options.own_weight;
    own += 1;
  }
  // Each repeat of the visitor is a chance that was taken.
  const double rate = (repeats + options.shop_weight * shop_rate + options.own_weight * own) /
                      (chances + options.shop_weight + options.own_weight * own);

  const std::size_t bucket =
      std::min(bucket_of(std::max(now - purchases.last, kBegins[0])), kBuckets - 1);
  double all = 0;
  double later = 0;
  for (std::size_t b = 0; b < kBuckets; ++b) {
    const double share = smoothed(counts, b);
    all += share;
    if (b >= bucket) later += share;
  }
  const double here = smoothed(counts, bucket) / all;
  const double span = static_cast<double>(kBegins[bucket + 1] - kBegins[bucket]);
  const double covered = std::min(1.0, static_cast<double>(options.horizon) / span);
  return rate * here * covered / (rate * (later / all) + (1 - rate));
}

std::uint64_t Repeat::repeats(ItemIndex item) const {
  const Row* known = row(item);
  if (known == nullptr) return 0;
  std::uint64_t sum = 0;
  for (const std::uint16_t count : known->gaps) sum += count;
  return sum;
}

TimeUs Repeat::usual_gap(ItemIndex item) const {
  const std::uint64_t all = repeats(item);
  if (all == 0) return 0;
  const Row& known = *row(item);
  std::uint64_t below = 0;
  for (std::size_t b = 0; b < kBuckets; ++b) {
    below += known.gaps[b];
    if (below * 2 >= all) return (kBegins[b] + kBegins[b + 1]) / 2;
  }
  return kBegins[kBuckets];
}

void Repeat::save(Sink& sink) const {
  std::vector<std::uint32_t> buyers_of(slots_.size());
  std::vector<std::uint32_t> items;  // with a row, ascending
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    buyers_of[i] = buyers(ItemIndex{i});
    if (slots_[i].has_row != 0) items.push_back(i);
  }
  sink.value(shop_buyers_);
  sink.value(shop_gaps_);
  sink.array(std::span<const std::uint32_t>(buyers_of));
  sink.array(std::span<const std::uint32_t>(items));
  for (const std::uint32_t item : items) sink.value(rows_[slots_[item].row].gaps);
}

Status Repeat::load(Source& source) {
  *this = Repeat();
  Repeat loaded;
  VITRINE_TRY(source.value(loaded.shop_buyers_));
  VITRINE_TRY(source.value(loaded.shop_gaps_));
  std::vector<std::uint32_t> buyers_of, items;
  VITRINE_TRY(source.array(buyers_of));
  VITRINE_TRY(source.array(items));
  if (items.size() > source.remaining() / sizeof(Row::gaps)) {
    return Error(ErrorCode::kCorrupt, "repeat purchases: more rows than bytes");
  }
  loaded.slots_.resize(buyers_of.size());
  for (std::size_t i = 0; i < buyers_of.size(); ++i) {
    if (buyers_of[i] > kSlotMost) {
      return Error(ErrorCode::kCorrupt, "repeat purchases: a count of buyers is out of range");
    }
    loaded.slots_[i].row = buyers_of[i] & kSlotMost;
  }
  loaded.rows_.resize(items.size());
  for (std::size_t n = 0; n < items.size(); ++n) {
    if (items[n] >= buyers_of.size() || (n > 0 && items[n] <= items[n - 1])) {
      return Error(ErrorCode::kCorrupt, "repeat purchases: items are out of order");
    }
    loaded.rows_[n].buyers = buyers_of[items[n]];
    VITRINE_TRY(source.value(loaded.rows_[n].gaps));
    loaded.slots_[items[n]].row = static_cast<std::uint32_t>(n) & kSlotMost;
    loaded.slots_[items[n]].has_row = 1;
  }
  *this = std::move(loaded);
  return ok_status();
}

std::uint64_t Repeat::memory_bytes() const {
  return sizeof(*this) + slots_.capacity() * sizeof(Slot) + rows_.capacity() * sizeof(Row);
}

}  // namespace vitrine::repeat
