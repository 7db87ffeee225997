// The kernels for AVX2 with FMA. See kernels_vnni.cc for why nothing here is shared.
//
// Without a four-way dot product, pairs of bytes are multiplied and added into 16 bits
// (maddubs). Nibbles times -127..127 give at most 2 * 15 * 127 = 3,810 a pair, so eight steps fit
// before the sums must move to 32 bits. Full bytes would not fit and are split into nibbles.
#include "engine/vec/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace vitrine::vec {
namespace {

constexpr std::size_t kStepsBeforeWidening = 8;

inline __m256i query_word(const std::int8_t* codes) {
  int word;
  __builtin_memcpy(&word, codes, 4);
  return _mm256_set1_epi32(word);
}

inline __m256i widened(__m256i sums, __m256i pairs) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

inline __m256 steps_of(const std::uint16_t* factors) {
  return _mm256_cvtepi32_ps(
      _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(factors))));
}

inline void keep(ScanQuery& query, __m256i dots, const std::uint16_t* scales,
                 const std::uint16_t* biases, std::uint32_t allowed, std::uint32_t slot) {
  const __m256 inner = _mm256_fmadd_ps(_mm256_set1_ps(query.slope), _mm256_cvtepi32_ps(dots),
                                       _mm256_set1_ps(query.offset));
  const __m256 bias = _mm256_fmadd_ps(_mm256_set1_ps(query.bias_step), steps_of(biases),
                                      _mm256_set1_ps(query.base));
  const __m256 estimate = _mm256_fmadd_ps(steps_of(scales), inner, bias);
  std::uint32_t kept = allowed & 0xFFU &
                       static_cast<std::uint32_t>(_mm256_movemask_ps(
                           _mm256_cmp_ps(estimate, _mm256_set1_ps(query.threshold), _CMP_GE_OQ)));
  if (kept == 0) return;
  alignas(32) float values[8];
  _mm256_store_ps(values, estimate);
  for (; kept != 0; kept &= kept - 1) {
    const std::uint32_t lane = static_cast<std::uint32_t>(__builtin_ctz(kept));
    query.estimates[query.count] = values[lane];
    query.slots[query.count++] = slot + lane;
  }
}

// Dot products of 8 vectors (32 bytes of each group) with one query.
inline __m256i dots_of_eight(const std::uint8_t* at, std::size_t dims, const std::int8_t* codes) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i sums = _mm256_setzero_si256();
  __m256i low_pairs = sums;
  __m256i high_pairs = sums;
  std::size_t steps = 0;
  for (std::size_t d = 0; d < dims; d += 8, at += 4 * kLanes) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i low = _mm256_and_si256(bytes, nibble);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    low_pairs = _mm256_add_epi16(low_pairs, _mm256_maddubs_epi16(low, query_word(codes + d)));
    high_pairs =
        _mm256_add_epi16(high_pairs, _mm256_maddubs_epi16(high, query_word(codes + d + 4)));
    if (++steps == kStepsBeforeWidening) {
      sums = widened(widened(sums, low_pairs), high_pairs);
      low_pairs = high_pairs = _mm256_setzero_si256();
      steps = 0;
    }
  }
  return widened(widened(sums, low_pairs), high_pairs);
}

void scan(const std::uint8_t* codes, std::size_t blocks, std::size_t dims, std::uint32_t first_slot,
          const std::uint32_t* allowed, ScanQuery* queries, std::size_t n) {
  const std::size_t stride = block_bytes(dims);
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint32_t mask = allowed == nullptr ? 0xFFFFFFFFU : allowed[b];
    if (mask == 0) continue;
    const std::uint8_t* block = codes + b * stride;
    const auto* factors = reinterpret_cast<const std::uint16_t*>(block + dims / 8 * 4 * kLanes);
    for (std::size_t q = 0; q < n; ++q) {
      for (std::uint32_t part = 0; part < kLanes; part += 8) {
        keep(queries[q], dots_of_eight(block + std::size_t{part} * 4, dims, queries[q].codes),
             factors + part, factors + kLanes + part, mask >> part,
             first_slot + static_cast<std::uint32_t>(b * kLanes) + part);
      }
    }
  }
}

// Sums of full bytes times a query, by nibbles: low + 16 * high.
struct ByteSums {
  __m256i low = _mm256_setzero_si256();
  __m256i high = _mm256_setzero_si256();
  void add(__m256i bytes, __m256i query) {
    const __m256i nibble = _mm256_set1_epi8(15);
    low = widened(low, _mm256_maddubs_epi16(_mm256_and_si256(bytes, nibble), query));
    high = widened(
        high, _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble), query));
  }
  __m256i total() const { return _mm256_add_epi32(low, _mm256_slli_epi32(high, 4)); }
};

void dot_blocks(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
                const std::int8_t* const* queries, std::size_t n, std::int32_t* out,
                std::size_t out_stride) {
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint8_t* block = codes + b * dims * kLanes;
    for (std::size_t q = 0; q < n; ++q) {
      for (std::size_t part = 0; part < kLanes; part += 8) {
        ByteSums sums;
        for (std::size_t d = 0; d < dims; d += 4) {
          sums.add(
              _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + d * kLanes + part * 4)),
              query_word(queries[q] + d));
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + q * out_stride + b * kLanes + part),
                            sums.total());
      }
    }
  }
}

std::uint32_t rank(const std::int32_t* dots, std::size_t n, float slope, float offset,
                   const float* scales, const float* biases, float* out) {
  std::uint32_t best = 0;
  float most = -__builtin_inff();
  for (std::size_t i = 0; i < n; i += 8) {
    const __m256 dot =
        _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(dots + i)));
    const __m256 value =
        _mm256_fmadd_ps(_mm256_loadu_ps(scales + i),
                        _mm256_fmadd_ps(_mm256_set1_ps(slope), dot, _mm256_set1_ps(offset)),
                        _mm256_loadu_ps(biases + i));
    if (out != nullptr) _mm256_storeu_ps(out + i, value);
    // Rarely true once a good one was seen, so the values are looked at one by one only then.
    if (_mm256_movemask_ps(_mm256_cmp_ps(value, _mm256_set1_ps(most), _CMP_GT_OQ)) == 0) continue;
    alignas(32) float values[8];
    _mm256_store_ps(values, value);
    for (std::uint32_t lane = 0; lane < 8; ++lane) {
      if (!(values[lane] > most)) continue;
      most = values[lane];
      best = static_cast<std::uint32_t>(i) + lane;
    }
  }
  return best;
}

inline std::int32_t reduced(__m256i sums) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
  return _mm_cvtsi128_si32(half);
}

inline float reduced(__m256 sums) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

inline __m256i load(const void* at) { return _mm256_loadu_si256(static_cast<const __m256i*>(at)); }

void dot_nibbles(const std::uint8_t* row, std::size_t dims, const std::int8_t* a,
                 const std::int8_t* b, std::int32_t* sum_a, std::int32_t* sum_b) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const std::size_t half = dims / 2;
  __m256i sa = _mm256_setzero_si256();
  __m256i sb = sa;
  std::size_t i = 0;
  for (; i + 32 <= half; i += 32) {
    const __m256i codes = load(row + i);
    const __m256i low = _mm256_and_si256(codes, nibble);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), nibble);
    sa = widened(sa, _mm256_add_epi16(_mm256_maddubs_epi16(low, load(a + i)),
                                      _mm256_maddubs_epi16(high, load(a + half + i))));
    sb = widened(sb, _mm256_add_epi16(_mm256_maddubs_epi16(low, load(b + i)),
                                      _mm256_maddubs_epi16(high, load(b + half + i))));
  }
  std::int32_t rest_a = reduced(sa);
  std::int32_t rest_b = reduced(sb);
  for (; i < half; ++i) {
    rest_a += (row[i] & 15) * a[i] + (row[i] >> 4) * a[half + i];
    rest_b += (row[i] & 15) * b[i] + (row[i] >> 4) * b[half + i];
  }
  *sum_a = rest_a;
  *sum_b = rest_b;
}

std::int32_t dot_bytes(const std::uint8_t* row, std::size_t dims, const std::int8_t* query) {
  ByteSums sums;
  std::size_t i = 0;
  for (; i + 32 <= dims; i += 32) sums.add(load(row + i), load(query + i));
  std::int32_t total = reduced(sums.total());
  for (; i < dims; ++i) total += row[i] * query[i];
  return total;
}

float dot(const float* a, const float* b, std::size_t dims) {
  __m256 sum0 = _mm256_setzero_ps();
  __m256 sum1 = sum0;
  std::size_t i = 0;
  for (; i + 16 <= dims; i += 16) {
    sum0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), sum0);
    sum1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), sum1);
  }
  float total = reduced(_mm256_add_ps(sum0, sum1));
  for (; i < dims; ++i) total += a[i] * b[i];
  return total;
}

float squared_distance(const float* a, const float* b, std::size_t dims) {
  __m256 sum0 = _mm256_setzero_ps();
  __m256 sum1 = sum0;
  std::size_t i = 0;
  for (; i + 16 <= dims; i += 16) {
    const __m256 x = _mm256_sub_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
    const __m256 y = _mm256_sub_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8));
    sum0 = _mm256_fmadd_ps(x, x, sum0);
    sum1 = _mm256_fmadd_ps(y, y, sum1);
  }
  float total = reduced(_mm256_add_ps(sum0, sum1));
  for (; i < dims; ++i) total += (a[i] - b[i]) * (a[i] - b[i]);
  return total;
}

}  // namespace

const Kernels internal::kAvx2Kernels = {simd::Level::kAvx2,  scan,        dot_blocks, rank,
                                        internal::cut_plain, dot_nibbles, dot_bytes,  dot,
                                        squared_distance};

}  // namespace vitrine::vec

#endif
