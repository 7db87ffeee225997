// Any bytes as an index file: refused, or searchable. Inputs that start with "fix" (or "fiq":
// product codes) get correct checksums first, so that what lies behind them is reached.
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/hash.h"
#include "engine/vec/index_file.h"
#include "platform/io/simulated_files.h"

namespace {

using namespace vitrine;
using namespace vitrine::vec;

constexpr std::size_t kSums = 4088;

void repair(std::vector<char>& bytes) {
  if (bytes.size() < 4096) return;
  std::uint32_t sections = 0;
  std::memcpy(&sections, bytes.data() + 12, 4);
  for (std::size_t i = 0; i < std::min<std::uint32_t>(sections, 15); ++i) {
    char* entry = bytes.data() + 16 + i * 32;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::memcpy(&offset, entry + 8, 8);
    std::memcpy(&size, entry + 16, 8);
    if (offset > bytes.size() || size > bytes.size() - offset) continue;
    const std::uint64_t sum = hash64({bytes.data() + offset, size});
    std::memcpy(entry + 24, &sum, 8);
  }
  const std::uint64_t sum = hash64({bytes.data(), kSums});
  std::memcpy(bytes.data() + kSums, &sum, 8);
}

void try_index(const std::vector<char>& bytes) {
  auto memory = allocate_zeroed(bytes.size());
  if (!bytes.empty()) std::memcpy(memory.get(), bytes.data(), bytes.size());
  const auto index =
      index_from_bytes({reinterpret_cast<const char*>(memory.get()), bytes.size()}, memory);
  if (!index.ok()) return;
  Searcher searcher(index.value());
  const std::vector<float> query(index.value().dim(), 0.5F);
  static_cast<void>(searcher.search(query.data(), {.k = 3}));
  static_cast<void>(searcher.search_batch({query.data(), 1, index.value().dim()}, {.k = 3}, {}));
}

std::vector<char> made(CodeFamily family, GraphChoice graph) {
  std::vector<float> rows(60 * 8);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<float>((i * 2654435761U >> 16) % 97) * 0.1F;
  BuildOptions options;
  options.lists = 3;
  options.graph = graph;
  options.codes.family = family;
  options.calibration.queries = 8;
  const auto index = Index::build({rows.data(), 60, 8}, nullptr, options, {}, no_progress());
  io::SimulatedFiles files;
  if (!save_index(files, "x", index.value()).ok()) __builtin_trap();
  const std::string text = files.contents("x").value();
  return std::vector<char>(text.begin(), text.end());
}

// A small true index, damaged at the places the input names.
void try_damaged(const std::vector<char>& good, const std::uint8_t* data, std::size_t size) {
  std::vector<char> bytes = good;
  for (std::size_t i = 0; i + 4 <= size; i += 4) {
    const std::size_t at = data[i] | std::size_t{data[i + 1]} << 8 | std::size_t{data[i + 2]} << 16;
    bytes[at % bytes.size()] = static_cast<char>(data[i + 3]);
  }
  repair(bytes);
  try_index(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 20) return 0;
  try_index({data, data + size});
  if (size < 3) return 0;
  static const std::vector<char> nibbles = made(CodeFamily::kNibbles, GraphChoice::kAlways);
  static const std::vector<char> words = made(CodeFamily::kPq256, GraphChoice::kNever);
  if (std::memcmp(data, "fix", 3) == 0) try_damaged(nibbles, data + 3, size - 3);
  if (std::memcmp(data, "fiq", 3) == 0) try_damaged(words, data + 3, size - 3);
  return 0;
}
