// Cells of tables (CSV columns, fields of foreign JSON) as values of items and events.
//
// A cell is text, or JSON where the source had a type. What it becomes is decided by the field it
// is for, never by how it looks: 42 in one row and XL in the next must not be two types.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/codec/json_writer.h"

namespace vitrine::facade {

enum class FieldType {
  kAny,  // text as a string, JSON as it is
  kText,
  kNumber,
  kBoolean,    // true false yes no 1 0
  kList,       // texts between '|'
  kTime,       // RFC 3339, "2026-11-22", "2026-11-22 16:10:43" (UTC), seconds or milliseconds
  kTimeValue,  // the same as {"$time": ...}
};

struct Cell {
  std::string_view text;
  bool is_json = false;  // `text` is a JSON value other than a string
};

// Appends the value, or says in `why` why it can't be one: "'abc' is no number".
bool append_cell(FieldType type, const Cell& cell, codec::JsonWriter& json, std::string& why);

// An attribute of an item as a column is headed: "price", "waterproof:boolean". Known attributes
// have their own type; others are text unless one of string, number, boolean, list and time is
// named (`untyped` for those without).
struct ItemField {
  std::string name;
  FieldType type = FieldType::kText;
};
// kInvalidArgument: no attribute name, an unknown type, or another type than the known one.
Result<ItemField> item_field(std::string_view heading, FieldType untyped = FieldType::kText);
// The same of a user: user_id is text, everything else an attribute without a type of its own.
Result<ItemField> user_field(std::string_view heading, FieldType untyped = FieldType::kText);

}  // namespace vitrine::facade
