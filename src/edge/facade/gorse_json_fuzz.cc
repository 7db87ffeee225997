// Any body is translated or refused with a reason; a good item that is given back as Gorse would
// give it can be given again and is the same item.
#include <string>
#include <string_view>

#include "domain/event/event_json.h"
#include "edge/facade/gorse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto feedback = facade::translate_gorse_feedback(body, 0);
  if (!feedback.ok() && feedback.error().reason().empty()) __builtin_trap();
  if (feedback.ok() && feedback->origin.size() + feedback->ignored.size() != feedback->messages) {
    __builtin_trap();
  }
  const auto patch = facade::translate_gorse_patch("i", body, 0);
  if (!patch.ok() && patch.error().reason().empty()) __builtin_trap();
  const auto items = facade::translate_gorse_items(body, 0);
  if (!items.ok()) return 0;
  for (const auto& item : *items) {
    if (!item.ok()) continue;
    const auto hidden = [](const catalog::Item& of) { return of.find("stock") != nullptr; };
    std::string once, twice;
    facade::append_gorse_item(item.value, !hidden(item.value), 0, once);
    const auto again = facade::translate_gorse_items(once, 0);
    if (!again.ok() || again->size() != 1 || !(*again)[0].ok()) __builtin_trap();
    facade::append_gorse_item((*again)[0].value, !hidden((*again)[0].value), 0, twice);
    if (once != twice) __builtin_trap();
  }
  return 0;
}
