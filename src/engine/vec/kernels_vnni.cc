// The kernels for AVX-512 with VNNI. No inline function or template here is visible to other
// files: code compiled for wide registers must not replace theirs.
#include "engine/vec/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace vitrine::vec {
namespace {

inline __m512i query_word(const std::int8_t* codes) {
  int word;
  __builtin_memcpy(&word, codes, 4);
  return _mm512_set1_epi32(word);
}

// Sixteen of a block's 16-bit factors.
inline __m512 steps_of(const std::uint8_t* factors) {
  return _mm512_cvtepi32_ps(
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(factors))));
}

inline void keep(ScanQuery& query, __m512i dots, __m512 scales, __m512 biases, __mmask16 allowed,
                 __m512i slots) {
  const __m512 inner = _mm512_fmadd_ps(_mm512_set1_ps(query.slope), _mm512_cvtepi32_ps(dots),
                                       _mm512_set1_ps(query.offset));
  const __m512 bias =
      _mm512_fmadd_ps(_mm512_set1_ps(query.bias_step), biases, _mm512_set1_ps(query.base));
  const __m512 estimate = _mm512_fmadd_ps(scales, inner, bias);
  const __mmask16 kept =
      _mm512_mask_cmp_ps_mask(allowed, estimate, _mm512_set1_ps(query.threshold), _CMP_GE_OQ);
  if (__builtin_expect(kept != 0, 0)) {
    // A compress to a register and a full store: compress straight to memory is microcoded on
    // some processors. The caller left kLanes entries of room.
    _mm512_storeu_ps(query.estimates + query.count, _mm512_maskz_compress_ps(kept, estimate));
    _mm512_storeu_si512(query.slots + query.count, _mm512_maskz_compress_epi32(kept, slots));
    query.count += static_cast<std::uint32_t>(__builtin_popcount(kept));
  }
}

// Distance in bytes by which the scan asks for codes before it needs them: 2 KiB is about the
// work of 100 ns, a memory access of this kind of machine.
constexpr std::size_t kAhead = 2048;

template <std::size_t N>
inline void scan_block(const std::uint8_t* block, std::size_t dims, std::uint32_t slot,
                       std::uint32_t allowed, ScanQuery* queries) {
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i sums[N][2];
  for (std::size_t q = 0; q < N; ++q) sums[q][0] = sums[q][1] = _mm512_setzero_si512();
  const std::uint8_t* at = block;
  for (std::size_t d = 0; d < dims; d += 8, at += 4 * kLanes) {
    _mm_prefetch(reinterpret_cast<const char*>(at + kAhead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(at + kAhead + 64), _MM_HINT_T0);
    const __m512i first = _mm512_loadu_si512(at);
    const __m512i second = _mm512_loadu_si512(at + 64);
    const __m512i first_low = _mm512_and_si512(first, nibble);
    const __m512i second_low = _mm512_and_si512(second, nibble);
    const __m512i first_high = _mm512_and_si512(_mm512_srli_epi16(first, 4), nibble);
    const __m512i second_high = _mm512_and_si512(_mm512_srli_epi16(second, 4), nibble);
#pragma GCC unroll 8
    for (std::size_t q = 0; q < N; ++q) {
      const __m512i low = query_word(queries[q].codes + d);
      const __m512i high = query_word(queries[q].codes + d + 4);
      sums[q][0] = _mm512_dpbusd_epi32(sums[q][0], first_low, low);
      sums[q][1] = _mm512_dpbusd_epi32(sums[q][1], second_low, low);
      sums[q][0] = _mm512_dpbusd_epi32(sums[q][0], first_high, high);
      sums[q][1] = _mm512_dpbusd_epi32(sums[q][1], second_high, high);
    }
  }
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i slots0 = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(slot)), lanes);
  const __m512i slots1 = _mm512_add_epi32(slots0, _mm512_set1_epi32(16));
  const __m512 scales0 = steps_of(at);
  const __m512 scales1 = steps_of(at + 32);
  const __m512 biases0 = steps_of(at + 64);
  const __m512 biases1 = steps_of(at + 96);
#pragma GCC unroll 8
  for (std::size_t q = 0; q < N; ++q) {
    keep(queries[q], sums[q][0], scales0, biases0, static_cast<__mmask16>(allowed), slots0);
    keep(queries[q], sums[q][1], scales1, biases1, static_cast<__mmask16>(allowed >> 16), slots1);
  }
}

// One query: four independent sums instead of two, for the latency of the dot product.
inline void scan_block_alone(const std::uint8_t* block, std::size_t dims, std::uint32_t slot,
                             std::uint32_t allowed, ScanQuery& query) {
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512i upper = _mm512_set1_epi8(static_cast<char>(0xF0));
  __m512i low0 = _mm512_setzero_si512();
  __m512i low1 = low0;
  __m512i high0 = low0;
  __m512i high1 = low0;
  const std::uint8_t* at = block;
  const std::int8_t* codes = query.codes;
  for (std::size_t d = 0; d < dims; d += 8, at += 4 * kLanes, codes += 8) {
    _mm_prefetch(reinterpret_cast<const char*>(at + kAhead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(at + kAhead + 64), _MM_HINT_T0);
    const __m512i first = _mm512_loadu_si512(at);
    const __m512i second = _mm512_loadu_si512(at + 64);
    const __m512i low = query_word(codes);
    const __m512i high = query_word(codes + 4);
    low0 = _mm512_dpbusd_epi32(low0, _mm512_and_si512(first, nibble), low);
    low1 = _mm512_dpbusd_epi32(low1, _mm512_and_si512(second, nibble), low);
    // Upper nibbles stay where they are: their sums are 16 times too large until the end.
    high0 = _mm512_dpbusd_epi32(high0, _mm512_and_si512(first, upper), high);
    high1 = _mm512_dpbusd_epi32(high1, _mm512_and_si512(second, upper), high);
  }
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i slots0 = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(slot)), lanes);
  keep(query, _mm512_add_epi32(low0, _mm512_srai_epi32(high0, 4)), steps_of(at), steps_of(at + 64),
       static_cast<__mmask16>(allowed), slots0);
  keep(query, _mm512_add_epi32(low1, _mm512_srai_epi32(high1, 4)), steps_of(at + 32),
       steps_of(at + 96), static_cast<__mmask16>(allowed >> 16),
       _mm512_add_epi32(slots0, _mm512_set1_epi32(16)));
}

template <std::size_t N>
void scan_n(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
            std::uint32_t first_slot, const std::uint32_t* allowed, ScanQuery* queries) {
  const std::size_t stride = block_bytes(dims);
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::uint32_t mask = allowed == nullptr ? 0xFFFFFFFFU : allowed[b];
    if (mask == 0) continue;
    const std::uint32_t slot = first_slot + static_cast<std::uint32_t>(b * kLanes);
    if constexpr (N == 1)
      scan_block_alone(codes + b * stride, dims, slot, mask, *queries);
    else
      scan_block<N>(codes + b * stride, dims, slot, mask, queries);
  }
}

void scan(const std::uint8_t* codes, std::size_t blocks, std::size_t dims, std::uint32_t first_slot,
          const std::uint32_t* allowed, ScanQuery* queries, std::size_t n) {
  switch (n) {
    case 1: return scan_n<1>(codes, blocks, dims, first_slot, allowed, queries);
    case 2: return scan_n<2>(codes, blocks, dims, first_slot, allowed, queries);
    case 3: return scan_n<3>(codes, blocks, dims, first_slot, allowed, queries);
    case 4: return scan_n<4>(codes, blocks, dims, first_slot, allowed, queries);
    case 5: return scan_n<5>(codes, blocks, dims, first_slot, allowed, queries);
    case 6: return scan_n<6>(codes, blocks, dims, first_slot, allowed, queries);
    case 7: return scan_n<7>(codes, blocks, dims, first_slot, allowed, queries);
    default: return scan_n<8>(codes, blocks, dims, first_slot, allowed, queries);
  }
}

template <std::size_t N>
void dot_blocks_n(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
                  const std::int8_t* const* queries, std::int32_t* out, std::size_t out_stride) {
  for (std::size_t b = 0; b < blocks; ++b) {
    __m512i sums[N][2];
    for (std::size_t q = 0; q < N; ++q) sums[q][0] = sums[q][1] = _mm512_setzero_si512();
    for (std::size_t d = 0; d < dims; d += 4, codes += 4 * kLanes) {
      const __m512i first = _mm512_loadu_si512(codes);
      const __m512i second = _mm512_loadu_si512(codes + 64);
#pragma GCC unroll 8
      for (std::size_t q = 0; q < N; ++q) {
        const __m512i word = query_word(queries[q] + d);
        sums[q][0] = _mm512_dpbusd_epi32(sums[q][0], first, word);
        sums[q][1] = _mm512_dpbusd_epi32(sums[q][1], second, word);
      }
    }
    for (std::size_t q = 0; q < N; ++q) {
      _mm512_storeu_si512(out + q * out_stride + b * kLanes, sums[q][0]);
      _mm512_storeu_si512(out + q * out_stride + b * kLanes + 16, sums[q][1]);
    }
  }
}

void dot_blocks(const std::uint8_t* codes, std::size_t blocks, std::size_t dims,
                const std::int8_t* const* queries, std::size_t n, std::int32_t* out,
                std::size_t out_stride) {
  for (; n >= 8; n -= 8, queries += 8, out += 8 * out_stride)
    dot_blocks_n<8>(codes, blocks, dims, queries, out, out_stride);
  for (; n >= 4; n -= 4, queries += 4, out += 4 * out_stride)
    dot_blocks_n<4>(codes, blocks, dims, queries, out, out_stride);
  for (; n > 0; --n, ++queries, out += out_stride)
    dot_blocks_n<1>(codes, blocks, dims, queries, out, out_stride);
}

std::uint32_t rank(const std::int32_t* dots, std::size_t n, float slope, float offset,
                   const float* scales, const float* biases, float* out) {
  const __m512 slopes = _mm512_set1_ps(slope);
  const __m512 offsets = _mm512_set1_ps(offset);
  __m512 most = _mm512_set1_ps(-__builtin_inff());
  __m512i best = _mm512_setzero_si512();
  __m512i place = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (std::size_t i = 0; i < n; i += 16) {
    const __m512 dot = _mm512_cvtepi32_ps(_mm512_loadu_si512(dots + i));
    const __m512 value =
        _mm512_fmadd_ps(_mm512_loadu_ps(scales + i), _mm512_fmadd_ps(slopes, dot, offsets),
                        _mm512_loadu_ps(biases + i));
    const __mmask16 better = _mm512_cmp_ps_mask(value, most, _CMP_GT_OQ);
    most = _mm512_mask_mov_ps(most, better, value);
    best = _mm512_mask_mov_epi32(best, better, place);
    place = _mm512_add_epi32(place, _mm512_set1_epi32(16));
    if (out != nullptr) _mm512_storeu_ps(out + i, value);
  }
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(most));
  return _mm512_mask_reduce_min_epu32(_mm512_cmp_ps_mask(most, top, _CMP_EQ_OQ), best);
}

inline std::uint32_t count_reaching(const float* estimates, std::uint32_t n, float value) {
  const __m512 bound = _mm512_set1_ps(value);
  std::uint32_t reached = 0;
  std::uint32_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __mmask16 a = _mm512_cmp_ps_mask(_mm512_loadu_ps(estimates + i), bound, _CMP_GE_OQ);
    const __mmask16 b = _mm512_cmp_ps_mask(_mm512_loadu_ps(estimates + i + 16), bound, _CMP_GE_OQ);
    reached += static_cast<std::uint32_t>(__builtin_popcount(_mm512_kunpackw(a, b)));
  }
  for (; i < n; i += 16) {
    const __mmask16 rest =
        n - i >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << (n - i)) - 1);
    reached += static_cast<std::uint32_t>(__builtin_popcount(
        _mm512_mask_cmp_ps_mask(rest, _mm512_loadu_ps(estimates + i), bound, _CMP_GE_OQ)));
  }
  return reached;
}

// See kernels_scalar.cc.
std::uint32_t cut(float* estimates, std::uint32_t* slots, std::uint32_t n, std::uint32_t least,
                  std::uint32_t most, float* threshold) {
  __m512 lows = _mm512_set1_ps(estimates[0]);
  __m512 highs = lows;
  for (std::uint32_t i = 0; i < n; i += 16) {
    const __mmask16 rest =
        n - i >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << (n - i)) - 1);
    const __m512 values = _mm512_loadu_ps(estimates + i);
    lows = _mm512_mask_min_ps(lows, rest, lows, values);
    highs = _mm512_mask_max_ps(highs, rest, highs, values);
  }
  float low = _mm512_reduce_min_ps(lows);
  float high = _mm512_reduce_max_ps(highs);
  for (;;) {
    const float middle = low * 0.5F + high * 0.5F;
    if (!(middle > low && middle < high)) break;
    const std::uint32_t reached = count_reaching(estimates, n, middle);
    if (reached < least) {
      high = middle;
    } else {
      low = middle;
      if (reached <= most) break;
    }
  }
  const float value = count_reaching(estimates, n, high) >= least ? high : low;
  const __m512 bound = _mm512_set1_ps(value);
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < n; i += 16) {
    const __mmask16 rest =
        n - i >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << (n - i)) - 1);
    const __m512 values = _mm512_loadu_ps(estimates + i);
    const __m512i places = _mm512_loadu_si512(slots + i);
    const __mmask16 mask = _mm512_mask_cmp_ps_mask(rest, values, bound, _CMP_GE_OQ);
    // Never ahead of what was read: kept <= i.
    _mm512_storeu_ps(estimates + kept, _mm512_maskz_compress_ps(mask, values));
    _mm512_storeu_si512(slots + kept, _mm512_maskz_compress_epi32(mask, places));
    kept += static_cast<std::uint32_t>(__builtin_popcount(mask));
  }
  *threshold = value;
  return kept;
}

inline __mmask64 first_bytes(std::size_t n) {
  return n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1;
}

void dot_nibbles(const std::uint8_t* row, std::size_t dims, const std::int8_t* a,
                 const std::int8_t* b, std::int32_t* sum_a, std::int32_t* sum_b) {
  const __m512i nibble = _mm512_set1_epi8(15);
  const std::size_t half = dims / 2;
  __m512i sa = _mm512_setzero_si512();
  __m512i sb = sa;
  for (std::size_t i = 0; i < half; i += 64) {
    const __mmask64 mask = first_bytes(half - i);
    const __m512i codes = _mm512_maskz_loadu_epi8(mask, row + i);
    const __m512i low = _mm512_and_si512(codes, nibble);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble);
    sa = _mm512_dpbusd_epi32(sa, low, _mm512_maskz_loadu_epi8(mask, a + i));
    sb = _mm512_dpbusd_epi32(sb, low, _mm512_maskz_loadu_epi8(mask, b + i));
    sa = _mm512_dpbusd_epi32(sa, high, _mm512_maskz_loadu_epi8(mask, a + half + i));
    sb = _mm512_dpbusd_epi32(sb, high, _mm512_maskz_loadu_epi8(mask, b + half + i));
  }
  *sum_a = _mm512_reduce_add_epi32(sa);
  *sum_b = _mm512_reduce_add_epi32(sb);
}

std::int32_t dot_bytes(const std::uint8_t* row, std::size_t dims, const std::int8_t* query) {
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < dims; i += 64) {
    const __mmask64 mask = first_bytes(dims - i);
    sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(mask, row + i),
                              _mm512_maskz_loadu_epi8(mask, query + i));
  }
  return _mm512_reduce_add_epi32(sum);
}

inline __mmask16 first_floats(std::size_t n) {
  return n >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1U << n) - 1);
}

float dot(const float* a, const float* b, std::size_t dims) {
  __m512 sum0 = _mm512_setzero_ps();
  __m512 sum1 = sum0;
  std::size_t i = 0;
  for (; i + 32 <= dims; i += 32) {
    sum0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), sum0);
    sum1 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), sum1);
  }
  for (; i < dims; i += 16) {
    const __mmask16 mask = first_floats(dims - i);
    sum0 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i),
                           sum0);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sum0, sum1));
}

float squared_distance(const float* a, const float* b, std::size_t dims) {
  __m512 sum0 = _mm512_setzero_ps();
  __m512 sum1 = sum0;
  std::size_t i = 0;
  for (; i + 32 <= dims; i += 32) {
    const __m512 x = _mm512_sub_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
    const __m512 y = _mm512_sub_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16));
    sum0 = _mm512_fmadd_ps(x, x, sum0);
    sum1 = _mm512_fmadd_ps(y, y, sum1);
  }
  for (; i < dims; i += 16) {
    const __mmask16 mask = first_floats(dims - i);
    const __m512 x =
        _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));
    sum0 = _mm512_fmadd_ps(x, x, sum0);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sum0, sum1));
}

}  // namespace

const Kernels internal::kVnniKernels = {
    simd::Level::kAvx512Vnni, scan, dot_blocks, rank, cut, dot_nibbles, dot_bytes, dot,
    squared_distance};

}  // namespace vitrine::vec

#endif
