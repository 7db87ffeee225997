// Any bytes unpack within the limit or are refused; what unpacks can be packed again.
#include <string>
#include <string_view>

#include "platform/codec/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::codec;
  constexpr std::size_t kLimit = 4096;
  std::string out, again;
  const bool ok = gunzip({reinterpret_cast<const char*>(data), size}, kLimit, 64, out).ok();
  if (out.size() > kLimit) __builtin_trap();
  if (ok && (!gunzip(gzip(out), kLimit, 0, again).ok() || again != out)) __builtin_trap();
  return 0;
}
