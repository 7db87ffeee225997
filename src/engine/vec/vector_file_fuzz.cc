// Any bytes as a file of vectors: refused, or whole rows; as a Faiss index: refused, or searchable.
#include <cstdint>
#include <vector>

#include "engine/vec/faiss_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::vec;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto check = [](const vitrine::Result<VectorFile>& file) {
    if (!file.ok()) return;
    const VectorFile& f = file.value();
    if (f.dim > kDimMax || f.count() * f.dim != f.values.size()) __builtin_trap();
    if (!f.ids.empty() && f.ids.size() != f.count()) __builtin_trap();
  };
  for (const std::string_view ending : {"fvecs", "bvecs", "npy"})
    check(parse_vectors(bytes, ending));
  const auto index = FaissIndex::parse(bytes);
  if (!index.ok()) return 0;
  check(index.value().vectors());
  const std::vector<float> query(index.value().dim(), 0.5F);
  std::vector<Neighbor> found(5);
  if (index.value().search(query.data(), 5, 3, found.data()) > index.value().size())
    __builtin_trap();
  return 0;
}
