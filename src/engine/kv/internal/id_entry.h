// An id as it is remembered, and the log of those in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/hash.h"

namespace vitrine::kv::internal {

// 24 bytes, in memory and on disk. The top 16 bits of `high` are zero in memory; in a run they
// say which of the run's generations the id belongs to.
struct IdEntry {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t body = 0;

  static constexpr int kGenerationShift = 48;
  static constexpr std::uint64_t kHighMask = (std::uint64_t{1} << kGenerationShift) - 1;

  bool is(const Hash128& id) const {
    return low == id.low && (high & kHighMask) == (id.high & kHighMask);
  }
};
static_assert(sizeof(IdEntry) == 24 && std::has_unique_object_representations_v<IdEntry>);

// Entries in order of insertion; the oldest leave first. An entry's number is its place since
// the beginning, modulo 2^31: far fewer are in memory at once.
class IdLog {
 public:
  std::uint64_t size() const { return size_; }
  std::uint32_t first() const { return first_; }
  std::uint32_t number(std::uint64_t nth) const {
    return (first_ + static_cast<std::uint32_t>(nth)) & kNumberMask;
  }

  const IdEntry& at(std::uint32_t number) const { return nth((number - first_) & kNumberMask); }
  // The oldest is the 0th.
  const IdEntry& nth(std::uint64_t n) const {
    const std::uint64_t place = offset_ + n;
    return chunks_[place / kChunk][place % kChunk];
  }
  // The n-th and those after it that lie beside it.
  std::span<const IdEntry> together_from(std::uint64_t n) const {
    const std::uint64_t in_chunk = kChunk - (offset_ + n) % kChunk;
    return {&nth(n), std::min(in_chunk, size_ - n)};
  }
  void push(const IdEntry& entry) {
    const std::uint64_t place = offset_ + size_;
    if (place == chunks_.size() * kChunk)
      chunks_.push_back(std::make_unique_for_overwrite<IdEntry[]>(kChunk));
    chunks_[place / kChunk][place % kChunk] = entry;
    ++size_;
  }
  void drop_oldest(std::uint64_t count) {
    first_ = number(count);
    size_ -= count;
    offset_ += count;
    const auto whole = static_cast<std::ptrdiff_t>(offset_ / kChunk);
    chunks_.erase(chunks_.begin(), chunks_.begin() + whole);
    offset_ %= kChunk;
  }
  void clear() { *this = IdLog(); }
  std::uint64_t memory_bytes() const {
    return chunks_.size() * (kChunk * sizeof(IdEntry) + sizeof(void*));
  }

 private:
  static constexpr std::uint32_t kNumberMask = 0x7FFF'FFFF;
  static constexpr std::uint64_t kChunk = 1024;
  std::vector<std::unique_ptr<IdEntry[]>> chunks_;
  std::uint64_t offset_ = 0;  // of the first entry in the first chunk
  std::uint64_t size_ = 0;
  std::uint32_t first_ = 0;
};

}  // namespace vitrine::kv::internal
