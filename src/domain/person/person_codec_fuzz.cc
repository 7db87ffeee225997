// Any bytes as a record body: refused, or something that encodes to the same bytes again.
#include "domain/person/person_codec.h"

using namespace vitrine::person;

namespace {

template <class T, class Encode>
void check(vitrine::Result<T> (*decode)(std::string_view), std::string_view body, Encode&& encode) {
  const auto value = decode(body);
  if (!value.ok()) return;
  std::string bytes;
  vitrine::ByteWriter out(bytes);
  encode(value.value(), out);
  const auto again = decode(bytes);
  if (!again.ok() || again.value() != value.value()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(&decode_user, body, &encode_user);
  check(&decode_patch, body, &encode_patch);
  check(&decode_delete, body, [](const auto& id, auto& out) { encode_delete(id, out); });
  check(&decode_merge, body, &encode_merge);
  check(&decode_consent, body, &encode_consent);
  check(&decode_erasure, body, &encode_erasure);
  (void)user_id_of(body);
  return 0;
}
