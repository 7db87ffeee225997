// ItemVectors over rows in memory, with an index of engine/vec for catalogs that are too large to
// compare row by row.
//
// The index only proposes: what it finds is scored by the rows as they are now, so it may be older
// than they are. Items that it does not have as they are now (`fresh`) are all compared.
//
// Memory: a byte a dimension (in steps of 64) and 4 bytes for each item; the index beside it some
// 1.2 bytes of codes and 4 bytes of exact row a dimension, which stay on disk where it was loaded
// from a file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/progress.h"
#include "base/result.h"
#include "engine/vec/index.h"
#include "service/recommend/item_vectors.h"
#include "service/recommend/vector_rows.h"

namespace vitrine::recommend {

// An index of rows by ItemIndex. Immutable and thread-safe.
class VectorBase {
 public:
  explicit VectorBase(vec::Index index) : index_(std::move(index)) {}
  // Of all rows that there are, by ItemIndex; null where there are none. Some 10 us a row.
  static Result<std::shared_ptr<const VectorBase>> build(const VectorRows& rows,
                                                         const vec::Workers& workers,
                                                         Progress& progress);

  const vec::Index& index() const { return index_; }

 private:
  vec::Index index_;
};

class IndexedVectors final : public ItemVectors {
 public:
  struct Parts {
    VectorRows rows;
    std::shared_ptr<const VectorBase> base;                   // may be null
    std::shared_ptr<const std::vector<std::uint32_t>> fresh;  // items; may be null
    // A cosine up to `floor` is nothing in common, one from `same` on is the same: likeness is
    // (cosine - floor) / (same - floor).
    float floor = 0;
    float same = 1;
  };
  explicit IndexedVectors(Parts parts) : parts_(std::move(parts)) {}

  // Of a model: row i of `rows` is of items[i], kNoItem for one that this catalog does not know.
  // kInvalidArgument where a value is not finite. Builds an index from kExhaustiveMost rows on:
  // seconds for a million, and as much memory again meanwhile.
  static Result<std::shared_ptr<const IndexedVectors>> make(const vec::Rows& rows,
                                                            std::span<const ItemIndex> items,
                                                            float floor,
                                                            const vec::Workers& workers,
                                                            Progress& progress);

  std::uint32_t dim() const override { return parts_.rows.dim(); }
  bool vector(ItemIndex item, float* out) const override { return parts_.rows.read(item, out); }
  void aim(const float* query, VectorQuery& aimed) const override {
    parts_.rows.prepare(query, aimed);
  }
  float likeness(const VectorQuery& aimed, ItemIndex item) const override;
  void prefetch(ItemIndex item) const override { parts_.rows.prefetch(item); }
  void nearest(const float* query, std::size_t k,
               const std::shared_ptr<const filter::MatchSet>& matches, VectorScratch& scratch,
               std::vector<NearItem>& out) const override;
  const Parts& parts() const { return parts_; }

 private:
  void propose(const float* query, std::size_t k, const filter::MatchSet* matches,
               VectorScratch& scratch) const;
  void propose_matches(const float* query, std::size_t k, const filter::MatchSet& matches,
                       VectorScratch& scratch) const;
  Parts parts_;
};

// Fewer rows than this need no index: comparing them takes some 25 ns each.
inline constexpr std::size_t kExhaustiveMost = 8'192;
// Of the fresh items the newest are compared, so many at most.
inline constexpr std::size_t kFreshCompared = 12'288;
// Filters with at most so many matches are answered by comparing those.
inline constexpr std::size_t kMatchesCompared = 4'096;
// With others the nearest lists are read until so many matches for each that is wanted were seen.
inline constexpr std::size_t kMatchesSeen = 4;

}  // namespace vitrine::recommend
