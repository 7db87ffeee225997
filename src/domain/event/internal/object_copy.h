// Bounded copies of what a sender put into an object of an event: as JSON without blanks between
// tokens, at most kObjectBytesMax long and kObjectDepthMax deep, in UTF-8, each name in an object
// once.
//
// False: `why` says what is wrong, with the name of `field`, one of kTransaction to kProperties.
// What stands behind `out` is then of no use.
#pragma once

#include <string>
#include <string_view>

#include "domain/event/event_json.h"
#include "domain/event/internal/event_fields.h"

namespace vitrine::event::internal {

// Appends `value`, an object, to `out`.
bool copy_object(Field field, const simdjson::dom::element& value, std::string& out,
                 Rejection& why);
// Appends `"key":value` to `members`, with a comma in front where it is not the first.
bool copy_member(Field field, std::string_view key, const simdjson::dom::element& value,
                 std::string& members, Rejection& why);

bool too_large(Field field, Rejection& why);

}  // namespace vitrine::event::internal
