// Vectors by item in a byte a dimension, and their cosines in whole numbers.
//
// A row is scaled so that its largest value is 127 or -127 and rounded; the cosine of two rows is
// that of their bytes, whose sum of products is exact and the same on every machine. Against the
// floats it is off by about 0.005 at 64 dimensions.
//
// Rows lie in chunks that copies share; a write copies its chunk unless nobody else has it. One
// writer; a shared() copy may be read by any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"

namespace vitrine::recommend {

// A query in bytes, made once for many rows.
struct VectorQuery {
  std::vector<std::int8_t> codes;  // padded
  std::int32_t offset = 0;         // what the rows' bias adds to every sum of products
  float scale = 0;                 // 1 / length of the codes; 0 for a query of zeros
};

class VectorRows {
 public:
  static constexpr std::size_t kChunkRows = 128;

  explicit VectorRows(std::uint32_t dim);  // 1 .. vec::kDimMax

  std::uint32_t dim() const { return dim_; }
  std::uint64_t size() const { return size_; }
  std::size_t end() const { return chunks_.size() * kChunkRows; }  // indexes are below this
  std::uint64_t memory_bytes() const;

  // Replaces the item's row by `row` (dim() finite floats); one of zeros is no row.
  void put(ItemIndex item, const float* row);
  void remove(ItemIndex item);
  // A copy that later writes leave alone. O(chunks).
  VectorRows shared();

  bool has(ItemIndex item) const { return scale_of(item) != 0; }
  // The row, of length 1, to dim() floats; false where there is none.
  bool read(ItemIndex item, float* out) const;
  void prepare(const float* query, VectorQuery& out) const;
  // In [-1, 1]; 0 where there is no row.
  float cosine(const VectorQuery& query, ItemIndex item) const;
  void prefetch(ItemIndex item) const;

  // The row's bytes and its scale as they are kept, for a file; size bytes_per_row().
  std::size_t bytes_per_row() const { return padded_; }
  const std::uint8_t* codes(ItemIndex item) const;
  float scale_of(ItemIndex item) const;
  // False where the bytes are not of any row that put() makes.
  bool put_codes(ItemIndex item, const std::uint8_t* codes);

 private:
  // kChunkRows scales, 1 / length of the codes or 0: no row; then the codes, kBias is 0. In one
  // piece, so that where a row lies is known without a look into the chunk.
  using Chunk = std::shared_ptr<std::uint8_t[]>;
  static constexpr std::size_t kScaleBytes = kChunkRows * sizeof(float);
  std::size_t chunk_bytes() const { return kScaleBytes + kChunkRows * std::size_t{padded_}; }
  Chunk new_chunk() const;
  float* writable_scale(ItemIndex item);
  std::uint8_t* writable_codes(ItemIndex item);
  void own(ItemIndex item);
  void note(float& scale, float now);

  std::uint32_t dim_;
  std::uint32_t padded_;
  std::uint64_t size_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<bool> own_;  // chunks that no copy shares
};

}  // namespace vitrine::recommend
