// Any bytes, cut anywhere, mean the same as the same bytes in one piece; and nothing that is read
// lies outside the buffer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "platform/net/internal/request_script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::net::internal;
  ReaderLimits limits;
  limits.body_bytes_max = 100;
  limits.header_bytes_max = 400;
  limits.target_bytes_max = 100;
  limits.headers_max = 8;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) state = state * 31 + data[i];
  const auto random_piece = [&state]() -> std::size_t {
    state = state * 1664525 + 1013904223;
    return 1 + (state >> 16) % 24;
  };
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = describe_stream(bytes, limits, [] { return std::size_t{1} << 20; });
  if (describe_stream(bytes, limits, random_piece) != whole) std::abort();
  if (describe_stream(bytes, limits, [] { return std::size_t{1}; }) != whole) std::abort();
  return 0;
}
