#pragma once
// How vectors become the codes that a scan reads: one of three families behind one interface.
//
//   kNibbles  4 bits a dimension, and 4 more for the second look (quantize.h). Needs no training.
//   kPq16     product quantisation: each `width` dimensions are one of 16 trained words, 4 bits
//   kPq256    ... one of 256 trained words, 8 bits
//
// Product codes have a quarter to a half of the nibbles' bytes in the scan and are less exact, so
// more candidates must be looked at again. Words are of residuals scaled to length 1. As with
// nibbles a residual r is seen as scale * r', and what its list's centroid c makes of the error is
// stored: q.x = q.c + scale * q.r' + bias, where bias = c.(r - scale * r') (- |x|^2 / 2 for L2).
// q.r' is a sum over tables of the query alone: one set of tables serves all lists, for L2 too.
// scale = r.r / r.r', which undoes the shrinking of means.
//
// Second look of product codes: the whole rotated vector in bytes, then scale and bias as floats.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/progress.h"
#include "engine/vec/column.h"
#include "engine/vec/kernels.h"
#include "engine/vec/quantize.h"
#include "engine/vec/types.h"
#include "engine/vec/workers.h"

namespace vitrine::vec {

struct CodeOptions {
  CodeFamily family = CodeFamily::kNibbles;
  /// Dimensions a word stands for: 2, 4 or 8; 0: 2 of 16 words, 4 of 256 (2 bits a dimension).
  std::uint32_t width = 0;
  /// Codes for the second look. Without, all that a scan keeps is compared with the exact rows:
  /// less memory, more reads of rows.
  bool second = true;
};

/// Immutable and cheap to copy.
class Coding {
 public:
  Coding() = default;
  /// `words`: for each part of `width` dimensions, dimension after dimension, the values of all
  /// words. Empty for kNibbles.
  Coding(const CodeOptions& options, std::uint32_t dims, Column<float> words);

  CodeFamily family() const { return options_.family; }
  const CodeOptions& options() const { return options_; }
  bool is_product() const { return options_.family != CodeFamily::kNibbles; }
  std::uint32_t dims() const { return dims_; }
  std::uint32_t width() const { return options_.width; }
  std::size_t parts() const { return is_product() ? dims_ / options_.width : 0; }
  std::size_t word_count() const { return options_.family == CodeFamily::kPq16 ? 16 : 256; }
  const Column<float>& words() const { return words_; }

  std::size_t block_bytes() const { return block_bytes_; }
  /// Bytes of a slot for the second look; 0 without.
  std::size_t second_bytes() const { return second_bytes_; }
  /// Bytes of a query's tables, a multiple of 64; 0 for kNibbles.
  std::size_t table_bytes() const;

  /// Encodes one vector: its residual into lane `lane` of `block` and its second codes into
  /// `second`. `rotated` is the whole vector, `minus` half its squared length for L2, else 0.
  VectorFactors encode(const float* residual, const float* center, const float* rotated,
                       float minus, std::size_t lane, std::uint8_t* block,
                       std::uint8_t* second) const;
  void put(const ListFactors& list, const VectorFactors& vector, std::size_t lane,
           std::uint8_t* block) const;
  /// The scan's estimate of a vector is 16-bit scale * (slope * sum + offset) + ...: these are the
  /// query's share of it (kernels.h).
  struct Slope {
    float slope = 0;
    float offset = 0;
  };
  /// Writes the query's tables to `tables` (table_bytes(), at a multiple of 64).
  Slope make_tables(const float* rotated, std::uint8_t* tables) const;
  void scan(const std::uint8_t* codes, std::size_t blocks, std::uint32_t first_slot,
            const std::uint32_t* allowed, ScanQuery* queries, std::size_t n) const;
  /// Copies one vector's codes between blocks.
  void copy_lane(const std::uint8_t* from, std::size_t from_lane, std::uint8_t* to,
                 std::size_t to_lane) const;
  /// Where the 16-bit scale of the vector at `place` of `blocks` is.
  const std::uint8_t* scale_place(const std::uint8_t* blocks, std::size_t place) const {
    return blocks + place / kLanes * block_bytes_ + factors_offset() +
           place % kLanes * sizeof(std::uint16_t);
  }
  /// Of product codes: the estimate from a vector's second codes.
  float second_estimate(const std::int8_t* query, const SignedCodes& quantized,
                        const std::uint8_t* second) const;
  std::size_t rows() const { return rows_; }

 private:
  std::size_t factors_offset() const { return block_bytes_ - 2 * kLanes * sizeof(std::uint16_t); }
  CodeOptions options_{};
  std::uint32_t dims_ = 0;
  std::size_t rows_ = 0;  // of 32 bytes in a block of product codes: even
  std::size_t block_bytes_ = 0;
  std::size_t second_bytes_ = 0;
  Column<float> words_;
  Column<float> biases_;  // of each word: minus half its squared length
};

/// The width that options with 0 mean.
std::uint32_t width_for(const CodeOptions& options);
/// Floats of words for `dims` dimensions.
std::size_t word_floats(const CodeOptions& options, std::uint32_t dims);

/// Scales each of `count` rows to length 1; very short ones to 0.
void to_unit_length(float* rows, std::size_t count, std::size_t dims);

/// Trains the words on `count` > 0 residuals of length 1 (rows of `dims` rotated floats): k-means
/// for each part. The result depends on residuals, options, seed and the instruction level, not on
/// the number of workers.
Column<float> train_words(const float* residuals, std::size_t count, std::uint32_t dims,
                          const CodeOptions& options, std::uint64_t seed, const Workers& workers,
                          Progress& progress);

}  // namespace vitrine::vec
