#include "service/search/facets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "service/search/vocabulary.h"

namespace vitrine::search {
namespace {

using catalog::Catalog;
using catalog::Code;
using catalog::Field;
using catalog::FieldKind;

// Calls fn(row) for the matches, ascending; the `column` is asked for a row's memory
// some matches before it is read: most rows are a cache miss.
template <class Column, class Fn>
void for_each_match(std::span<const std::uint64_t> matches, const Column& column, Fn&& fn) {
  constexpr std::size_t kAhead = 16;
  std::array<std::uint32_t, kAhead> ahead;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    for (std::uint64_t word = matches[i]; word != 0; word &= word - 1) {
      const auto row =
          static_cast<std::uint32_t>(i * 64) + static_cast<std::uint32_t>(std::countr_zero(word));
      column.prefetch(row);
      std::uint32_t& place = ahead[asked % kAhead];
      if (asked++ >= kAhead) fn(place);
      place = row;
    }
  }
  for (std::size_t n = asked < kAhead ? 0 : asked - kAhead; n < asked; ++n) fn(ahead[n % kAhead]);
}

bool can_be_counted(const Field& field) {
  if (field.kind == FieldKind::kInStock) return true;
  if (field.kind != FieldKind::kColumn) return false;
  return !std::holds_alternative<catalog::TextColumn>(*field.column) &&
         !std::holds_alternative<catalog::TimeColumn>(*field.column);
}

// The attributes a facet can be made of, nearest to `wrong` first.
std::string names_near(const Catalog& catalog, std::string_view wrong) {
  std::vector<std::pair<std::uint32_t, std::string_view>> names;
  for (const std::string_view name : catalog.field_names()) {
    const auto field = catalog.find_field(name);
    if (field && can_be_counted(*field)) names.emplace_back(edit_distance(wrong, name, 4), name);
  }
  std::stable_sort(names.begin(), names.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) {
    out += (i == 0 ? "" : ", ") + std::string(names[i].second);
  }
  return out;
}

class Counter {
 public:
  explicit Counter(FacetScratch& scratch) : scratch_(scratch) {}
  void begin(std::size_t codes) {
    if (scratch_.counts.size() < codes) scratch_.counts.resize(codes, 0);
    scratch_.touched.clear();
  }
  void add(Code code) {
    if (scratch_.counts[code]++ == 0) scratch_.touched.push_back(code);
  }
  // Hands over the counts and leaves the scratch empty.
  void finish(const catalog::Dictionary& dictionary, std::uint32_t limit, FacetAnswer& out) {
    auto& touched = scratch_.touched;
    const auto before = [&](Code a, Code b) {
      const auto mine = scratch_.counts[a];
      const auto others = scratch_.counts[b];
      return mine != others ? mine > others : dictionary.value(a) < dictionary.value(b);
    };
    const std::size_t listed = std::min<std::size_t>(limit, touched.size());
    const auto middle = touched.begin() + static_cast<std::ptrdiff_t>(listed);
    const auto ties_end = candidates_end(middle);
    std::partial_sort(touched.begin(), middle, ties_end, before);
    for (std::size_t i = 0; i < listed; ++i) {
      out.values.push_back(
          {std::string(dictionary.value(touched[i])), {}, scratch_.counts[touched[i]]});
    }
    out.others = touched.size() - listed;
    for (const Code code : touched) scratch_.counts[code] = 0;
  }

 private:
  using Codes = std::vector<Code>::iterator;
  // Puts all that can be among those before `middle` in front, by counts alone: values are strings
  // far apart in memory, which only ties at the edge need.
  Codes candidates_end(Codes middle) {
    auto& touched = scratch_.touched;
    if (middle == touched.begin() || middle == touched.end()) return touched.end();
    const auto& counts = scratch_.counts;
    std::nth_element(touched.begin(), middle - 1, touched.end(),
                     [&](Code a, Code b) { return counts[a] > counts[b]; });
    const auto last = counts[*(middle - 1)];
    return std::partition(middle, touched.end(), [&](Code code) { return counts[code] == last; });
  }
  FacetScratch& scratch_;
};

void count_strings(const catalog::StringColumn& column, std::span<const std::uint64_t> matches,
                   std::uint32_t limit, FacetScratch& scratch, FacetAnswer& out) {
  Counter counter(scratch);
  counter.begin(column.dictionary().code_end());
  for_each_match(matches, column, [&](std::uint32_t row) {
    const Code code = column.code(row);
    if (code == catalog::kNoCode) return;
    ++out.with_value;
    counter.add(code);
  });
  counter.finish(column.dictionary(), limit, out);
}

void count_lists(const catalog::ListColumn& column, std::span<const std::uint64_t> matches,
                 std::uint32_t limit, FacetScratch& scratch, FacetAnswer& out) {
  Counter counter(scratch);
  counter.begin(column.dictionary().code_end());
  for_each_match(matches, column, [&](std::uint32_t row) {
    const std::span<const Code> codes = column.codes(row);
    if (!codes.empty()) ++out.with_value;
    for (const Code code : codes) counter.add(code);
  });
  counter.finish(column.dictionary(), limit, out);
}

void count_numbers(const catalog::NumberColumn& column, std::span<const std::uint64_t> matches,
                   std::span<const FacetRange> ranges, FacetAnswer& out) {
  out.numeric = true;
  for (const FacetRange& range : ranges) out.values.push_back({{}, range, 0});
  for_each_match(matches, column, [&](std::uint32_t row) {
    const double value = column.at(row);
    if (std::isnan(value)) return;
    if (out.with_value == 0) out.lowest = out.highest = value;
    ++out.with_value;
    out.lowest = std::min(out.lowest, value);
    out.highest = std::max(out.highest, value);
    for (FacetValue& entry : out.values) {
      if (entry.range.from <= value && value < entry.range.to) ++entry.count;
    }
  });
}

// Values of a bit or a byte: whatever is read brings its neighbours.
struct Nearby {
  void prefetch(std::uint32_t) const {}
};

template <class Test>
void count_truths(std::span<const std::uint64_t> matches, Test&& test, FacetAnswer& out) {
  std::uint64_t yes = 0, no = 0;
  for_each_match(matches, Nearby(), [&](std::uint32_t row) {
    const std::optional<bool> value = test(row);
    if (value) ++(*value ? yes : no);
  });
  out.with_value = yes + no;
  if (yes > 0) out.values.push_back({"true", {}, yes});
  if (no > 0) out.values.push_back({"false", {}, no});
  if (no > yes && yes > 0) std::swap(out.values[0], out.values[1]);
}

}  // namespace

Status check_facets(const Catalog& catalog, std::span<const FacetRequest> requests) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const FacetRequest& request = requests[i];
    const std::string where = "facets[" + std::to_string(i) + "]";
    const auto field = catalog.find_field(request.attribute);
    if (!field) {
      const std::string near = names_near(catalog, request.attribute);
      return Error(ErrorCode::kInvalidArgument, where + ": no item has an attribute '" +
                                                    request.attribute.substr(0, 64) +
                                                    "'; facets can be made of " + near)
          .with_reason("facet_unknown_attribute");
    }
    if (!can_be_counted(*field)) {
      return Error(ErrorCode::kInvalidArgument,
                   where + ": '" + request.attribute +
                       "' differs from item to item, so its values can't be counted; facets can "
                       "be made of " +
                       names_near(catalog, request.attribute))
          .with_reason("facet_type");
    }
    const bool number = field->kind == FieldKind::kColumn &&
                        std::holds_alternative<catalog::NumberColumn>(*field->column);
    if (!number && !request.ranges.empty()) {
      return Error(ErrorCode::kInvalidArgument,
                   where + ".ranges: '" + request.attribute + "' is no number; leave ranges out")
          .with_reason("facet_type");
    }
  }
  return ok_status();
}

void count_facets(const Catalog& catalog, std::span<const std::uint64_t> matches,
                  std::span<const FacetRequest> requests, FacetScratch& scratch,
                  std::vector<FacetAnswer>& out) {
  for (const FacetRequest& request : requests) {
    FacetAnswer& answer = out.emplace_back();
    answer.attribute = request.attribute;
    const auto field = catalog.find_field(request.attribute);
    if (field->kind == FieldKind::kInStock) {
      count_truths(
          matches,
          [&](std::uint32_t row) { return std::optional(catalog.in_stock(ItemIndex{row})); },
          answer);
    } else if (const auto* strings = std::get_if<catalog::StringColumn>(field->column)) {
      count_strings(*strings, matches, request.limit, scratch, answer);
    } else if (const auto* lists = std::get_if<catalog::ListColumn>(field->column)) {
      count_lists(*lists, matches, request.limit, scratch, answer);
    } else if (const auto* numbers = std::get_if<catalog::NumberColumn>(field->column)) {
      count_numbers(*numbers, matches, request.ranges, answer);
    } else if (const auto* truths = std::get_if<catalog::BooleanColumn>(field->column)) {
      count_truths(
          matches,
          [&](std::uint32_t row) -> std::optional<bool> {
            const auto value = truths->at(row);
            if (value == catalog::BooleanColumn::kAbsent) return std::nullopt;
            return value == catalog::BooleanColumn::kTrue;
          },
          answer);
    }
  }
}

}  // namespace vitrine::search
