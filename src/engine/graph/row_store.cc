#include "engine/graph/row_store.h"

#include "engine/graph/internal/stores.h"

namespace vitrine::graph {
namespace {

constexpr std::string_view kNames[] = {"memory", "mmap",   "lru", "static",
                                       "belady", "packed", "auto"};

}  // namespace

std::string_view store_kind_name(StoreKind kind) { return kNames[static_cast<int>(kind)]; }

Result<StoreKind> parse_store_kind(std::string_view text) {
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
    if (text == kNames[i]) return static_cast<StoreKind>(i);
  }
  return Error(ErrorCode::kInvalidArgument,
               "a store is one of memory, mmap, lru, static, belady, packed, auto; not '" +
                   std::string(text) + "'");
}

Result<std::unique_ptr<RowStore>> RowStore::open(const StoreOptions& options) {
  VITRINE_CHECK(options.files != nullptr);
  VITRINE_CHECK(options.budget != nullptr);
  VITRINE_CHECK(options.clock != nullptr);
  VITRINE_TRY(const RowFormat format, read_row_format(*options.files, options.path));
  switch (options.kind) {
    case StoreKind::kMemory: return open_memory_store(options, format);
    case StoreKind::kMmap: return open_mmap_store(options, format);
    case StoreKind::kLru: return open_lru_store(options, format);
    case StoreKind::kStatic: return open_static_store(options, format);
    case StoreKind::kBelady:
    case StoreKind::kPacked:
    case StoreKind::kAuto: return open_planned_store(options, format);
  }
  return Error(ErrorCode::kInternal, "unknown store");
}

}  // namespace vitrine::graph
