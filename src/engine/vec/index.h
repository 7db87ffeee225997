#pragma once
// The vector index: build once, search from any number of threads.
//
//   VITRINE_TRY(const Index index, Index::build(rows, nullptr, {}, workers, progress));
//   Searcher searcher(index);                        // one a thread
//   auto found = searcher.search(query, {.k = 10});  // recall 0.95, as calibrated
//
// LiveIndex (live_index.h) adds inserts, deletes and snapshots on top.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/vec/calibrate.h"
#include "engine/vec/filter.h"
#include "engine/vec/graph.h"
#include "engine/vec/lists.h"
#include "engine/vec/search.h"
#include "platform/io/file_system.h"

namespace vitrine::vec {

enum class GraphChoice { kNever, kAutomatic, kAlways };

struct BuildOptions {
  Metric metric = Metric::kL2;
  std::uint32_t lists = 0;  ///< 0: about the square root of the number of rows
  CoarseOrder order = CoarseOrder::kDistance;
  std::uint64_t seed = 1;
  CodeOptions codes{};
  /// kAutomatic builds one where lists would have to scan more than kGraphWorthVectors a query
  /// for a recall of 0.95. Building takes several times as
  /// long, and it needs 1.2 to 1.5 KB a vector (96 to 128 dimensions).
  GraphChoice graph = GraphChoice::kAutomatic;
  CalibrationOptions calibration{};
};

inline constexpr double kGraphWorthVectors = 12000;

/// How a search should go. `plan` overrides `recall`.
struct SearchOptions {
  std::size_t k = 10;    ///< 1..kNeighboursMax
  double recall = 0.95;  ///< the calibrated plan whose goal is at least this
  std::optional<Plan> plan{};
  const Filter* filter = nullptr;  ///< made for this index by Index::filter
};

/// Immutable and cheap to copy: copies share everything.
class Index {
 public:
  /// kInvalidArgument for dimensions outside 1..kDimMax, values that are not finite, or ids that
  /// are kNoId or occur twice. `ids` may be null: row i gets id i. The same rows, options and
  /// instruction level give the same index, whatever the number of workers.
  static Result<Index> build(const Rows& rows, const std::uint32_t* ids,
                             const BuildOptions& options, const Workers& workers,
                             Progress& progress);
  /// From parts (a loaded file, a merge).
  Index(std::shared_ptr<const Lists> lists, std::shared_ptr<const Graph> graph,
        std::vector<CalibratedPlan> plans, BuildOptions options);

  std::size_t size() const { return lists_->count; }
  std::uint32_t dim() const { return lists_->dim; }
  Metric metric() const { return lists_->metric; }
  const Lists& lists() const { return *lists_; }
  const Graph& graph() const { return *graph_; }
  std::shared_ptr<const Lists> shared_lists() const { return lists_; }
  std::shared_ptr<const Graph> shared_graph() const { return graph_; }
  const std::vector<CalibratedPlan>& plans() const { return plans_; }
  const BuildOptions& options() const { return options_; }
  Plan plan(const SearchOptions& options, bool batch) const;

  /// Bit (id % 64) of word id / 64: whether the id may be answered. Make it once for many searches.
  Filter filter(std::span<const std::uint64_t> ids, FilterUse use = FilterUse::kMany) const {
    return Filter(*lists_, ids, use);
  }

 private:
  std::shared_ptr<const Lists> lists_;
  std::shared_ptr<const Graph> graph_;
  std::vector<CalibratedPlan> plans_;
  BuildOptions options_;
};

/// One searching thread's access to an index. Not thread-safe.
class Searcher {
 public:
  explicit Searcher(Index index) : index_(std::move(index)) {}

  /// Best first; at most k. The query has dim() finite floats.
  std::span<const Neighbor> search(const float* query, const SearchOptions& options);

  /// k places for each query, unused ones {kNoId, 0}; `stats` may be null. Uses the lists even
  /// where single searches walk the graph: codes that are shared cost less.
  std::span<const Neighbor> search_batch(const Rows& queries, const SearchOptions& options,
                                         const Workers& workers, SearchStats* stats = nullptr);

  const Index& index() const { return index_; }

 private:
  Index index_;
  GraphScratch scratch_;
  BatchScratch batch_;
  std::vector<Neighbor> out_;
};

/// Checks that `count` floats are finite: kInvalidArgument with the first row that isn't.
Status check_finite(const Rows& rows);

}  // namespace vitrine::vec
