#include "engine/counters/counters.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/check.h"
#include "base/decay.h"

namespace vitrine::counters {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kSteps = 4096;  // in a half-life
// Stored exponents are kept below this; a double overflows at 1024. The rest holds sums of
// kMaxWeight (40 bits) over 2^60 events.
constexpr std::int64_t kHighestExponent = 900;
constexpr std::uint32_t kMagic = 0x31544E43;  // "CNT1"

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

// 2^(r / 4096) for 0 <= r < 4096, from the decay table: 2 * 2^-((4096 - r) / 4096).
double up_factor(std::int64_t r) { return r == 0 ? 1.0 : 2.0 * decay_factor(kSteps - r, kSteps); }

int exponent_shift(std::int64_t exponent) {
  return static_cast<int>(std::clamp<std::int64_t>(exponent, -4000, 4000));
}

bool comes_first(const std::pair<double, std::uint32_t>& a,
                 const std::pair<double, std::uint32_t>& b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

// A max-heap on this order has the highest score on top, the lowest ItemIndex among equals.
bool comes_later(const std::pair<double, std::uint32_t>& a,
                 const std::pair<double, std::uint32_t>& b) {
  return a.first != b.first ? a.first < b.first : a.second > b.second;
}

}  // namespace

Counters::Counters(TimeUs half_life) : half_life_(half_life) { VITRINE_CHECK(half_life > 0); }

std::int64_t Counters::step_of(TimeUs at) const {
  const Wide product = static_cast<Wide>(at) * kSteps;
  Wide quotient = product / half_life_;
  if (product % half_life_ < 0) --quotient;
  // A half-life of a microsecond and a time of 300,000 years: keep room for arithmetic.
  constexpr Wide kBound = Wide{1} << 62;
  return static_cast<std::int64_t>(std::clamp<Wide>(quotient, -kBound, kBound));
}

double Counters::weight_in_landmark_units(double weight, std::int64_t step) {
  const std::int64_t whole = floor_div(step, kSteps);
  if (!any_) {
    any_ = true;
    landmark_ = whole;
  }
  if (whole - landmark_ > kHighestExponent) move_landmark(whole);
  return std::ldexp(weight * up_factor(step - whole * kSteps), exponent_shift(whole - landmark_));
}

// Scaling by a power of two is exact except for what falls below the smallest double: those
// items have decayed to nothing.
void Counters::move_landmark(std::int64_t landmark) {
  const int shift = exponent_shift(landmark_ - landmark);
  for (double& value : value_) value = std::ldexp(value, shift);
  landmark_ = landmark;
  rebuild();
}

void Counters::add(ItemIndex item, double weight, TimeUs at) {
  VITRINE_CHECK(item != kNoItem);
  VITRINE_CHECK(std::isfinite(weight));
  VITRINE_CHECK(std::fabs(weight) <= kMaxWeight);
  const std::uint32_t i = item.value;
  if (i >= size()) grow(i + 1);
  const double added = weight_in_landmark_units(weight, step_of(at));
  const double old = value_[i];
  const double sum = old + added;
  if (sum == old) return;
  move_in_head(i, old, sum);
  if (old > 0 && sum > 0) {
    const Place from = place_of(old);
    const Place to = place_of(sum);
    if (from.octave == to.octave && from.bucket == to.bucket) {
      value_[i] = sum;
      return;
    }
  }
  if (old > 0) unlink(i);
  if (old < 0) --negative_;
  value_[i] = sum;
  if (sum > 0) link(i);
  if (sum < 0) ++negative_;
}

void Counters::prefetch(ItemIndex item) const {
  if (item.value >= size()) return;
  __builtin_prefetch(&value_[item.value]);
  __builtin_prefetch(&next_[item.value]);
  __builtin_prefetch(&prev_[item.value]);
}

double Counters::score(ItemIndex item, TimeUs at) const {
  if (item.value >= size() || value_[item.value] == 0) return 0;
  return ScoreAt(*this, at)(item);
}

ScoreAt::ScoreAt(const Counters& counters, TimeUs at) : counters_(&counters) {
  const std::int64_t step = counters.step_of(at);
  const std::int64_t whole = floor_div(step, kSteps);
  up_ = up_factor(step - whole * kSteps);
  shift_ = exponent_shift(counters.landmark_ - whole);
  plain_ = shift_ >= std::numeric_limits<double>::min_exponent &&
           shift_ < std::numeric_limits<double>::max_exponent;
  scale_ = plain_ ? std::ldexp(1.0, shift_) : 0;
}

double ScoreAt::shifted(double value) const { return std::ldexp(value, shift_); }

void Counters::grow(std::uint32_t items) {
  if (items > value_.capacity()) {
    const std::size_t capacity = std::max<std::size_t>(items, value_.capacity() * 3 / 2);
    value_.reserve(capacity);
    next_.reserve(capacity);
    prev_.reserve(capacity);
  }
  value_.resize(items, 0.0);
  next_.resize(items, kNone);
  prev_.resize(items, kNone);
  // About 2^8 items an octave bucket row: 1 M items get 4096 buckets an octave, so that items
  // spread evenly over an octave share one with some hundreds of others.
  const int wanted =
      std::clamp(static_cast<int>(std::bit_width(items)) - 8, kMinSubBits, kMaxSubBits);
  if (wanted > sub_bits_) {
    sub_bits_ = wanted;
    rebuild();
  }
}

void Counters::rebuild() {
  octaves_.clear();
  first_octave_ = 0;
  negative_ = 0;
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (value_[i] > 0) link(i);
    if (value_[i] < 0) ++negative_;
  }
  rebuild_head();
}

Counters::Place Counters::place_of(double value) const {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto mantissa = static_cast<std::uint32_t>(bits >> (52 - sub_bits_));
  return {static_cast<std::uint32_t>(bits >> 52), mantissa & ((1u << sub_bits_) - 1)};
}

void Counters::link(std::uint32_t item) {
  const Place place = place_of(value_[item]);
  if (octaves_.empty()) {
    first_octave_ = place.octave;
    octaves_.resize(1);
  } else if (place.octave < first_octave_) {
    octaves_.insert(octaves_.begin(), first_octave_ - place.octave, Octave{});
    first_octave_ = place.octave;
  } else if (place.octave >= first_octave_ + octaves_.size()) {
    octaves_.resize(place.octave - first_octave_ + 1);
  }
  Octave& octave = octaves_[place.octave - first_octave_];
  if (octave.items++ == 0) {
    octave.heads.assign(std::size_t{1} << sub_bits_, kNone);
    octave.occupied.assign(((std::size_t{1} << sub_bits_) + 63) / 64, 0);
  }
  std::uint32_t& head = octave.heads[place.bucket];
  next_[item] = head;
  prev_[item] = kNone;
  if (head != kNone) prev_[head] = item;
  head = item;
  octave.occupied[place.bucket / 64] |= std::uint64_t{1} << (place.bucket % 64);
}

void Counters::unlink(std::uint32_t item) {
  const Place place = place_of(value_[item]);
  Octave& octave = octaves_[place.octave - first_octave_];
  const std::uint32_t next = next_[item];
  const std::uint32_t prev = prev_[item];
  if (next != kNone) prev_[next] = prev;
  if (prev != kNone) {
    next_[prev] = next;
  } else {
    octave.heads[place.bucket] = next;
    if (next == kNone)
      octave.occupied[place.bucket / 64] &= ~(std::uint64_t{1} << (place.bucket % 64));
  }
  if (--octave.items == 0) octave = Octave{};
}

void Counters::save(Sink& sink) const {
  sink.value(kMagic);
  sink.value<std::uint32_t>(any_ ? 1 : 0);
  sink.value(half_life_);
  sink.value(landmark_);
  sink.array(std::span<const double>(value_));
}

void Counters::clear() {
  value_.clear();
  next_.clear();
  prev_.clear();
  landmark_ = 0;
  any_ = false;
  sub_bits_ = kMinSubBits;
  rebuild();
}

Status Counters::load(Source& source) {
  clear();
  const auto corrupt = [this](const char* what) {
    clear();
    return Error(ErrorCode::kCorrupt, std::string("counters: ") + what);
  };
  std::uint32_t magic = 0;
  std::uint32_t any = 0;
  TimeUs half_life = 0;
  std::int64_t landmark = 0;
  VITRINE_TRY(source.value(magic));
  VITRINE_TRY(source.value(any));
  VITRINE_TRY(source.value(half_life));
  VITRINE_TRY(source.value(landmark));
  constexpr std::int64_t kLandmarkBound = std::int64_t{1} << 62;
  if (magic != kMagic) return corrupt("not counters");
  if (any > 1 || half_life <= 0) return corrupt("the half-life is out of range");
  if (landmark > kLandmarkBound || landmark < -kLandmarkBound)
    return corrupt("the landmark is out of range");
  std::vector<double> values;
  VITRINE_TRY(source.array(values));
  if (values.size() >= kNone) return corrupt("too many items");
  if (any == 0 && !values.empty()) return corrupt("scores without a landmark");
  for (const double value : values) {
    if (!std::isfinite(value) || std::fabs(value) > 0x1p1010)
      return corrupt("a score is out of range");
  }
  half_life_ = half_life;
  landmark_ = landmark;
  any_ = any == 1;
  grow(static_cast<std::uint32_t>(values.size()));
  std::copy(values.begin(), values.end(), value_.begin());
  rebuild();
  return ok_status();
}

std::uint64_t Counters::memory_bytes() const {
  std::uint64_t bytes = sizeof(*this) + value_.capacity() * sizeof(double) +
                        (next_.capacity() + prev_.capacity()) * sizeof(std::uint32_t) +
                        octaves_.capacity() * sizeof(Octave) +
                        head_.capacity() * sizeof(head_.front());
  for (const Octave& octave : octaves_) {
    bytes += octave.heads.capacity() * sizeof(std::uint32_t) + octave.occupied.capacity() * 8;
  }
  return bytes;
}

void Counters::rebuild_head() {
  head_.clear();
  head_floor_ = std::numeric_limits<double>::denorm_min();
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (value_[i] >= head_floor_) head_.emplace_back(value_[i], i);
    // Now and then, so that it never holds everything.
    if (head_.size() >= 4 * kHeadMost) cut_head();
  }
  if (head_.size() > kHeadMost) cut_head();
  std::sort(head_.begin(), head_.end(), comes_first);
}

// Leaves kHeadKept or fewer: equal values stay or go together. In any order before, sorted after.
void Counters::cut_head() {
  std::sort(head_.begin(), head_.end(), comes_first);
  std::size_t kept = kHeadKept;
  const double out = head_[kept].first;
  while (kept > 0 && head_[kept - 1].first == out) --kept;
  head_floor_ = kept > 0 ? head_[kept - 1].first
                         : std::nextafter(out, std::numeric_limits<double>::infinity());
  head_.resize(kept);
}

void Counters::move_in_head(std::uint32_t item, double old, double sum) {
  const bool was = old >= head_floor_;
  const bool is = sum >= head_floor_;
  if (!was && !is) return;
  const auto place = [&](double value) {
    return std::lower_bound(head_.begin(), head_.end(), std::pair{value, item}, comes_first);
  };
  if (!was) {
    head_.insert(place(sum), {sum, item});
    if (head_.size() > kHeadMost) cut_head();
    return;
  }
  const auto from = place(old);
  if (!is) {
    head_.erase(from);
    return;
  }
  if (sum > old) {
    // One event moves an item by few places as a rule: look from where it is, in growing steps.
    const std::pair wanted{sum, item};
    std::ptrdiff_t step = 1;
    while (from - head_.begin() > step && comes_first(wanted, *(from - step))) step *= 2;
    const auto left = from - std::min(step, from - head_.begin());
    const auto to = std::lower_bound(left, from, wanted, comes_first);
    std::move_backward(to, from, from + 1);
    *to = {sum, item};
  } else {
    const auto to = place(sum);
    std::move(from + 1, to, from);
    *(to - 1) = {sum, item};
  }
}

TopWalk::TopWalk(const Counters& counters)
    : counters_(counters), octave_(static_cast<std::uint32_t>(counters.octaves_.size())) {}

// Fills heap_ from the highest bucket not yet done; false when there is none.
bool TopWalk::next_bucket() {
  while (octave_ > 0) {
    const Counters::Octave& octave = counters_.octaves_[octave_ - 1];
    if (octave.items != 0) {
      if (bucket_ == 0) bucket_ = static_cast<std::uint32_t>(octave.heads.size());
      while (bucket_ > 0) {
        const std::uint32_t word = (bucket_ - 1) / 64;
        const std::uint32_t high = (bucket_ - 1) % 64;
        const std::uint64_t below = octave.occupied[word] & (~std::uint64_t{0} >> (63 - high));
        if (below == 0) {
          bucket_ = word * 64;
          continue;
        }
        bucket_ = word * 64 + static_cast<std::uint32_t>(std::bit_width(below)) - 1;
        for (std::uint32_t i = octave.heads[bucket_]; i != Counters::kNone;
             i = counters_.next_[i]) {
          // The bucket of the floor holds some that the head has given.
          if (counters_.value_[i] < counters_.head_floor_) {
            heap_.emplace_back(counters_.value_[i], i);
          }
        }
        if (heap_.empty()) continue;
        std::make_heap(heap_.begin(), heap_.end(), comes_later);
        if (bucket_ == 0) --octave_;
        return true;
      }
    }
    --octave_;
    bucket_ = 0;
  }
  return false;
}

// Goes on with the bucket in which the head ended.
void TopWalk::start_below_head() {
  phase_ = Phase::kPositive;
  const Counters::Place place = counters_.place_of(counters_.head_floor_);
  if (octave_ == 0 || place.octave >= counters_.first_octave_ + octave_) return;
  if (place.octave < counters_.first_octave_) {
    octave_ = 0;  // the head had all
    return;
  }
  octave_ = place.octave - counters_.first_octave_ + 1;
  bucket_ = place.bucket + 1;
}

void TopWalk::start_negative() {
  phase_ = Phase::kNegative;
  if (counters_.negative_ == 0) return;
  for (std::uint32_t i = 0; i < counters_.size(); ++i) {
    if (counters_.value_[i] < 0) heap_.emplace_back(counters_.value_[i], i);
  }
  std::make_heap(heap_.begin(), heap_.end(), comes_later);
}

ItemIndex TopWalk::next() {
  if (phase_ == Phase::kHead) {
    if (head_ < counters_.head_.size()) {
      const auto& [value, item] = counters_.head_[head_++];
      stored_ = value;
      return ItemIndex{item};
    }
    start_below_head();
  }
  if (phase_ == Phase::kPositive && heap_.empty() && !next_bucket()) phase_ = Phase::kZero;
  if (phase_ == Phase::kZero) {
    while (zero_ < counters_.size() && counters_.value_[zero_] != 0) ++zero_;
    stored_ = 0;
    if (zero_ < counters_.size()) return ItemIndex{zero_++};
    start_negative();
  }
  if (heap_.empty()) return kNoItem;
  std::pop_heap(heap_.begin(), heap_.end(), comes_later);
  const ItemIndex item{heap_.back().second};
  stored_ = heap_.back().first;
  heap_.pop_back();
  return item;
}

}  // namespace vitrine::counters
