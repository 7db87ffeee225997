// Any bytes are refused or read; what was read survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/model/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = vitrine::model::parse_manifest(text);
  if (!manifest.ok()) return 0;
  const auto again = vitrine::model::parse_manifest(vitrine::model::print_manifest(*manifest));
  if (!again.ok() || !(*again == *manifest)) __builtin_trap();
  return 0;
}
