// How a memory budget is divided before a run starts: everything but the rows has a size that
// follows from a few counts, and the row cache gets what is left.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "engine/graph/row_store.h"

namespace vitrine::graph {

// Of the largest superbatch that will be planned.
struct SuperbatchSize {
  std::uint32_t batches = 0;
  std::uint64_t accesses = 0;
  std::uint32_t rows_max = 0;  // of a batch
};

// What a store takes from its budget at the moment it takes most, `options.cache_bytes` of rows
// included. An upper bound, except that kMmap's pages are the kernel's affair.
std::uint64_t store_bytes(const StoreOptions& options, const RowFormat& format,
                          const SuperbatchSize& size);

// The largest cache_bytes with which store_bytes() is at most `bytes`, a whole number of rows.
// kExhausted with the number that would do where not even an empty cache fits.
Result<std::uint64_t> largest_cache(std::uint64_t bytes, StoreOptions options,
                                    const RowFormat& format, const SuperbatchSize& size);

}  // namespace vitrine::graph
