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
// Sorted runs are Elias-Fano coded: documents d_0 < d_1 < ... from `start` on become the values
// v_i = d_i - start - i, which don't fall and are at most `most`. The low l bits of each come one
// behind the other, then the rest in unary: bit (v_i >> l) + i is set. l is low_bits(most, n).
//
// Up to kTinyMax postings ("tiny") lie in the smaller of two forms. The last bit says which.
//   0: varint of (distance from the document before, less 1, << 1 | (c != 0)), and varint c where
//      it is not 0. A single posting has this form.
//   1: a stream of bits, low bits first: 1 bit "codes follow"; the run of start 0, most =
//      documents - n; then, if so, 3 bits b, 1 bit "there are exceptions", b bits of code each;
//      with exceptions from the next byte on varint c - (2^b - 1) for each. The mark takes the last
//      bit of the last byte of bits where that is free, else a byte 0x80.
//
// Longer lists: the head
//   u8 flags; u8 b | best bits << 3; u16 kth[3] (shares of `highest`, in 65535ths); f32 highest
//   with kHasExceptions  u32 number, u8 fields, u8 per field: most occurrences among them
//   with kWindowed       u32 first window (a multiple of 64), u32 windows
//   with kHasBest        best_of() times {document, combination}, best first: as many bits as the
//                        largest document number needs, and `best bits`; padded to a byte
//   with kHasExceptions  rows sorted by document; with kExceptionChunks a directory of u32 first
//                        rows per 65536 documents (one more than chunks) and u16 of the document a
//                        row, else u32; and u8 of the combination a row, u16 with kWideExceptions
// then
// "packed"   (sparse): u32 last document of each block of 128 postings; then per block its codes in
//            b bits each and the run that starts behind the last document of the block before,
//            most = last - start - (n - 1); padded to a byte.
// "windowed" (dense): for windows of 128 documents
//             maximum per window: with kNibbleMaxima u8 level[16] and 4 bits each, else u8; padded
//             to 64 windows
//             u8 maximum per 64 windows
//             count per window: with kNibbleCounts 4 bits each, else u8; padded to 64 windows
//             u32 offset per group of 32 windows; then per window
//               count <= 16: count bytes of document & 127, then codes in b bits each;
//               count  > 16: 16 bytes of bit map, then b planes of `count` bits: bit j of all
//               codes.
// A maximum m bounds the saturation x / (x + k1) of its window: it is <= m * highest / 255.
// Two values of 4 bits share a byte, the first one low.
//
// Readers may load up to kImagePadding bytes behind a list: images end with as many zeros.
#pragma once

#include <bit>
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
// Best documents that a long list stores: lists of at least kBestMin postings many, others few.
inline constexpr std::uint32_t kBestMin = 2048;
inline constexpr std::uint32_t kBest = 128;
inline constexpr std::uint32_t kBestFew = 16;
constexpr std::uint32_t best_of(std::uint32_t frequency) {
  return frequency >= kBestMin ? kBest : kBestFew;
}
// Lists of so many postings per 100 windows, from first to last, are windowed.
inline constexpr std::uint32_t kWindowedFrom = 125;
// Windowed lists of so few postings a window keep maxima in 4 bits.
inline constexpr std::uint32_t kNibbleMaximaUpTo = 24;
inline constexpr std::uint32_t kCodeBitsMax = 4;
inline constexpr std::uint32_t kClasses = 16;
inline constexpr std::uint32_t kImagePadding = 128;
// Postings per entry of the positions directory: half of them are skipped to reach one.
inline constexpr std::uint32_t kPositionsStep = 16;
inline constexpr std::uint32_t kKthLevels[3] = {10, 100, 1000};

enum ListFlag : std::uint8_t {  // on disk
  kWindowed = 1,
  kHasBest = 2,
  kHasExceptions = 4,
  kExceptionChunks = 8,
  kWideExceptions = 16,
  kNibbleCounts = 32,
  kNibbleMaxima = 64,
};

// The head of a long list, as read.
struct ListHeader {
  std::uint8_t flags = 0;
  std::uint8_t code_bits = 0;
  std::uint8_t best_bits = 0;
  float highest = 0;  // of the saturation over the list
  float kth[3] = {};  // at most the 10th, 100th, 1000th best saturation; 0 where unknown
  std::uint32_t best_count = 0;
  std::uint32_t exceptions = 0;
  std::uint8_t exception_bound[8] = {};
  std::uint32_t first_window = 0;
  std::uint32_t windows = 0;
};

constexpr std::uint32_t round_up(std::uint32_t v, std::uint32_t to) {
  return (v + to - 1) / to * to;
}
// Bits that each of n values up to `most` has apart from its unary part.
constexpr std::uint32_t low_bits(std::uint32_t most, std::uint32_t n) {
  if (most < n) return 0;
  return static_cast<std::uint32_t>(std::bit_width(n == kBlock ? most / kBlock : most / n)) - 1;
}
// Bits of a whole run of n documents.
constexpr std::uint64_t run_bits(std::uint32_t most, std::uint32_t n) {
  const std::uint32_t low = low_bits(most, n);
  return std::uint64_t{n} * (low + 1) + (most >> low);
}
constexpr std::uint32_t block_bytes(std::uint32_t most, std::uint32_t n, std::uint32_t code_bits) {
  return static_cast<std::uint32_t>((run_bits(most, n) + n * code_bits + 7) / 8);
}
constexpr std::uint32_t window_payload(std::uint32_t count, std::uint32_t code_bits) {
  if (count == 0) return 0;
  return (count <= kBitmapAbove ? count : kWindow / 8) + (count * code_bits + 7) / 8;
}

}  // namespace vitrine::text::internal
