#pragma once
// The first step of a search: which lists are near. Centroids are kept as bytes, so that ranking
// 1,024 of them reads 128 KiB (for 128 dimensions) from the second-level cache.

#include <cstdint>
#include <vector>

#include "engine/vec/column.h"
#include "engine/vec/quantize.h"

namespace vitrine::vec {

/// A query in the rotated space. The pointers belong to the caller's scratch.
struct RotatedQuery {
  const float* original = nullptr;  ///< dim floats, scaled to length 1 for kCosine
  const float* rotated = nullptr;   ///< dims floats
  const std::int8_t* codes = nullptr;
  SignedCodes quantized;
  const std::uint8_t* tables = nullptr;  ///< of product codes (coding.h)
  float slope = 0;                       ///< the query's share of scan estimates (coding.h)
  float offset = 0;
};

/// How lists are ranked: by distance of the centroid (right for L2, and for inner products of rows
/// of similar length), or by inner product with it.
enum class CoarseOrder : std::uint32_t { kDistance = 0, kInnerProduct = 1 };  // on disk

class CoarseTable {
 public:
  CoarseTable() = default;
  /// `centroids`: count rows of `dims` floats, rotated.
  CoarseTable(Column<float> centroids, std::size_t dims, CoarseOrder order);

  std::size_t count() const { return count_; }
  /// Places of a score array: count() rounded up to a block.
  std::size_t padded() const { return scales_.size(); }
  std::size_t dims() const { return dims_; }
  CoarseOrder order() const { return order_; }
  const float* centroid(std::size_t list) const { return centroids_.data() + list * dims_; }
  const Column<float>& centroids() const { return centroids_; }
  /// The centroid in signed codes, for the second level (quantize.h).
  const std::int8_t* signed_codes(std::size_t list) const { return signed_.data() + list * dims_; }
  const SignedCodes& signed_factors(std::size_t list) const { return signed_factors_[list]; }

  /// Scores of `n` queries against all lists: scores[q * padded() + list], large is near; places
  /// beyond count() hold -inf. `dots` is scratch of n * padded(). best[q] (may be null): the
  /// nearest list.
  void score(const RotatedQuery* queries, std::size_t n, std::int32_t* dots, float* scores,
             std::uint32_t* best) const;

  std::size_t bytes() const;

 private:
  std::size_t count_ = 0;
  std::size_t dims_ = 0;
  CoarseOrder order_ = CoarseOrder::kDistance;
  Column<float> centroids_;
  Column<std::uint8_t> blocks_;
  Column<float> scales_;
  Column<float> biases_;
  Column<std::int8_t> signed_;
  std::vector<SignedCodes> signed_factors_;
};

/// Places of the `m` largest of `n` values, largest first, the first of equals first. `scratch` is
/// overwritten.
void select_largest(const float* values, std::size_t n, std::size_t m, std::vector<float>& scratch,
                    std::vector<std::uint32_t>& places);

}  // namespace vitrine::vec
