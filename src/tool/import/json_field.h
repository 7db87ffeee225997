// Reads a field of a JSON object where it is there and of the right type.
#pragma once

#include <string_view>

#include "platform/codec/json_parse.h"

namespace vitrine::importer {

// False, and `out` as it was, if `object` is none, lacks the field, or holds another type there.
template <class T>
bool read_field(simdjson::dom::element object, std::string_view name, T& out) {
  T value{};
  if (object[name].get(value) != simdjson::SUCCESS) return false;
  out = value;
  return true;
}

}  // namespace vitrine::importer
