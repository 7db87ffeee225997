#include "domain/event/internal/rejecting.h"

#include <simdjson.h>

namespace vitrine::event::internal {

using simdjson::dom::element_type;

bool reject(RejectCode code, std::string detail, Rejection& why) {
  why.code = code;
  why.detail = std::move(detail);
  return false;
}

bool wrong_type(std::string_view where, std::string_view wanted, const simdjson::dom::element& got,
                Rejection& why) {
  return reject(RejectCode::kWrongType,
                std::string(where) + " must be " + std::string(wanted) + ", this is " +
                    std::string(type_name(got)),
                why);
}

bool missing(std::string_view what, Rejection& why) {
  return reject(RejectCode::kMissingField, std::string(what), why);
}

bool given_twice(std::string_view name, Rejection& why) {
  return reject(RejectCode::kDuplicateField, std::string(name) + " is given twice", why);
}

std::string_view type_name(const simdjson::dom::element& value) {
  switch (value.type()) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShownBytes = 48;
  if (text.size() <= kShownBytes) return "'" + std::string(text) + "'";
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return "'" + std::string(text.substr(0, end)) + "...'";
}

}  // namespace vitrine::event::internal
