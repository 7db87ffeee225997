// Messages of another system as events of this one, ready for the Collector.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event/event_json.h"

namespace vitrine::facade {

// A message that was understood and means nothing here.
struct Ignored {
  std::uint32_t index = 0;  // of the message in the request, from 0
  std::string reason;
};

struct Translation {
  std::string events;                 // NDJSON: one event a line, as EventReader reads them
  std::vector<std::uint32_t> origin;  // of line i: the message it was made from
  std::vector<Ignored> ignored;
  std::uint32_t messages = 0;
};

struct TranslationContext {
  // The types the tenant declared; none if null.
  const event::TypeNames* custom_types = nullptr;
  // Unpredictable, another one for each request: ids of messages that came without one are made
  // from it.
  std::string_view salt;
};

}  // namespace vitrine::facade
