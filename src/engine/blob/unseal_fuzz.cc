// Any bytes may be refused; bytes that are accepted say the same when they are sealed again.
#include "engine/blob/seal.h"

using vitrine::blob::seal;
using vitrine::blob::SealKey;
using vitrine::blob::unseal;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const SealKey key{1, 2, 3};
  auto plain = unseal(bytes, "object", &key, 1 << 20);
  if (!plain.ok()) return 0;
  auto again = seal(*plain, "object", {nullptr, 1});
  if (!again.ok()) __builtin_trap();
  auto back = unseal(*again, "object", nullptr, 1 << 20);
  if (!back.ok() || *back != *plain) __builtin_trap();
  return 0;
}
