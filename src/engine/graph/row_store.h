// Rows for training, from memory or from a file larger than memory: one interface, six ways.
//
//   store.plan(trace of superbatch k+1)     may run while superbatch k is gathered
//   store.advance()                         k+1 is the current one now
//   store.gather(0, out) ... gather(n, out) rows of one batch, in the order of its sorted ids
//
// All stores give identical bytes; they differ in what they read and when:
//   kMemory  everything is read once, at the start
//   kMmap    the file is mapped, MADV_RANDOM, many threads copy: the kernel's page cache decides
//   kLru     a cache of rows, the least recently used goes first
//   kStatic  the first rows (the hottest: ids are in descending degree order) stay in memory
//   kBelady  the provably best cache (min_plan.h); misses by io_uring, one page each
//   kPacked  the same cache; all misses of a superbatch are collected by one sequential scan and
//            written as one segment for each batch, which is then read in large pieces
//   kAuto    kBelady or kPacked, chosen for each superbatch by a model with measured rates
//
// plan() of one superbatch may run on one thread while gather() runs on another; nothing else may
// overlap. Batches are gathered in order, each at most once; planned stores (kBelady, kPacked,
// kAuto) need all of them or a new store.
//
// Errors: kExhausted where memory or disk do not suffice (before the work, with the number that
// would do), kIo and kCorrupt from the disk, kInvalidArgument for ids beyond the file. After an
// error of gather() the store must not be used further. A failing disk under kMmap ends the process
// (SIGBUS): the kernel has no other way to say it, one more reason not to use it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "engine/graph/access_trace.h"
#include "engine/graph/memory_budget.h"
#include "engine/graph/row_file.h"

namespace vitrine::graph {

enum class StoreKind { kMemory, kMmap, kLru, kStatic, kBelady, kPacked, kAuto };

// "memory", "mmap", "lru", "static", "belady", "packed", "auto".
std::string_view store_kind_name(StoreKind kind);
Result<StoreKind> parse_store_kind(std::string_view text);

struct StoreOptions {
  StoreKind kind = StoreKind::kAuto;
  io::FileSystem* files = nullptr;  // required
  std::string path;                 // of the row file
  // For rows kept in memory; the store takes tables, plans and I/O buffers from the budget on top.
  std::uint64_t cache_bytes = 64 << 20;
  MemoryBudget* budget = nullptr;  // required
  Executor* executor = nullptr;    // required by kMmap
  const Clock* clock = nullptr;    // required: rates are measured with it
  unsigned mmap_threads = 16;
  unsigned depth = 256;        // page reads in flight
  std::string pack_directory;  // of the packed segments; required by kPacked and kAuto
  // Segments of two superbatches lie on disk at the same time; each may take so much.
  std::uint64_t pack_bytes_max = std::uint64_t{8} << 30;
  std::function<int(std::uint64_t offset, int result)> tamper{};  // BulkOptions::tamper
};

struct StoreStats {
  std::uint64_t rows = 0;  // given out
  std::uint64_t hits = 0;  // of these, found in memory
  std::uint64_t requests = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t planned_accesses = 0;
  double plan_s = 0;  // making plans, without packing
  double pack_s = 0;
  std::uint32_t packed_superbatches = 0;
  std::uint32_t direct_superbatches = 0;
};

class RowStore {
 public:
  static Result<std::unique_ptr<RowStore>> open(const StoreOptions& options);
  virtual ~RowStore() = default;

  virtual const RowFormat& format() const = 0;
  virtual Status plan(std::shared_ptr<const AccessTrace> next) = 0;
  virtual Status advance() = 0;
  // `out`: trace.rows(batch) * format().stride() bytes.
  virtual Status gather(std::uint32_t batch, std::span<char> out) = 0;
  virtual StoreStats stats() const = 0;
};

}  // namespace vitrine::graph
