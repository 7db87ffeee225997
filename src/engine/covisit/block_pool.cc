#include "engine/covisit/block_pool.h"

#include <algorithm>

#include "base/check.h"

namespace vitrine::covisit {

std::uint32_t BlockPool::allocate() {
  std::uint32_t block = 0;
  if (!free_.empty()) {
    block = free_.back();
    free_.pop_back();
  } else {
    VITRINE_CHECK(used_ < kFreeEntry);
    const std::uint64_t held = kFirstChunk * ((std::uint64_t{1} << chunks_.size()) - 1);
    if (used_ == held) {
      const std::uint64_t bytes = (std::uint64_t{kFirstChunk} << chunks_.size()) * entries_ * 8;
      chunks_.emplace_back(static_cast<std::uint32_t*>(allocate_huge(bytes)));
    }
    block = used_++;
  }
  std::fill_n(at(block), entries_, kFreeEntry);
  return block;
}

std::uint64_t BlockPool::memory_bytes() const {
  return std::uint64_t{used_} * entries_ * 8 + free_.capacity() * sizeof(std::uint32_t);
}

void BlockPool::clear() {
  chunks_.clear();
  free_.clear();
  used_ = 0;
}

}  // namespace vitrine::covisit
