// The rules that concern more than one field: what an event of each type needs, and its size.
#pragma once

#include "domain/event/event_json.h"

namespace vitrine::event::internal {

// What reading the fields brought to light that Event does not say.
struct ReadFacts {
  bool has_time = false;
  bool has_query = false;        // search.query, or GA4's search_term
  bool has_message_id = false;   // attribution.message_id
  std::size_t object_bytes = 0;  // at least those of all objects
};

// False: something is missing, or beyond a limit. Gives the event the time of `rules` where the
// sender gave none.
bool check_whole(Event& event, const EventRules& rules, const ReadFacts& facts, Rejection& why);

}  // namespace vitrine::event::internal
