// x^p without libm: only operations that IEEE 754 rounds the same way everywhere, so that
// a replayed request gives the score that was recorded, on any machine. Relative error < 2e-6 for
// |p log2 x| < 30.
#pragma once

#include <bit>
#include <cstdint>

namespace vitrine::covisit {

// x must be positive and normal.
inline float fast_log2(float x) {
  // x = 2^e * m with m in [sqrt(1/2), sqrt(2)); log2 m by the atanh series in (m-1)/(m+1).
  constexpr std::uint32_t kSqrtHalf = 0x3F3504F3;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x) - kSqrtHalf;
  const auto exponent = static_cast<std::int32_t>(bits) >> 23;
  const float m = std::bit_cast<float>((bits & 0x007FFFFF) + kSqrtHalf);
  const float s = (m - 1.0f) / (m + 1.0f);
  const float t = s * s;
  const float series = s * (2.8853901f + t * (0.9617967f + t * (0.57707802f + t * 0.41219859f)));
  return static_cast<float>(exponent) + series;
}

// Clamped to 2^-120 .. 2^120.
inline float fast_exp2(float y) {
  if (!(y > -120.0f)) y = -120.0f;
  if (y > 120.0f) y = 120.0f;
  const auto whole = static_cast<std::int32_t>(y + (y < 0 ? -0.5f : 0.5f));
  const float f = y - static_cast<float>(whole);  // within [-0.5, 0.5]
  const float m =
      1.0f +
      f * (0.69314718f +
           f * (0.24022651f + f * (0.055504109f + f * (0.0096181291f +
                                                       f * (0.0013333558f + f * 0.00015403530f)))));
  return m * std::bit_cast<float>(static_cast<std::uint32_t>(whole + 127) << 23);
}

inline float fast_power(float x, float p) { return fast_exp2(p * fast_log2(x)); }

}  // namespace vitrine::covisit
