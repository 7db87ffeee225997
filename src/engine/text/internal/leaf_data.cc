#include "engine/text/internal/leaf_data.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/bytes.h"

namespace vitrine::text::internal {

void LeafData::clear(std::uint32_t) {
  for (const std::uint32_t d : documents)
    if (d != 0xFFFFFFFFu && d >> kWindowBits < maxima.size()) maxima[d >> kWindowBits] = 0;
  if (!bits.empty()) std::fill(maxima.begin(), maxima.end(), std::uint8_t{0});
  documents.clear();
  codes.clear();
  combinations.clear();
  bits.clear();
  present = false;
  long_list = false;
  best_kth = 0;
  entry = {};
}

void LeafData::shrink() {
  if (documents.capacity() < (4u << 20) && bits.capacity() < (1u << 20)) return;
  *this = LeafData{};
}

// table[class << code_bits | code]: bound of the saturation.
void LeafData::bound_table(const Scoring& scoring, std::uint32_t code_bits, float* table) const {
  const std::uint32_t codes_end = 1u << code_bits;
  for (std::uint32_t code = 0; code < codes_end; ++code) {
    Frequencies tf{};
    const bool escaped = code == codes_end - 1 && (long_list ? view.header.exceptions != 0 : true);
    if (!escaped) {
      if (code < scoring.combination_count) tf = scoring.frequencies(code);
    } else if (long_list) {
      std::copy(std::begin(view.header.exception_bound), std::end(view.header.exception_bound),
                tf.begin());
    } else {
      for (const std::uint32_t c : combinations) {
        if (c < code) continue;
        const Frequencies own = scoring.frequencies(c);
        for (std::size_t f = 0; f < kFieldsMax; ++f) tf[f] = std::max(tf[f], own[f]);
      }
    }
    for (std::uint32_t cls = 0; cls < kClasses; ++cls)
      table[cls << code_bits | code] = scoring.class_bound(cls, tf);
  }
}

void LeafData::decode_tiny(const Scoring& scoring, std::uint32_t k) {
  ByteReader r(entry.postings);
  std::uint32_t next = 0;
  highest = 0;
  for (std::uint32_t i = 0; i < entry.frequency; ++i) {
    const std::uint64_t head = r.varint();
    const std::uint32_t document = next + static_cast<std::uint32_t>(head >> 1);
    const auto combination = (head & 1) != 0 ? static_cast<std::uint32_t>(r.varint()) : 0u;
    documents.push_back(document);
    combinations.push_back(combination);
    codes.push_back(static_cast<std::uint8_t>(std::min(combination, 15u)));
    next = document + 1;
  }
  if (k == 0 || k > entry.frequency) return;
  std::vector<float> saturation(entry.frequency);
  for (std::uint32_t i = 0; i < entry.frequency; ++i)
    saturation[i] = scoring.saturation(documents[i], combinations[i]);
  std::nth_element(saturation.begin(), saturation.begin() + (k - 1), saturation.end(),
                   std::greater<>());
  best_kth = saturation[k - 1];
}

void LeafData::decode_packed(const EvalKernels& kernels) {
  const std::uint32_t n = entry.frequency;
  documents.resize(n + kBlock);
  codes.resize(n + 8);
  const std::uint32_t width = view.header.code_bits;
  std::uint32_t next = 0;
  for (std::uint32_t b = 0; b < view.header.windows; ++b) {
    const BlockEntry block = view.block(b);
    const std::uint32_t count = std::min(kBlock, n - b * kBlock);
    const std::uint8_t* deltas = view.payload + block.offset;
    kernels.unpack(deltas, count, block.width, next, documents.data() + b * kBlock);
    next = block.last_document + 1;
    const std::uint8_t* at = deltas + (count * block.width + 7) / 8;
    std::uint8_t* out = codes.data() + b * kBlock;
    // 8 codes take `width` bytes.
    for (std::uint32_t i = 0; i < count; i += 8, at += width) {
      const auto word = load<std::uint64_t>(at);
      for (std::uint32_t j = 0; j < 8 && i + j < count; ++j)
        out[i + j] = static_cast<std::uint8_t>(word >> (j * width) & ((1u << width) - 1));
    }
  }
  documents.resize(n);
  codes.resize(n);
}

void LeafData::fill_maxima(const Scoring& scoring, std::uint32_t windows, Leaf& leaf) {
  float bound[256] = {};
  bound_table(scoring, leaf.code_bits, bound);
  const auto n = static_cast<std::uint32_t>(documents.size());
  if (!long_list) {
    highest = 0;
    for (std::uint32_t i = 0; i < n; ++i)
      highest =
          std::max(highest, bound[scoring.classes[documents[i]] << leaf.code_bits | codes[i]]);
  }
  std::uint8_t as_byte[256];
  for (std::uint32_t i = 0; i < 256; ++i)
    as_byte[i] = static_cast<std::uint8_t>(
        std::clamp(std::ceil(bound[i] * 255.0f / highest * (1.0f + 1e-6f)), 1.0f, 255.0f));
  const std::uint32_t rounded = round_up(windows, 64);
  if (maxima.size() != rounded) maxima.assign(rounded, 0);
  first.resize(rounded);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t d = documents[i];
    const std::uint8_t m = as_byte[scoring.classes[d] << leaf.code_bits | codes[i]];
    std::uint8_t& most = maxima[d >> kWindowBits];
    if (most == 0) first[d >> kWindowBits] = i;
    if (m > most) most = m;
  }
  documents.push_back(0xFFFFFFFFu);
}

void LeafData::open_term(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels,
                         Leaf& leaf) {
  const std::uint32_t windows = (segment.meta.documents + kWindow - 1) >> kWindowBits;
  present = entry.frequency > 0;
  leaf.frequency = entry.frequency;
  leaf.kind = LeafKind::kDecoded;
  if (!present) {
    leaf.maxima = nullptr;
    leaf.windows = 0;
    highest = 0;
    return;
  }
  long_list = entry.frequency > kTinyMax;
  if (long_list) {
    view_list(entry.postings, segment.meta.documents, view);
    highest = view.header.highest;
    if (k > 0)
      for (int level = 2; level >= 0; --level)
        if (kKthLevels[level] >= k && view.header.kth[level] > 0) best_kth = view.header.kth[level];
    leaf.code_bits = view.header.code_bits;
  } else {
    leaf.code_bits = kCodeBitsMax;
  }
  if (long_list && view.windowed()) {
    leaf.kind = LeafKind::kWindowed;
    leaf.maxima = view.maxima;
    leaf.first_window = view.header.first_window;
    leaf.windows = view.header.windows;
    leaf.counts = view.counts;
    leaf.groups = view.groups;
    leaf.payload = view.payload;
    return;
  }
  long_list ? decode_packed(kernels) : decode_tiny(segment.scoring, k);
  fill_maxima(segment.scoring, windows, leaf);
  leaf.maxima = maxima.data();
  leaf.first_window = 0;
  leaf.windows = windows;
  leaf.documents = documents.data();
  leaf.codes = codes.data();
  leaf.first = first.data();
}

bool LeafData::decode_short(const Segment::Impl& segment, std::uint32_t k,
                            const EvalKernels& kernels) {
  long_list = entry.frequency > kTinyMax;
  if (!long_list) {
    decode_tiny(segment.scoring, k);
    return true;
  }
  view_list(entry.postings, segment.meta.documents, view);
  if (view.windowed()) return false;
  for (int level = 2; level >= 0; --level)
    if (kKthLevels[level] >= k && view.header.kth[level] > 0) best_kth = view.header.kth[level];
  decode_packed(kernels);
  return true;
}

std::uint64_t LeafData::open_prefix(const Segment::Impl& segment, std::string_view wanted,
                                    Leaf& leaf) {
  const std::uint32_t n = segment.meta.documents;
  const std::uint32_t windows = (n + kWindow - 1) >> kWindowBits;
  bits.assign(std::size_t{round_up(windows, 64)} * 2, 0);
  std::uint64_t postings = 0;
  std::vector<RawPosting> list;
  if (segment.meta.terms > 0) {
    TermCursor cursor(segment, segment.block_of(wanted));
    while (cursor.next()) {
      if (cursor.text() < wanted) continue;
      if (!cursor.text().starts_with(wanted)) break;
      decode_list(cursor.entry().postings, cursor.entry().frequency, n, list);
      for (const RawPosting& p : list) bits[p.document / 64] |= 1ull << (p.document % 64);
      postings += list.size();
    }
  }
  maxima.assign(round_up(windows, 64), 0);
  std::uint32_t frequency = 0;
  for (std::uint32_t w = 0; w < windows; ++w) {
    const int in_window = std::popcount(bits[2 * w]) + std::popcount(bits[2 * w + 1]);
    maxima[w] = in_window > 0 ? 255 : 0;
    frequency += static_cast<std::uint32_t>(in_window);
  }
  present = frequency > 0;
  highest = 1.0f;
  leaf.kind = LeafKind::kBitmap;
  leaf.code_bits = 0;
  leaf.frequency = frequency;
  leaf.maxima = maxima.data();
  leaf.first_window = 0;
  leaf.windows = windows;
  leaf.bits = bits.data();
  return postings;
}

void LeafData::set_units(const Scoring& scoring, double unit8, double unit16, Leaf& leaf) const {
  constexpr double kSlack = 1.0 + 1e-5;  // float rounding of the exact scores
  const double most = double{weight} * double{highest} * kSlack;
  leaf.weight16 = static_cast<std::uint32_t>(std::ceil(most / 255.0 / unit16));
  leaf.weight8 = static_cast<std::uint32_t>(std::ceil(most / 255.0 / unit8 * 65536.0)) + 1;
  leaf.window_at = 0xFFFFFFFFu;
  leaf.count_at = 0;
  float bound[256];
  if (leaf.kind == LeafKind::kBitmap)
    std::fill(std::begin(bound), std::end(bound), 1.0f);
  else
    bound_table(scoring, leaf.code_bits, bound);
  const std::uint32_t used = kClasses << leaf.code_bits;
  const double scale = double{weight} * kSlack / unit8;
  for (std::uint32_t i = 0; i < used; ++i) {
    // No document is above the list's highest, whatever its class allows.
    const double units = std::ceil(std::min(bound[i], highest) * scale);
    // At least 1: a match without weight is a match.
    leaf.table[i] = static_cast<std::uint8_t>(std::clamp(units, 1.0, 255.0));
  }
}

std::uint32_t LeafData::combination(const Leaf& leaf, std::uint32_t document, int code) const {
  if (long_list) return view.combination(document, static_cast<std::uint32_t>(code));
  if (code < 15) return static_cast<std::uint32_t>(code);
  for (std::uint32_t i = leaf.index_at; i < leaf.index_at + leaf.count_at; ++i)
    if (documents[i] == document) return combinations[i];
  return 0;
}

std::uint32_t LeafData::ordinal(const Leaf& leaf, std::uint32_t document) const {
  if (leaf.kind == LeafKind::kDecoded) {
    std::uint32_t i = leaf.index_at;
    while (documents[i] != document) ++i;
    return i;
  }
  const std::uint32_t at = leaf.window_at - leaf.first_window;
  std::uint32_t before = view.group(at >> kGroupBits).ordinal;
  for (std::uint32_t w = at & ~(kGroup - 1); w < at; ++w) before += leaf.counts[w];
  const std::uint32_t offset = document & (kWindow - 1);
  if (leaf.count_at <= kBitmapAbove) {
    std::uint32_t i = 0;
    while (leaf.payload_at[i] != offset) ++i;
    return before + i;
  }
  const auto low = load<std::uint64_t>(leaf.payload_at);
  const auto high = load<std::uint64_t>(leaf.payload_at + 8);
  const std::uint64_t below = (1ull << (offset & 63)) - 1;
  return before +
         static_cast<std::uint32_t>(offset < 64 ? std::popcount(low & below)
                                                : std::popcount(low) + std::popcount(high & below));
}

}  // namespace vitrine::text::internal
