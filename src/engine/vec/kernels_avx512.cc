// The kernels for AVX-512 without VNNI. See kernels_vnni.cc for why nothing here is shared.
//
// Without a four-way dot product, pairs of bytes are multiplied and added into 16 bits, which
// nibbles can't overflow and full bytes can: those are split.
#include "engine/vec/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace vitrine::vec {
namespace {

inline __m512i add_nibble_dots(__m512i sums, __m512i nibbles, __m512i codes) {
  const __m512i pairs = _mm512_maddubs_epi16(nibbles, codes);
  return _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
inline __m512i upper_nibbles(__m512i bytes) {
  return _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15));
}
inline __m512i add_upper_dots(__m512i sums, __m512i bytes, __m512i codes) {
  return add_nibble_dots(sums, upper_nibbles(bytes), codes);
}
inline __m512i upper_total(__m512i sums) { return sums; }
inline __m512i add_dots(__m512i sums, __m512i bytes, __m512i codes) {
  const __m512i high = add_upper_dots(_mm512_setzero_si512(), bytes, codes);
  const __m512i low = _mm512_and_si512(bytes, _mm512_set1_epi8(15));
  return add_nibble_dots(_mm512_add_epi32(sums, _mm512_slli_epi32(high, 4)), low, codes);
}

#include "engine/vec/kernels_512.inc"

}  // namespace

const Kernels internal::kAvx512Kernels = {simd::Level::kAvx512,
                                          scan,
                                          scan_words16,
                                          internal::scan_words256_plain,
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
