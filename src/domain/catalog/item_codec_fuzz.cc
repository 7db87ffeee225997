// Any bytes as a record body: refused, or something that encodes to the same bytes again and that
// a catalog can apply.
#include "domain/catalog/catalog.h"
#include "domain/catalog/item_codec.h"

using namespace vitrine::catalog;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::string bytes;
  vitrine::ByteWriter out(bytes);
  static Catalog catalog;
  if (const auto item = decode_upsert(body); item.ok()) {
    encode_upsert(item.value(), out);
    const auto again = decode_upsert(bytes);
    if (!again.ok() || again.value() != item.value()) __builtin_trap();
    if (catalog.apply_upsert(item.value(), 1).applied()) {
      if (catalog.get_item(*catalog.find(item->id)) != item.value()) __builtin_trap();
    }
  }
  if (const auto patch = decode_patch(body); patch.ok()) {
    bytes.clear();
    encode_patch(patch.value(), out);
    const auto again = decode_patch(bytes);
    if (!again.ok() || again.value() != patch.value()) __builtin_trap();
    (void)catalog.apply_patch(patch.value(), 2);
  }
  if (const auto id = decode_delete(body); id.ok()) (void)catalog.apply_delete(id.value(), 3);
  if (catalog.item_count() > 1000) catalog = Catalog();
  return 0;
}
