// Any text is a list or refused with the number of a line; a list that is written again is the
// same.
#include <cstddef>
#include <cstdint>

#include "service/privacy/erasure_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::privacy;
  const auto list = parse_erasures({reinterpret_cast<const char*>(data), size});
  if (!list.ok()) {
    if (list.error().message().find("line ") == std::string::npos) __builtin_trap();
    return 0;
  }
  const auto again = parse_erasures(erasures_text(*list));
  if (!again.ok() || *again != *list) __builtin_trap();
  return 0;
}
