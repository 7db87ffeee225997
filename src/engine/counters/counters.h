// Time-decayed counters of items, readable from the largest down at any moment.
//
// An item's score at time T is the sum of weight * 2^-((T - at) / half_life) over everything
// added for it. Decay takes the same factor from all items, so the order only changes where
// something is added. Stored is therefore the score in units of a landmark: an event at time t
// adds weight * 2^(t / half_life - landmark), no stored value is ever touched by time alone,
// and reading a score scales it back to T ("forward decay", Cormode et al., ICDE 2009, with
// g = 2^x). t is rounded down to 1/4096 of a half-life; factors come from base/decay.h, so the
// bits are the same on every machine.
//
// Order. Positive values hang in buckets by the leading bits of their floating-point form
// (exponent and some of the mantissa), which rise with the value: intrusive doubly linked
// lists, so that add() is O(1). A walk goes over the non-empty buckets from the top and puts
// each bucket in order when it gets there; the order is exact: score, then ItemIndex.
//
// The head. Almost every walk ends within the first thousands, and lists in memory order of
// nothing cost a cache miss an item. So the largest values also stand in one sorted array: all
// items not below head_floor_, kHeadKept to kHeadMost of them where there are so many. It follows
// from the values, is not saved, and changes no order.
//
// One writer, or many readers: const calls may run together, not beside add() or load().
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/huge_pages.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"

namespace vitrine::counters {

class ScoreAt;
class TopWalk;

class Counters {
 public:
  // |weight| of one add() may be at most this; 0 and less than this in sum keep values finite.
  static constexpr double kMaxWeight = 1e12;

  // half_life > 0, in microseconds.
  explicit Counters(TimeUs half_life);

  // Weight may be negative (refund, dislike): the score then may pass below zero. `at` may be
  // older than what was added before; an event more than about a thousand half-lives older
  // than the newest adds nothing. Amortised O(1). Items are dense numbers: memory grows with
  // the largest one seen.
  void add(ItemIndex item, double weight, TimeUs at);

  // Starts the cache misses of a coming add().
  void prefetch(ItemIndex item) const;

  // 0 for items without any weight. `at` is usually now; the sign and the order of items do not
  // depend on it.
  double score(ItemIndex item, TimeUs at) const;

  // Calls fn(ItemIndex) from the highest score down until it returns false. First all items with
  // a positive score, then those of score zero by ItemIndex, then the negative ones. The cost of
  // the first k items is O(k log k) plus one bucket, unless very many items share one score.
  template <class Fn>
  void for_each_from_top(Fn&& fn) const;

  // Items 0 .. size()-1 have been given memory.
  std::uint32_t size() const { return static_cast<std::uint32_t>(value_.size()); }
  TimeUs half_life() const { return half_life_; }

  // Canonical. load() replaces everything, the half-life too; after an error the counters are
  // empty.
  void save(Sink& sink) const;
  Status load(Source& source);
  std::uint64_t memory_bytes() const;

 private:
  friend class ScoreAt;
  friend class TopWalk;

  // 2^sub_bits_ buckets between one power of two and the next. Heads are allocated for
  // octaves that hold an item.
  struct Octave {
    std::uint32_t items = 0;
    std::vector<std::uint32_t> heads;     // first item of each bucket, kNone where empty
    std::vector<std::uint64_t> occupied;  // bit b: heads[b] is not empty
  };
  struct Place {
    std::uint32_t octave;
    std::uint32_t bucket;
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;

  std::int64_t step_of(TimeUs at) const;
  double weight_in_landmark_units(double weight, std::int64_t step);
  void move_landmark(std::int64_t landmark);
  void grow(std::uint32_t items);
  void rebuild();
  Place place_of(double value) const;
  void link(std::uint32_t item);
  void unlink(std::uint32_t item);
  void clear();
  void rebuild_head();
  void move_in_head(std::uint32_t item, double old, double sum);
  void cut_head();

  TimeUs half_life_;
  std::int64_t landmark_ = 0;  // in half-lives since 1970
  bool any_ = false;           // landmark_ has been set
  int sub_bits_ = kMinSubBits;
  HugeVector<double> value_;
  HugeVector<std::uint32_t> next_;  // within a bucket; unused where value_ <= 0
  HugeVector<std::uint32_t> prev_;
  std::vector<Octave> octaves_;  // indexed by the biased exponent minus first_octave_
  std::uint32_t first_octave_ = 0;
  std::uint32_t negative_ = 0;  // items with value_ < 0
  // Largest first, equal ones by item: exactly the items with value_ >= head_floor_ > 0.
  std::vector<std::pair<double, std::uint32_t>> head_;
  double head_floor_ = std::numeric_limits<double>::denorm_min();

  static constexpr std::size_t kHeadKept = 8192;
  static constexpr std::size_t kHeadMost = 16384;

  static constexpr int kMinSubBits = 2;
  static constexpr int kMaxSubBits = 12;
};

// Scores at one moment, some ns each: what the moment asks for is worked out once, where
// Counters::score() does it at every call. Gives the same bits. Valid until the counters change.
class ScoreAt {
 public:
  ScoreAt(const Counters& counters, TimeUs at);
  double operator()(ItemIndex item) const {
    if (item.value >= counters_->value_.size()) return 0;
    return of_stored(counters_->value_[item.value]);
  }
  // Of a value as TopWalk gives it.
  double of_stored(double stored) const {
    const double value = stored / up_;
    return plain_ ? value * scale_ : shifted(value);
  }

 private:
  double shifted(double value) const;
  const Counters* counters_;
  double up_;     // 1 <= up_ < 2
  int shift_;     // a score is value / up_ * 2^shift_
  bool plain_;    // 2^shift_ is a normal double: multiplying rounds as ldexp does
  double scale_;  // 2^shift_ where plain_
};

// The walk behind for_each_from_top(), for callers that stop and go on. Valid until the
// counters change.
class TopWalk {
 public:
  explicit TopWalk(const Counters& counters);
  // kNoItem at the end.
  ItemIndex next();
  // Of the item given last, for ScoreAt::of_stored(): saves looking it up.
  double stored() const { return stored_; }

 private:
  enum class Phase { kHead, kPositive, kZero, kNegative, kEnd };
  bool next_bucket();
  void start_below_head();
  void start_negative();

  const Counters& counters_;
  Phase phase_ = Phase::kHead;
  std::size_t head_ = 0;  // of the head, so many are done
  double stored_ = 0;
  std::uint32_t octave_;      // those above are done
  std::uint32_t bucket_ = 0;  // buckets from this on are done, in octave_ - 1
  std::uint32_t zero_ = 0;
  std::vector<std::pair<double, std::uint32_t>> heap_;
};

template <class Fn>
void Counters::for_each_from_top(Fn&& fn) const {
  TopWalk walk(*this);
  for (ItemIndex item = walk.next(); item != kNoItem; item = walk.next()) {
    if (!fn(item)) return;
  }
}

}  // namespace vitrine::counters
