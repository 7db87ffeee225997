// Any text may be refused; what is accepted is written again byte for byte.
#include "service/archive/archive_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace vitrine::archive;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = decode_archive_manifest(text);
  if (manifest.ok() && encode_archive_manifest(manifest.value()) != text) __builtin_trap();
  const auto plan = decode_plan(text);
  if (plan.ok() && encode_plan(plan.value()) != text) __builtin_trap();
  (void)parse_manifest_key(text);
  return 0;
}
