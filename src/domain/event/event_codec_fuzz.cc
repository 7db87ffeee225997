// Any bytes are decoded or refused; what is decoded survives a round trip.
#include <string>
#include <string_view>

#include "domain/event/event_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::event;
  Event event;
  if (!decode_event({reinterpret_cast<const char*>(data), size}, event).ok()) return 0;
  std::string bytes;
  encode_event(event, bytes);
  Event again;
  if (!decode_event(bytes, again).ok() || !(again == event)) __builtin_trap();
  if (bytes.size() > size) __builtin_trap();  // ours is the shortest form
  return 0;
}
