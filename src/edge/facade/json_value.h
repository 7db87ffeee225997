// What the translators need of JSON: values taken loosely where other systems are loose.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "platform/codec/json_writer.h"

namespace vitrine::facade {

using simdjson::dom::element;
using simdjson::dom::object;

// The member `key`; nothing if it is absent or null.
std::optional<element> member(const object& of, std::string_view key);
std::optional<object> object_member(const object& of, std::string_view key);

// A string that is not empty, or a whole number as its digits.
std::optional<std::string> id_text(const element& value);
std::optional<std::string> id_member(const object& of, std::string_view key);

// A number, or a string that is one from its first character to its last ("18.99").
std::optional<double> number_value(const element& value);
std::optional<double> number_member(const object& of, std::string_view key);

// Copies a value as it is. Bounded by the depth that codec::JsonParser lets through.
void copy_object(const object& value, codec::JsonWriter& json);
void copy_value(const element& value, codec::JsonWriter& json);

}  // namespace vitrine::facade
