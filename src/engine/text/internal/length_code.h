// Lengths in one byte: exact to 40, then 4 significant bits, rounded down (as Lucene's norms).
#pragma once

#include <bit>
#include <cstdint>

namespace vitrine::text::internal {

// v < 16 stands for itself; else 3 bits below the leading one, and how far they are shifted.
constexpr std::uint32_t to_four_bits(std::uint32_t v) {
  const int width = 32 - std::countl_zero(v);
  if (width < 5) {
    if (width < 4) return v;
  }
  const int shift = width - 4;
  return ((v >> shift) & 7u) | (static_cast<std::uint32_t>(shift + 1) << 3);
}
constexpr std::uint32_t from_four_bits(std::uint32_t code) {
  const std::uint32_t bits = code & 7u;
  const int shift = static_cast<int>(code >> 3) - 1;
  return shift < 0 ? bits : (bits | 8u) << shift;
}
// Codes of to_four_bits end at 231 for 2^31-1: the 24 left over make small lengths exact.
inline constexpr std::uint32_t kExactLengths = 24;
inline constexpr std::uint32_t kLengthMax = 0x7FFFFFFFu;

constexpr std::uint8_t encode_length(std::uint32_t length) {
  if (length > kLengthMax) length = kLengthMax;
  return static_cast<std::uint8_t>(
      length < kExactLengths ? length : kExactLengths + to_four_bits(length - kExactLengths));
}
constexpr std::uint32_t decode_length(std::uint8_t code) {
  return code < kExactLengths ? code : kExactLengths + from_four_bits(code - kExactLengths);
}

}  // namespace vitrine::text::internal
