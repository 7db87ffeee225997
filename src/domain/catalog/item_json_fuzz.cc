// Any bytes as an item: refused with a reason, or a whole item that survives JSON and the record
// codec unchanged.
#include "domain/catalog/item_codec.h"
#include "domain/catalog/item_json.h"

using namespace vitrine::catalog;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto item = parse_item(text);
  if (item.ok()) {
    std::string json;
    append_json(item.value, json);
    const auto again = parse_item(json);
    if (!again.ok() || again.value != item.value) __builtin_trap();
    std::string bytes;
    vitrine::ByteWriter out(bytes);
    encode_upsert(item.value, out);
    const auto decoded = decode_upsert(bytes);
    if (!decoded.ok() || decoded.value() != item.value) __builtin_trap();
  }
  const auto patch = parse_patch(text, "id");
  if (patch.ok()) {
    std::string bytes;
    vitrine::ByteWriter out(bytes);
    encode_patch(patch.value, out);
    const auto decoded = decode_patch(bytes);
    if (!decoded.ok() || decoded.value() != patch.value) __builtin_trap();
  }
  (void)parse_inventory(text, "id");
  return 0;
}
