#pragma once
// Searching the lists: one query at a time, or many at once, cluster by cluster.
//
// Both run the same stages: rank lists; scan the high nibbles of the nearest `probes` of them and
// keep the best `keep` candidates; add the low nibbles; compare the best `exact` of those with
// the float rows. The batch turns the loops around (ANNA, HPCA 2022, memory traffic
// optimisation): first all queries rank lists, then each visited list is read once and up to eight
// of its visitors share every load of its codes.
//
// With a filter, lists without survivors are no visit, and the emptier the lists near the query
// are, the more of them are visited (see probes_with_filter). Filters that were prepared for many
// searches bring their survivors' codes (filter.h); else lists with few are compared row by row.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/vec/filter.h"
#include "engine/vec/lists.h"
#include "engine/vec/shortlist.h"
#include "engine/vec/types.h"

namespace vitrine::vec {

/// What searches cost; adds up over them.
struct SearchStats {
  std::uint64_t list_visits = 0;         ///< (query, list) pairs
  std::uint64_t lists_read = 0;          ///< a list shared by many queries counts once
  std::uint64_t code_bytes_visited = 0;  ///< of blocks, had every visit loaded them
  std::uint64_t code_bytes_read = 0;     ///< of blocks, shared loads once
  SearchStats& operator+=(const SearchStats& other);
};

/// Blocks that a scan covers before its caller looks whether the shortlist is full, and that all
/// visitors in a batch finish before the next ones: 8 of 2.2 KB stay in the first-level cache.
inline constexpr std::size_t kBlocksPerCall = 8;

/// Tables start at a multiple of this: no load of a register crosses a cache line.
inline constexpr std::size_t kTableAlignment = 64;
inline std::uint8_t* aligned(std::uint8_t* at) {
  const std::size_t over = reinterpret_cast<std::uintptr_t>(at) % kTableAlignment;
  return over == 0 ? at : at + (kTableAlignment - over);
}

/// Memory of one searching thread. Not thread-safe. Keep it: after the first searches nothing is
/// allocated any more.
struct SearchScratch {
  SearchStats stats;
  std::vector<float> rotated;
  std::vector<float> unit;
  std::vector<std::int8_t> codes;
  std::vector<std::uint8_t> tables;
  std::vector<std::int32_t> dots;
  std::vector<float> scores;
  std::vector<float> groups;
  std::vector<std::uint32_t> lists;
  std::vector<float> estimates;
  std::vector<std::uint32_t> slots;
  std::vector<std::uint64_t> keys;
  std::vector<Neighbor> found;
};

/// Memory of one caller of batches; as SearchScratch.
class BatchScratch {
 public:
  BatchScratch();
  ~BatchScratch();
  BatchScratch(BatchScratch&&) noexcept;
  BatchScratch& operator=(BatchScratch&&) noexcept;

 private:
  friend class ListSearch;
  struct State;
  std::unique_ptr<State> state_;
};

/// Searches over one set of lists, which must outlive it. Const and thread-safe; each thread
/// brings its own scratch.
class ListSearch {
 public:
  explicit ListSearch(const Lists& lists) : lists_(&lists) {}

  /// Writes the k best of `query` (dim floats) to `out`, best first, ties by id; returns how many
  /// there are and fills the rest of the k with {kNoId, 0}.
  std::size_t search(const float* query, std::size_t k, const Plan& plan, const Filter* filter,
                     SearchScratch& scratch, Neighbor* out) const;

  /// The same for each of `queries`, into out[q * k + i]. Work is split over `workers` by cluster
  /// weight; answers don't depend on their number. `stats` may be null.
  void search_batch(const Rows& queries, std::size_t k, const Plan& plan, const Filter* filter,
                    const Workers& workers, Neighbor* out, BatchScratch& scratch,
                    SearchStats* stats) const;

  /// The query rotated and quantised in `scratch`; `query` must stay.
  RotatedQuery prepare_with(const float* query, SearchScratch& scratch) const;
  /// The lists that a search with `plan` visits, nearest first, in scratch.lists.
  void rank_lists(const float* query, const Plan& plan, SearchScratch& scratch) const;
  /// The k best of `found` by score, then id; the rest of the k becomes {kNoId, 0}.
  std::size_t answer(std::vector<Neighbor>& found, std::size_t k, Neighbor* out) const;

 private:
  RotatedQuery prepare(const float* query, float* unit, float* rotated, std::int8_t* codes) const;
  void choose_lists(const float* scores, const Plan& plan, const Filter* filter,
                    SearchScratch& scratch) const;
  void add_tables(RotatedQuery& query, std::uint8_t* tables) const;
  void aim(ScanQuery& scan, const RotatedQuery& query, std::uint32_t list) const;
  CodeView view(std::uint32_t list, const Filter* filter) const;
  void scan_list(const RotatedQuery& query, std::uint32_t list, const Plan& plan,
                 const Filter* filter, ScanQuery& shortlist, SearchScratch& scratch) const;
  void compare_survivors(const float* original, std::uint32_t list, const Filter& filter,
                         std::vector<Neighbor>& found) const;
  void compare_few(const float* original, const std::vector<std::uint32_t>& slots,
                   std::vector<Neighbor>& found) const;
  void refine(const RotatedQuery& query, ScanQuery& shortlist, const Plan& plan,
              const Filter* filter, SearchScratch& scratch) const;
  bool is_sparse(std::uint32_t list, const Filter* filter) const;
  void rank_batch(BatchScratch::State& batch, std::size_t first, std::size_t count,
                  SearchScratch& scratch) const;
  void visit_list(BatchScratch::State& batch, std::uint32_t list, unsigned worker) const;
  void finish_batch(BatchScratch::State& batch, std::size_t query, SearchScratch& scratch,
                    Neighbor* out) const;
  const Lists* lists_;
};

/// Lists to visit where a share `passing` (0..1] of the vectors near the query passes the filter.
/// The k best of the survivors are among the k/passing best of all, which lie in more lists; how
/// many more is measured when the index is built (Plan::filter_growth).
std::uint32_t probes_with_filter(const Plan& plan, double passing);

/// The plan as it is run: room for k answers, and with a filter more candidates, because the
/// survivors may all be far from the query, where estimates are less exact (quantize.h).
Plan effective_plan(const Plan& plan, std::size_t k, bool filtered);

}  // namespace vitrine::vec
