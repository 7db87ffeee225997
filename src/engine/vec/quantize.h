#pragma once
// From floats to codes: queries and centroids to signed bytes, vectors to two nibbles a dimension.
//
// A vector x of list c has the residual r = x - c. Its 8-bit code is
//   code[i] = 16 * high[i] + low[i],   r[i] ~ scale * (code[i] - 127.5),   scale = max|r| / 127.5.
// The scan knows only the high nibbles: r[i] ~ scale * 16 * (high[i] - 7.5), which leaves the
// error e. Of the true q.x = q.c + q.(r - e) + q.e the last part is split: q.e = (q - c).e + c.e,
// and c.e does not depend on the query, so it is stored: bias = c.e (- |x|^2 / 2 for L2). What
// remains is (q - c).e, and q - c is short for the lists worth visiting.
//
// Scale and bias are stored in 16 bits each, as steps between the extremes of their list: 4 bytes a
// vector instead of 8, and an error far below that of the codes.

#include <cstddef>
#include <cstdint>
#include <span>

namespace vitrine::vec {

/// v[i] ~ step * codes[i].
struct SignedCodes {
  float step = 0;
  std::int32_t sum = 0;  ///< of all codes
};

/// Writes `dims` codes in -127..127.
SignedCodes quantize_signed(const float* v, std::size_t dims, std::int8_t* codes);

struct VectorFactors {
  float scale = 0;
  float bias = 0;
};

/// Encodes `residual` (of a vector whose list has the centroid `center`) into lane `lane` of
/// `block` and the row `low` of dims/2 bytes (kernels.h says how they are laid out). `minus` is
/// subtracted from the bias: half the vector's squared length for L2, else 0.
VectorFactors encode_vector(const float* residual, const float* center, float minus,
                            std::size_t dims, std::size_t lane, std::uint8_t* block,
                            std::uint8_t* low);

/// What a list's 16-bit factors mean: scale = scale_step * s, bias = bias_least + bias_step * b.
/// The layout is that of the index file.
struct ListFactors {
  float scale_step = 0;
  float bias_least = 0;
  float bias_step = 0;
};

/// Chooses the steps for a list's vectors.
ListFactors factors_for(std::span<const VectorFactors> vectors);
/// Writes lane `lane` of a block's factors.
void put_factors(const ListFactors& list, const VectorFactors& vector, std::size_t lane,
                 std::uint8_t* factors);

/// v[i] ~ step * (codes[i] - 127.5); returns step.
float quantize_unsigned(const float* v, std::size_t dims, std::uint8_t* codes);

}  // namespace vitrine::vec
