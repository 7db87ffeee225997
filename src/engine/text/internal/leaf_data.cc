#include "engine/text/internal/leaf_data.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/bytes.h"

namespace vitrine::text::internal {

void LeafData::clear() {
  if (maxima_used) {
    if (!bits.empty() || documents.size() * 16 > maxima.size()) {
      std::fill(maxima.begin(), maxima.end(), std::uint8_t{0});
    } else {
      for (const std::uint32_t d : documents)
        if (d != 0xFFFFFFFFu && d >> kWindowBits < maxima.size()) maxima[d >> kWindowBits] = 0;
    }
    maxima_used = false;
  }
  // Documents and codes stay: whoever decodes sets their size, and growing costs zeros.
  combinations.clear();
  bits.clear();
  present = false;
  long_list = false;
  bounded_ = false;
  best_kth = 0;
  block_ = ~0u;
  block_at_.clear();
  ordinals_.clear();
  codes_by_origin.clear();
  ordinals_by_origin.clear();
  whole_ = false;
  sought = 0;
  entry = {};
}

void LeafData::shrink() {
  if (documents.capacity() < (4u << 20) && bits.capacity() < (1u << 20)) return;
  *this = LeafData{};
}

void LeafData::fill_bounds(const Scoring& scoring, std::uint32_t code_bits) {
  if (bounded_) return;
  bounded_ = true;
  const std::uint32_t codes_end = 1u << code_bits;
  for (std::uint32_t cls = 0; cls < kClasses; ++cls)
    std::copy_n(scoring.code_bounds + cls * 16, codes_end, bound_.begin() + (cls << code_bits));
  if (long_list && view.header.exceptions == 0) return;
  // What the last code stands for: at most so often in each field.
  Frequencies tf{};
  if (long_list) {
    std::copy(std::begin(view.header.exception_bound), std::end(view.header.exception_bound),
              tf.begin());
  } else {
    bool any = false;
    for (const std::uint32_t c : combinations) {
      if (c < codes_end - 1) continue;
      any = true;
      const Frequencies own = scoring.frequencies(c);
      for (std::size_t f = 0; f < kFieldsMax; ++f) tf[f] = std::max(tf[f], own[f]);
    }
    if (!any) return;
  }
  for (std::uint32_t cls = 0; cls < kClasses; ++cls)
    bound_[cls << code_bits | (codes_end - 1)] = scoring.class_bound(cls, tf);
}

void LeafData::decode_tiny(const Segment::Impl& segment, const EvalKernels& kernels) {
  const std::uint32_t n = entry.frequency;
  const std::uint32_t all = segment.meta.documents;
  documents.resize(n + kRunRoom);
  combinations.resize(n);
  if (!is_run(entry.postings)) {
    decode_varints(entry.postings, n, documents.data(), combinations.data());
  } else {
    const std::uint64_t end =
        kernels.run_of(reinterpret_cast<const std::uint8_t*>(entry.postings.data()), 1, n,
                       low_bits(all - n, n), 0, documents.data());
    decode_tiny_codes(entry.postings, end, n, combinations.data());
  }
  documents.resize(n);
  codes.resize(n + 16);
  for (std::uint32_t i = 0; i < n; ++i)
    codes[i] = static_cast<std::uint8_t>(std::min(combinations[i], 15u));
  codes.resize(n);
}

// The exact k-th best saturation of a tiny list.
void LeafData::find_kth(const Scoring& scoring, std::uint32_t k) {
  if (k == 0 || k > entry.frequency) return;
  float saturation[kTinyMax];
  for (std::uint32_t i = 0; i < entry.frequency; ++i)
    saturation[i] = scoring.saturation(documents[i], combinations[i]);
  std::nth_element(saturation, saturation + (k - 1), saturation + entry.frequency,
                   std::greater<>());
  best_kth = saturation[k - 1];
}

void LeafData::decode_packed(const EvalKernels& kernels) {
  const std::uint32_t n = entry.frequency;
  documents.resize(n + kRunRoom);
  codes.resize(n + 16);
  const std::uint32_t width = view.header.code_bits;
  const std::uint8_t* at = view.payload;
  for (std::uint32_t b = 0; b < view.block_count(); ++b) {
    const std::uint32_t count = view.block_size(b), most = view.block_most(b);
    kernels.spread(at, count, width, codes.data() + b * kBlock);
    kernels.run_of(at, std::uint64_t{count} * width, count, low_bits(most, count),
                   view.block_start(b), documents.data() + b * kBlock);
    at += block_bytes(most, count, width);
  }
  documents.resize(n);
  codes.resize(n);
}

void LeafData::decode_all(const Segment::Impl& segment, const EvalKernels& kernels) {
  long_list = entry.frequency > kTinyMax;
  if (long_list) {
    view_list(entry.postings, entry.frequency, segment.meta.documents, view);
    highest = view.header.highest;
    decode_packed(kernels);
  } else {
    decode_tiny(segment, kernels);
  }
}

void LeafData::impacts_of(const Segment::Impl& segment, const EvalKernels& kernels) {
  const std::uint32_t width = long_list ? view.header.code_bits : kCodeBitsMax;
  fill_bounds(segment.scoring, width);
  const auto n = static_cast<std::uint32_t>(entry.frequency);
  if (!long_list) {
    highest = 0;
    for (std::uint32_t i = 0; i < n; ++i)
      highest =
          std::max(highest, bound_[segment.scoring.classes[documents[i]] << width | codes[i]]);
  }
  alignas(64) std::uint8_t as_byte[256] = {};
  const float scale = 255.0f / highest * (1.0f + 1e-6f);
  kernels.scale(bound_.data(), kClasses << width, 1.0f, scale, as_byte);
  documents.reserve(n + 16);
  codes.reserve(n + 16);
  impacts.resize(n + 16);
  kernels.bounds_of(documents.data(), codes.data(), n, segment.scoring.classes, width, as_byte,
                    impacts.data());
}

void LeafData::fill_maxima(const Segment::Impl& segment, std::uint32_t windows,
                           const EvalKernels& kernels, Leaf& leaf) {
  impacts_of(segment, kernels);
  const auto n = static_cast<std::uint32_t>(entry.frequency);
  const std::uint32_t rounded = round_up(windows, 64);
  if (maxima.size() != rounded) maxima.assign(rounded, 0);
  maxima_used = true;
  first.resize(rounded);
  std::uint32_t before = ~0u, begin = 0;
  std::uint8_t most = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t w = documents[i] >> kWindowBits;
    const bool same = w == before;
    const std::uint8_t m = impacts[i];
    most = same && most > m ? most : m;
    begin = same ? begin : i;
    maxima[w] = most;
    first[w] = begin;
    before = w;
  }
  documents.push_back(0xFFFFFFFFu);
  leaf.maxima = maxima.data();
  leaf.first_window = 0;
  leaf.windows = windows;
  leaf.documents = documents.data();
  leaf.codes = codes.data();
  leaf.first = first.data();
}

void LeafData::windowed_leaf(Leaf& leaf) const {
  leaf.kind = LeafKind::kWindowed;
  leaf.first_window = view.header.first_window;
  leaf.windows = view.header.windows;
  leaf.nibble_counts = view.has(kNibbleCounts);
  leaf.counts = view.counts;
  leaf.groups = view.groups;
  leaf.payload = view.payload;
}

const std::uint8_t* LeafData::expanded_maxima(const EvalKernels& kernels) {
  if (!view.has(kNibbleMaxima)) return view.maxima;
  const std::uint32_t rounded = round_up(view.header.windows, 64);
  expanded.resize(rounded + 4);  // gathers read four bytes
  kernels.expand(view.maxima, rounded, view.levels, expanded.data());
  return expanded.data();
}

// Where the leaf has anything, 64 windows at a time. Of lists that were decoded no more is told
// than that they have something.
void LeafData::find_supers(std::uint32_t windows, Leaf& leaf) {
  supers.assign(round_up((windows + kSuper - 1) / kSuper, 64), 0);
  leaf.supers = supers.data();
  if (leaf.kind == LeafKind::kWindowed)
    std::copy_n(view.supers, (leaf.windows + kSuper - 1) / kSuper,
                supers.begin() + leaf.first_window / kSuper);
  else if (leaf.kind == LeafKind::kBitmap)
    std::fill(supers.begin(), supers.end(), std::uint8_t{255});
  else
    for (std::uint32_t i = 0; i < entry.frequency; ++i)
      supers[documents[i] / (kSuper * kWindow)] = 255;
}

void LeafData::open_term(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels,
                         bool expand, Leaf& leaf) {
  const std::uint32_t windows = (segment.meta.documents + kWindow - 1) >> kWindowBits;
  present = entry.frequency > 0;
  kernels_ = &kernels;
  leaf.frequency = entry.frequency;
  leaf.kind = LeafKind::kDecoded;
  highest = 0;
  if (!present) return find_supers(windows, leaf);
  long_list = entry.frequency > kTinyMax;
  if (long_list) {
    view_list(entry.postings, entry.frequency, segment.meta.documents, view);
    highest = view.header.highest;
    if (k > 0)
      for (int level = 2; level >= 0; --level)
        if (kKthLevels[level] >= k && view.header.kth[level] > 0) best_kth = view.header.kth[level];
    leaf.code_bits = view.header.code_bits;
  } else {
    leaf.code_bits = kCodeBitsMax;
  }
  if (long_list && view.windowed()) {
    windowed_leaf(leaf);
    if (expand || !view.has(kNibbleMaxima)) {
      leaf.maxima = expanded_maxima(kernels);
    } else {
      leaf.nibbles = view.maxima;
      std::copy_n(view.levels, 16, leaf.levels);
    }
    return find_supers(windows, leaf);
  }
  if (long_list) {
    decode_packed(kernels);
  } else {
    decode_tiny(segment, kernels);
    find_kth(segment.scoring, k);
  }
  fill_maxima(segment, windows, kernels, leaf);
  find_supers(windows, leaf);
}

std::uint64_t LeafData::open_prefix(const Segment::Impl& segment, std::string_view wanted,
                                    std::uint8_t field, Leaf& leaf) {
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
      for (const RawPosting& p : list)
        if (field == kAnyField || segment.scoring.frequencies(p.combination)[field] > 0)
          bits[p.document / 64] |= 1ull << (p.document % 64);
      postings += list.size();
    }
  }
  maxima.assign(round_up(windows, 64), 0);
  maxima_used = true;
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
  find_supers(windows, leaf);
  return postings;
}

void LeafData::set_units(const Scoring& scoring, const EvalKernels& kernels, double unit8,
                         double unit16, Leaf& leaf) {
  constexpr double kSlack = 1.0 + 1e-5;  // float rounding of the exact scores
  const double most = double{weight} * double{highest} * kSlack;
  leaf.weight16 = static_cast<std::uint32_t>(std::ceil(most / 255.0 / unit16));
  leaf.weight8 = static_cast<std::uint32_t>(std::ceil(most / 255.0 / unit8 * 65536.0)) + 1;
  leaf.window_at = 0xFFFFFFFFu;
  leaf.count_at = 0;
  if (leaf.kind == LeafKind::kBitmap)
    bound_.fill(1.0f);
  else if (present)
    fill_bounds(scoring, leaf.code_bits);
  const auto scale = static_cast<float>(double{weight} * kSlack * kSlack / unit8);
  // No document is above the list's highest, whatever its class allows; and a match without weight
  // is a match: at least 1.
  kernels.scale(bound_.data(), kClasses << leaf.code_bits, highest, scale, leaf.table);
}

void LeafData::set_products(Leaf& leaf) {
  const std::uint32_t codes_end = 1u << leaf.code_bits;
  const bool bitmap = leaf.kind == LeafKind::kBitmap;
  for (std::uint32_t i = 0; i < kClasses << leaf.code_bits; ++i)
    products_[i] = bitmap ? double{weight} : double{weight} * double{bound_[i]};
  if (!bitmap && !exact(leaf, static_cast<int>(codes_end - 1)))
    for (std::uint32_t cls = 0; cls < kClasses; ++cls)
      products_[cls << leaf.code_bits | (codes_end - 1)] = std::numeric_limits<double>::quiet_NaN();
  leaf.products = products_.data();
}

std::uint32_t LeafData::combination(const Leaf& leaf, std::uint32_t document, int code) const {
  if (long_list) return view.combination(document, static_cast<std::uint32_t>(code));
  if (code < 15) return static_cast<std::uint32_t>(code);
  if (leaf.kind == LeafKind::kLazy)
    return combinations[static_cast<std::size_t>(
        std::lower_bound(documents.begin(), documents.end(), document) - documents.begin())];
  for (std::uint32_t i = leaf.index_at; i < leaf.index_at + leaf.count_at; ++i)
    if (documents[i] == document) return combinations[i];
  return 0;
}

std::uint32_t LeafData::ordinal(const Leaf& leaf, std::uint32_t document) {
  if (leaf.kind == LeafKind::kLazy) {
    const auto at = static_cast<std::uint32_t>(
        std::lower_bound(documents.begin(),
                         documents.begin() + (whole_ ? entry.frequency : view.block_size(block_)),
                         document) -
        documents.begin());
    return whole_ ? at : block_ * kBlock + at;
  }
  if (leaf.kind == LeafKind::kDecoded) {
    std::uint32_t i = leaf.index_at;
    while (documents[i] != document) ++i;
    return i;
  }
  if (ordinals_.empty()) {
    ordinals_.resize((leaf.windows + kGroup - 1) / kGroup);
    kernels_->count_groups(leaf, ordinals_.data());
    std::uint32_t sum = 0;
    for (std::uint32_t& n : ordinals_) sum += std::exchange(n, sum);
  }
  const std::uint32_t at = leaf.window_at - leaf.first_window;
  const std::uint32_t before = ordinals_[at >> kGroupBits] + kernels_->count_before(leaf, at);
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

bool LeafData::decode_short(const Segment::Impl& segment, std::uint32_t k,
                            const EvalKernels& kernels) {
  if (entry.frequency > kTinyMax) {
    view_list(entry.postings, entry.frequency, segment.meta.documents, view);
    if (view.windowed()) return false;
    for (int level = 2; level >= 0; --level)
      if (kKthLevels[level] >= k && view.header.kth[level] > 0) best_kth = view.header.kth[level];
  }
  decode_all(segment, kernels);
  return true;
}

}  // namespace vitrine::text::internal
