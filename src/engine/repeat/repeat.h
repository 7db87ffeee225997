// When is who due to buy what again: intervals between purchases of the same item, learned from
// each purchase.
//
// For every item the gaps between two purchases by the same visitor are counted in buckets of half
// an octave, from half a day to about three years. From these counts, drawn towards those of the
// whole shop where an item has few, and towards the visitor's own gaps where there are some,
// follows the probability that a visitor who bought it `elapsed` ago buys it within the next days:
//
//   p d(b) w / (p S(b) + 1 - p)     p     probability that the item is ever bought again
//                                   d(b)  share of gaps in the bucket of `elapsed`
//                                   S(b)  share of gaps in that bucket or later
//                                   w     share of the bucket's span that the next days cover
//
// that is, a buyer who is long overdue counts more and more as one who will not come back.
//
// All that is stored are counts, so the state is the same on every machine; scores use only sums,
// products and quotients. Memory: 4 bytes an item, and 48 for one that was bought again. One
// writer, or many readers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"

namespace vitrine::repeat {

inline constexpr std::size_t kBuckets = 22;

// The bucket of a gap in microseconds; kBuckets where it is shorter than half a day: one shopping
// trip, no repeat. O(1).
std::size_t bucket_of(TimeUs gap);
// Where a bucket begins; of kBuckets where the last one ends. O(1).
TimeUs bucket_begin(std::size_t bucket);

struct ScoreOptions {
  TimeUs horizon = 7 * kDayUs;  // "due" means within this
  double shop_weight = 8;       // gaps of the whole shop count like so many of the item
  double own_weight = 4;        // one gap of the visitor counts like so many
};

// What is known of a visitor's purchases of one item.
struct Purchases {
  TimeUs last = 0;                    // the newest
  std::span<const TimeUs> gaps = {};  // between them, in any order
};

class Repeat {
 public:
  // An item was bought, for the first time by this visitor.
  void first_purchase(ItemIndex item);
  // It was bought again, `gap` microseconds after the time before. A gap below half a day counts
  // as the same purchase.
  void again(ItemIndex item, TimeUs gap);

  // Takes a first_purchase() or an again() back. Exactly, unless counts were halved since.
  void retract_first(ItemIndex item);
  void retract_again(ItemIndex item, std::size_t bucket);

  // Probability, 0..1, that the visitor buys it within the horizon from `now`. 0 where nobody in
  // the shop has bought anything again, and for times before the last purchase.
  double due(ItemIndex item, const Purchases& purchases, TimeUs now,
             const ScoreOptions& options = {}) const;

  // The gap that half of the item's repeats stay below, from the counts of the item alone; 0 where
  // there are none. For explanations.
  TimeUs usual_gap(ItemIndex item) const;
  std::uint64_t repeats(ItemIndex item) const;

  // Canonical. After an error empty.
  void save(Sink& sink) const;
  Status load(Source& source);
  std::uint64_t memory_bytes() const;

 private:
  struct Row {
    std::array<std::uint16_t, kBuckets> gaps{};
    std::uint32_t buyers = 0;  // visitors who bought it at least once
  };
  static_assert(sizeof(Row) == 48);
  static constexpr std::uint32_t kNoRow = 0xFFFFFFFFu;
  // Of an item that nobody bought again: its buyers, in the place of a row number.
  struct Slot {
    std::uint32_t row : 31;  // or the buyers
    std::uint32_t has_row : 1;
  };
  static constexpr std::uint32_t kSlotMost = 0x7FFFFFFFu;

  Slot& slot(ItemIndex item);
  const Row* row(ItemIndex item) const;
  std::uint32_t buyers(ItemIndex item) const;

  std::vector<Slot> slots_;  // indexed by item
  std::vector<Row> rows_;
  std::array<std::uint64_t, kBuckets> shop_gaps_{};
  std::uint64_t shop_buyers_ = 0;
};

}  // namespace vitrine::repeat
