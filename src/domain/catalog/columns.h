// One attribute of all items. Which rows have a value is known to the Catalog (its presence bits);
// a column may be shorter than the catalog, and a row past its end has no value.
//
// Not thread-safe: the Catalog's rule (shared lock to read) covers them. set() replaces,
// clear() takes away; both know nothing of listed or not.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/huge_pages.h"
#include "domain/catalog/dictionary.h"
#include "domain/catalog/ordered_rows.h"
#include "domain/catalog/string_pool.h"

namespace vitrine::catalog {

using Row = std::uint32_t;

// Finite numbers; NaN says there is none.
class NumberColumn {
 public:
  static constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();
  double at(Row row) const { return row < values_.size() ? values_[row] : kAbsent; }
  void prefetch(Row row) const {
    if (row < values_.size()) __builtin_prefetch(&values_[row]);
  }
  std::span<const double> values() const { return values_; }
  // All rows that have a value, in its order.
  const OrderedRows<double>& order() const { return order_; }
  void set(Row row, double value);
  void clear(Row row);
  std::uint64_t memory_bytes() const {
    return values_.capacity() * sizeof(double) + order_.memory_bytes();
  }

  // For loading: values in bulk, then the order at once.
  void load(Row row, double value) {
    if (row >= values_.size()) values_.resize(row + std::size_t{1}, kAbsent);
    values_[row] = value;
  }
  void finish_loading();

 private:
  HugeVector<double> values_;
  OrderedRows<double> order_;
};

class TimeColumn {
 public:
  static constexpr TimeUs kAbsent = std::numeric_limits<TimeUs>::min();
  TimeUs at(Row row) const { return row < values_.size() ? values_[row] : kAbsent; }
  std::span<const TimeUs> values() const { return values_; }
  void set(Row row, TimeUs value) {
    if (row >= values_.size()) values_.resize(row + std::size_t{1}, kAbsent);
    values_[row] = value;
  }
  void clear(Row row) {
    if (row < values_.size()) values_[row] = kAbsent;
  }
  std::uint64_t memory_bytes() const { return values_.capacity() * sizeof(TimeUs); }

 private:
  HugeVector<TimeUs> values_;
};

class BooleanColumn {
 public:
  enum Value : std::uint8_t { kAbsent = 0, kFalse = 1, kTrue = 2 };
  Value at(Row row) const { return row < values_.size() ? values_[row] : kAbsent; }
  const Posting& posting(bool value) const { return value ? true_ : false_; }
  void set(Row row, bool value);
  void clear(Row row);
  std::uint64_t memory_bytes() const;

 private:
  std::vector<Value> values_;
  Posting false_;
  Posting true_;
};

// Strings that repeat over items (brand, colour): a code a row.
class StringColumn {
 public:
  Code code(Row row) const { return row < codes_.size() ? codes_[row] : kNoCode; }
  void prefetch(Row row) const {
    if (row < codes_.size()) __builtin_prefetch(&codes_[row]);
  }
  const Dictionary& dictionary() const { return dictionary_; }
  // False when the dictionary is full; the row then has no value.
  bool set(Row row, std::string_view value);
  void clear(Row row);
  std::uint64_t memory_bytes() const;

  // For loading: `code` comes from dictionary().intern.
  Dictionary& loading_dictionary() { return dictionary_; }
  void load(Row row, Code code);

 private:
  HugeVector<Code> codes_;
  Dictionary dictionary_;
};

// Lists of strings: the codes of all rows in one arena, count first, but for lists of one, which
// lie in their row. Taken-away lists stay as garbage until they are half of the arena, then the
// live ones are copied together.
class ListColumn {
 public:
  // Of the first entry; kNoCode if there is no list or it is empty.
  Code first(Row row) const { return row < rows_.size() ? rows_[row].first : kNoCode; }
  void prefetch(Row row) const {
    if (row < rows_.size()) __builtin_prefetch(&rows_[row]);
  }
  std::span<const Code> codes(Row row) const {
    if (row >= rows_.size() || rows_[row].start == 0) return {};
    const std::uint32_t start = rows_[row].start;
    if (start == kAlone) return {&rows_[row].first, 1};
    return {arena_.data() + start + 1, arena_[start]};
  }
  const Dictionary& dictionary() const { return dictionary_; }
  bool set(Row row, std::span<const std::string> entries);
  void clear(Row row);
  std::uint64_t memory_bytes() const;

  Dictionary& loading_dictionary() { return dictionary_; }
  void load(Row row, std::span<const Code> codes);

 private:
  struct Place {
    Code first = kNoCode;
    // In arena_; 0: no list (arena_[0] is never used); kAlone: `first` is all of it.
    std::uint32_t start = 0;
  };
  static constexpr std::uint32_t kAlone = 0xFFFFFFFFu;
  void compact();

  HugeVector<Place> rows_;
  std::vector<std::uint32_t> arena_{0};
  std::size_t garbage_ = 0;
  Dictionary dictionary_;
};

// Strings that hardly repeat (title, url): no dictionary, no postings.
class TextColumn {
 public:
  // A view that lives until the row changes.
  std::string_view at(Row row) const {
    return row < refs_.size() ? pool_.get(refs_[row]) : std::string_view();
  }
  bool set(Row row, std::string_view value);
  void clear(Row row);
  std::uint64_t memory_bytes() const;

  // For loading: room for `size` bytes to be filled; null when the pool is full.
  char* load(Row row, std::size_t size);

 private:
  // Moves everything into a fresh pool when more than half of it, and 4 MiB, is free.
  void compact_if_worth_it();

  std::vector<StringPool::Ref> refs_;
  StringPool pool_;
};

}  // namespace vitrine::catalog
