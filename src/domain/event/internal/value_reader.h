// Single values of an event, each with its type and range. False: `why` says what is wrong, with
// `where` as the name of the field. Strings are views into the document.
#pragma once

#include <optional>
#include <string_view>

#include <simdjson.h>

#include "domain/event/event_json.h"

namespace vitrine::event::internal {

// Text of 1..bytes_max bytes that is what it looks like (platform/codec/plain_text.h).
bool read_id(const simdjson::dom::element& value, std::string_view where, std::size_t bytes_max,
             std::string_view& out, Rejection& why);
// A built-in type, one of `custom` (may be null), or one by its name in another vocabulary.
// Sets type and, where it is the tenant's own, custom_type.
bool read_type(const simdjson::dom::element& value, const TypeNames* custom, Event& out,
               Rejection& why);
// RFC 3339, or seconds or milliseconds since 1970; rules.oldest..rules.newest.
bool read_time(const simdjson::dom::element& value, const EventRules& rules, TimeUs& out,
               Rejection& why);
// Three capital letters.
bool read_currency(const simdjson::dom::element& value, std::string_view& out, Rejection& why);
// An integer, 0..kListPositionMax.
bool read_position(const simdjson::dom::element& value, std::string_view where, std::int32_t& out,
                   Rejection& why);
// 0..maximum, no -0.
bool read_amount(const simdjson::dom::element& value, std::string_view where, double maximum,
                 double& out, Rejection& why);
bool read_amount(const simdjson::dom::element& value, std::string_view where, double maximum,
                 std::optional<double>& out, Rejection& why);

// Tags fill in what they don't know as "".
inline bool is_blank(const simdjson::dom::element& value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS && text.empty();
}

}  // namespace vitrine::event::internal
