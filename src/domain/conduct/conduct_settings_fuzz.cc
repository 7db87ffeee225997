// Any bytes: refused with a message, or settings that print and read back as they are.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "domain/conduct/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::conduct;
  const auto settings = parse_settings(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!settings.ok()) {
    VITRINE_CHECK(!settings.error().message().empty());
    return 0;
  }
  const auto again = parse_settings(print_settings(*settings));
  VITRINE_CHECK(again.ok() && *again == *settings);
  return 0;
}
