// Messages of another system as events of this one, ready for the Collector, and as changes of
// users, ready for the log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/event/event_json.h"
#include "domain/person/person.h"

namespace vitrine::facade {

// A message, or a part of one, that was understood and means nothing here.
struct Ignored {
  std::uint32_t index = 0;  // of the message in the request, from 0
  std::string reason;
};

// What a message says about a user. A patch describes the user where nothing has yet.
struct PersonChange {
  std::uint32_t index = 0;  // of the message; one message may make several
  std::uint32_t line = 0;   // it comes before this line of events
  std::variant<person::Merge, person::ConsentChange, person::UserPatch> what;
  // A visitor that is another user's already is no error, as for an event with both ids.
  bool may_be_elsewhere = false;
};

// A message that can't be taken; `error` has a reason.
struct Refused {
  std::uint32_t index = 0;
  Error error;
};

// Each message is the origin of one line, or has changes, or is refused, or is ignored; one that
// has changes may have parts that are ignored. All are in the order of messages.
struct Translation {
  std::string events;                 // NDJSON: one event a line, as EventReader reads them
  std::vector<std::uint32_t> origin;  // of line i: the message it was made from
  std::vector<PersonChange> people;
  std::vector<Refused> refused;
  std::vector<Ignored> ignored;
  std::uint32_t messages = 0;
};

struct TranslationContext {
  // The types the tenant declared; none if null.
  const event::TypeNames* custom_types = nullptr;
  // Unpredictable, another one for each request: ids of messages that came without one are made
  // from it.
  std::string_view salt;
  // The key may describe users: attributes are taken. Otherwise they are ignored, and said to be.
  bool describes_users = false;
};

}  // namespace vitrine::facade
