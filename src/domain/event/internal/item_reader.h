// items[] of an event: which items it is about, in our names of fields or GA4's.
#pragma once

#include <vector>

#include "domain/event/event_json.h"

namespace vitrine::event::internal {

// Appends the entries of `value` to `out`, at most kItemsMax. False: `why` names the entry.
bool read_items(const simdjson::dom::element& value, std::vector<EventItem>& out, Rejection& why);

}  // namespace vitrine::event::internal
