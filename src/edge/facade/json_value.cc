#include "edge/facade/json_value.h"

#include <charconv>
#include <cmath>

namespace vitrine::facade {

using simdjson::dom::element_type;

std::optional<element> member(const object& of, std::string_view key) {
  element value;
  if (of.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

std::optional<object> object_member(const object& of, std::string_view key) {
  object value;
  if (of.at_key(key).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<std::string> id_text(const element& value) {
  if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
    if (text.empty()) return std::nullopt;
    return std::string(text);
  }
  if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS) {
    return std::to_string(number);
  }
  if (std::uint64_t number = 0; value.get(number) == simdjson::SUCCESS) {
    return std::to_string(number);
  }
  return std::nullopt;
}

std::optional<std::string> id_member(const object& of, std::string_view key) {
  const auto value = member(of, key);
  return value ? id_text(*value) : std::nullopt;
}

std::optional<double> number_value(const element& value) {
  double number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS || text.empty()) return std::nullopt;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

std::optional<double> number_member(const object& of, std::string_view key) {
  const auto value = member(of, key);
  return value ? number_value(*value) : std::nullopt;
}

void copy_object(const object& value, codec::JsonWriter& json) {  // NOLINT(misc-no-recursion)
  json.begin_object();
  for (const auto field : value) {
    json.escaped_key(field.key);
    copy_value(field.value, json);
  }
  json.end_object();
}

void copy_value(const element& value, codec::JsonWriter& json) {  // NOLINT(misc-no-recursion)
  switch (value.type()) {
    case element_type::OBJECT: {
      const object of = value.get_object().value_unsafe();
      copy_object(of, json);
      break;
    }
    case element_type::ARRAY: {
      json.begin_array();
      const simdjson::dom::array entries = value.get_array().value_unsafe();
      for (const auto entry : entries) copy_value(entry, json);
      json.end_array();
      break;
    }
    case element_type::STRING: json.string(value.get_string().value_unsafe()); break;
    case element_type::INT64: json.number(value.get_int64().value_unsafe()); break;
    case element_type::UINT64: json.number(value.get_uint64().value_unsafe()); break;
    case element_type::DOUBLE: json.number(value.get_double().value_unsafe()); break;
    case element_type::BOOL: json.boolean(value.get_bool().value_unsafe()); break;
    case element_type::NULL_VALUE: json.null(); break;
  }
}

}  // namespace vitrine::facade
