#include "domain/filter/leaf_binder.h"

#include <algorithm>
#include <optional>

#include "base/edit_distance.h"
#include "domain/catalog/time_text.h"
#include "domain/filter/leaf_tests.h"
#include "domain/filter/lexer.h"

namespace vitrine::filter {

namespace {

using catalog::AttributeType;
using catalog::Catalog;
using catalog::Dictionary;
using catalog::Field;
using catalog::FieldKind;

std::string near_names(const Catalog& catalog, std::string_view wrong) {
  constexpr std::size_t kDistanceMax = 2;
  constexpr std::size_t kNamesMax = 3;
  std::vector<std::pair<std::size_t, std::string_view>> near;
  wrong = wrong.substr(0, catalog::kAttributeNameBytesMax + kDistanceMax + 1);  // longer: not near
  for (const std::string_view name : catalog.field_names()) {
    std::size_t distance = edit_distance(name, wrong);
    if (name.starts_with(wrong) || wrong.starts_with(name))
      distance = std::min<std::size_t>(distance, 2);
    if (distance <= kDistanceMax && distance < std::max(name.size(), wrong.size()))
      near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  std::string out;
  for (std::size_t i = 0; i < std::min(near.size(), kNamesMax); ++i) {
    out += (i == 0 ? "" : ", ") + std::string(near[i].second);
  }
  return out;
}

std::string_view possible_operators(AttributeType type) {
  switch (type) {
    case AttributeType::kString: return "=, !=, in, not in, contains, starts_with, has";
    case AttributeType::kNumber: return "=, !=, <, <=, >, >=, in, not in, has";
    case AttributeType::kBoolean: return "=, !=, in, not in, has, or the name alone";
    case AttributeType::kList: return "=, !=, in, not in, contains, starts_with, has";
    case AttributeType::kTime: return "=, !=, <, <=, >, >=, in, not in, has";
  }
  return "";
}

std::string_view possible_values(AttributeType type) {
  switch (type) {
    case AttributeType::kString:
    case AttributeType::kList: return "a text in quotes";
    case AttributeType::kNumber: return "a number";
    case AttributeType::kBoolean: return "true or false";
    case AttributeType::kTime: return "a time such as \"2026-11-22T16:10:43Z\" or now() - 7d";
  }
  return "";
}

std::string_view literal_name(const Literal& literal) {
  switch (literal.index()) {
    case 0: return "a text";
    case 1: return "a number";
    case 2: return "true or false";
    default: return "a time";
  }
}

class LeafBinder {
 public:
  LeafBinder(const Comparison& comparison, const Catalog& catalog, TimeUs now)
      : in_(comparison), catalog_(catalog), now_(now) {}

  Result<Leaf> bind() {
    const auto field = catalog_.find_field(in_.field);
    if (!field) return unknown();
    field_ = *field;
    leaf_.catalog = &catalog_;
    leaf_.column = field_.column;
    leaf_.times = field_.time;
    if (field_.column != nullptr && field_.type == AttributeType::kTime) {
      leaf_.times = std::get_if<catalog::TimeColumn>(field_.column);
    }
    leaf_.attribute = field_.attribute;
    if (in_.op == Operator::kHas) {
      bind_has();
      return std::move(leaf_);
    }
    switch (field_.type) {
      case AttributeType::kString:
      case AttributeType::kList: VITRINE_TRY(bind_texts()); break;
      case AttributeType::kNumber: VITRINE_TRY(bind_number()); break;
      case AttributeType::kBoolean: VITRINE_TRY(bind_boolean()); break;
      case AttributeType::kTime: VITRINE_TRY(bind_time()); break;
    }
    return std::move(leaf_);
  }

 private:
  Error unknown() const {
    const std::string near = near_names(catalog_, in_.field);
    return error_at(*in_.source, in_.field_offset,
                    "no item has an attribute \"" + in_.field + "\"" +
                        (near.empty() ? std::string() : "; near names: " + near),
                    kUnknownAttribute);
  }
  Error wrong_operator() const {
    const std::string what = in_.field + " is a " + std::string(attribute_type_name(field_.type));
    if (in_.op == Operator::kIsTrue) {
      return error_at(*in_.source, in_.field_offset,
                      what + " and can't stand alone; possible are " +
                          std::string(possible_operators(field_.type)),
                      kType);
    }
    return error_at(*in_.source, in_.op_offset,
                    what + "; possible are " + std::string(possible_operators(field_.type)), kType);
  }
  Error wrong_value(const Value& value) const {
    return error_at(*in_.source, value.offset,
                    in_.field + " is a " + std::string(attribute_type_name(field_.type)) +
                        ": compare it with " + std::string(possible_values(field_.type)) +
                        ", not with " + std::string(literal_name(value.literal)),
                    kType);
  }

  bool negative() const { return in_.op == Operator::kNotEqual || in_.op == Operator::kNotIn; }
  bool membership() const {
    return in_.op == Operator::kEqual || in_.op == Operator::kIn || negative();
  }

  // All values as T, or the error at the first of another type.
  template <class T>
  Result<std::vector<const T*>> values() const {
    std::vector<const T*> out;
    out.reserve(in_.values.size());
    for (const Value& value : in_.values) {
      const T* typed = std::get_if<T>(&value.literal);
      if (typed == nullptr) return wrong_value(value);
      out.push_back(typed);
    }
    return out;
  }

  void bind_has() {
    if (field_.kind == FieldKind::kColumn) {
      use_test<tests::Has>(leaf_, 1);
    } else {
      use_test<tests::Listed>(leaf_, 0);
    }
  }

  // --- texts ----------------------------------------------------------------------------------

  Status bind_texts() {
    VITRINE_TRY(const auto texts, values<std::string>());
    const bool contains = in_.op == Operator::kContains;
    if (contains && field_.type == AttributeType::kList) return bind_codes(texts, false);
    if (contains || in_.op == Operator::kStartsWith) {
      leaf_.text = *texts.front();
      bind_part_of_text(contains);
      return ok_status();
    }
    if (!membership()) return wrong_operator();
    if (field_.kind == FieldKind::kItemId) return bind_ids(texts);
    if (std::holds_alternative<catalog::TextColumn>(*field_.column)) {
      for (const std::string* text : texts) leaf_.texts.push_back(*text);
      std::sort(leaf_.texts.begin(), leaf_.texts.end());
      negative() ? use_test<tests::TextNotIn>(leaf_, 8) : use_test<tests::TextIn>(leaf_, 8);
      return ok_status();
    }
    return bind_codes(texts, negative());
  }

  void bind_part_of_text(bool contains) {
    using namespace tests;
    if (field_.type == AttributeType::kList) return use_test<ListStartsWith>(leaf_, 8);
    if (field_.kind == FieldKind::kItemId) {
      return contains ? use_test<Contains<FromId>>(leaf_, 9)
                      : use_test<StartsWith<FromId>>(leaf_, 8);
    }
    if (std::holds_alternative<catalog::TextColumn>(*field_.column)) {
      return contains ? use_test<Contains<FromText>>(leaf_, 10)
                      : use_test<StartsWith<FromText>>(leaf_, 8);
    }
    return contains ? use_test<Contains<FromString>>(leaf_, 9)
                    : use_test<StartsWith<FromString>>(leaf_, 8);
  }

  Status bind_codes(const std::vector<const std::string*>& texts, bool none_of) {
    const auto* strings = std::get_if<catalog::StringColumn>(field_.column);
    const Dictionary& dictionary = strings != nullptr
                                       ? strings->dictionary()
                                       : std::get<catalog::ListColumn>(*field_.column).dictionary();
    for (const std::string* text : texts) leaf_.codes.add(dictionary.find(*text));
    leaf_.codes.finish();
    if (none_of) {
      strings != nullptr ? use_test<tests::StringNotIn>(leaf_, 2)
                         : use_test<tests::ListNotIn>(leaf_, 4);
      return ok_status();
    }
    leaf_.indexed = true;
    for (const Code code : leaf_.codes.codes()) {
      leaf_.postings.push_back(&dictionary.posting(code));
      leaf_.bound += dictionary.posting(code).size();
    }
    if (leaf_.codes.codes().empty()) {
      use_test<tests::Never>(leaf_, 0);
    } else if (strings == nullptr) {
      use_test<tests::ListIn>(leaf_, 3);
    } else if (leaf_.codes.codes().size() == 1) {
      leaf_.code = leaf_.codes.codes().front();
      use_test<tests::StringIs>(leaf_, 1);
    } else {
      use_test<tests::StringIn>(leaf_, 2);
    }
    return ok_status();
  }

  Status bind_ids(const std::vector<const std::string*>& texts) {
    for (const std::string* text : texts) {
      const auto item = catalog_.find(*text);
      if (item && catalog_.listed(*item)) leaf_.rows.values.push_back(item->value);
    }
    std::sort(leaf_.rows.values.begin(), leaf_.rows.values.end());
    if (negative()) {
      use_test<tests::IdNotIn>(leaf_, 3);
      return ok_status();
    }
    use_test<tests::IdIn>(leaf_, 3);
    leaf_.indexed = true;
    leaf_.rows_are_index = true;
    leaf_.bound = leaf_.rows.values.size();
    return ok_status();
  }

  // --- numbers, booleans, times -----------------------------------------------------------------

  template <template <class> class Test, class Not, class T>
  Status use_order() {
    switch (in_.op) {
      case Operator::kEqual: use_test<Test<std::equal_to<T>>>(leaf_, 1); return ok_status();
      case Operator::kNotEqual: use_test<Not>(leaf_, 1); return ok_status();
      case Operator::kLess: use_test<Test<std::less<T>>>(leaf_, 1); return ok_status();
      case Operator::kLessEqual: use_test<Test<std::less_equal<T>>>(leaf_, 1); return ok_status();
      case Operator::kGreater: use_test<Test<std::greater<T>>>(leaf_, 1); return ok_status();
      case Operator::kGreaterEqual:
        use_test<Test<std::greater_equal<T>>>(leaf_, 1);
        return ok_status();
      default: return wrong_operator();
    }
  }

  Status bind_number() {
    if (in_.op == Operator::kIsTrue || in_.op == Operator::kContains ||
        in_.op == Operator::kStartsWith) {
      return wrong_operator();
    }
    VITRINE_TRY(const auto numbers, values<double>());
    const auto& column = std::get<catalog::NumberColumn>(*field_.column);
    if (in_.op != Operator::kIn && in_.op != Operator::kNotIn) {
      leaf_.number = *numbers.front();
      VITRINE_TRY((use_order<tests::Number, tests::NumberNot, double>()));
      if (in_.op != Operator::kNotEqual) add_range(column, in_.op, leaf_.number);
      return ok_status();
    }
    auto& values = leaf_.numbers.values;
    for (const double* number : numbers) values.push_back(*number);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    if (!negative()) {
      for (const double value : values) add_range(column, Operator::kEqual, value);
    }
    negative() ? use_test<tests::NumberNotIn>(leaf_, 4) : use_test<tests::NumberIn>(leaf_, 4);
    return ok_status();
  }

  void add_range(const catalog::NumberColumn& column, Operator op, double value) {
    const auto& order = column.order();
    catalog::OrderedRows<double>::Range range{order.begin(), order.end()};
    if (op == Operator::kGreater) range.begin = order.above(value, column.values());
    if (op == Operator::kGreaterEqual || op == Operator::kEqual) {
      range.begin = order.not_below(value, column.values());
    }
    if (op == Operator::kLess) range.end = order.not_below(value, column.values());
    if (op == Operator::kLessEqual || op == Operator::kEqual) {
      range.end = order.above(value, column.values());
    }
    leaf_.indexed = true;
    leaf_.order = &order;
    leaf_.ranges.push_back(range);
    leaf_.bound += order.count(range);
  }

  Status bind_time() {
    if (in_.op == Operator::kIsTrue || in_.op == Operator::kContains ||
        in_.op == Operator::kStartsWith) {
      return wrong_operator();
    }
    for (const Value& value : in_.values) {
      if (const auto* offset = std::get_if<NowOffset>(&value.literal)) {
        leaf_.time_set.values.push_back(now_ + offset->offset_us);
      } else if (const auto* text = std::get_if<std::string>(&value.literal)) {
        auto time = catalog::parse_time(*text);
        if (!time.ok())
          return error_at(*in_.source, value.offset, in_.field + " " + time.error().message(),
                          kType);
        leaf_.time_set.values.push_back(time.value());
      } else {
        return wrong_value(value);
      }
    }
    if (in_.op != Operator::kIn && in_.op != Operator::kNotIn) {
      leaf_.time = leaf_.time_set.values.front();
      return use_order<tests::Times, tests::Times<std::not_equal_to<TimeUs>>, TimeUs>();
    }
    std::sort(leaf_.time_set.values.begin(), leaf_.time_set.values.end());
    negative() ? use_test<tests::TimeNotIn>(leaf_, 4) : use_test<tests::TimeIn>(leaf_, 4);
    return ok_status();
  }

  Status bind_boolean() {
    VITRINE_TRY(const auto named, values<bool>());
    if (in_.op != Operator::kIsTrue && !membership()) return wrong_operator();
    const auto passes = [&](bool value) {
      if (in_.op == Operator::kIsTrue) return value;
      const bool is_named =
          std::any_of(named.begin(), named.end(), [value](const bool* n) { return *n == value; });
      return is_named != negative();
    };
    if (passes(true) && passes(false)) {
      bind_has();
    } else if (passes(true) || passes(false)) {
      bind_boolean_value(passes(true));
    } else {
      use_test<tests::Never>(leaf_, 0);
      leaf_.indexed = true;
    }
    return ok_status();
  }

  void bind_boolean_value(bool value) {
    leaf_.flag = value;
    if (field_.kind == FieldKind::kInStock) {
      use_test<tests::InStock>(leaf_, 1);
      if (!value) return;
      leaf_.indexed = true;
      leaf_.bitmap = &catalog_.in_stock_items();
      leaf_.bits = &catalog_.in_stock_bits();
      leaf_.bound = leaf_.bitmap->cardinality();
      return;
    }
    use_test<tests::Boolean>(leaf_, 1);
    const auto& posting = std::get<catalog::BooleanColumn>(*field_.column).posting(value);
    leaf_.indexed = true;
    leaf_.postings.push_back(&posting);
    leaf_.bound = posting.size();
  }

  const Comparison& in_;
  const Catalog& catalog_;
  const TimeUs now_;
  Field field_;
  Leaf leaf_;
};

}  // namespace

Result<Leaf> bind_leaf(const Comparison& comparison, const Catalog& catalog, TimeUs now) {
  return LeafBinder(comparison, catalog, now).bind();
}

}  // namespace vitrine::filter
