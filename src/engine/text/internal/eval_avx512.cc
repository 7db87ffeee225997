// The kernels with AVX-512: 64 windows or documents an instruction. A window's accumulators stay in
// two registers; lists add to them through masks and byte permutes, without a store in between.
#include <cstddef>

#include <immintrin.h>

#include "engine/text/internal/eval.h"

namespace vitrine::text::internal {
namespace {

struct Acc {
  __m512i low, high;
};

inline Acc acc_zero() { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }

// Counts of the windows before `at` in its group of 32, zeros behind them.
inline __m256i counts_before(const Leaf& leaf, std::uint32_t at) {
  const std::uint32_t windows = at & 31;
  if (!leaf.nibble_counts)
    return _mm256_maskz_loadu_epi8((1u << windows) - 1, leaf.counts + (at & ~31u));
  const __m128i two =
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(leaf.counts + (at & ~31u) / 2));
  const __m128i low = _mm_and_si128(two, _mm_set1_epi8(15));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(two, 4), _mm_set1_epi8(15));
  return _mm256_maskz_mov_epi8((1u << windows) - 1, _mm256_set_m128i(_mm_unpackhi_epi8(low, high),
                                                                     _mm_unpacklo_epi8(low, high)));
}

inline std::uint32_t count_before(const Leaf& leaf, std::uint32_t at) {
  const __m256i four = _mm256_sad_epu8(counts_before(leaf, at), _mm256_setzero_si256());
  const __m128i two =
      _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1));
}

// Bytes of the windows before `at` in its group of 32: see list_format.h.
inline std::uint32_t payload_before(const Leaf& leaf, std::uint32_t at) {
  const __m512i n = _mm512_cvtepu8_epi16(counts_before(leaf, at));
  const __m512i codes =
      _mm512_srli_epi16(_mm512_add_epi16(_mm512_mullo_epi16(n, _mm512_set1_epi16(leaf.code_bits)),
                                         _mm512_set1_epi16(7)),
                        3);
  const __m512i sizes = _mm512_mask_add_epi16(_mm512_setzero_si512(), _mm512_test_epi16_mask(n, n),
                                              codes, _mm512_min_epu16(n, _mm512_set1_epi16(16)));
  return static_cast<std::uint32_t>(
      _mm512_reduce_add_epi32(_mm512_madd_epi16(sizes, _mm512_set1_epi16(1))));
}

inline std::uint32_t find_byte(const std::uint8_t* bytes, std::uint32_t n, std::uint8_t wanted) {
  const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const std::uint32_t equal =
      _mm_cmpeq_epi8_mask(all, _mm_set1_epi8(static_cast<char>(wanted))) & ((1u << n) - 1);
  return equal == 0 ? n : static_cast<std::uint32_t>(__builtin_ctz(equal));
}

#include "engine/text/internal/eval_impl.inc"

// One bit a lane, then all lanes together; a shift by 64 or more gives 0.
Mask mask_of_few(const u8* offsets, u32 n) {
  const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i*>(offsets));
  const __m512i one = _mm512_set1_epi64(1);
  const __m512i half = _mm512_set1_epi64(64);
  const __m512i first = _mm512_cvtepu8_epi64(all);
  const __mmask8 in_first = static_cast<__mmask8>(n >= 8 ? 255u : (1u << n) - 1);
  __m512i low = _mm512_maskz_sllv_epi64(in_first, one, first);
  __m512i high = _mm512_maskz_sllv_epi64(in_first, one, _mm512_sub_epi64(first, half));
  if (n > 8) {
    const __m512i second = _mm512_cvtepu8_epi64(_mm_srli_si128(all, 8));
    const __mmask8 in_second = static_cast<__mmask8>((1u << (n - 8)) - 1);
    low = _mm512_or_si512(low, _mm512_maskz_sllv_epi64(in_second, one, second));
    high = _mm512_or_si512(high,
                           _mm512_maskz_sllv_epi64(in_second, one, _mm512_sub_epi64(second, half)));
  }
  const __m512i pairs =
      _mm512_or_si512(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
  const __m256i four =
      _mm256_or_si256(_mm512_castsi512_si256(pairs), _mm512_extracti64x4_epi64(pairs, 1));
  const __m128i two = _mm_or_si128(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
  return {static_cast<u64>(_mm_cvtsi128_si64(two)), static_cast<u64>(_mm_extract_epi64(two, 1))};
}

u32 collect_between(const u16* bounds, u32 n, u32 from, u32 below, u32* out) {
  alignas(64) static const u16 kNumbers[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                               11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                               22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  const __m512i numbers = _mm512_load_si512(kNumbers);
  const __m512i least = _mm512_set1_epi16(static_cast<short>(from));
  const __m512i most = _mm512_set1_epi16(static_cast<short>(below - 1));
  u32 found = 0;
  for (u32 base = 0; base < n; base += 32) {
    const __m512i own = _mm512_loadu_si512(bounds + base);
    __mmask32 in = _mm512_cmpge_epu16_mask(own, least) & _mm512_cmple_epu16_mask(own, most);
    if (n - base < 32) in &= (1u << (n - base)) - 1;
    if (in == 0) continue;
    const __m512i places = _mm512_maskz_compress_epi16(in, numbers);
    const __m512i begin = _mm512_set1_epi32(static_cast<int>(base));
    _mm512_storeu_si512(
        out + found,
        _mm512_add_epi32(begin, _mm512_cvtepu16_epi32(_mm512_castsi512_si256(places))));
    _mm512_storeu_si512(
        out + found + 16,
        _mm512_add_epi32(begin, _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(places, 1))));
    found += static_cast<u32>(__builtin_popcount(in));
  }
  return found;
}

u32 collect_bytes(const u8* bytes, u32 n, u32 least, u32* out) {
  u32 found = 0;
  for (u32 i = 0; i < n; i += 16) {
    const __m128i own = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    u32 in = _mm_cmpge_epu8_mask(own, _mm_set1_epi8(static_cast<char>(least)));
    if (n - i < 16) in &= (1u << (n - i)) - 1;
    for (; in != 0; in &= in - 1) out[found++] = i + static_cast<u32>(__builtin_ctz(in));
  }
  return found;
}

void among(const u64* words, u64 word_count, const u32* ids, u32 n, u64 mask[2]) {
  mask[0] = mask[1] = 0;
  const __m512i one = _mm512_set1_epi32(1);
  const u64 halves = 2 * word_count;  // words of 32 bits
  const __m512i most = _mm512_set1_epi32(static_cast<int>(halves < 0x8000000 ? halves : 0x8000000));
  for (u32 i = 0; i < n; i += 16) {
    const __mmask16 valid = n - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << (n - i)) - 1);
    const __m512i id = _mm512_maskz_loadu_epi32(valid, ids + i);
    const __m512i half = _mm512_srli_epi32(id, 5);
    const __mmask16 in = _mm512_mask_cmplt_epu32_mask(valid, half, most);
    const __m512i own = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), in, half, words, 4);
    const __m512i bit = _mm512_sllv_epi32(one, _mm512_and_si512(id, _mm512_set1_epi32(31)));
    mask[i / 64] |= static_cast<u64>(_mm512_test_epi32_mask(own, bit)) << (i % 64);
  }
}

// Sums of 64 windows, the lower half in `low`, with 1 added; `may` where something can match.
struct Sums {
  __m512i low, high;
  u64 may;
};

template <class At>
inline Sums sums_of(const EvalPlan& plan, At at) {
  Sums sums{_mm512_set1_epi16(1), _mm512_set1_epi16(1), plan.leaf_count > 0 ? ~0ull : 0};
  u64 in_group = 0;
  const bool any = plan.mode == EvalMode::kAny;
  for (u32 l = 0; l < plan.leaf_count; ++l) {
    const Leaf& leaf = plan.leaves[l];
    const __m512i m = at(leaf);
    const __m512i weight = _mm512_set1_epi16(static_cast<short>(leaf.weight16));
    const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(m));
    const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(m, 1));
    sums.low = _mm512_adds_epu16(sums.low, _mm512_mullo_epi16(low, weight));
    sums.high = _mm512_adds_epu16(sums.high, _mm512_mullo_epi16(high, weight));
    in_group |= _mm512_test_epi8_mask(m, m);
    if (any ? l + 1 < plan.leaf_count : !leaf.ends_group) continue;
    sums.may &= in_group;
    in_group = 0;
  }
  return sums;
}

// The 64 maxima from `base` on, or zeros where the leaf does not reach.
inline __m512i maxima_from(const Leaf& leaf, u32 base) {
  const u32 at = base - leaf.first_window;
  if (at >= leaf.windows) return _mm512_setzero_si512();
  if (leaf.maxima != nullptr) return _mm512_loadu_si512(leaf.maxima + at);
  const __m256i two = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(leaf.nibbles + at / 2));
  const __m256i low = _mm256_and_si256(two, _mm256_set1_epi8(15));
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(two, 4), _mm256_set1_epi8(15));
  // Unpacking works within 128 bits: the four runs of 16 are put in order by the insertions.
  const __m256i first = _mm256_unpacklo_epi8(low, high), second = _mm256_unpackhi_epi8(low, high);
  const __m512i numbers =
      _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_permute2x128_si256(first, second, 0x20)),
                         _mm256_permute2x128_si256(first, second, 0x31), 1);
  const __m512i levels =
      _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(leaf.levels)));
  return _mm512_shuffle_epi8(levels, numbers);
}

u64 live_supers(const EvalPlan& plan, u32 base, u32 least) {
  const Sums sums =
      sums_of(plan, [base](const Leaf& leaf) { return _mm512_loadu_si512(leaf.supers + base); });
  const __m512i limit = _mm512_set1_epi16(static_cast<short>(least));
  const u64 low = _mm512_cmpge_epu16_mask(sums.low, limit);
  const u64 high = _mm512_cmpge_epu16_mask(sums.high, limit);
  return (low | high << 32) & sums.may;
}

// Appends lanes of 32 windows from `base` on.
inline u32 append_live(const EvalPlan& plan, u32 base, __m512i bounds, u32 lanes, u32 n) {
  alignas(64) static const u16 kNumbers[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                               11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                               22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  const __m512i places = _mm512_maskz_compress_epi16(lanes, _mm512_load_si512(kNumbers));
  const __m512i begin = _mm512_set1_epi32(static_cast<int>(base));
  const __m512i first = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(places));
  const __m512i second = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(places, 1));
  _mm512_storeu_si512(plan.live + n, _mm512_add_epi32(begin, first));
  _mm512_storeu_si512(plan.live + n + 16, _mm512_add_epi32(begin, second));
  _mm512_storeu_si512(plan.live_bounds + n, _mm512_maskz_compress_epi16(lanes, bounds));
  return n + static_cast<u32>(__builtin_popcount(lanes));
}

inline u32 highest_of(__m512i bounds) {
  const __m256i sixteen =
      _mm256_max_epu16(_mm512_castsi512_si256(bounds), _mm512_extracti64x4_epi64(bounds, 1));
  const __m128i eight =
      _mm_max_epu16(_mm256_castsi256_si128(sixteen), _mm256_extracti128_si256(sixteen, 1));
  // The least of the complements is where the highest is.
  const __m128i least = _mm_minpos_epu16(_mm_xor_si128(eight, _mm_set1_epi8(-1)));
  return 65535u - static_cast<u32>(_mm_cvtsi128_si32(least) & 0xFFFF);
}

u32 add_live(const EvalPlan& plan, u32 base, u32 least, u32 n, u32& highest) {
  const Sums sums = sums_of(plan, [base](const Leaf& leaf) { return maxima_from(leaf, base); });
  const __m512i limit = _mm512_set1_epi16(static_cast<short>(least));
  const u32 low = _mm512_cmpge_epu16_mask(sums.low, limit) & static_cast<u32>(sums.may);
  const u32 high = _mm512_cmpge_epu16_mask(sums.high, limit) & static_cast<u32>(sums.may >> 32);
  if ((low | high) == 0) return n;
  const u32 own = highest_of(_mm512_max_epu16(_mm512_maskz_mov_epi16(low, sums.low),
                                              _mm512_maskz_mov_epi16(high, sums.high)));
  highest = own > highest ? own : highest;
  if (low != 0) n = append_live(plan, base, sums.low, low, n);
  return high == 0 ? n : append_live(plan, base + 32, sums.high, high, n);
}

Picked pick_live(EvalPlan& plan, u32 n, u32 from, u32 least) {
  const __m256i high = _mm256_set1_epi16(static_cast<short>(from));
  const __m256i low = _mm256_set1_epi16(static_cast<short>(least));
  Picked picked{0, 0};
  for (u32 i = 0; i < n; i += 16) {
    const __mmask16 valid = n - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << (n - i)) - 1);
    const __m512i windows = _mm512_loadu_si512(plan.live + i);
    const __m256i bounds =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(plan.live_bounds + i));
    const __mmask16 now = _mm256_mask_cmpge_epu16_mask(valid, bounds, high);
    const __mmask16 later =
        static_cast<__mmask16>(_mm256_mask_cmpge_epu16_mask(valid, bounds, low) & ~now);
    if (now != 0) {
      _mm512_storeu_si512(plan.ordered + picked.ordered, _mm512_maskz_compress_epi32(now, windows));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(plan.ordered_bounds + picked.ordered),
                          _mm256_maskz_compress_epi16(now, bounds));
      picked.ordered += static_cast<u32>(__builtin_popcount(now));
    }
    _mm512_storeu_si512(plan.live + picked.live, _mm512_maskz_compress_epi32(later, windows));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(plan.live_bounds + picked.live),
                        _mm256_maskz_compress_epi16(later, bounds));
    picked.live += static_cast<u32>(__builtin_popcount(later));
  }
  return picked;
}

void add_maxima(const u32* documents, u32 n, const Leaf& leaf, u32 weight8, bool least, u16* bounds,
                u8* marks) {
  const __m512i first = _mm512_set1_epi32(static_cast<int>(leaf.first_window));
  const __m512i windows = _mm512_set1_epi32(static_cast<int>(leaf.windows));
  const __m512i weight = _mm512_set1_epi32(static_cast<int>(weight8));
  for (u32 i = 0; i < n; i += 16) {
    const __mmask16 valid = n - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << (n - i)) - 1);
    const __m512i at =
        _mm512_sub_epi32(_mm512_srli_epi32(_mm512_loadu_si512(documents + i), 7), first);
    const __mmask16 in = _mm512_mask_cmplt_epu32_mask(valid, at, windows);
    const __m512i four =
        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), in, at, leaf.maxima, 1);
    const __m512i m = _mm512_and_si512(four, _mm512_set1_epi32(255));
    const __m512i own = _mm512_srli_epi32(
        _mm512_add_epi32(_mm512_mullo_epi32(m, weight), _mm512_set1_epi32(65535)), 16);
    const __m256i narrow = _mm512_cvtepi32_epi16(own);
    const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bounds + i));
    _mm256_storeu_si256(
        reinterpret_cast<__m256i*>(bounds + i),
        least ? _mm256_min_epu16(before, narrow) : _mm256_add_epi16(before, narrow));
    const __m128i marked = _mm_loadu_si128(reinterpret_cast<const __m128i*>(marks + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(marks + i),
                     _mm_mask_mov_epi8(marked, _mm512_test_epi32_mask(m, m), _mm_set1_epi8(1)));
  }
}

u32 keep_marked(u32* documents, u16* bounds, u32* origins, const u8* marks, u32 n, bool marked,
                u32 least) {
  if (least > 65535) return 0;
  const __m256i limit = _mm256_set1_epi16(static_cast<short>(least));
  u32 kept = 0;
  for (u32 i = 0; i < n; i += 16) {
    const __m256i own = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bounds + i));
    __mmask16 good = _mm256_cmpge_epu16_mask(own, limit);
    if (n - i < 16) good &= static_cast<__mmask16>((1u << (n - i)) - 1);
    if (marked) {
      const __m128i mark = _mm_loadu_si128(reinterpret_cast<const __m128i*>(marks + i));
      good &= _mm_test_epi8_mask(mark, mark);
    }
    const __m512i from = _mm512_maskz_compress_epi32(good, _mm512_loadu_si512(documents + i));
    const __m512i origin = _mm512_maskz_compress_epi32(good, _mm512_loadu_si512(origins + i));
    _mm512_storeu_si512(documents + kept, from);
    _mm512_storeu_si512(origins + kept, origin);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bounds + kept),
                        _mm256_maskz_compress_epi16(good, own));
    kept += static_cast<u32>(__builtin_popcount(good));
  }
  return kept;
}

// The run is passed over 32 at a time.
void find_each(const u32* run, const u32* wanted, u32 n, u32* places) {
  u32 at = 0;
  for (u32 i = 0; i < n; ++i) {
    const u32 document = wanted[i];
    while (run[at + 31] < document) at += 32;
    const __m512i value = _mm512_set1_epi32(static_cast<int>(document));
    const u32 low = _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(run + at), value);
    const u32 high = _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(run + at + 16), value);
    const u32 equal = low | high << 16;
    places[i] = equal == 0 ? 0xFFFFFFFFu : at + static_cast<u32>(__builtin_ctz(equal));
  }
}

u32 found_among(const u32* places, u32 n, u32 begin, u32* found, u32* found_places) {
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  u32 kept = 0;
  for (u32 i = 0; i < n; i += 16) {
    const __mmask16 valid = n - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << (n - i)) - 1);
    const __m512i place = _mm512_maskz_loadu_epi32(valid, places + i);
    const __mmask16 in = _mm512_mask_cmpneq_epi32_mask(valid, place, _mm512_set1_epi32(-1));
    const __m512i number = _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(begin + i)));
    _mm512_storeu_si512(found + kept, _mm512_maskz_compress_epi32(in, number));
    _mm512_storeu_si512(found_places + kept, _mm512_maskz_compress_epi32(in, place));
    kept += static_cast<u32>(__builtin_popcount(in));
  }
  return kept;
}

// table[index] for 64 indices: one permute for up to 64 entries, four for 256.
inline __m512i look_up(const u8* table, u32 code_bits, __m512i index) {
  const __m512i t0 = _mm512_load_si512(table);
  if (code_bits <= 2) return _mm512_permutexvar_epi8(index, t0);
  const __m512i t1 = _mm512_load_si512(table + 64);
  const __m512i low = _mm512_permutex2var_epi8(t0, index, t1);
  if (code_bits == 3) return low;
  const __m512i high = _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), index,
                                                _mm512_load_si512(table + 192));
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(index), high);
}

inline __m512i shift_bytes(__m512i v, u32 by) {  // values whose bits don't leave their bytes
  return _mm512_sll_epi16(v, _mm_cvtsi32_si128(static_cast<int>(by)));
}

// `count` bits of the planes from bit `at` on; count at most 64.
inline u64 plane_bits(const u8* planes, u32 at) {
  const u64 low = load_as<u64>(planes + (at >> 3));
  const u32 shift = at & 7;
  if (shift == 0) return low;
  return low >> shift | static_cast<u64>(planes[(at >> 3) + 8]) << (64 - shift);
}

inline __m512i add_half(__m512i acc, const Leaf& leaf, u64 mask, const u8* planes, u32 rank,
                        const u8* classes) {
  const u32 bits = leaf.code_bits;
  __m512i index = shift_bytes(_mm512_loadu_si512(classes), bits);
  for (u32 p = 0; p < bits; ++p) {
    const u64 at = _pdep_u64(plane_bits(planes, p * leaf.count_at + rank), mask);
    index = _mm512_mask_add_epi8(index, at, index, _mm512_set1_epi8(static_cast<char>(1 << p)));
  }
  return _mm512_mask_adds_epu8(acc, mask, acc, look_up(leaf.table, bits, index));
}

// Up to 16 postings: their upper bounds are computed side by side, then spread over the documents.
inline void add_few(Acc& acc, const Leaf& leaf, const u8* classes) {
  const u32 n = leaf.count_at;
  const u32 bits = leaf.code_bits;
  const __m128i offsets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(leaf.payload_at));
  const u64 word = load_as<u64>(leaf.payload_at + n);
  const u64 each = 0x0101010101010101ull * ((1u << bits) - 1);
  const __m128i codes =
      _mm_set_epi64x(static_cast<long long>(_pdep_u64(bits == 0 ? 0 : word >> (8 * bits), each)),
                     static_cast<long long>(_pdep_u64(word, each)));
  const __m512i of_offsets =
      _mm512_permutex2var_epi8(_mm512_loadu_si512(classes), _mm512_castsi128_si512(offsets),
                               _mm512_loadu_si512(classes + 64));
  const __m512i index =
      _mm512_or_si512(shift_bytes(of_offsets, bits), _mm512_castsi128_si512(codes));
  const __m512i bounds = look_up(leaf.table, bits, index);
  const Mask m = mask_of(leaf);
  const u32 in_low = static_cast<u32>(__builtin_popcountll(m.low));
  acc.low = _mm512_adds_epu8(acc.low, _mm512_maskz_expand_epi8(m.low, bounds));
  const __m128i from =
      _mm_add_epi8(_mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                   _mm_set1_epi8(static_cast<char>(in_low)));
  const __m512i rest =
      _mm512_castsi128_si512(_mm_shuffle_epi8(_mm512_castsi512_si128(bounds), from));
  acc.high = _mm512_adds_epu8(acc.high, _mm512_maskz_expand_epi8(m.high, rest));
}

void acc_add_leaf(Acc& acc, const Leaf& leaf, const u8* classes) {
  const u32 n = leaf.count_at;
  if (leaf.kind == LeafKind::kDecoded) {
    for (u32 i = leaf.index_at; i < leaf.index_at + n; ++i) {
      const u32 at = leaf.documents[i] & 127;
      const __m512i bound = _mm512_set1_epi8(
          static_cast<char>(leaf.table[classes[at] << leaf.code_bits | leaf.codes[i]]));
      const u64 bit = 1ull << (at & 63);
      const u64 high = 0 - static_cast<u64>(at >> 6);
      acc.low = _mm512_mask_adds_epu8(acc.low, bit & ~high, acc.low, bound);
      acc.high = _mm512_mask_adds_epu8(acc.high, bit & high, acc.high, bound);
    }
    return;
  }
  if (leaf.kind == LeafKind::kWindowed && n <= 16) return add_few(acc, leaf, classes);
  const Mask m = mask_of(leaf);
  const u8* planes = leaf.payload_at + 16;
  acc.low = add_half(acc.low, leaf, m.low, planes, 0, classes);
  acc.high = add_half(acc.high, leaf, m.high, planes, static_cast<u32>(__builtin_popcountll(m.low)),
                      classes + 64);
}

bool acc_any_from(const Acc& acc, u32 least) {
  const __m512i limit = _mm512_set1_epi8(static_cast<char>(least));
  return (_mm512_cmpge_epu8_mask(acc.low, limit) | _mm512_cmpge_epu8_mask(acc.high, limit)) != 0;
}

Mask acc_from(const Acc& acc, u32 least) {
  if (least > 255) return {0, 0};
  const __m512i limit = _mm512_set1_epi8(static_cast<char>(least));
  return {_mm512_cmpge_epu8_mask(acc.low, limit), _mm512_cmpge_epu8_mask(acc.high, limit)};
}

// The numbers of the ones of the unary part: for each 64 bits a compress of 0..63. out[i] becomes
// start + i + (zeros before the i-th one << low).
u64 run_highs(const u8* base, u64 at, u32 n, u32 low, u32 start, u32* out) {
  const __m512i places = _mm512_set_epi8(
      63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
      40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
      17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(low));
  const u64 begin = at;
  for (u32 i = 0;; at += 64) {
    u64 word = load_as<u64>(base + (at >> 3)) >> (at & 7);
    if ((at & 7) != 0) word |= static_cast<u64>(base[(at >> 3) + 8]) << (64 - (at & 7));
    const u32 ones = static_cast<u32>(__builtin_popcountll(word));
    const u32 used = ones < n - i ? ones : n - i;
    __m512i bytes = _mm512_maskz_compress_epi8(word, places);
    for (u32 done = 0; done < used; done += 16) {
      const __m512i place = _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(bytes)),
                                             _mm512_set1_epi32(static_cast<int>(at - begin)));
      const __m512i number = _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(i + done)));
      const __m512i high = _mm512_sll_epi32(_mm512_sub_epi32(place, number), shift);
      _mm512_storeu_si512(
          out + i + done,
          _mm512_add_epi32(high,
                           _mm512_add_epi32(number, _mm512_set1_epi32(static_cast<int>(start)))));
      bytes = _mm512_shuffle_i64x2(bytes, bytes, 0x39);
    }
    i += used;
    if (i == n)
      return at + static_cast<u64>(__builtin_ctzll(_pdep_u64(1ull << (used - 1), word))) + 1;
  }
}

// The lows, 16 at a time: their bytes are gathered by a permute and shifted into place.
u64 run_wide(const u8* base, u64 bit, u32 n, u32 low, u32 start, u32* out) {
  if (low > 24) return run_plain(base, bit, n, low, start, out);
  const u64 end = run_highs(base, bit + u64{n} * low, n, low, start, out);
  if (low == 0) return end;
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i place =
      _mm512_add_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(low))),
                       _mm512_set1_epi32(static_cast<int>(bit & 7)));
  const __m512i byte = _mm512_srli_epi32(place, 3);
  const __m512i shift = _mm512_and_si512(place, _mm512_set1_epi32(7));
  const __m512i gather = _mm512_add_epi32(_mm512_mullo_epi32(byte, _mm512_set1_epi32(0x01010101)),
                                          _mm512_set1_epi32(0x03020100));
  const __m512i mask = _mm512_set1_epi32(static_cast<int>((1u << low) - 1));
  const u8* packed = base + (bit >> 3);
  for (u32 i = 0; i < n; i += 16, packed += 2 * low) {
    const __m512i raw = _mm512_permutexvar_epi8(gather, _mm512_loadu_si512(packed));
    const __m512i own = _mm512_and_si512(_mm512_srlv_epi32(raw, shift), mask);
    _mm512_storeu_si512(out + i, _mm512_add_epi32(_mm512_loadu_si512(out + i), own));
  }
  return end;
}

void spread_codes(const u8* packed, u32 n, u32 width, u8* out) {
  const u64 each = 0x0101010101010101ull * ((1u << width) - 1);
  for (u32 i = 0; i < n; i += 8, packed += width) {
    const u64 eight = _pdep_u64(load_as<u64>(packed), each);
    __builtin_memcpy(out + i, &eight, 8);
  }
}

void bounds_of(const u32* documents, const u8* codes, u32 n, const u8* classes, u32 code_bits,
               const u8* table, u8* out) {
  for (u32 i = 0; i < n; i += 16) {
    const __mmask16 in = n - i >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << (n - i)) - 1);
    const __m512i from = _mm512_loadu_si512(documents + i);
    const __m512i four = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), in, from, classes, 1);
    const __m128i own = _mm512_cvtepi32_epi8(four);
    const __m128i code = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i));
    const __m512i index = _mm512_or_si512(shift_bytes(_mm512_castsi128_si512(own), code_bits),
                                          _mm512_castsi128_si512(code));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm512_castsi512_si128(look_up(table, code_bits, index)));
  }
}

void scale_bounds(const float* bound, u32 n, float highest, float scale, u8* out) {
  for (u32 i = 0; i < n; i += 16) {
    const __m512 least = _mm512_min_ps(_mm512_loadu_ps(bound + i), _mm512_set1_ps(highest));
    const __m512 up = _mm512_roundscale_ps(_mm512_mul_ps(least, _mm512_set1_ps(scale)),
                                           _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    const __m512 in_byte =
        _mm512_min_ps(_mm512_max_ps(up, _mm512_set1_ps(1.0f)), _mm512_set1_ps(255.0f));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(in_byte)));
  }
}

void expand_nibbles(const u8* nibbles, u32 n, const u8* level, u8* out) {
  const __m256i levels =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(level)));
  for (u32 i = 0; i < n; i += 32) {
    const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(nibbles + i / 2));
    const __m128i low = _mm_and_si128(two, _mm_set1_epi8(15));
    const __m128i high = _mm_and_si128(_mm_srli_epi16(two, 4), _mm_set1_epi8(15));
    const __m256i both =
        _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_shuffle_epi8(levels, both));
  }
}

}  // namespace

const EvalKernels kEvalAvx512 = {run_plan,      fetch_directory, fetch_payload, collect_between,
                                 collect_bytes, among,           add_maxima,    keep_marked,
                                 find_each,     found_among,     position_on,   locate_in,
                                 count_groups,  count_before,    run_wide,      spread_codes,
                                 bounds_of,     scale_bounds,    expand_nibbles};

}  // namespace vitrine::text::internal
