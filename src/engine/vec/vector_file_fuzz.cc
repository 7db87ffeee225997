// Any bytes as a file of vectors: refused, or whole rows.
#include <cstdint>

#include "engine/vec/vector_file.h"

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
  check(parse_faiss(bytes));
  return 0;
}
