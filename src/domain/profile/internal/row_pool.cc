#include "domain/profile/internal/row_pool.h"

#include <cstdlib>
#include <new>

#include <sys/mman.h>

#include "base/check.h"

namespace vitrine::profile::internal {

RowPool::RowPool(std::uint32_t max_entries) {
  VITRINE_CHECK(max_entries >= 4);
  VITRINE_CHECK(max_entries <= 255);
  const auto add = [this](std::uint32_t capacity) {
    Size size;
    size.capacity = capacity;
    size.stride =
        static_cast<std::uint32_t>(sizeof(std::uint32_t) + capacity * sizeof(HistoryEntry));
    size.per_page = static_cast<std::uint32_t>(kPageBytes / size.stride);
    sizes_.push_back(std::move(size));
  };
  // Steps of 8: at most 7 entries are unused, and a row moves once in 8 appends.
  for (std::uint32_t capacity = 4; capacity < max_entries; capacity += capacity < 8 ? 4 : 8) {
    add(capacity);
  }
  add(max_entries);
  std::uint8_t size = 0;
  for (std::uint32_t entries = 0; entries <= max_entries; ++entries) {
    if (entries > sizes_[size].capacity) ++size;
    size_for_[entries] = size;
  }
}

RowPool::~RowPool() { clear(); }

void RowPool::clear() {
  for (char* block : blocks_) std::free(block);
  blocks_.clear();
  free_pages_.clear();
  for (Size& size : sizes_) {
    size.pages.clear();
    size.rows = 0;
  }
  live_bytes_ = 0;
  reserved_bytes_ = 0;
}

char* RowPool::take_page() {
  if (free_pages_.empty()) {
    // A small tenant takes single pages; who has 16 of them will need many more.
    const bool small = reserved_bytes_ < 16 * kPageBytes;
    const std::size_t bytes = small ? kPageBytes : kBlockBytes;
    auto* block = static_cast<char*>(std::aligned_alloc(small ? 64 : kBlockBytes, bytes));
    if (block == nullptr) throw std::bad_alloc();
    if (!small) ::madvise(block, bytes, MADV_HUGEPAGE);  // a wish: refused is fine
    blocks_.push_back(block);
    reserved_bytes_ += bytes;
    for (std::size_t at = bytes; at > 0; at -= kPageBytes) {
      free_pages_.push_back(block + at - kPageBytes);
    }
  }
  char* page = free_pages_.back();
  free_pages_.pop_back();
  return page;
}

Row RowPool::allocate(std::uint8_t index, std::uint32_t owner) {
  Size& size = sizes_[index];
  if (size.rows == size.pages.size() * size.per_page) size.pages.push_back(take_page());
  Row row = at(size, size.rows++);
  live_bytes_ += size.stride;
  std::memcpy(row, &owner, sizeof(owner));
  return row;
}

Row RowPool::release(std::uint8_t index, Row row) {
  Size& size = sizes_[index];
  VITRINE_CHECK(size.rows > 0);
  Row last = at(size, --size.rows);
  live_bytes_ -= size.stride;
  if (last != row) std::memcpy(row, last, size.stride);
  if (size.rows == (size.pages.size() - 1) * size.per_page) {
    free_pages_.push_back(size.pages.back());
    size.pages.pop_back();
  }
  return last == row ? nullptr : row;
}

}  // namespace vitrine::profile::internal
