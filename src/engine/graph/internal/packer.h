// Collects what a superbatch will miss by one sequential scan, into one segment for each batch, and
// knows when that is cheaper than reading page by page.
//
// Disk work of a superbatch with m misses on p pages, rows of r bytes in a file of f bytes:
//   direct   p / page reads per second
//   packed   (f + m r) / reading rate + m r / writing rate
// Rates are measured when the store is opened and again with each superbatch.
#pragma once

#include <memory>
#include <span>

#include "engine/graph/bulk_io.h"
#include "engine/graph/min_plan.h"
#include "engine/graph/row_store.h"
#include "engine/graph/segment_store.h"

namespace vitrine::graph {

class Packer {
 public:
  Packer(const StoreOptions& options, const RowFormat& format)
      : options_(options), format_(format) {}

  // Short probes, a second together at most: page reads, a scan, writes.
  Status measure_rates();
  bool is_cheaper(std::uint64_t misses) const;
  // Is reading `capacity` rows in one go cheaper than `rows` pages?
  bool filling_pays(std::uint64_t rows, std::uint64_t capacity) const;

  // `spare`: segments to fill again, or null.
  Result<std::unique_ptr<SegmentStore>> pack(const AccessTrace& trace,
                                             std::span<const RowId> carried_in, const MinPlan& plan,
                                             std::unique_ptr<SegmentStore> spare);

  const BulkStats& stats() const { return scanned_; }
  std::uint64_t bytes_written() const { return written_; }

 private:
  std::vector<IdList> list_misses(const AccessTrace& trace, std::span<const RowId> carried_in,
                                  const MinPlan& plan) const;
  Status scan_into(const std::vector<IdList>& missing, SegmentStore& segments);

  StoreOptions options_;
  RowFormat format_;
  BulkStats scanned_;
  std::uint64_t written_ = 0;
  unsigned made_ = 0;  // segment files so far
  double page_reads_per_s_ = 60e3;
  double read_bytes_per_s_ = 1e9;
  double write_bytes_per_s_ = 1e9;
};

}  // namespace vitrine::graph
