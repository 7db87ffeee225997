// Vectors of what is written about a tenant's items, kept level with the catalog: what the
// Recommender's source `content` and a search's affinity go by until a model is there.
//
// An item is a bag of hashed words, pieces of words, brand and categories, each weighted by its
// rarity, as 64 random signs each (engine/vec/content_vector.h). How rare a word is comes from a
// sample of the catalog; it is taken again, and all vectors made anew, each time the catalog has
// become kCountAgain times what it was, up to kCountedMost items.
//
// Fresh items are compared one by one; from recommend::kExhaustiveMost on an index of engine/vec is
// built on a thread of its own: again whenever the items have doubled, and when one in kFreshShare
// of it has changed, then at most one part in kBuildShare of the time.
//
// Memory: 68 bytes an item, 8 of its hash, and from recommend::kExhaustiveMost items on some 76
// bytes of codes and 256 of exact rows an item; while an index is built the rows once more.
//
// Threads: refresh() from one at a time; current() from any.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "base/executor.h"
#include "base/result.h"
#include "engine/vec/content_vector.h"
#include "service/recommend/indexed_vectors.h"
#include "service/search/catalog_follower.h"
#include "service/search/index_store.h"

namespace vitrine::search {

struct ContentIndexOptions {
  // Builds indexes; null: refresh() does, however long it takes.
  Executor* executor = nullptr;
  std::size_t exhaustive_max = recommend::kExhaustiveMost;
  IndexStore store = {};          // with one, rows and index are kept from one start to the next
  std::uint64_t save_share = 50;  // as of CatalogIndexOptions
  std::int64_t save_pause_ns = 60'000'000'000;
  std::int64_t save_pauses_most = 10;
};

class ContentIndex final : public recommend::ItemVectorsProvider {
 public:
  static constexpr std::uint32_t kDim = 64;
  // Cosines of items that have nothing in common are within 0.125 most of the time.
  static constexpr float kFloor = 0.25F;
  static constexpr std::size_t kCountedFrom = 500;  // with fewer items every word counts alike
  static constexpr std::size_t kCountedMost = 65'536;
  static constexpr std::size_t kCountAgain = 4;
  static constexpr std::size_t kFreshShare = 128;
  static constexpr std::int64_t kBuildShare = 10;
  static constexpr std::int64_t kBuildShareSoon = 4;  // while one in kMuchFresh is fresh
  static constexpr std::size_t kMuchFresh = 8;

  explicit ContentIndex(ContentIndexOptions options = {});
  ~ContentIndex() override;  // waits for an index that is being built

  // Takes over what changed. Whether there was anything.
  Result<bool> refresh(const StateSource& source);
  // Makes durable what was taken over; nothing without a store. Waits for a save that runs.
  Status save();
  // Null before the first refresh() that found an item.
  std::shared_ptr<const recommend::ItemVectors> current() const override;

  struct Stats {
    std::uint64_t vectors = 0;
    std::uint64_t indexed = 0;  // rows of the index
    std::uint64_t fresh = 0;    // compared one by one
    std::uint64_t bytes = 0;
    std::uint64_t built = 0;   // indexes
    std::uint64_t loaded = 0;  // rows that came from the store
    std::uint64_t made = 0;    // rows that were made since the start
  };
  Stats stats() const;

 private:
  struct Build;
  struct Save;

  Status count_words(const StateSource& source, std::size_t items);
  void take(std::span<const CatalogFollower::Change> changes);
  void touch(std::uint32_t item);
  Status look_after_base();
  Status start_build();
  void adopt(std::shared_ptr<const recommend::VectorBase> base, std::uint64_t file);
  void load(std::uint64_t position);
  Status try_load(std::uint64_t position);
  bool save_due() const;
  void start_save();
  Status finish_save();
  void publish();

  const ContentIndexOptions options_;
  CatalogFollower follower_;
  std::unique_ptr<vec::ContentCounts> counts_;  // null: none yet
  std::size_t counted_of_ = 0;                  // items of the catalog when they were made
  recommend::VectorRows rows_{kDim};
  std::shared_ptr<const recommend::VectorBase> base_;
  std::vector<std::uint32_t> fresh_;    // not in base_ as they are now, oldest first
  std::vector<std::uint32_t> touched_;  // since the running build took its rows
  std::vector<bool> is_fresh_;          // by item
  std::unique_ptr<Build> build_;        // runs, or waits to be adopted
  std::int64_t build_took_ns_ = 0;
  std::int64_t build_ended_ns_ = 0;
  bool build_failed_ = false;  // the last one
  std::uint64_t built_ = 0;
  std::uint64_t base_file_ = 0;  // of base_, 0 where it is in memory only
  std::uint64_t next_file_ = 1;
  bool load_tried_ = false;
  std::uint64_t loaded_ = 0;
  std::uint64_t made_ = 0;
  std::uint64_t unsaved_ = 0;  // changes since the last save began
  std::int64_t saved_ns_ = 0;
  std::unique_ptr<Save> save_;  // runs, or is to be looked at

  mutable std::mutex mutex_;
  std::shared_ptr<const recommend::IndexedVectors> view_;  // guarded by mutex_
  Stats stats_;                                            // guarded by mutex_
};

}  // namespace vitrine::search
