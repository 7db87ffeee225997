// One comparison, bound to a column: how to test a row, and which rows can pass at all.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "domain/catalog/catalog.h"

namespace vitrine::filter {

using catalog::Code;
using catalog::Row;

// Codes of one dictionary: a few side by side, more as one bit each.
class CodeSet {
 public:
  void add(Code code);
  void finish();  // after the last add
  bool contains(Code code) const {
    if (bits_.empty()) {
      for (const Code own : codes_) {
        if (own == code) return true;
      }
      return false;
    }
    return code / 64 < bits_.size() && ((bits_[code / 64] >> (code % 64)) & 1) != 0;
  }
  const std::vector<Code>& codes() const { return codes_; }

 private:
  static constexpr std::size_t kFewMax = 8;
  std::vector<Code> codes_;  // never kNoCode
  std::vector<std::uint64_t> bits_;
};

// Which numbers, times or rows are in an `in (...)`: sorted.
template <class T>
struct SortedSet {
  std::vector<T> values;
  bool contains(T value) const;
};

struct Leaf {
  // True if the listed row passes. Never asked for rows outside the catalog.
  using Test = bool (*)(const Leaf&, Row);
  // Keeps the rows that pass (in place), gives their number.
  using Filter = std::size_t (*)(const Leaf&, Row*, std::size_t);

  Test test = nullptr;
  Filter filter = nullptr;
  bool negated = false;   // the result is turned round by whoever calls test and filter
  std::uint8_t cost = 1;  // tests of the same `and` are done cheapest first

  const catalog::Catalog* catalog = nullptr;
  const catalog::Column* column = nullptr;
  const catalog::TimeColumn* times = nullptr;
  std::uint32_t attribute = 0;  // for `has`, and whether a list is there
  Code code = catalog::kNoCode;
  bool flag = false;
  double number = 0;
  TimeUs time = 0;
  std::string_view text;  // in the ParsedFilter
  CodeSet codes;
  SortedSet<double> numbers;
  SortedSet<TimeUs> time_set;
  SortedSet<Row> rows;
  std::vector<std::string_view> texts;

  // What the planner knows: if `indexed`, the passing rows are exactly the union of `postings`,
  // `bitmap`, `ranges` and `rows` (rows only if rows_are_index). All of them listed. If
  // `complement`, they are all other listed rows.
  bool indexed = false;
  bool complement = false;
  // Of several ranges in one `and`: one leaf is `merged` and names the rows that are in all of
  // them, which is more than its own test says; the others are `covered` by it.
  bool merged = false;
  bool covered = false;
  bool rows_are_index = false;
  std::vector<const catalog::Posting*> postings;
  const Roaring* bitmap = nullptr;
  const catalog::RowBits* bits = nullptr;               // the same as bitmap
  const catalog::OrderedRows<double>* order = nullptr;  // what `ranges` are of
  std::vector<catalog::OrderedRows<double>::Range> ranges;
  std::uint64_t bound = 0;  // not below the number of passing rows; set when indexed
};

}  // namespace vitrine::filter
