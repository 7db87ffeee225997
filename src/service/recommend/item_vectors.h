// Vectors of a tenant's items, and the items near one: what the sources `content` and `vector`, and
// a search's affinity to its visitor, ask.
//
// Two kinds answer here. Content vectors are made of what is written about an item
// (search/content_index.h), so every listed item has one from its first second on. A model's
// vectors come with a published artifact and know what visitors do, but only of items it was
// trained on (learn/model_vectors.h); IndexedVectors (indexed_vectors.h) makes an ItemVectors of
// such rows.
//
// Answers are recorded with what nearest() gave them, so an implementation may be approximate, and
// may change from one moment to the next: a replay does not ask it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "domain/filter/match_set.h"
#include "engine/covisit/score.h"
#include "engine/vec/search.h"
#include "service/recommend/trained_model.h"
#include "service/recommend/vector_rows.h"

namespace vitrine::recommend {

struct NearItem {
  ItemIndex item = kNoItem;
  float likeness = 0;  // in (0, 1]: 1 for the same, 0 would be nothing in common
  friend bool operator==(const NearItem&, const NearItem&) = default;
};

// Working memory of one thread; any implementation may use any of it.
struct VectorScratch {
  vec::SearchScratch lists;
  std::vector<vec::Neighbor> found;
  std::vector<float> query, row;
  VectorQuery aimed;
  std::vector<std::uint32_t> items;
  std::vector<NearItem> near;
  std::unique_ptr<TrainedModelScratch> model;  // of vectors that belong to one
};

// One state of the vectors. Immutable and thread-safe.
class ItemVectors {
 public:
  virtual ~ItemVectors() = default;

  virtual std::uint32_t dim() const = 0;
  // Writes the item's vector, of length 1, to dim() floats; false where it has none.
  virtual bool vector(ItemIndex item, float* out) const = 0;
  // Writes what stands for these items together, of length 1, to dim() floats; false where none of
  // them has a vector. `items` are newest first; by default the mean of their vectors, each times
  // its weight and kRecency to the power of its age. A model with a fold-in of its own does that.
  virtual bool query(std::span<const covisit::HistoryItem> items, VectorScratch& scratch,
                     float* out) const;
  static constexpr double kRecency = 0.8;

  // `query` (dim() floats of length 1) made ready for many calls of likeness().
  virtual void aim(const float* query, VectorQuery& aimed) const = 0;
  // How alike an item is to the query, in [0, 1]; 0 for an item without a vector. What nearest()
  // gives. Some tens of nanoseconds, most of them a cache miss that prefetch() can start before.
  virtual float likeness(const VectorQuery& aimed, ItemIndex item) const = 0;
  virtual void prefetch(ItemIndex) const {}
  // Replaces `out` by the at most `k` items of most likeness above 0, best first, ties by
  // ItemIndex. `matches` restricts them where it is not null: those behind it are pushed down into
  // the search, and it is exact. At most kNearMost; some hundred microseconds at a million items.
  virtual void nearest(const float* query, std::size_t k,
                       const std::shared_ptr<const filter::MatchSet>& matches,
                       VectorScratch& scratch, std::vector<NearItem>& out) const = 0;
};
inline constexpr std::size_t kNearMost = 200;

// Where the newest state is found. Thread-safe, and cheap enough to be asked by every request.
class ItemVectorsProvider {
 public:
  virtual ~ItemVectorsProvider() = default;
  // Null while there are none. Whoever holds the state keeps it.
  virtual std::shared_ptr<const ItemVectors> current() const = 0;
};

}  // namespace vitrine::recommend
