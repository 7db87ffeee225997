#include "engine/vec/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/vec/kernels.h"
#include "engine/vec/types.h"

namespace vitrine::vec {
namespace {

// The largest magnitude; infinity where any value is infinite or not a number.
float largest(const float* v, std::size_t dims) {
  float most = 0;
  bool finite = true;
  for (std::size_t i = 0; i < dims; ++i) {
    const float magnitude = std::fabs(v[i]);
    finite &= magnitude <= std::numeric_limits<float>::max();
    most = std::max(most, magnitude);
  }
  return finite ? most : std::numeric_limits<float>::infinity();
}

}  // namespace

SignedCodes quantize_signed(const float* v, std::size_t dims, std::int8_t* codes) {
  const float most = largest(v, dims);
  SignedCodes out;
  // Not-a-number and infinity end here as zeros: no such value reaches the integer kernels.
  if (!(most > 0) || !std::isfinite(most) || !std::isfinite(127.0F / most)) {
    std::memset(codes, 0, dims);
    return out;
  }
  out.step = most / 127.0F;
  const float inverse = 127.0F / most;
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < dims; ++i) {
    const float scaled = v[i] * inverse;
    const auto code = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));
    codes[i] = static_cast<std::int8_t>(code);
    sum += code;
  }
  out.sum = sum;
  return out;
}

float quantize_unsigned(const float* v, std::size_t dims, std::uint8_t* codes) {
  const float most = largest(v, dims);
  if (!(most > 0) || !std::isfinite(most) || !std::isfinite(127.5F / most)) {
    std::memset(codes, 128, dims);
    return 0;
  }
  const float inverse = 127.5F / most;
  for (std::size_t i = 0; i < dims; ++i) {
    const auto code = static_cast<std::int32_t>(v[i] * inverse + 128.0F);
    codes[i] = static_cast<std::uint8_t>(std::clamp(code, 0, 255));
  }
  return most / 127.5F;
}

VectorFactors encode_vector(const float* residual, const float* center, float minus,
                            std::size_t dims, std::size_t lane, std::uint8_t* block,
                            std::uint8_t* low) {
  std::array<std::uint8_t, kDimMax> codes;
  VectorFactors out;
  out.scale = quantize_unsigned(residual, dims, codes.data());
  double center_error = 0;
  for (std::size_t g = 0; g < dims; g += 8) {
    for (std::size_t b = 0; b < 4; ++b) {
      const std::uint8_t first = codes[g + b];
      const std::uint8_t second = codes[g + 4 + b];
      block[g / 8 * 4 * kLanes + lane * 4 + b] =
          static_cast<std::uint8_t>((first >> 4) | (second & 0xF0));
    }
  }
  for (std::size_t i = 0; i < dims / 2; ++i)
    low[i] = static_cast<std::uint8_t>((codes[i] & 15) | ((codes[dims / 2 + i] & 15) << 4));
  for (std::size_t i = 0; i < dims; ++i) {
    const float seen = out.scale * (static_cast<float>(codes[i] & 0xF0) - 120.0F);
    center_error += static_cast<double>(center[i] * (residual[i] - seen));
  }
  out.bias = static_cast<float>(center_error) - minus;
  return out;
}

ListFactors factors_for(std::span<const VectorFactors> vectors) {
  ListFactors out;
  if (vectors.empty()) return out;
  float scale = 0;
  float least = vectors[0].bias;
  float most = least;
  for (const VectorFactors& vector : vectors) {
    scale = std::max(scale, vector.scale);
    least = std::min(least, vector.bias);
    most = std::max(most, vector.bias);
  }
  out.scale_step = scale / 65535.0F;
  out.bias_least = least;
  // In halves: the difference of two finite numbers may not be one.
  out.bias_step = 2.0F * (most * (0.5F / 65535.0F) - least * (0.5F / 65535.0F));
  return out;
}

void put_factors(const ListFactors& list, const VectorFactors& vector, std::size_t lane,
                 std::uint8_t* factors) {
  const auto steps = [](float value, float least, float step) {
    const double at = step > 0 ? (static_cast<double>(value) - least) / step : 0;
    return static_cast<std::uint16_t>(std::clamp(std::round(at), 0.0, 65535.0));
  };
  const std::uint16_t scale = steps(vector.scale, 0, list.scale_step);
  const std::uint16_t bias = steps(vector.bias, list.bias_least, list.bias_step);
  std::memcpy(factors + lane * sizeof(scale), &scale, sizeof(scale));
  std::memcpy(factors + (kLanes + lane) * sizeof(bias), &bias, sizeof(bias));
}

}  // namespace vitrine::vec
