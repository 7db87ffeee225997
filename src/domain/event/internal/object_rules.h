// The few members of the objects that must have a shape: page.url, page.referrer, context.locale,
// context.timezone and context.consent. The rest of the objects is not looked at.
#pragma once

#include "domain/event/event_json.h"
#include "domain/event/internal/event_fields.h"

namespace vitrine::event::internal {

// `object` is a JSON object, given as `field`. False: `why` names the member.
bool check_object(Field field, const simdjson::dom::element& object, Rejection& why);

// Is there a member `key` that is a text, not empty?
bool has_text(const simdjson::dom::element& object, std::string_view key);

}  // namespace vitrine::event::internal
