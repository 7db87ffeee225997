#include "engine/graph/memory_plan.h"

#include <algorithm>

#include "engine/graph/internal/row_fetch.h"
#include "engine/graph/internal/slot_table.h"
#include "engine/graph/internal/stores.h"
#include "engine/graph/min_plan.h"
#include "engine/graph/segment_store.h"

namespace vitrine::graph {
namespace {

std::uint64_t scan_bytes(const RowFormat& format) {
  return std::uint64_t{kScanDepth} * format.chunk_rows() * format.stride();
}

std::uint64_t planned_bytes(const StoreOptions& options, const RowFormat& format,
                            const SuperbatchSize& size, std::uint64_t capacity) {
  const bool packs = options.kind != StoreKind::kBelady;
  const std::uint64_t planning =
      min_plan_bytes(size.accesses, size.batches, size.rows_max, capacity, format.count);
  // Two plans at a time: bits, first accesses, what is carried in and out.
  const std::uint64_t plans =
      2 * (size.accesses / 8 + size.batches * 8ull + capacity / 8 + capacity * 8 + 4096);
  const SegmentOptions segments;
  const std::uint64_t lists = size.accesses * 3 / 2 + format.count / 8 + size.rows_max * 8ull;
  const std::uint64_t packing =
      lists + scan_bytes(format) + std::uint64_t{size.batches} * segments.extent_bytes;
  const std::uint64_t filling = scan_bytes(format) + capacity / 8 + size.rows_max * 4ull;
  const std::uint64_t segment_io =
      2 * std::uint64_t{segments.write_depth + segments.read_depth} * segments.extent_bytes;
  return capacity * format.stride() + SlotTable::bytes_for(capacity) + capacity * 4 + plans +
         std::max({planning, packs ? packing : 0, filling}) + (packs ? segment_io : 0);
}

}  // namespace

std::uint64_t store_bytes(const StoreOptions& options, const RowFormat& format,
                          const SuperbatchSize& size) {
  const std::uint64_t capacity =
      std::min<std::uint64_t>(format.count, options.cache_bytes / format.stride());
  const std::uint64_t rows = capacity * format.stride();
  const std::uint64_t fetch =
      options.depth *
      std::max<std::uint64_t>(kFetchBytesMax, round_up(format.stride(), kPage) + kPage);
  const std::uint64_t ids = size.rows_max * kIdBytes;
  const std::uint64_t fetching = fetch + size.rows_max * (kMissingBytes + RowFetch::kListBytes);
  switch (options.kind) {
    case StoreKind::kMemory: return format.count * format.stride() + scan_bytes(format) + ids;
    case StoreKind::kMmap: return ids;
    case StoreKind::kLru:
      return rows + ids + fetching + SlotTable::bytes_for(capacity) + capacity * 12;
    case StoreKind::kStatic: return rows + std::max(fetch + scan_bytes(format), ids + fetching);
    case StoreKind::kBelady:
    case StoreKind::kPacked:
    case StoreKind::kAuto:
      return ids + fetching + size.rows_max * kHitBytes +
             planned_bytes(options, format, size, capacity);
  }
  return 0;
}

Result<std::uint64_t> largest_cache(std::uint64_t bytes, StoreOptions options,
                                    const RowFormat& format, const SuperbatchSize& size) {
  const auto needed = [&](std::uint64_t rows) {
    options.cache_bytes = rows * format.stride();
    return store_bytes(options, format, size);
  };
  if (needed(0) > bytes) {
    return Error(ErrorCode::kExhausted, "the store '" + std::string(store_kind_name(options.kind)) +
                                            "' needs " + std::to_string(needed(0)) +
                                            " bytes without any rows, but " +
                                            std::to_string(bytes) + " are left for it");
  }
  std::uint64_t fits = 0;
  std::uint64_t beyond = format.count + 1;
  while (beyond - fits > 1) {
    const std::uint64_t middle = fits + (beyond - fits) / 2;
    (needed(middle) <= bytes ? fits : beyond) = middle;
  }
  return fits * format.stride();
}

}  // namespace vitrine::graph
