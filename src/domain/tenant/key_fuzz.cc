// Any bytes as a key: a refusal is fine; what is accepted must name its id again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/tenant/key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::tenant;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_key_id(text).ok();
  const auto parsed = parse_key(text);
  ParsedKey shape;
  const bool shaped = parse_key_shape(text, shape);
  if (!parsed.ok()) return 0;
  if (!shaped || shape.id != parsed->id || shape.scope != parsed->scope) __builtin_trap();
  if (text.substr(7, 12) != key_id_text(parsed->id)) __builtin_trap();
  return 0;
}
