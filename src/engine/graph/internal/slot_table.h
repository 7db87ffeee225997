// Which slot of a cache holds a row: open addressing, at most half full. Memory follows the size of
// the cache, not the number of rows (an array of all rows would cost 4 bytes for each of them).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph/access_trace.h"

namespace vitrine::graph {

class SlotTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;

  explicit SlotTable(std::uint64_t slots_max) {
    cells_.resize(cells_for(slots_max), Cell{kNone, 0});
    mask_ = cells_.size() - 1;
  }
  static std::uint64_t bytes_for(std::uint64_t slots_max) {
    return cells_for(slots_max) * sizeof(Cell);
  }

  void prefetch(RowId row) const { __builtin_prefetch(&cells_[home(row)]); }
  std::uint32_t find(RowId row) const {
    for (std::uint64_t at = home(row);; at = (at + 1) & mask_) {
      if (cells_[at].row == row) return cells_[at].slot;
      if (cells_[at].row == kNone) return kNone;
    }
  }
  // Not there yet.
  void insert(RowId row, std::uint32_t slot) {
    std::uint64_t at = home(row);
    while (cells_[at].row != kNone) at = (at + 1) & mask_;
    cells_[at] = {row, slot};
  }
  // Is there. Cells behind it move up, so that no search meets a hole.
  void erase(RowId row) {
    std::uint64_t hole = home(row);
    while (cells_[hole].row != row) hole = (hole + 1) & mask_;
    for (std::uint64_t at = (hole + 1) & mask_; cells_[at].row != kNone; at = (at + 1) & mask_) {
      if (((at - home(cells_[at].row)) & mask_) >= ((at - hole) & mask_)) {
        cells_[hole] = cells_[at];
        hole = at;
      }
    }
    cells_[hole].row = kNone;
  }

 private:
  struct Cell {
    RowId row;
    std::uint32_t slot;
  };
  static std::uint64_t cells_for(std::uint64_t slots_max) {
    std::uint64_t size = 16;
    while (size < slots_max * 2) size *= 2;
    return size;
  }
  std::uint64_t home(RowId row) const {
    return (std::uint64_t{row} * 0x9E3779B97F4A7C15ull >> 20) & mask_;
  }
  std::vector<Cell> cells_;
  std::uint64_t mask_ = 0;
};

}  // namespace vitrine::graph
