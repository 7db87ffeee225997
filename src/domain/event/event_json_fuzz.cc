// Any text is read or rejected; what is accepted prints to a text that gives the same event.
#include <string>
#include <string_view>

#include "domain/event/event_codec.h"
#include "domain/event/event_json.h"
#include "platform/codec/json_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  static event::EventReader reader;
  const auto rules = event::EventRules::imported(1'795'363'200'000'000);
  event::Event event;
  event::Rejection why;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!reader.read(text, 0, rules, event, why)) {
    if (why.detail.empty()) __builtin_trap();
    return 0;
  }
  event.time_assigned = false;  // the print says the time
  std::string first, printed, second;
  event::encode_event(event, first);
  codec::JsonWriter json(printed);
  event::write_event_json(event, json);
  json.finish();
  if (!reader.read(printed, 0, rules, event, why)) __builtin_trap();
  event::encode_event(event, second);
  if (first != second) __builtin_trap();
  return 0;
}
