// Any bytes are refused or read as a change that encodes to the same bytes; whatever changes come,
// the registry survives being saved and loaded.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "domain/model/registry.h"

using namespace vitrine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto change = model::decode_change(bytes);
  if (change.ok()) {
    std::string text;
    ByteWriter out(text);
    model::encode_change(*change, out);
    const auto again = model::decode_change(text);
    if (!again.ok() || !(*again == *change)) __builtin_trap();
  }
  model::Registry registry;
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const auto action = static_cast<model::Action>(1 + data[i] % 4);
    registry.apply({action, "m" + std::to_string(data[i + 1]), {}}, i, static_cast<TimeUs>(i));
  }
  StringSink sink;
  registry.save(sink);
  StringSource source(sink.bytes());
  model::Registry loaded;
  if (!loaded.load(source).ok() || !(loaded == registry)) __builtin_trap();
  StringSource hostile(bytes);
  (void)model::Registry().load(hostile);
  return 0;
}
