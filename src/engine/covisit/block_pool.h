// Blocks of neighbours of one size, handed out by number and reused when freed.
//
// A block of n entries is n item numbers (u32) and then n weights (float), so that a search
// over the numbers reads half the bytes. Blocks lie in chunks that double in size and never
// move: growing copies nothing, and memory that was never written costs no page.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/huge_pages.h"

namespace vitrine::covisit {

class BlockPool {
 public:
  // `entries` per block: a multiple of 4.
  explicit BlockPool(std::uint32_t entries) : entries_(entries) {}

  // A block whose item numbers are all kFreeEntry; weights are not set.
  std::uint32_t allocate();
  void free(std::uint32_t block) { free_.push_back(block); }

  std::uint32_t* items(std::uint32_t block) const { return at(block); }
  float* weights(std::uint32_t block) const {
    return reinterpret_cast<float*>(at(block) + entries_);
  }
  std::uint32_t entries() const { return entries_; }
  std::uint64_t memory_bytes() const;  // of blocks ever handed out
  void clear();

  static constexpr std::uint32_t kFreeEntry = 0xFFFFFFFFu;

 private:
  static constexpr std::uint32_t kFirstChunk = 64;  // blocks; chunk k holds 64 << k
  struct Free {
    void operator()(std::uint32_t* p) const { free_huge(p); }
  };
  std::uint32_t* at(std::uint32_t block) const {
    const std::uint64_t n = std::uint64_t{block} + kFirstChunk;
    const int chunk = 63 - __builtin_clzll(n) - 6;
    return chunks_[static_cast<std::size_t>(chunk)].get() +
           (n - (std::uint64_t{kFirstChunk} << chunk)) * entries_ * 2;
  }

  std::uint32_t entries_;
  std::uint32_t used_ = 0;  // blocks 0 .. used_-1 have been handed out at least once
  std::vector<std::unique_ptr<std::uint32_t[], Free>> chunks_;
  std::vector<std::uint32_t> free_;
};

}  // namespace vitrine::covisit
