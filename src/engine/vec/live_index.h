#pragma once
// An index that changes: inserts, replacements and deletions, seen by the next search.
//
// On top of an immutable base lie the vectors that came since ("fresh", compared one by one) and
// the ids that are gone from the base. merge() folds both into a new base; when the lists have
// drifted from what their centroids were trained for, it clusters anew.

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/guarded.h"
#include "engine/vec/index.h"

namespace vitrine::vec {

/// The state between two writes. Immutable; any number of threads may hold and search it while
/// writes go on.
class LiveSnapshot {
 public:
  std::size_t size() const;  ///< vectors that can be answered
  /// As Searcher::search; `passing` (may be empty) is a bitmap of ids. With one, the base's filter
  /// is prepared for this call: for many searches use a plain Index.
  std::vector<Neighbor> search(const float* query, const SearchOptions& options,
                               std::span<const std::uint64_t> passing, Searcher& searcher) const;
  const Index& base() const { return base_; }

 private:
  friend class LiveIndex;
  struct Chunk;  // of fresh rows
  explicit LiveSnapshot(Index base) : base_(std::move(base)) {}
  Index base_;
  std::shared_ptr<const Filter> alive_;  // null while nothing of the base is gone
  std::vector<std::shared_ptr<Chunk>> chunks_;
  std::size_t fresh_ = 0;            // places used in the chunks
  std::vector<std::uint64_t> gone_;  // a bit a fresh place
  std::size_t fresh_gone_ = 0;
};

struct LiveOptions {
  /// merge_needed() from so many fresh vectors on: each costs every search some 20 ns.
  std::size_t fresh_max = 4096;
  /// merge() clusters anew once the vectors have become this many times more or fewer than the
  /// centroids were trained for, or the largest lists (weighted) this many times as large.
  double drift = 2.0;
};

/// Thread-safe: one lock around the writes, none around searches of a snapshot.
class LiveIndex {
 public:
  LiveIndex(Index base, const LiveOptions& options);
  ~LiveIndex();

  /// Inserts or replaces. kInvalidArgument for a row that isn't finite or the reserved id.
  Status put(std::uint32_t id, const float* row);
  /// False where there was no such id.
  bool remove(std::uint32_t id);

  /// Everything written so far. Costs a copy of the base's bitmap (a bit a vector) when something
  /// of it was deleted since the last snapshot, else little; the same object between writes.
  std::shared_ptr<const LiveSnapshot> snapshot();

  bool merge_needed();
  /// A new base with everything; writes go on meanwhile and are carried over. One caller at a time.
  Status merge(const Workers& workers, Progress& progress);
  std::uint64_t rebuilds() const;  ///< merges that clustered anew

 private:
  struct State;
  std::unique_ptr<Guarded<State>> state_;
};

}  // namespace vitrine::vec
