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

}  // namespace

const Kernels internal::kVnniKernels = {
    simd::Level::kAvx512Vnni, scan, dot_blocks,      rank, cut, dot_nibbles, dot_bytes,
    dot_bytes_many,           dot,  squared_distance};

}  // namespace vitrine::vec

#endif
