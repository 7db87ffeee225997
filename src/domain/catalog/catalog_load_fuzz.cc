// Any bytes as a saved catalog: refused, or a whole one that saves to the same bytes and takes
// changes.
#include "domain/catalog/catalog.h"

using namespace vitrine::catalog;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Catalog catalog;
  vitrine::StringSource source(bytes);
  if (!catalog.load(source).ok()) return 0;
  vitrine::StringSink sink;
  catalog.save(sink);
  if (sink.bytes() != bytes.substr(0, size - source.remaining())) __builtin_trap();
  for (std::uint32_t row = 0; row < catalog.item_count(); ++row) {
    const std::string id(catalog.item_id(vitrine::ItemIndex{row}));
    (void)catalog.apply_patch({id, {{"brand", std::string("b")}}}, 1);
    (void)catalog.apply_delete(id, 2);
  }
  return 0;
}
