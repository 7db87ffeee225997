// The kernels for SSE4.2, the least that this program is compiled for on x86-64.
#include "engine/vec/kernels.h"

#if defined(__x86_64__)

#include <smmintrin.h>

namespace vitrine::vec {
namespace {

struct Ints {
  using Many = __m128i;
  static constexpr std::size_t kBytes = 16;
  static Many zero() { return _mm_setzero_si128(); }
  static Many words(int word) { return _mm_set1_epi32(word); }
  static Many load(const void* at) { return _mm_loadu_si128(static_cast<const Many*>(at)); }
  static void store(void* at, Many a) { _mm_storeu_si128(static_cast<Many*>(at), a); }
  static Many low_nibbles(Many a) { return _mm_and_si128(a, _mm_set1_epi8(15)); }
  static Many high_nibbles(Many a) { return low_nibbles(_mm_srli_epi16(a, 4)); }
  static Many pairs(Many bytes, Many codes) { return _mm_maddubs_epi16(bytes, codes); }
  static Many neighbours_added(Many a) { return _mm_madd_epi16(a, _mm_set1_epi16(1)); }
  static Many plus8(Many a, Many b) { return _mm_add_epi8(a, b); }
  static Many looked_up(Many table, Many places) { return _mm_shuffle_epi8(table, places); }
  static Many upper_bytes(Many a) { return _mm_srli_epi16(a, 8); }
  static Many plus16(Many a, Many b) { return _mm_add_epi16(a, b); }
  static Many plus32(Many a, Many b) { return _mm_add_epi32(a, b); }
  static Many times16(Many a) { return _mm_slli_epi32(a, 4); }
  static __m128 to_floats(Many a) { return _mm_cvtepi32_ps(a); }
  static __m128 steps_of(const std::uint16_t* factors) {
    return _mm_cvtepi32_ps(
        _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(factors))));
  }
  static std::int32_t total(Many a) {
    const Many half = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1)));
  }
};

struct Floats {
  using Many = __m128;
  static constexpr std::size_t kWidth = 4;
  static Many zero() { return _mm_setzero_ps(); }
  static Many all(float value) { return _mm_set1_ps(value); }
  static Many load(const float* at) { return _mm_loadu_ps(at); }
  static void store(float* at, Many a) { _mm_storeu_ps(at, a); }
  static Many smaller(Many a, Many b) { return _mm_min_ps(a, b); }
  static Many larger(Many a, Many b) { return _mm_max_ps(a, b); }
  static Many minus(Many a, Many b) { return _mm_sub_ps(a, b); }
  static Many plus(Many a, Many b) { return _mm_add_ps(a, b); }
  static Many plus_product(Many sum, Many a, Many b) { return _mm_add_ps(sum, _mm_mul_ps(a, b)); }
  static float most(Many a) {
    const Many half = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
  }
  static std::uint32_t reaching(Many a, Many b) {
    return static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpge_ps(a, b)));
  }
  static std::uint32_t above(Many a, Many b) {
    return static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpgt_ps(a, b)));
  }
  static float total(Many a) {
    const Many half = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
  }
};

#include "engine/vec/kernels_narrow.inc"

}  // namespace

const Kernels internal::kSse42Kernels = {simd::Level::kSse42,
                                         scan,
                                         scan_words16,
                                         internal::scan_words256_plain,
                                         nearest_words,
                                         word_products,
                                         dot_blocks,
                                         rank,
                                         internal::cut_plain,
                                         dot_nibbles,
                                         dot_bytes,
                                         dot_bytes_many,
                                         dot,
                                         squared_distance};

}  // namespace vitrine::vec

#endif
