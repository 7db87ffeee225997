#pragma once
// An index that changes: inserts, replacements and deletions, seen by the next search.
//
// On top of an immutable base lie the vectors that came since ("fresh", compared one by one) and
// the ids that are gone from the base. merge() folds both into a new base; when the lists have
// drifted from what their centroids were trained for, it clusters anew. start_merging() has a
// thread do so whenever enough has gathered; without it, the owner calls merge().

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
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
  /// merge_needed() from so many fresh vectors on, replaced and deleted ones among them: each costs
  /// every search some 20 ns.
  std::size_t fresh_max = 4096;
  /// merge_needed() also once so large a share of the base, and at least kGoneMin vectors, are
  /// deleted or replaced: searches of lists still scan their codes and throw them away. Before the
  /// first of them is gone, there is no filter at all (and a graph, if there is one, is walked).
  double gone_share = 0.1;
  /// merge() clusters anew once the vectors have become this many times more or fewer than the
  /// centroids were trained for, or the largest lists (weighted) this many times as large.
  double drift = 2.0;
};

inline constexpr std::size_t kGoneMin = 64;

/// What the thread of start_merging() has done.
struct MergeStatus {
  std::uint64_t merges = 0;      ///< that succeeded, by whomever they were called
  std::uint64_t rebuilds = 0;    ///< those of them that clustered anew
  bool merging = false;          ///< one is under way
  bool needed = false;           ///< merge_needed()
  std::optional<Error> failure;  ///< of the last merge; nothing once one succeeds
};

/// Thread-safe: one lock around the writes, none around searches of a snapshot.
class LiveIndex {
 public:
  LiveIndex(Index base, const LiveOptions& options);
  /// Stops the merging thread first. A merge under way that would cluster anew is given up before
  /// it does; else it is waited for.
  ~LiveIndex();

  /// Inserts or replaces. kInvalidArgument for a row that isn't finite or the reserved id.
  Status put(std::uint32_t id, const float* row);
  /// False where there was no such id.
  bool remove(std::uint32_t id);

  /// Everything written so far. Costs a copy of the base's bitmap (a bit a vector) when something
  /// of it was deleted since the last snapshot, else little; the same object between writes.
  std::shared_ptr<const LiveSnapshot> snapshot();

  bool merge_needed();
  /// A new base with everything; writes go on meanwhile and are carried over, before the lock is
  /// taken to put the new base in place: that takes the time of the last few writes. Searches don't
  /// notice. Memory for a second base and a copy of all rows. A second caller waits for the first.
  Status merge(const Workers& workers, Progress& progress);
  /// Merges on a thread of `executor` whenever merge_needed(), until destruction; at most once. The
  /// merge has `threads` threads, the merging one among them. A merge that fails changes nothing;
  /// the error stays in merge_status(), and the next attempt waits for another fresh_max writes.
  /// What stays below merge_needed() is not merged, however long nothing is written.
  void start_merging(Executor& executor, unsigned threads = 1);
  MergeStatus merge_status() const;
  std::uint64_t rebuilds() const;  ///< merges that clustered anew

 private:
  struct Layers;
  struct State;
  Status merge_once(const Workers& workers, Progress& progress);
  void merge_as_needed(const Workers& workers);
  std::unique_ptr<State> state_;
  std::unique_ptr<Task> merger_;  // uses state_: must end first
};

}  // namespace vitrine::vec
