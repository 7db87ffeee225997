#include "edge/facade/table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "domain/catalog/item.h"

namespace vitrine::facade {
namespace {

std::string shown(std::string_view text) {
  constexpr std::size_t kShownBytes = 48;
  if (text.size() <= kShownBytes) return "'" + std::string(text) + "'";
  return "'" + std::string(text.substr(0, kShownBytes)) + "...'";
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<double> number_in(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

bool append_number(std::string_view text, codec::JsonWriter& json, std::string& why) {
  const auto number = number_in(text);
  if (!number) {
    why = shown(text) + " is no number";
    return false;
  }
  // Whole numbers as such: some fields take no others.
  if (*number == std::floor(*number) && std::abs(*number) < 9e15) {
    json.number(static_cast<std::int64_t>(*number));
  } else {
    json.number(*number);
  }
  return true;
}

bool append_boolean(std::string_view text, codec::JsonWriter& json, std::string& why) {
  constexpr std::array<std::string_view, 8> kTrue = {"true", "True", "TRUE", "yes",
                                                     "Yes",  "YES",  "1",    "t"};
  constexpr std::array<std::string_view, 8> kFalse = {"false", "False", "FALSE", "no",
                                                      "No",    "NO",    "0",     "f"};
  const std::string_view word = trimmed(text);
  const bool is_true = std::ranges::find(kTrue, word) != kTrue.end();
  if (!is_true && std::ranges::find(kFalse, word) == kFalse.end()) {
    why = shown(text) + " is neither true nor false";
    return false;
  }
  json.boolean(is_true);
  return true;
}

void append_list(std::string_view text, codec::JsonWriter& json) {
  json.begin_array();
  while (true) {
    const std::size_t bar = text.find('|');
    const std::string_view entry = trimmed(text.substr(0, bar));
    if (!entry.empty()) json.string(entry);
    if (bar == std::string_view::npos) break;
    text.remove_prefix(bar + 1);
  }
  json.end_array();
}

// Brings the usual written forms to RFC 3339; a number stays one. What is no time at all is found
// by who reads it.
void append_time(std::string_view text, codec::JsonWriter& json) {
  text = trimmed(text);
  if (const auto number = number_in(text)) {
    json.number(*number);
    return;
  }
  std::string out(text);
  if (out.size() == 10) {
    out += "T00:00:00Z";
  } else if (out.size() > 10 && (out[10] == ' ' || out[10] == 'T')) {
    out[10] = 'T';
    if (out.size() > 4 && out.ends_with(" UTC")) out.resize(out.size() - 4);
    const bool zoned = out.back() == 'Z' || out.find_first_of("+-", 11) != std::string::npos;
    if (!zoned) out += 'Z';
  }
  json.string(out);
}

FieldType type_of(catalog::AttributeType type) {
  switch (type) {
    case catalog::AttributeType::kString: return FieldType::kText;
    case catalog::AttributeType::kNumber: return FieldType::kNumber;
    case catalog::AttributeType::kBoolean: return FieldType::kBoolean;
    case catalog::AttributeType::kList: return FieldType::kList;
    case catalog::AttributeType::kTime: return FieldType::kTimeValue;
  }
  return FieldType::kText;
}

std::optional<FieldType> named_type(std::string_view name) {
  if (name == "string") return FieldType::kText;
  if (name == "number") return FieldType::kNumber;
  if (name == "boolean") return FieldType::kBoolean;
  if (name == "list") return FieldType::kList;
  if (name == "time") return FieldType::kTimeValue;
  return std::nullopt;
}

Status check_name(std::string_view heading, std::string_view name) {
  const Status good = catalog::check_attribute_name(name);
  if (good.ok()) return good;
  return Error(ErrorCode::kInvalidArgument,
               shown(heading) + " is no attribute name: " + good.error().message());
}

// Of "size:number" the type behind the colon; nothing where there is none.
Result<std::optional<FieldType>> type_in(std::string_view heading) {
  const std::string_view whole = trimmed(heading);
  const std::size_t colon = whole.find(':');
  if (colon == std::string_view::npos) return std::optional<FieldType>();
  const auto named = named_type(whole.substr(colon + 1));
  if (named) return named;
  return Error(ErrorCode::kInvalidArgument,
               shown(heading) + ": the type must be string, number, boolean, list or time");
}

}  // namespace

bool append_cell(FieldType type, const Cell& cell, codec::JsonWriter& json, std::string& why) {
  const bool is_list = cell.is_json && cell.text.starts_with('[');
  switch (type) {
    case FieldType::kAny:
      if (cell.is_json) {
        json.raw(cell.text);
      } else {
        json.string(cell.text);
      }
      return true;
    case FieldType::kText: json.string(cell.text); return true;
    case FieldType::kNumber: return append_number(cell.text, json, why);
    case FieldType::kBoolean: return append_boolean(cell.text, json, why);
    case FieldType::kList:
      if (is_list) {
        json.raw(cell.text);
      } else {
        append_list(cell.text, json);
      }
      return true;
    case FieldType::kTime: append_time(cell.text, json); return true;
    case FieldType::kTimeValue:
      if (cell.is_json && cell.text.starts_with('{')) {
        json.raw(cell.text);
        return true;
      }
      if (number_in(cell.text)) {
        why = shown(cell.text) + " is a number; a time of an item is written out";
        return false;
      }
      json.begin_object().key("$time");
      append_time(cell.text, json);
      json.end_object();
      return true;
  }
  return false;
}

Result<ItemField> item_field(std::string_view heading, FieldType untyped) {
  const std::string_view whole = trimmed(heading);
  const std::string_view name = whole.substr(0, whole.find(':'));
  if (name != "id") VITRINE_TRY(check_name(heading, name));
  ItemField out{std::string(name == "id" ? "item_id" : name), untyped};
  const auto* known = catalog::find_known_attribute(catalog::canonical_name(out.name));
  if (known != nullptr) out.type = type_of(known->type);
  if (out.name == "item_id") out.type = FieldType::kText;
  VITRINE_TRY(const auto named, type_in(heading));
  if (!named) return out;
  if ((known != nullptr || out.name == "item_id") && *named != out.type) {
    return Error(ErrorCode::kInvalidArgument,
                 shown(heading) + ": " + out.name + " has a type of its own");
  }
  out.type = *named;
  return out;
}

Result<ItemField> user_field(std::string_view heading, FieldType untyped) {
  const std::string_view whole = trimmed(heading);
  const std::string_view name = whole.substr(0, whole.find(':'));
  VITRINE_TRY(check_name(heading, name));
  VITRINE_TRY(const auto named, type_in(heading));
  if (name != "user_id") return ItemField{std::string(name), named.value_or(untyped)};
  if (!named) return ItemField{std::string(name), FieldType::kText};
  return Error(ErrorCode::kInvalidArgument, shown(heading) + ": user_id has a type of its own");
}

}  // namespace vitrine::facade
