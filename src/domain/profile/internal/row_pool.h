// Memory for rows of 4 to 255 history entries, without holes.
//
// Rows come in sizes of 4, 8, 16, 24, ... entries. The rows of one size lie densely in pages of
// 32 KiB: a released row is filled by moving the last row of its size into it, so that nothing
// is ever lost between rows and an emptied page goes to whichever size needs one. (Free lists
// per size were rejected: users that grow together leave every smaller size behind as free
// rows, 2 GB of them after a million users grew to 50 entries.) Whoever holds rows is told
// about each move; a row knows its owner for that.
//
// Pages come from 2 MiB blocks that ask for huge pages: a random access then misses the TLB
// less, and fork() for a snapshot copies page tables of kilobytes, not megabytes.
//
// Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "domain/profile/history_entry.h"

namespace vitrine::profile::internal {

// A row in memory: its owner (4 bytes), then room for its entries.
using Row = char*;

inline std::uint32_t owner_of(Row row) {
  std::uint32_t owner = 0;
  std::memcpy(&owner, row, sizeof(owner));
  return owner;
}
inline HistoryEntry* entries_of(Row row) {
  return reinterpret_cast<HistoryEntry*>(row + sizeof(std::uint32_t));
}

class RowPool {
 public:
  explicit RowPool(std::uint32_t max_entries);
  ~RowPool();
  RowPool(const RowPool&) = delete;
  RowPool& operator=(const RowPool&) = delete;

  // The smallest size that holds `entries` (1..max_entries).
  std::uint8_t size_for(std::uint32_t entries) const { return size_for_[entries]; }
  std::uint32_t capacity(std::uint8_t size) const { return sizes_[size].capacity; }
  std::uint32_t row_bytes(std::uint8_t size) const { return sizes_[size].stride; }

  Row allocate(std::uint8_t size, std::uint32_t owner);
  // Gives `row` back. Where another row was moved into its place this is `row` again, now
  // with that row's owner, who must be told; nullptr where none was moved.
  [[nodiscard]] Row release(std::uint8_t size, Row row);
  // Gives back everything at once.
  void clear();

  std::uint64_t live_bytes() const { return live_bytes_; }          // of rows in use
  std::uint64_t reserved_bytes() const { return reserved_bytes_; }  // taken from the system

 private:
  static constexpr std::size_t kPageBytes = 32 << 10;
  static constexpr std::size_t kBlockBytes = 2 << 20;

  struct Size {
    std::uint32_t capacity = 0;  // entries
    std::uint32_t stride = 0;    // bytes of one row
    std::uint32_t per_page = 0;  // rows
    std::uint64_t rows = 0;      // in use: dense in `pages`
    std::vector<char*> pages;    // just as many as `rows` needs
  };

  Row at(const Size& size, std::uint64_t index) const {
    return size.pages[index / size.per_page] + (index % size.per_page) * size.stride;
  }
  char* take_page();

  std::vector<Size> sizes_;
  std::array<std::uint8_t, 256> size_for_{};
  std::vector<char*> free_pages_;
  std::vector<char*> blocks_;  // what free() gets
  std::uint64_t live_bytes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
};

}  // namespace vitrine::profile::internal
