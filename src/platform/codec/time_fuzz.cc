// Any text is a time or is refused; a time prints to a text that gives it back.
#include <string_view>

#include "platform/codec/time_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::codec;
  const auto time = parse_rfc3339({reinterpret_cast<const char*>(data), size});
  if (!time.ok()) return 0;
  if (time.value() < kTimeUsMin || time.value() > kTimeUsMax) __builtin_trap();
  const auto again = parse_rfc3339(format_rfc3339(time.value()));
  if (!again.ok() || again.value() != time.value()) __builtin_trap();
  return 0;
}
