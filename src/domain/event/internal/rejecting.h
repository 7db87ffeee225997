// How the parts of the reader say that something is wrong: each takes the Rejection to fill last,
// and returns what these return, false. None of it runs for an event that is right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "domain/event/event_json.h"
#include "domain/event/internal/event_fields.h"

namespace vitrine::event::internal {

bool reject(RejectCode code, std::string detail, Rejection& why);
// `wanted` with its article: "a string".
bool wrong_type(std::string_view where, std::string_view wanted, const simdjson::dom::element& got,
                Rejection& why);
bool missing(std::string_view what, Rejection& why);
bool given_twice(std::string_view name, Rejection& why);

// "a string", "null", ...: what `value` is.
std::string_view type_name(const simdjson::dom::element& value);
// Text a stranger sent in quotes, cut to 48 bytes, short enough for an answer.
std::string shown(std::string_view text);

// The fields of an object that have been read.
class SeenFields {
 public:
  // Marks a field as seen; false if it was before.
  bool once(Field field, Rejection& why) {
    const std::uint32_t bit = 1u << field;
    if ((bits_ & bit) != 0) return given_twice(kFieldNames[field], why);
    bits_ |= bit;
    return true;
  }

 private:
  std::uint32_t bits_ = 0;
};
static_assert(kNoField <= 32);

}  // namespace vitrine::event::internal
