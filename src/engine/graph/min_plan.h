// The provably best contents of a row cache, when all accesses of a superbatch are known.
//
// Belady's MIN (IBM Systems Journal 1966) at the granularity of batches, as in Ginex (VLDB 2022,
// section 4), but not as lists of what goes in and out. Between two uses of a row lies an interval:
//
//   batch        0    1    2    3    4         capacity 2
//   row a        x─────────x                   gap 0-1: a, b          kept both
//   row b        x───────────────────x         gap 1-2: a, b, c       one too many: b ends last,
//   row c             x─────────x                                     so b is not kept at all
//                                              hits: a at 2, c at 3; misses: the rest
//
// A row is a hit exactly if the interval that ends there was kept, and kept intervals may nowhere
// overlap more than `capacity` times. Dropping the one that ends last whenever there are too many
// keeps the most intervals (the classical greedy for scheduling intervals), which is MIN. So the
// whole plan is one bit for each access: is the row kept from here to its next use?
//
// A row that isn't used again in the superbatch may be kept for the next one: it ends last of all,
// and among such rows those with larger ids go first, ids being in descending degree order.
//
// Cost: two passes over the trace, O(1) amortised for each access: intervals lie in one bucket for
// each batch in which they end, so "ends last" is the last bucket that isn't empty.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/graph/access_trace.h"

namespace vitrine::graph {

struct MinPlan {
  // Bit i: the row of access i (counted over all batches, in order) is kept until its next use, or
  // to the end of the superbatch.
  std::vector<std::uint64_t> keep;
  std::vector<std::uint64_t> first_access;  // of each batch
  // Of the rows that were in the cache before: bit i of carried_in[i] likewise.
  std::vector<std::uint64_t> keep_carried;
  // What the cache holds at the end, sorted.
  std::vector<RowId> carried_out;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;

  bool keeps(std::uint64_t access) const { return (keep[access / 64] >> (access % 64)) & 1; }
  bool keeps_carried(std::uint64_t i) const { return (keep_carried[i / 64] >> (i % 64)) & 1; }
  std::uint64_t bytes() const;
};

// `carried_in`: sorted rows the cache holds already, at most `capacity`. `rows`: above all ids.
// Takes memory for working, see min_plan_bytes.
MinPlan plan_min(const AccessTrace& trace, std::span<const RowId> carried_in,
                 std::uint64_t capacity, std::uint64_t rows);

// An upper bound of what plan_min holds at the same time, its result included.
std::uint64_t min_plan_bytes(std::uint64_t accesses, std::uint32_t batches, std::uint32_t rows_max,
                             std::uint64_t capacity, std::uint64_t rows);

}  // namespace vitrine::graph
