// Any bytes as a file of histories: refused, or blocks whose items exist.
#include <cstdint>
#include <string_view>

#include "engine/factor/user_store.h"
#include "platform/io/simulated_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine;
  io::SimulatedFiles files;
  auto file = files.open("histories", io::OpenMode::kCreate);
  if (!file.ok()) __builtin_trap();
  if (!(*file)->write_at(0, {reinterpret_cast<const char*>(data), size}).ok()) __builtin_trap();
  const auto store = factor::open_users(files, "");
  if (!store.ok()) return 0;
  for (std::uint32_t b = 0; b < (*store)->blocks(); ++b) {
    const auto block = (*store)->read(b);
    if (!block.ok()) continue;
    for (const std::uint32_t item : block->items) {
      if (item >= (*store)->item_counts().size()) __builtin_trap();
    }
  }
  return 0;
}
