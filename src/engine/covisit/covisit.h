// Which items follow which: item-to-item co-visitation, updated by each event and ready to
// score at once. docs/decisions/item-item-scoring.md has the formula, how its settings were
// chosen and what was rejected.
//
// State. Each item a has a row of at most max_neighbours entries (b, weight): how often, and how
// soon, b came after a in the same visitor's history; and a count: how often a itself occurred.
// An event for item b, `gap` items after a, adds gap^-(gap_half_power/2) to row a's entry b, and
// `backward` times that to row b's entry a. With a half-life, a row and its count decay as
// their time passes.
//
// Bound. A full row takes a new neighbour of weight w in place of its lightest one of weight
// m with probability w / (m + w), at weight max(m, w), and else drops it: a rare neighbour seldom
// displaces a regular one, and one that keeps coming back gets in (after "randomised admission",
// Ben Basat et al., INFOCOM 2017, who add the weights up; that inflates what is rare, and ranks
// worse). The dice are a hash of the pair and of the number of events so far, so that a replay
// throws the same.
//
// Score of b for a history a_0 (newest), a_1, ...:
//   direct(b) = sum over r of weight_r * history_decay^age_r * count(a_r)^-source_power *
//   row(a_r)[b] second(b) = second_hop * sum over the best m by direct(m) norm(m) of
//               direct(m) norm(m) * row(m)[b] / sum of row(m)
//   score(b)  = (direct(b) + second(b)) * norm(b),   norm(b) = (count(b) +
//   count_offset)^-target_power
// It depends on the state and the history only, never on what else was asked for.
//
// One writer, or many readers: const calls may run together (each with its own scratch), not
// beside observe() or load().
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/huge_pages.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/covisit/block_pool.h"
#include "engine/covisit/score.h"

namespace vitrine::covisit {

// What is counted. Part of the saved state: changing one means counting again from the log.
struct Options {
  std::uint32_t window = 10;  // earlier items that a new one is paired with, 1 .. kMaxWindow
  std::uint32_t max_neighbours = 64;  // per item, 4 .. 65,532
  std::uint32_t gap_half_power = 1;   // 0: all gaps weigh 1; 1: gap^-0.5; 2: gap^-1; ... 8
  float backward = 0.3f;  // 0: the later item's row learns nothing of the earlier; 1: symmetric
  TimeUs half_life = 60 * kDayUs;  // of rows and counts; 0: no decay, else at least an hour
  friend bool operator==(const Options&, const Options&) = default;
};

struct Neighbour {
  ItemIndex item;
  float weight;  // as of the row's last change
};

class Covisit {
 public:
  static constexpr std::uint32_t kMaxWindow = 64;
  static constexpr float kMaxWeight = 1e6f;

  explicit Covisit(const Options& options = {});

  // `item` occurs after `recent_newest_first` of the same visitor; only the first `window` of those
  // are used. 0 < weight <= kMaxWeight scales what is added. `at` matters only with a half-life and
  // may be older than earlier calls'. O(window) row updates; all rows are prefetched first.
  void observe(std::span<const ItemIndex> recent_newest_first, ItemIndex item, TimeUs at,
               float weight = 1);

  // Takes an observe() with the same arguments back, as far as it can be: what it added is
  // subtracted with the decay since then, down to nothing. What it displaced from a full row does
  // not come back, nor does what it added before its pair was displaced.
  void retract(std::span<const ItemIndex> recent_newest_first, ItemIndex item, TimeUs at,
               float weight = 1);

  // Starts the cache misses of a coming observe() with these items.
  void prefetch(std::span<const ItemIndex> items) const;
  // After prefetch(): their neighbours.
  void prefetch_rows(std::span<const ItemIndex> items) const;

  // Writes every item with a score above 0 to `out` (cleared first), in no particular order, items
  // of the history among them: leaving out what the visitor knows is the caller's. At most
  // (history + second_hop_sources) * max_neighbours candidates.
  void score(std::span<const HistoryItem> newest_first, const ScoreOptions& options,
             ScoreScratch& scratch, std::vector<Candidate>& out) const {
    score(newest_first, options, ItemMask(), scratch, out);
  }
  // The same for the items of `mask` only, with the same scores; takes less time the fewer there
  // are.
  void score(std::span<const HistoryItem> newest_first, const ScoreOptions& options,
             const ItemMask& mask, ScoreScratch& scratch, std::vector<Candidate>& out) const;

  // The history's entry that adds most to direct(candidate), kNoItem where none does: "because you
  // viewed".
  ItemIndex strongest_source(std::span<const HistoryItem> newest_first, const ScoreOptions& options,
                             ItemIndex candidate) const;

  // The row of an item, heaviest first; empty for an unknown one. For explanations and tests.
  std::vector<Neighbour> row(ItemIndex item) const;
  // How often the item occurred, decayed to its last occurrence or pairing.
  float count(ItemIndex item) const { return item.value < count_.size() ? count_[item.value] : 0; }

  std::uint32_t size() const { return static_cast<std::uint32_t>(rows_.size()); }
  const Options& options() const { return options_; }

  // Canonical. load() needs bytes saved with equal options (kUnsupported otherwise); after an error
  // the state is empty.
  void save(Sink& sink) const;
  Status load(Source& source);
  std::uint64_t memory_bytes() const;

 private:
  // A row's entries lie in one block of a size up to segment_entries_, and then in up to three
  // more of exactly that size.
  static constexpr std::uint32_t kSegments = 4;
  struct alignas(32) Row {
    std::array<std::uint32_t, kSegments> segment{};
    std::uint32_t stamp = 0;  // time step that the weights and the count are decayed to
    std::uint32_t size = 0;
    std::uint32_t first_class = 0;  // 0: no block yet; c + 1: segment[0] is of pools_[c]
    float floor = 0;  // not above the lightest entry; 0 is always right, so it is not saved
  };
  static_assert(sizeof(Row) == 32);

  struct Entries {  // of one segment
    std::uint32_t* items;
    float* weights;
    std::uint32_t used;
  };
  struct Place {
    std::uint32_t* item = nullptr;
    float* weight = nullptr;
  };

  std::uint32_t segments_of(const Row& row) const {
    return (row.size + segment_entries_ - 1) / segment_entries_;
  }
  Entries entries(const Row& row, std::uint32_t segment) const;
  Place find(const Row& row, std::uint32_t item) const;
  Place lightest(const Row& row) const;
  void append(Row& row, std::uint32_t item, float weight);
  void add(std::uint32_t from, std::uint32_t to, float weight, std::uint32_t step);
  void subtract(std::uint32_t from, std::uint32_t to, float weight, std::uint32_t step);
  void admit(Row& row, std::uint32_t from, std::uint32_t to, float weight);
  void bring_to(std::uint32_t item, std::uint32_t step);
  void drop_faded(Row& row);
  float dice(std::uint32_t from, std::uint32_t to) const;
  std::uint32_t step_of(TimeUs at) const;
  float fade(std::uint32_t steps) const;
  void prefetch_row(std::uint32_t item) const;
  void grow(std::uint32_t items);
  void clear();
  Status load_rows(Source& source, std::span<const std::uint32_t> sizes);
  float row_sum(const Row& row) const;
  float source_norm(std::uint32_t item, const ScoreOptions& options) const;
  void prefetch_in(const ItemMask& mask, const Row& row) const;
  void add_direct(std::span<const HistoryItem> newest_first, const ScoreOptions& options,
                  const ItemMask& mask, ScoreScratch& scratch) const;
  void find_norms(const ScoreOptions& options, ScoreScratch& scratch) const;
  void add_second_hop(const ScoreOptions& options, const ItemMask& mask,
                      ScoreScratch& scratch) const;

  Options options_;
  std::uint32_t segment_entries_;
  std::array<float, kMaxWindow> gap_weight_{};  // entry g-1 is the weight of gap g
  std::uint64_t events_ = 0;
  HugeVector<Row> rows_;
  HugeVector<float> count_;       // beside rows_ because scoring reads it for every candidate
  std::vector<BlockPool> pools_;  // pool c: blocks of 4 << c entries
};

}  // namespace vitrine::covisit
