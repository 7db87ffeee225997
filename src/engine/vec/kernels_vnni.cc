// The kernels for AVX-512 with VNNI. No inline function or template here is visible to other
// files: code compiled for wide registers must not replace theirs.
#include "engine/vec/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace vitrine::vec {
namespace {

inline __m512i add_dots(__m512i sums, __m512i bytes, __m512i codes) {
  return _mm512_dpbusd_epi32(sums, bytes, codes);
}
inline __m512i add_nibble_dots(__m512i sums, __m512i nibbles, __m512i codes) {
  return _mm512_dpbusd_epi32(sums, nibbles, codes);
}
// Upper nibbles stay where they are: one shift at the end instead of one for each step.
inline __m512i add_upper_dots(__m512i sums, __m512i bytes, __m512i codes) {
  const __m512i upper = _mm512_set1_epi8(static_cast<char>(0xF0));
  return _mm512_dpbusd_epi32(sums, _mm512_and_si512(bytes, upper), codes);
}
inline __m512i upper_total(__m512i sums) { return _mm512_srai_epi32(sums, 4); }

#include "engine/vec/kernels_512.inc"

// 256 words: a table is four registers, looked up by two permutations of 128 bytes (VBMI) and a
// choice by the top bit. 64 vectors of two blocks at a time.
inline __m512i looked_up(const std::uint8_t* table, __m512i places) {
  const __m512i low =
      _mm512_permutex2var_epi8(_mm512_loadu_si512(table), places, _mm512_loadu_si512(table + 64));
  const __m512i high = _mm512_permutex2var_epi8(_mm512_loadu_si512(table + 128), places,
                                                _mm512_loadu_si512(table + 192));
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(places), high);
}

inline __m512i lanes_of_both(const std::uint8_t* first, const std::uint8_t* second) {
  return _mm512_inserti64x4(
      _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(first))),
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second)), 1);
}

// `second` may be `first` again, with nothing of it allowed.
template <std::size_t N>
inline void scan_words256_blocks(const std::uint8_t* first, const std::uint8_t* second,
                                 std::size_t rows, std::uint32_t slot, std::uint32_t allowed_first,
                                 std::uint32_t allowed_second, ScanQuery* queries) {
  __m512i even[N];
  __m512i odd[N];
  for (std::size_t q = 0; q < N; ++q) even[q] = odd[q] = _mm512_setzero_si512();
  for (std::size_t row = 0; row < rows; row += 2) {
    const std::size_t at = row * kLanes;
    _mm_prefetch(reinterpret_cast<const char*>(first + at + kAhead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(second + at + kAhead), _MM_HINT_T0);
    const __m512i these = lanes_of_both(first + at, second + at);
    const __m512i those = lanes_of_both(first + at + kLanes, second + at + kLanes);
#pragma GCC unroll 4
    for (std::size_t q = 0; q < N; ++q) {
      const std::uint8_t* tables = queries[q].tables + row * 256;
      const __m512i both =
          _mm512_add_epi8(looked_up(tables, these), looked_up(tables + 256, those));
      even[q] = _mm512_add_epi16(even[q], both);
      odd[q] = _mm512_add_epi16(odd[q], _mm512_srli_epi16(both, 8));
    }
  }
  for (std::size_t q = 0; q < N; ++q) {
    keep_lanes(queries[q],
               in_order(_mm512_castsi512_si256(even[q]), _mm512_castsi512_si256(odd[q])),
               first + rows * kLanes, allowed_first, slot);
    if (allowed_second == 0) continue;
    keep_lanes(
        queries[q],
        in_order(_mm512_extracti64x4_epi64(even[q], 1), _mm512_extracti64x4_epi64(odd[q], 1)),
        second + rows * kLanes, allowed_second, slot + static_cast<std::uint32_t>(kLanes));
  }
}

template <std::size_t N>
void scan_words256_n(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                     std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries) {
  const std::size_t stride = word_block_bytes(rows);
  for (std::size_t b = 0; b < blocks; b += 2) {
    const bool two = b + 1 < blocks;
    const std::uint32_t mask = allowed == nullptr ? 0xFFFFFFFFU : allowed[b];
    const std::uint32_t next = !two ? 0 : allowed == nullptr ? 0xFFFFFFFFU : allowed[b + 1];
    if ((mask | next) == 0) continue;
    const std::uint8_t* block = codes + b * stride;
    scan_words256_blocks<N>(block, two ? block + stride : block, rows,
                            first_slot + static_cast<std::uint32_t>(b * kLanes), mask, next,
                            queries);
  }
}

// Four queries at most: their tables (8 KB each for 32 parts) share the first-level cache.
void scan_words256(const std::uint8_t* codes, std::size_t blocks, std::size_t rows,
                   std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries,
                   std::size_t n) {
  for (; n >= 4; n -= 4, queries += 4)
    scan_words256_n<4>(codes, blocks, rows, first_slot, allowed, queries);
  for (; n >= 2; n -= 2, queries += 2)
    scan_words256_n<2>(codes, blocks, rows, first_slot, allowed, queries);
  if (n > 0) scan_words256_n<1>(codes, blocks, rows, first_slot, allowed, queries);
}

}  // namespace

const Kernels internal::kVnniKernels = {simd::Level::kAvx512Vnni,
                                        scan,
                                        scan_words16,
                                        scan_words256,
                                        nearest_words,
                                        word_products,
                                        dot_blocks,
                                        rank,
                                        cut,
                                        dot_nibbles,
                                        dot_bytes,
                                        dot_bytes_many,
                                        dot,
                                        squared_distance};

}  // namespace vitrine::vec

#endif
