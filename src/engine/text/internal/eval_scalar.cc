// The kernels in plain C++: for any machine, and the twin of the wide ones in tests.
#include <cstddef>

#include "engine/text/internal/eval.h"

namespace vitrine::text::internal {
namespace {

struct Acc {
  std::uint8_t value[128];
};

inline Acc acc_zero() { return {}; }

// Bytes of the windows before `at` in its group of 32.
inline std::uint32_t payload_before(const Leaf& leaf, std::uint32_t at) {
  std::uint32_t sum = 0;
  for (std::uint32_t w = at & ~31u; w < at; ++w) {
    const std::uint32_t n =
        leaf.nibble_counts ? leaf.counts[w >> 1] >> (4 * (w & 1)) & 15u : leaf.counts[w];
    sum += (n <= 16 ? n : 16) + (n * leaf.code_bits + 7) / 8;
  }
  return sum;
}

inline std::uint32_t count_before(const Leaf& leaf, std::uint32_t at) {
  std::uint32_t sum = 0;
  for (std::uint32_t w = at & ~31u; w < at; ++w)
    sum += leaf.nibble_counts ? leaf.counts[w >> 1] >> (4 * (w & 1)) & 15u : leaf.counts[w];
  return sum;
}

inline std::uint32_t find_byte(const std::uint8_t* bytes, std::uint32_t n, std::uint8_t wanted) {
  for (std::uint32_t i = 0; i < n; ++i)
    if (bytes[i] == wanted) return i;
  return n;
}

#include "engine/text/internal/eval_impl.inc"

Mask mask_of_few(const u8* offsets, u32 n) {
  Mask m{0, 0};
  for (u32 i = 0; i < n; ++i) {
    const u64 bit = 1ull << (offsets[i] & 63);
    const u64 high = 0 - static_cast<u64>(offsets[i] >> 6);
    m.low |= bit & ~high;
    m.high |= bit & high;
  }
  return m;
}

u32 collect_between(const u16* bounds, u32 n, u32 from, u32 below, u32* out) {
  u32 found = 0;
  for (u32 i = 0; i < n; ++i) {
    out[found] = i;
    found += bounds[i] >= from && bounds[i] < below;
  }
  return found;
}

u32 collect_bytes(const u8* bytes, u32 n, u32 least, u32* out) {
  u32 found = 0;
  for (u32 i = 0; i < n; ++i) {
    out[found] = i;
    found += bytes[i] >= least;
  }
  return found;
}

void among(const u64* words, u64 word_count, const u32* ids, u32 n, u64 mask[2]) {
  mask[0] = mask[1] = 0;
  for (u32 i = 0; i < n; ++i) {
    const bool in = ids[i] / 64 < word_count && (words[ids[i] / 64] >> (ids[i] % 64) & 1) != 0;
    mask[i / 64] |= static_cast<u64>(in) << (i % 64);
  }
}

// Sums of 64 windows, 0 where nothing can match.
struct Sums {
  u32 value[64];
};

template <class At>
Sums sums_of(const EvalPlan& plan, At at) {
  Sums sums{}, group{};
  bool may[64], in_group[64] = {};
  for (bool& m : may) m = true;
  for (u32 l = 0; l < plan.leaf_count; ++l) {
    const Leaf& leaf = plan.leaves[l];
    const bool ends = plan.mode == EvalMode::kAny ? l + 1 == plan.leaf_count : leaf.ends_group;
    for (u32 i = 0; i < 64; ++i) {
      const u32 m = at(leaf, i);
      group.value[i] += m * leaf.weight16;
      in_group[i] = in_group[i] || m != 0;
      if (!ends) continue;
      sums.value[i] += group.value[i];
      may[i] = may[i] && in_group[i];
      group.value[i] = 0;
      in_group[i] = false;
    }
  }
  for (u32 i = 0; i < 64; ++i) {
    const u32 most = sums.value[i] < 65534 ? sums.value[i] + 1 : 65535;
    sums.value[i] = may[i] && plan.leaf_count > 0 ? most : 0;
  }
  return sums;
}

u64 live_supers(const EvalPlan& plan, u32 base, u32 least) {
  const Sums sums =
      sums_of(plan, [base](const Leaf& leaf, u32 i) { return u32{leaf.supers[base + i]}; });
  u64 live = 0;
  for (u32 i = 0; i < 64; ++i)
    live |= static_cast<u64>(sums.value[i] != 0 && sums.value[i] >= least) << i;
  return live;
}

u32 add_live(const EvalPlan& plan, u32 base, u32 least, u32 n, u32& highest) {
  const Sums sums =
      sums_of(plan, [base](const Leaf& leaf, u32 i) { return u32{maximum_of(leaf, base + i)}; });
  for (u32 i = 0; i < 64; ++i) {
    if (sums.value[i] == 0 || sums.value[i] < least || base + i >= plan.windows) continue;
    plan.live[n] = base + i;
    plan.live_bounds[n++] = static_cast<u16>(sums.value[i]);
    highest = sums.value[i] > highest ? sums.value[i] : highest;
  }
  return n;
}

Picked pick_live(EvalPlan& plan, u32 n, u32 from, u32 least) {
  Picked picked{0, 0};
  for (u32 i = 0; i < n; ++i) {
    const u32 window = plan.live[i];
    const u16 bound = plan.live_bounds[i];
    plan.ordered[picked.ordered] = window;
    plan.ordered_bounds[picked.ordered] = bound;
    picked.ordered += bound >= from;
    plan.live[picked.live] = window;
    plan.live_bounds[picked.live] = bound;
    picked.live += bound < from && bound >= least;
  }
  return picked;
}

void add_maxima(const u32* documents, u32 n, const Leaf& leaf, u32 weight8, bool least, u16* bounds,
                u8* marks) {
  for (u32 i = 0; i < n; ++i) {
    const u32 m = maximum_of(leaf, documents[i] >> 7);
    const u16 own = static_cast<u16>((m * weight8 + 65535) >> 16);
    marks[i] = m != 0 ? 1 : marks[i];
    bounds[i] = !least ? static_cast<u16>(bounds[i] + own) : own < bounds[i] ? own : bounds[i];
  }
}

u32 keep_marked(u32* documents, u16* bounds, u32* origins, const u8* marks, u32 n, bool marked,
                u32 least) {
  u32 kept = 0;
  for (u32 i = 0; i < n; ++i) {
    const bool good = bounds[i] >= least && (!marked || marks[i] != 0);
    documents[kept] = documents[i];
    bounds[kept] = bounds[i];
    origins[kept] = origins[i];
    kept += good;
  }
  return kept;
}

void find_each(const u32* run, const u32* wanted, u32 n, u32* places) {
  u32 at = 0;
  for (u32 i = 0; i < n; ++i) {
    while (run[at] < wanted[i]) ++at;
    places[i] = run[at] == wanted[i] ? at : 0xFFFFFFFFu;
  }
}

u32 found_among(const u32* places, u32 n, u32 begin, u32* found, u32* found_places) {
  u32 kept = 0;
  for (u32 i = 0; i < n; ++i) {
    found[kept] = begin + i;
    found_places[kept] = places[i];
    kept += places[i] != 0xFFFFFFFFu;
  }
  return kept;
}

inline void add_one(Acc& acc, const Leaf& leaf, u32 at, u32 code, const u8* classes) {
  const u32 sum = acc.value[at] + leaf.table[classes[at] << leaf.code_bits | code];
  acc.value[at] = static_cast<u8>(sum > 255 ? 255 : sum);
}

void acc_add_leaf(Acc& acc, const Leaf& leaf, const u8* classes) {
  const u32 n = leaf.count_at;
  const u32 bits = leaf.code_bits;
  const u32 last = (1u << bits) - 1;
  if (leaf.kind == LeafKind::kDecoded) {
    for (u32 i = leaf.index_at; i < leaf.index_at + n; ++i)
      add_one(acc, leaf, leaf.documents[i] & 127, leaf.codes[i], classes);
  } else if (leaf.kind == LeafKind::kWindowed && n <= 16) {
    u64 codes = load_as<u64>(leaf.payload_at + n);
    for (u32 i = 0; i < n; ++i, codes >>= bits)
      add_one(acc, leaf, leaf.payload_at[i], static_cast<u32>(codes) & last, classes);
  } else {
    const Mask m = mask_of(leaf);
    u32 rank = 0;
    for (u32 at = 0; at < 128; ++at) {
      if (((at < 64 ? m.low : m.high) >> (at & 63) & 1) == 0) continue;
      u32 code = 0;
      for (u32 p = 0; p < bits; ++p) code |= bit_at(leaf.payload_at + 16, p * n + rank) << p;
      ++rank;
      add_one(acc, leaf, at, code, classes);
    }
  }
}

bool acc_any_from(const Acc& acc, u32 least) {
  for (const u8 v : acc.value)
    if (v >= least) return true;
  return false;
}

Mask acc_from(const Acc& acc, u32 least) {
  Mask m{0, 0};
  for (u32 i = 0; i < 64; ++i) m.low |= static_cast<u64>(acc.value[i] >= least) << i;
  for (u32 i = 0; i < 64; ++i) m.high |= static_cast<u64>(acc.value[64 + i] >= least) << i;
  return m;
}

void spread_codes(const u8* packed, u32 n, u32 width, u8* out) {
  for (u32 i = 0; i < n; ++i)
    out[i] = static_cast<u8>(load_as<u64>(packed + (i * width >> 3)) >> (i * width & 7) &
                             ((1u << width) - 1));
}

void bounds_of(const u32* documents, const u8* codes, u32 n, const u8* classes, u32 code_bits,
               const u8* table, u8* out) {
  for (u32 i = 0; i < n; ++i) out[i] = table[classes[documents[i]] << code_bits | codes[i]];
}

void scale_bounds(const float* bound, u32 n, float highest, float scale, u8* out) {
  for (u32 i = 0; i < n; ++i) {
    const float value = __builtin_ceilf((bound[i] < highest ? bound[i] : highest) * scale);
    out[i] = static_cast<u8>(value < 1.0f ? 1.0f : value > 255.0f ? 255.0f : value);
  }
}

void expand_nibbles(const u8* nibbles, u32 n, const u8* level, u8* out) {
  for (u32 i = 0; i < n; ++i) out[i] = level[nibbles[i >> 1] >> (4 * (i & 1)) & 15u];
}

}  // namespace

const EvalKernels kEvalScalar = {run_plan,      fetch_directory, fetch_payload, collect_between,
                                 collect_bytes, among,           add_maxima,    keep_marked,
                                 find_each,     found_among,     position_on,   locate_in,
                                 count_groups,  count_before,    run_plain,     spread_codes,
                                 bounds_of,     scale_bounds,    expand_nibbles};

}  // namespace vitrine::text::internal
