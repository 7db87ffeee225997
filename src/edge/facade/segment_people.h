// Segment's identify, alias and group as changes of users.
//
// - identify: with userId and anonymousId, that visitor was this user. context.consent is what the
//   user allows, as in events. traits are attributes: what they name is set, null removes, the rest
//   stays. So a message that is sent again changes nothing.
// - alias: the visitor previousId was the user userId.
// - group: groupId is the user's attribute `group`. What describes the group is nobody's attribute
//   and ignored.
// A trait's name becomes an attribute's: "firstName" is first_name. Strings, numbers, booleans,
// lists of strings and {"$time": ...} are values; of an object its own such members become
// NAME_MEMBER. Anything else of the traits is ignored. Attributes need TranslationContext::
// describes_users: a browser's key is in everybody's hands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "edge/facade/json_value.h"
#include "edge/facade/segment.h"

namespace vitrine::facade {

constexpr bool is_about_a_person(SegmentCall call) {
  return call == SegmentCall::kIdentify || call == SegmentCall::kGroup ||
         call == SegmentCall::kAlias;
}

// Adds to `out` what message `index` says. Requires is_about_a_person(call).
void translate_person(SegmentCall call, const object& message, std::uint32_t index,
                      bool describes_users, Translation& out);

// "firstName" -> "first_name", "Plan (new)" -> "plan_new"; at most 64 bytes, the rest is cut; empty
// where nothing of the name can stand in one.
std::string attribute_name_of(std::string_view name);

}  // namespace vitrine::facade
