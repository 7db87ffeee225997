// How the postings of one term lie in bytes.
//
// A posting is a local document number and a "combination": how often the term occurs in each
// field. With one field combination c means c + 1 occurrences; with several it is an index into the
// segment's table of combinations, the most frequent first.
//
// Each list keeps b bits (0 to 4) of the combination of every posting, its "code": combination c
// has code min(c, 2^b - 1). Where some c is above 2^b - 1, the last code means "look into the list
// of exceptions". Codes and the document's length class (0..15) give an upper bound of the score;
// the exact one is computed only for documents that survive it.
//
// Up to kTinyMax postings ("tiny"): varints of (document delta << 1 | (c != 0)), and c where it is
// not 0. No header.
//
// Longer lists: ListHeader, best documents ({u32 document, u32 combination}
// each, best first), exceptions, then
// "packed"   (sparse): a directory of blocks of 128 postings, {u32 last document, u32 offset,
//             u8 width, u8[3] zero}, then per block the deltas in `width` bits each (the first
//             against the last document of the block before, minus 1, as all), byte-aligned, then
//             the codes in b bits each, byte-aligned.
// "windowed" (dense): for windows first_window.. of 128 documents (first_window is a multiple of
// 64):
//             u8 maximum per window, padded to 64; u8 maximum per 64 windows, padded to 4; u8 count
//             per window, padded to 64; {u32 offset, u32 ordinal} per group of 32 windows; then per
//             window
//               count <= 16: count bytes of document & 127, then codes in b bits each;
//               count  > 16: 16 bytes of bit map, then b planes of `count` bits: bit j of all
//               codes.
// A maximum m bounds the saturation x / (x + k1) of its window: it is <= m * highest / 255.
//
// Exceptions: {u16 document & 65535, u16 combination} sorted by document, behind a directory of u32
// first indexes per 65536 documents (present if there are exceptions; one more than chunks).
//
// Readers may load up to kImagePadding bytes behind a list: images end with as many zeros.
#pragma once

#include <cstdint>

namespace vitrine::text::internal {

inline constexpr std::uint32_t kWindowBits = 7;
inline constexpr std::uint32_t kWindow = 1u << kWindowBits;
inline constexpr std::uint32_t kGroupBits = 5;  // windows whose payload is found from one offset
inline constexpr std::uint32_t kGroup = 1u << kGroupBits;
inline constexpr std::uint32_t kSuper = 64;  // windows of the second level of maxima
inline constexpr std::uint32_t kTinyMax = 127;
inline constexpr std::uint32_t kBitmapAbove = 16;
inline constexpr std::uint32_t kBlock = 128;
inline constexpr std::uint32_t kBestMin =
    2048;  // lists from this length store their best documents
inline constexpr std::uint32_t kBest = 128;
inline constexpr std::uint32_t kCodeBitsMax = 4;
inline constexpr std::uint32_t kClasses = 16;
inline constexpr std::uint32_t kImagePadding = 128;
inline constexpr std::uint32_t kPositionsStep =
    64;  // postings per entry of the positions directory
inline constexpr std::uint32_t kKthLevels[3] = {10, 100, 1000};

enum class Codec : std::uint8_t { kPacked = 0, kWindowed = 1 };  // on disk

struct ListHeader {
  std::uint8_t codec;
  std::uint8_t code_bits;
  std::uint8_t reserved[2];
  float highest;  // of the saturation over the list
  float kth[3];   // the 10th, 100th, 1000th best saturation; 0 where the list is shorter
  std::uint32_t best_count;
  std::uint32_t exceptions;
  std::uint8_t exception_bound[8];  // per field, the most occurrences among the exceptions
  std::uint32_t first_window;       // windowed
  std::uint32_t windows;            // windowed; packed: blocks
  std::uint32_t payload_bytes;
};
static_assert(sizeof(ListHeader) == 48);

struct BlockEntry {
  std::uint32_t last_document;
  std::uint32_t offset;
  std::uint8_t width;
  std::uint8_t zero[3];
};
static_assert(sizeof(BlockEntry) == 12);

struct GroupEntry {
  std::uint32_t offset;
  std::uint32_t ordinal;
};

struct Exception {
  std::uint16_t low;
  std::uint16_t combination;
};

constexpr std::uint32_t round_up(std::uint32_t v, std::uint32_t to) {
  return (v + to - 1) / to * to;
}
constexpr std::uint32_t window_payload(std::uint32_t count, std::uint32_t code_bits) {
  if (count == 0) return 0;
  return (count <= kBitmapAbove ? count : kWindow / 8) + (count * code_bits + 7) / 8;
}

}  // namespace vitrine::text::internal
