// The best items for a vector, by its product with theirs.
//
// Up to kDenseFloats numbers all products are made. Above that an index of engine/vec over the
// inner product proposes: the answer then has kRecall of the best ones (as measured when the index
// was built), and any item can be in it. Scores are the same either way.
//
// Deterministic: the same rows and queries give the same answers on machines of one SIMD level.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/vec/index.h"
#include "service/learn/scored.h"

namespace vitrine::learn {

class ItemScores {
 public:
  // Items times dimensions up to which every product is made: some 1 ms a request at most.
  static constexpr std::uint64_t kDenseFloats = 2u << 20;
  static constexpr double kRecall = 0.95;
  static constexpr std::uint32_t kQueries = 100;

  // Working memory of one thread that asks.
  struct Scratch {
    std::vector<float> block;
    std::vector<Scored> heap;
    vec::SearchScratch lists;
    std::vector<vec::Neighbor> found;
  };

  // `rows`: items x d, items > 0, d in 1 .. vec::kDimMax. Where an index is needed, its recall is
  // measured with kQueries vectors of the kind that will be asked with, which `query(n, out)`
  // writes to d floats. kInvalidArgument where a value is not finite. Some 20 us a row with an
  // index, and as much memory again as the rows meanwhile.
  static Result<ItemScores> make(
      std::span<const float> rows, std::uint32_t d,
      const std::function<void(std::uint32_t n, std::span<float> out)>& query,
      std::uint64_t dense_most = kDenseFloats);

  // Replaces `out` by the `most` (1 .. vec::kNeighboursMax) best of `rows`, which are as they were
  // for make(), for `vector` (d floats): best first, ties by item.
  void top(std::span<const float> rows, std::span<const float> vector, std::size_t most,
           Scratch& scratch, std::vector<Scored>& out) const;

  std::uint32_t dimensions() const { return d_; }
  bool indexed() const { return index_.has_value(); }
  std::uint64_t memory_bytes() const;
  // At most, of so many items, while they are made: 4 bytes a number of the rows, or some 9.5 and
  // 32 an item with an index.
  static std::uint64_t making_bytes(std::uint64_t items, std::uint64_t d);

 private:
  static constexpr std::size_t kBlock = 256;  // items

  void top_of_all(std::span<const float> vector, BestScored& best, Scratch& scratch) const;

  std::uint32_t d_ = 0;
  std::uint32_t items_ = 0;
  // Laid out for products with one vector: a block of items after the other, in it one dimension
  // after the other. Empty where there is an index.
  std::vector<float> blocks_;
  std::optional<vec::Index> index_;
};

}  // namespace vitrine::learn
