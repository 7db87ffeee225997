// Any body is translated or refused with a reason; each line is one event or is rejected as one,
// and each message is accounted for exactly once.
#include <string>
#include <string_view>
#include <vector>

#include "domain/event/event_json.h"
#include "edge/facade/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  if (size == 0) return 0;
  static event::EventReader reader;
  const auto call = static_cast<facade::SegmentCall>(data[0] % 7);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto out =
      facade::translate_segment(call, body, 0, {nullptr, "salt", (data[0] & 128) != 0});
  if (!out.ok()) {
    if (out.error().reason().empty()) __builtin_trap();
    return 0;
  }
  std::vector<int> lines_of(out->messages), changes_of(out->messages), others_of(out->messages);
  for (const auto index : out->origin) ++lines_of.at(index);
  for (const auto& change : out->people) ++changes_of.at(change.index);
  for (const auto& refused : out->refused) ++others_of.at(refused.index);
  for (const auto& ignored : out->ignored) {
    if (changes_of.at(ignored.index) == 0) ++others_of.at(ignored.index);
  }
  for (std::size_t i = 0; i < out->messages; ++i) {
    const int fates = lines_of[i] + others_of[i] + (changes_of[i] > 0 ? 1 : 0);
    if (fates != 1) __builtin_trap();
  }
  std::string_view rest = out->events;
  std::size_t lines = 0;
  event::Event event;
  event::Rejection why;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) __builtin_trap();
    const bool read = reader.read(rest.substr(0, end), 0,
                                  event::EventRules::imported(1'795'363'200'000'000), event, why);
    // What is wrong with a message must be wrong as an event, never as JSON.
    if (!read && (why.detail.empty() || why.code == event::RejectCode::kInvalidJson)) {
      __builtin_trap();
    }
    rest.remove_prefix(end + 1);
    ++lines;
  }
  if (lines != out->origin.size()) __builtin_trap();
  return 0;
}
