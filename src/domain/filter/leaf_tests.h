// The tests that a Leaf can do, one struct each: static bool test(const Leaf&, Row).
//
// A missing attribute fails each of them: NaN compares false with everything, and the others look.
#pragma once

#include <algorithm>
#include <functional>

#include "domain/filter/leaf.h"

namespace vitrine::filter {

template <class T>
std::size_t filter_rows(const Leaf& leaf, Row* rows, std::size_t count) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Row row = rows[i];
    rows[kept] = row;
    // Without a branch: about every second row passes in the worst case, which nothing can predict.
    kept += T::test(leaf, row) != leaf.negated ? 1 : 0;
  }
  return kept;
}

template <class T>
void use_test(Leaf& leaf, std::uint8_t cost) {
  leaf.test = &T::test;
  leaf.filter = &filter_rows<T>;
  leaf.cost = cost;
}

namespace tests {

using catalog::BooleanColumn;

using catalog::kNoCode;
using catalog::ListColumn;
using catalog::NumberColumn;
using catalog::StringColumn;
using catalog::TextColumn;
using catalog::TimeColumn;

struct Never {
  static bool test(const Leaf&, Row) { return false; }
};
struct Has {
  static bool test(const Leaf& l, Row row) {
    return l.catalog->has_attribute(ItemIndex{row}, l.attribute);
  }
};
struct Listed {  // what every item has: item_id, in_stock, created, updated
  static bool test(const Leaf&, Row) { return true; }
};
struct InStock {
  static bool test(const Leaf& l, Row row) { return l.catalog->in_stock(ItemIndex{row}) == l.flag; }
};
struct Boolean {
  static bool test(const Leaf& l, Row row) {
    return std::get_if<BooleanColumn>(l.column)->at(row) ==
           (l.flag ? BooleanColumn::kTrue : BooleanColumn::kFalse);
  }
};

struct StringIs {
  static bool test(const Leaf& l, Row row) {
    return std::get_if<StringColumn>(l.column)->code(row) == l.code && l.code != kNoCode;
  }
};
struct StringIn {
  static bool test(const Leaf& l, Row row) {
    return l.codes.contains(std::get_if<StringColumn>(l.column)->code(row));
  }
};
struct StringNotIn {
  static bool test(const Leaf& l, Row row) {
    const Code code = std::get_if<StringColumn>(l.column)->code(row);
    return code != kNoCode && !l.codes.contains(code);
  }
};

struct ListIn {
  static bool test(const Leaf& l, Row row) {
    for (const Code code : std::get_if<ListColumn>(l.column)->codes(row)) {
      if (l.codes.contains(code)) return true;
    }
    return false;
  }
};
struct ListNotIn {
  static bool test(const Leaf& l, Row row) { return Has::test(l, row) && !ListIn::test(l, row); }
};
struct ListStartsWith {
  static bool test(const Leaf& l, Row row) {
    const auto& column = *std::get_if<ListColumn>(l.column);
    for (const Code code : column.codes(row)) {
      if (column.dictionary().value(code).starts_with(l.text)) return true;
    }
    return false;
  }
};

template <class Compare>
struct Number {
  static bool test(const Leaf& l, Row row) {
    return Compare{}(std::get_if<NumberColumn>(l.column)->at(row), l.number);
  }
};
struct NumberNot {
  static bool test(const Leaf& l, Row row) {
    const double value = std::get_if<NumberColumn>(l.column)->at(row);
    return value == value && value != l.number;
  }
};
struct NumberIn {
  static bool test(const Leaf& l, Row row) {
    const double value = std::get_if<NumberColumn>(l.column)->at(row);
    return value == value && l.numbers.contains(value);
  }
};
struct NumberNotIn {
  static bool test(const Leaf& l, Row row) {
    const double value = std::get_if<NumberColumn>(l.column)->at(row);
    return value == value && !l.numbers.contains(value);
  }
};

template <class Compare>
struct Times {
  static bool test(const Leaf& l, Row row) {
    const TimeUs value = l.times->at(row);
    return value != TimeColumn::kAbsent && Compare{}(value, l.time);
  }
};
struct TimeIn {
  static bool test(const Leaf& l, Row row) { return l.time_set.contains(l.times->at(row)); }
};
struct TimeNotIn {
  static bool test(const Leaf& l, Row row) {
    const TimeUs value = l.times->at(row);
    return value != TimeColumn::kAbsent && !l.time_set.contains(value);
  }
};

struct IdIn {
  static bool test(const Leaf& l, Row row) { return l.rows.contains(row); }
};
struct IdNotIn {
  static bool test(const Leaf& l, Row row) { return !l.rows.contains(row); }
};

// Where a string of a row comes from; empty data() where there is none.
struct FromId {
  static std::string_view get(const Leaf& l, Row row) { return l.catalog->item_id(ItemIndex{row}); }
};
struct FromString {
  static std::string_view get(const Leaf& l, Row row) {
    const auto& column = *std::get_if<StringColumn>(l.column);
    const Code code = column.code(row);
    return code == kNoCode ? std::string_view() : column.dictionary().value(code);
  }
};
struct FromText {
  static std::string_view get(const Leaf& l, Row row) {
    return std::get_if<TextColumn>(l.column)->at(row);
  }
};
template <class From>
struct Contains {
  static bool test(const Leaf& l, Row row) {
    const std::string_view value = From::get(l, row);
    return value.data() != nullptr && value.find(l.text) != std::string_view::npos;
  }
};
template <class From>
struct StartsWith {
  static bool test(const Leaf& l, Row row) {
    const std::string_view value = From::get(l, row);
    return value.data() != nullptr && value.starts_with(l.text);
  }
};
struct TextIn {
  static bool test(const Leaf& l, Row row) {
    const std::string_view value = FromText::get(l, row);
    return value.data() != nullptr && std::binary_search(l.texts.begin(), l.texts.end(), value);
  }
};
struct TextNotIn {
  static bool test(const Leaf& l, Row row) {
    const std::string_view value = FromText::get(l, row);
    return value.data() != nullptr && !std::binary_search(l.texts.begin(), l.texts.end(), value);
  }
};

}  // namespace tests
}  // namespace vitrine::filter
