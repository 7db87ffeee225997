// Leaves of which only single documents are asked for.
#include <algorithm>

#include "engine/text/internal/leaf_data.h"

namespace vitrine::text::internal {

void LeafData::open_lazily(const Segment::Impl& segment, const EvalKernels& kernels, Leaf& leaf) {
  present = entry.frequency > 0;
  leaf.frequency = entry.frequency;
  leaf.kind = LeafKind::kLazy;
  highest = 0;
  kernels_ = &kernels;
  if (!present) return;
  long_list = entry.frequency > kTinyMax;
  if (!long_list) {
    leaf.code_bits = kCodeBitsMax;
    decode_tiny(segment, kernels);
    fill_bounds(segment.scoring, kCodeBitsMax);
    for (std::uint32_t i = 0; i < entry.frequency; ++i)
      highest = std::max(highest,
                         bound_[segment.scoring.classes[documents[i]] << kCodeBitsMax | codes[i]]);
    return;
  }
  view_list(entry.postings, entry.frequency, segment.meta.documents, view);
  highest = view.header.highest;
  leaf.code_bits = view.header.code_bits;
  if (view.windowed()) windowed_leaf(leaf);
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
    documents.resize(kBlock + kRunRoom);
    codes.resize(kBlock + 16);
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
    block_ = low;
    const std::uint32_t n = view.block_size(low), most = view.block_most(low);
    const std::uint8_t* at = view.payload + block_at_[low];
    const std::uint32_t width = view.header.code_bits;
    kernels_->spread(at, n, width, codes.data());
    kernels_->run_of(at, std::uint64_t{n} * width, n, low_bits(most, n), view.block_start(low),
                     documents.data());
    sought += n;
  }
  const auto end = documents.begin() + view.block_size(block_);
  const auto found = std::lower_bound(documents.begin(), end, document);
  return found != end && *found == document ? static_cast<int>(found - documents.begin()) : -1;
}

int LeafData::seek(const Leaf&, std::uint32_t document) {
  if (!present) return -1;
  if (long_list) {
    const int i = seek_block(document);
    return i < 0 ? -1 : codes[static_cast<std::size_t>(i)];
  }
  const auto found = std::lower_bound(documents.begin(), documents.end(), document);
  return found != documents.end() && *found == document
             ? codes[static_cast<std::size_t>(found - documents.begin())]
             : -1;
}

}  // namespace vitrine::text::internal
