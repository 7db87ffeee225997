#include "platform/codec/crc32c.h"

#include <array>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace vitrine::codec {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reversed bit order

using Slices = std::array<std::array<std::uint32_t, 256>, 8>;

// slices[k][b]: what byte b does to the checksum when k zero bytes follow it.
constexpr Slices make_slices() {
  Slices slices{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    slices[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = slices[k - 1][byte];
      slices[k][byte] = (crc >> 8) ^ slices[0][crc & 0xFF];
    }
  }
  return slices;
}

constexpr Slices kSlices = make_slices();

std::uint64_t load64(const char* p) {
  std::uint64_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

std::uint32_t update_byte(std::uint32_t crc, char byte) {
  return (crc >> 8) ^ kSlices[0][(crc ^ static_cast<std::uint8_t>(byte)) & 0xFF];
}

#if defined(__SSE4_2__)

// The crc32 instruction has a latency of three cycles and starts one a cycle, so three
// independent lanes of kLane bytes run at full speed. Lane checksums are then joined:
// crc(a + b) = shift(crc(a), |b|) ^ crc(b), where shift, linear in the bits of the checksum,
// is a table lookup for the one length kLane (M. Adler's crc32c.c does the same with two).
constexpr std::size_t kLane = 1024;

using Shift = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr std::uint32_t append_zeros(std::uint32_t crc, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) crc = (crc >> 8) ^ kSlices[0][crc & 0xFF];
  return crc;
}

Shift make_shift() {
  Shift shift{};
  for (std::size_t byte = 0; byte < 4; ++byte) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      shift[byte][std::size_t{1} << bit] = append_zeros(1u << (8 * byte + bit), kLane);
    }
    for (std::size_t value = 1; value < 256; ++value) {
      const std::size_t lowest = value & (~value + 1);
      shift[byte][value] = shift[byte][lowest] ^ shift[byte][value ^ lowest];
    }
  }
  return shift;
}

std::uint32_t shift_lane(const Shift& shift, std::uint64_t crc) {
  return shift[0][crc & 0xFF] ^ shift[1][(crc >> 8) & 0xFF] ^ shift[2][(crc >> 16) & 0xFF] ^
         shift[3][(crc >> 24) & 0xFF];
}

std::uint32_t update_hardware(std::uint32_t start, const char* p, std::size_t size) {
  static const Shift shift = make_shift();
  std::uint64_t crc = start;
  while (size >= 3 * kLane) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const char* end = p + kLane; p != end; p += 8) {
      crc = _mm_crc32_u64(crc, load64(p));
      second = _mm_crc32_u64(second, load64(p + kLane));
      third = _mm_crc32_u64(third, load64(p + 2 * kLane));
    }
    crc = shift_lane(shift, crc) ^ second;
    crc = shift_lane(shift, crc) ^ third;
    p += 2 * kLane;
    size -= 3 * kLane;
  }
  for (; size >= 8; size -= 8, p += 8) crc = _mm_crc32_u64(crc, load64(p));
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; size > 0; --size, ++p) narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*p));
  return narrow;
}

#endif

}  // namespace

std::uint32_t crc32c_software(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  const char* p = bytes.data();
  std::size_t size = bytes.size();
  for (; size >= 8; size -= 8, p += 8) {
    const std::uint64_t word = load64(p) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= kSlices[7 - k][(word >> (8 * k)) & 0xFF];
  }
  for (; size > 0; --size, ++p) crc = update_byte(crc, *p);
  return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#if defined(__SSE4_2__)
  return ~update_hardware(~before, bytes.data(), bytes.size());
#else
  return crc32c_software(bytes, before);
#endif
}

}  // namespace vitrine::codec
