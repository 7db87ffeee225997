// Any bytes may be refused; what is accepted has sound paths and is the same when encoded again.
#include "tool/backup/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace vitrine::backup;
  const auto manifest = decode_backup_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest.ok()) return 0;
  for (const auto& file : manifest.value().files) {
    if (file.path.front() == '/' || file.path.find("../") != std::string::npos) __builtin_trap();
  }
  const auto again = decode_backup_manifest(encode_backup_manifest(manifest.value()));
  if (!again.ok() || again.value() != manifest.value()) __builtin_trap();
  return 0;
}
