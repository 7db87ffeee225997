// Leaves of which only single documents are asked for.
#include <algorithm>

#include "engine/text/internal/leaf_data.h"

namespace vitrine::text::internal {

void LeafData::peek(const Segment::Impl& segment, std::uint32_t k, const EvalKernels& kernels) {
  present = entry.frequency > 0;
  long_list = entry.frequency > kTinyMax;
  highest = 0;
  best_kth = 0;
  if (!present) return;
  if (!long_list) {
    decode_tiny(segment, kernels);
    find_kth(segment.scoring, k);
    fill_bounds(segment.scoring, kCodeBitsMax);
    for (std::uint32_t i = 0; i < entry.frequency; ++i)
      highest = std::max(highest,
                         bound_[segment.scoring.classes[documents[i]] << kCodeBitsMax | codes[i]]);
    return;
  }
  view_list(entry.postings, entry.frequency, segment.meta.documents, view);
  highest = view.header.highest;
  for (int level = 2; level >= 0 && k > 0; --level)
    if (kKthLevels[level] >= k && view.header.kth[level] > 0) best_kth = view.header.kth[level];
}

void LeafData::open_lazily(const Segment::Impl& segment, const EvalKernels& kernels, Leaf& leaf) {
  peek(segment, 0, kernels);
  leaf.frequency = entry.frequency;
  leaf.kind = LeafKind::kLazy;
  kernels_ = &kernels;
  if (!present) return;
  leaf.code_bits = long_list ? view.header.code_bits : static_cast<std::uint8_t>(kCodeBitsMax);
  whole_ = !long_list;
  if (long_list && view.windowed()) {
    windowed_leaf(leaf);
    leaf.maxima = expanded_maxima(kernels);
    return;
  }
  if (whole_) documents.resize(entry.frequency + std::size_t{32}, 0xFFFFFFFFu);
}

void LeafData::make_whole() {
  if (!present || whole_) return;
  decode_packed(*kernels_);
  documents.resize(entry.frequency + std::size_t{32}, 0xFFFFFFFFu);
  whole_ = true;
}

void LeafData::decode_block(const std::uint8_t* at, std::uint32_t block) {
  const std::uint32_t n = view.block_size(block), most = view.block_most(block);
  const std::uint32_t width = view.header.code_bits;
  documents.resize(kBlock + kRunRoom);
  codes.resize(kBlock + 16);
  kernels_->spread(at, n, width, codes.data());
  kernels_->run_of(at, std::uint64_t{n} * width, n, low_bits(most, n), view.block_start(block),
                   documents.data());
  std::fill_n(documents.begin() + n, 32, 0xFFFFFFFFu);
  block_ = block;
  sought += n;
}

// Of wanted[begin..end) places_ says where the run in `documents` has them.
void LeafData::note_found(const std::uint32_t* wanted, std::uint32_t begin, std::uint32_t end,
                          std::uint32_t first_posting) {
  const std::uint32_t more =
      kernels_->found_among(places_.data() + begin, end - begin, begin, found.data() + found_count,
                            found_ordinals.data() + found_count);
  for (std::uint32_t i = found_count; i < found_count + more; ++i) {
    found_documents[i] = wanted[found[i]];
    found_codes[i] = codes[found_ordinals[i]];
    found_ordinals[i] += first_posting;
  }
  found_count += more;
}

void LeafData::seek_all(const std::uint32_t* wanted, std::uint32_t n) {
  found_count = 0;
  for (auto* room : {&places_, &found, &found_documents, &found_ordinals})
    if (room->size() < n + std::size_t{16}) room->resize(n + std::size_t{16});
  if (found_codes.size() < n + std::size_t{16}) found_codes.resize(n + std::size_t{16});
  if (impacts.size() < n + std::size_t{16}) impacts.resize(n + std::size_t{16});
  if (!present) return;
  if (whole_) {
    kernels_->find_each(documents.data(), wanted, n, places_.data());
    note_found(wanted, 0, n, 0);
    return;
  }
  const std::uint8_t* at = view.payload;
  const std::uint32_t blocks = view.block_count();
  for (std::uint32_t i = 0, b = 0; i < n;) {
    while (b < blocks && view.block_last(b) < wanted[i]) {
      at += block_bytes(view.block_most(b), view.block_size(b), view.header.code_bits);
      ++b;
    }
    if (b == blocks) break;
    const std::uint32_t last = view.block_last(b);
    std::uint32_t end = i + 1;
    while (end < n && wanted[end] <= last) ++end;
    decode_block(at, b);
    kernels_->find_each(documents.data(), wanted + i, end - i, places_.data() + i);
    note_found(wanted, i, end, b * kBlock);
    i = end;
  }
}

// The block that would have the document is decoded unless it is already.
int LeafData::seek_block(std::uint32_t document) {
  const std::uint32_t blocks = view.block_count();
  if (block_at_.empty()) {
    std::uint32_t at = 0;
    for (std::uint32_t b = 0; b < blocks; ++b) {
      block_at_.push_back(at);
      at += block_bytes(view.block_most(b), view.block_size(b), view.header.code_bits);
    }
  }
  if (block_ == ~0u || document > view.block_last(block_) || document < view.block_start(block_)) {
    std::uint32_t low = 0, high = blocks;
    while (low < high) {
      const std::uint32_t middle = (low + high) / 2;
      if (view.block_last(middle) < document)
        low = middle + 1;
      else
        high = middle;
    }
    if (low == blocks) return -1;
    decode_block(view.payload + block_at_[low], low);
  }
  const auto end = documents.begin() + view.block_size(block_);
  const auto place = std::lower_bound(documents.begin(), end, document);
  return place != end && *place == document ? static_cast<int>(place - documents.begin()) : -1;
}

int LeafData::seek(const Leaf&, std::uint32_t document) {
  if (!present) return -1;
  if (!whole_) {
    const int i = seek_block(document);
    return i < 0 ? -1 : codes[static_cast<std::size_t>(i)];
  }
  const auto place = std::lower_bound(documents.begin(), documents.end(), document);
  return place != documents.end() && *place == document
             ? codes[static_cast<std::size_t>(place - documents.begin())]
             : -1;
}

}  // namespace vitrine::text::internal
