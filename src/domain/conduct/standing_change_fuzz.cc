// Any bytes: refused with a message, or a change that is written as the same bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "domain/conduct/standing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::conduct;
  const auto change = decode_change(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!change.ok()) {
    VITRINE_CHECK(!change.error().message().empty());
    return 0;
  }
  std::string bytes;
  vitrine::ByteWriter out(bytes);
  encode_change(*change, out);
  const auto again = decode_change(bytes);
  VITRINE_CHECK(again.ok() && *again == *change);
  return 0;
}
