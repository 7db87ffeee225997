// Any bytes as JSON of a user: refused with a reason, or a whole user that survives JSON and the
// record codec unchanged.
#include "domain/event/consent.h"
#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "platform/codec/json_writer.h"

using namespace vitrine::person;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto user = parse_user(text, "id");
  if (user.ok()) {
    std::string json;
    {
      vitrine::codec::JsonWriter out(json);
      out.begin_object();
      write_attributes(user.value.attributes, out);
      out.end_object();
    }
    const auto again = parse_user(json, "id");
    if (!again.ok() || again.value != user.value) __builtin_trap();
    std::string bytes;
    vitrine::ByteWriter out(bytes);
    encode_user(user.value, out);
    const auto decoded = decode_user(bytes);
    if (!decoded.ok() || decoded.value() != user.value) __builtin_trap();
  }
  (void)parse_patch(text, "id");
  (void)parse_consents(text, "id");
  (void)parse_merge(text, "id");
  (void)vitrine::event::read_consents(text);
  return 0;
}
