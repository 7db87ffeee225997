#pragma once
// The inner loops, once per instruction level, behind a table of functions.
//
// Code layout ("block"): kLanes = 32 vectors beside each other. For each group of 8 dimensions
// 128 bytes: 4 bytes for each of the 32 vectors; byte b of them holds dimension 8g+b in its low
// and 8g+4+b in its high nibble. After the groups 32 scales, then 32 biases, as 16-bit steps of
// their list (quantize.h). So one 64-byte load feeds 16 vectors, and a query's 4 bytes are
// broadcast to all of them.
//
// Blocks of product codes ("words", coding.h) have one byte a vector in each of an even number of
// rows, then the same factors. With 16 words a byte holds two parts: row r the parts 2r in its low
// and 2r+1 in its high nibble.
//
// All integer results are exact and the same at every level. Floating-point ones are the same
// for one level; between levels they may differ in the last bits.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "platform/simd/level.h"

namespace vitrine::vec {

inline constexpr std::size_t kLanes = 32;

/// Bytes of a block for `dims` (a multiple of 8) dimensions.
constexpr std::size_t block_bytes(std::size_t dims) {
  return dims / 8 * 4 * kLanes + 2 * kLanes * sizeof(std::uint16_t);
}

/// The same for product codes of `rows` rows.
constexpr std::size_t word_block_bytes(std::size_t rows) {
  return rows * kLanes + 2 * kLanes * sizeof(std::uint16_t);
}

/// One query as the scan sees it. A candidate's estimate is
/// scale * (slope * dot + offset) + (bias_step * bias + base), with the 16-bit scale and bias of
/// the vector; the four floats change from list to list.
struct ScanQuery {
  const std::int8_t* codes = nullptr;  ///< `dims` values in -127..127
  float base = 0;
  float slope = 0;
  float offset = 0;
  float bias_step = 0;
  float threshold = std::numeric_limits<float>::lowest();  ///< what is below it is dropped
  float* estimates = nullptr;      ///< where the scan appends what it kept ...
  std::uint32_t* slots = nullptr;  ///< ... with the vector's slot
  std::uint32_t count = 0;         ///< entries there; the caller leaves room for kLanes a block
  /// Of product codes, instead of `codes`: bytes to add up, at most 65,535 a vector and 255 for two
  /// neighbouring rows. 256 words: 256 bytes a row. 16 words: for two rows 64 bytes of the low
  /// parts (16 of the first row twice, then of the second twice), then as many of the high parts.
  const std::uint8_t* tables = nullptr;
};

inline constexpr std::size_t kQueriesPerPass = 8;

struct Kernels {
  simd::Level level;

  /// Scans `blocks` blocks for `n` (1..kQueriesPerPass) queries at once. `first_slot` is the slot
  /// of lane 0 of the first block. With `allowed`, word i says which lanes of block i may be kept;
  /// blocks whose word is 0 are not read.
  void (*scan)(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
               std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
               std::size_t n);

  /// As `scan`, of product codes with 16 or 256 words: the sum of what the tables have for a
  /// vector's bytes takes the place of the dot product. `rows` is even.
  void (*scan_words16)(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                       std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
                       std::size_t n);
  void (*scan_words256)(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                        std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
                        std::size_t n);

  /// For each of `parts` parts, of its n (a multiple of 16, at most 256) words the place of the
  /// largest biases[i] + sum over d of x[d] * words[d * n + i], the first of equals. Words, biases
  /// and x of the parts follow each other.
  void (*nearest_words)(const float* words, const float* biases, std::size_t n, std::size_t parts,
                        std::size_t width, const float* x, std::uint8_t* places);

  /// out[i] = sum over d of x[d] * words[d * n + i] for n words, and the least and largest of them.
  void (*word_products)(const float* words, std::size_t n, std::size_t width, const float* x,
                        float* out, float* least, float* most);

  /// out[q * out_stride + i] for `n` queries against `blocks` blocks of centroid codes: groups of
  /// 4 dimensions, 4 unsigned bytes for each of 32 centroids; result: sum of code * query.
  void (*dot_blocks)(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
                     const std::int8_t* const* queries, std::size_t n, std::int32_t* out,
                     std::size_t out_stride);

  /// out[i] = scales[i] * (slope * dots[i] + offset) + biases[i] for n (a multiple of 16) values;
  /// returns the place of the largest, the first of equals. `out` may be null.
  std::uint32_t (*rank)(const std::int32_t* dots, std::size_t n, float slope, float offset,
                        const float* scales, const float* biases, float* out);

  /// Looks for a value t that at least `least` and at most `most` of the n estimates reach, moves
  /// those to the front in their order (slots with them) and returns how many they are; t goes to
  /// *threshold. Where equal estimates allow no such t, more than `most` may be left. `n` must be
  /// above `most` and `least` above 0; the arrays have kLanes entries of room behind n.
  std::uint32_t (*cut)(float* estimates, std::uint32_t* slots, std::uint32_t n, std::uint32_t least,
                       std::uint32_t most, float* threshold);

  /// Sums of nibble * a and nibble * b over a row of dims/2 bytes: byte i holds dimension i in
  /// its low and dims/2 + i in its high nibble.
  void (*dot_nibbles)(const std::uint8_t* row, std::size_t dims, const std::int8_t* a,
                      const std::int8_t* b, std::int32_t* sum_a, std::int32_t* sum_b);

  /// Sum of code * query over `dims` unsigned bytes.
  std::int32_t (*dot_bytes)(const std::uint8_t* row, std::size_t dims, const std::int8_t* query);

  /// out[i] = dot_bytes(rows[i], dims, query) for n rows: what a step of a walk compares.
  void (*dot_bytes_many)(const std::uint8_t* const* rows, std::size_t n, std::size_t dims,
                         const std::int8_t* query, std::int32_t* out);

  float (*dot)(const float* a, const float* b, std::size_t dims);
  float (*squared_distance)(const float* a, const float* b, std::size_t dims);
};

/// The table for `level`, or the best one below it that was built. Never fails: scalar is last.
const Kernels& kernels_for(simd::Level level);
/// kernels_for(simd::active_level()), found once.
const Kernels& kernels();

namespace internal {
std::uint32_t cut_plain(float* estimates, std::uint32_t* slots, std::uint32_t n,
                        std::uint32_t least, std::uint32_t most, float* threshold);
void scan_words256_plain(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                         std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
                         std::size_t n);
extern const Kernels kScalarKernels;
extern const Kernels kSse42Kernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kVnniKernels;
}  // namespace internal

}  // namespace vitrine::vec
