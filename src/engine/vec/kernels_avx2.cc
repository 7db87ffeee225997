// The kernels for AVX2 with FMA. See kernels_vnni.cc for why nothing here is shared.
#include "engine/vec/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace vitrine::vec {
namespace {

struct Ints {
  using Many = __m256i;
  static constexpr std::size_t kBytes = 32;
  static Many zero() { return _mm256_setzero_si256(); }
  static Many words(int word) { return _mm256_set1_epi32(word); }
  static Many load(const void* at) { return _mm256_loadu_si256(static_cast<const Many*>(at)); }
  static void store(void* at, Many a) { _mm256_storeu_si256(static_cast<Many*>(at), a); }
  static Many low_nibbles(Many a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
  static Many high_nibbles(Many a) { return low_nibbles(_mm256_srli_epi16(a, 4)); }
  static Many pairs(Many bytes, Many codes) { return _mm256_maddubs_epi16(bytes, codes); }
  static Many neighbours_added(Many a) { return _mm256_madd_epi16(a, _mm256_set1_epi16(1)); }
  static Many plus8(Many a, Many b) { return _mm256_add_epi8(a, b); }
  static Many looked_up(Many table, Many places) { return _mm256_shuffle_epi8(table, places); }
  static Many upper_bytes(Many a) { return _mm256_srli_epi16(a, 8); }
  static Many plus16(Many a, Many b) { return _mm256_add_epi16(a, b); }
  static Many plus32(Many a, Many b) { return _mm256_add_epi32(a, b); }
  static Many times16(Many a) { return _mm256_slli_epi32(a, 4); }
  static __m256 to_floats(Many a) { return _mm256_cvtepi32_ps(a); }
  static __m256 steps_of(const std::uint16_t* factors) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(factors))));
  }
  static std::int32_t total(Many a) {
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1)));
  }
};

struct Floats {
  using Many = __m256;
  static constexpr std::size_t kWidth = 8;
  static Many zero() { return _mm256_setzero_ps(); }
  static Many all(float value) { return _mm256_set1_ps(value); }
  static Many load(const float* at) { return _mm256_loadu_ps(at); }
  static void store(float* at, Many a) { _mm256_storeu_ps(at, a); }
  static Many smaller(Many a, Many b) { return _mm256_min_ps(a, b); }
  static Many larger(Many a, Many b) { return _mm256_max_ps(a, b); }
  static Many minus(Many a, Many b) { return _mm256_sub_ps(a, b); }
  static Many plus(Many a, Many b) { return _mm256_add_ps(a, b); }
  static Many plus_product(Many sum, Many a, Many b) { return _mm256_fmadd_ps(a, b, sum); }
  static float most(Many a) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
  }
  static std::uint32_t reaching(Many a, Many b) {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ)));
  }
  static std::uint32_t above(Many a, Many b) {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)));
  }
  static float total(Many a) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
  }
};

#include "engine/vec/kernels_narrow.inc"

}  // namespace

const Kernels internal::kAvx2Kernels = {simd::Level::kAvx2,
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
