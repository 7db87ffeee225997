// The rows of a column of numbers or times in the order of their values, so that a range is counted
// without looking at its rows.
//
// Row numbers only, in blocks of at most kBlockMax: values are read from the column. 4 to 8 bytes
// a row. add() and remove() take about a microsecond at a million rows, find O(log rows).
// The contents follow from the column; where blocks begin follows from how it was filled, and shows
// nowhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace vitrine::catalog {

// Not thread-safe: the Catalog's rule covers it. T is ordered by <, without NaN.
template <class T>
class OrderedRows {
 public:
  using Row = std::uint32_t;

  // Between rows: before entry `at` of block `block`. Valid until the next add() or remove().
  struct Place {
    std::size_t block = 0;
    std::size_t at = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Range {
    Place begin, end;
  };

  // `values[r]` is the value of row r, for all rows that are in; `row` is not in.
  void add(Row row, T value, std::span<const T> values) {
    ++size_;
    if (blocks_.empty()) {
      blocks_.push_back({value, {row}});
      return;
    }
    const std::size_t b = block_of(value, row);
    Block& block = blocks_[b];
    const auto at = lower(block, value, row, values);
    if (block.rows.size() < kBlockMax) {
      if (at == 0) block.first = value;
      block.rows.insert(block.rows.begin() + static_cast<std::ptrdiff_t>(at), row);
      return;
    }
    // Rows of one value mostly come in ascending order: a split in the middle would leave every
    // block half empty.
    const std::size_t kept = at == kBlockMax ? kBlockMax : kBlockMax / 2;
    Block upper;
    upper.rows.assign(block.rows.begin() + static_cast<std::ptrdiff_t>(kept), block.rows.end());
    block.rows.resize(kept);
    Block& to = at > kept || kept == kBlockMax ? upper : block;
    const std::size_t inside = &to == &upper ? at - kept : at;
    to.rows.insert(to.rows.begin() + static_cast<std::ptrdiff_t>(inside), row);
    upper.first = upper.rows.front() == row ? value : values[upper.rows.front()];
    if (&to == &block && inside == 0) block.first = value;
    blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(b) + 1, std::move(upper));
  }

  // `row` is in, with the value that it had in add(); `values` as there.
  void remove(Row row, T value, std::span<const T> values) {
    const std::size_t b = block_of(value, row);
    Block& block = blocks_[b];
    const auto at = lower(block, value, row, values);
    block.rows.erase(block.rows.begin() + static_cast<std::ptrdiff_t>(at));
    --size_;
    if (block.rows.empty()) {
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(b));
    } else if (at == 0) {
      block.first = values[block.rows.front()];
    } else if (b + 1 < blocks_.size() &&
               block.rows.size() + blocks_[b + 1].rows.size() <= kBlockMax / 2) {
      const auto& next = blocks_[b + 1].rows;
      block.rows.insert(block.rows.end(), next.begin(), next.end());
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(b) + 1);
    }
  }

  // Replaces everything by `rows`, in any order.
  void build(std::vector<Row> rows, std::span<const T> values) {
    std::sort(rows.begin(), rows.end(), [&](Row a, Row b) {
      return values[a] < values[b] || (!(values[b] < values[a]) && a < b);
    });
    blocks_.clear();
    size_ = rows.size();
    for (std::size_t i = 0; i < rows.size(); i += kBlockBuilt) {
      const std::size_t end = std::min(rows.size(), i + kBlockBuilt);
      blocks_.push_back(
          {values[rows[i]], std::vector<Row>(rows.begin() + static_cast<std::ptrdiff_t>(i),
                                             rows.begin() + static_cast<std::ptrdiff_t>(end))});
    }
  }

  Place begin() const { return {}; }
  Place end() const { return {blocks_.size(), 0}; }
  // Before the first row whose value is not below `value`.
  Place not_below(T value, std::span<const T> values) const {
    return find(values, [value](T own) { return own < value; });
  }
  // Before the first row whose value is above `value`.
  Place above(T value, std::span<const T> values) const {
    return find(values, [value](T own) { return !(value < own); });
  }

  std::uint64_t count(const Range& range) const {
    if (!(range.begin < range.end)) return 0;
    if (range.begin.block == range.end.block) return range.end.at - range.begin.at;
    std::uint64_t count = blocks_[range.begin.block].rows.size() - range.begin.at + range.end.at;
    for (std::size_t b = range.begin.block + 1; b < range.end.block; ++b) {
      count += blocks_[b].rows.size();
    }
    return count;
  }
  // Calls fn(span of rows) for pieces of the range.
  template <class Fn>
  void for_each(const Range& range, Fn&& fn) const {
    if (!(range.begin < range.end)) return;
    for (std::size_t b = range.begin.block; b <= range.end.block && b < blocks_.size(); ++b) {
      const auto& rows = blocks_[b].rows;
      const std::size_t from = b == range.begin.block ? range.begin.at : 0;
      const std::size_t to = b == range.end.block ? range.end.at : rows.size();
      if (from < to) fn(std::span<const Row>(rows).subspan(from, to - from));
    }
  }

  std::size_t size() const { return size_; }
  std::uint64_t memory_bytes() const {
    std::uint64_t bytes = blocks_.capacity() * sizeof(Block);
    for (const Block& block : blocks_) bytes += block.rows.capacity() * sizeof(Row);
    return bytes;
  }

 private:
  static constexpr std::size_t kBlockMax = 512;
  static constexpr std::size_t kBlockBuilt = 384;
  struct Block {
    T first{};              // value of rows.front()
    std::vector<Row> rows;  // by value, then by row; never empty
  };

  // The last block that begins at or before (value, row), or the first one.
  std::size_t block_of(T value, Row row) const {
    const auto after = std::partition_point(blocks_.begin(), blocks_.end(), [&](const Block& b) {
      return b.first < value || (!(value < b.first) && b.rows.front() <= row);
    });
    return after == blocks_.begin() ? 0 : static_cast<std::size_t>(after - blocks_.begin()) - 1;
  }
  static std::size_t lower(const Block& block, T value, Row row, std::span<const T> values) {
    const auto at = std::partition_point(block.rows.begin(), block.rows.end(), [&](Row own) {
      const T own_value = values[own];
      return own_value < value || (!(value < own_value) && own < row);
    });
    return static_cast<std::size_t>(at - block.rows.begin());
  }
  template <class Before>
  Place find(std::span<const T> values, Before&& before) const {
    const auto after = std::partition_point(blocks_.begin(), blocks_.end(),
                                            [&](const Block& b) { return before(b.first); });
    if (after == blocks_.begin()) return {};
    const auto block = after - 1;
    const auto at = std::partition_point(block->rows.begin(), block->rows.end(),
                                         [&](Row own) { return before(values[own]); });
    if (at == block->rows.end()) return {static_cast<std::size_t>(after - blocks_.begin()), 0};
    return {static_cast<std::size_t>(block - blocks_.begin()),
            static_cast<std::size_t>(at - block->rows.begin())};
  }

  std::vector<Block> blocks_;
  std::size_t size_ = 0;
};

}  // namespace vitrine::catalog
