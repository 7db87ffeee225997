// Numbers that every thread adds to without sharing a cache line or locking the bus.
//
// A number is an index. Each thread has its own slab, an array of cells by that index, in chunks
// that are made on first use; only its thread writes it, so an addition is a relaxed load and a
// relaxed store. Readers sum one index over all slabs. When a thread ends its slab, with its
// contents, goes to the next new thread, so nothing is lost and memory follows the largest
// number of threads at a time.
//
// Measured against the alternative (one padded atomic per number, lock xadd): 5 ns alone
// and over 50 ns when two threads share it, against about 1 ns here in both cases.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace vitrine::obs::internal {

using Cell = std::atomic<std::uint64_t>;

inline constexpr std::size_t kChunkCells = 512;  // 4 KiB
inline constexpr std::size_t kChunks = 2048;     // 1 M cells

struct Slab {
  std::array<std::atomic<Cell*>, kChunks> chunks{};
  Slab* next = nullptr;  // all slabs ever made
  bool in_use = false;   // guarded by the store's mutex

  Cell* add_chunk(std::size_t chunk);
};

extern thread_local constinit Slab* own_slab;
Slab* attach_slab();

inline Cell& own_cell(std::size_t index) {
  Slab* slab = own_slab;
  if (slab == nullptr) [[unlikely]]
    slab = attach_slab();
  Cell* chunk = slab->chunks[index / kChunkCells].load(std::memory_order_relaxed);
  if (chunk == nullptr) [[unlikely]]
    chunk = slab->add_chunk(index / kChunkCells);
  return chunk[index % kChunkCells];
}

// Owns `size` neighbouring numbers, all zero at first.
class CellRange {
 public:
  explicit CellRange(std::size_t size);
  ~CellRange();
  CellRange(const CellRange&) = delete;
  CellRange& operator=(const CellRange&) = delete;

  void add(std::size_t i, std::uint64_t n) const {
    Cell& cell = own_cell(first_ + i);
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t sum(std::size_t i) const;

 private:
  std::size_t first_;
  std::size_t size_;
};

}  // namespace vitrine::obs::internal
