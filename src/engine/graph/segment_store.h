// Many byte streams written at the same time, each read back as one piece: what packing and
// spilling need. A sequential scan of rows or neighbours feeds all batches of a superbatch at once;
// each batch then reads its own segment in order.
//
// On disk a segment is a chain of extents of one file, taken in order of need from a fixed number
// that was allocated at the start: the disk it takes is bounded and checked before the work. In
// memory it is a string.
//
//   scan of the rows ─▶ [segment 0 buffer][segment 1 buffer]...      one extent each
//                              │ full
//                              ▼
//   file  | s0 | s2 | s0 | s1 | s2 | ...                             extents, 64 KiB each
//
// Not thread-safe. begin() .. append() .. seal(), then read(); begin() forgets everything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "engine/graph/bulk_io.h"
#include "engine/graph/memory_budget.h"

namespace vitrine::graph {

using TakeBytes = std::function<Status(std::span<const char> bytes)>;

struct SegmentOptions {
  io::FileSystem* files = nullptr;  // null: in memory
  std::string path;                 // of the file, which is removed at the end
  std::uint64_t disk_bytes_max = 0;
  // Larger: fewer requests, more memory while writing (one extent for each segment).
  std::uint32_t extent_bytes = 64 * 1024;
  unsigned write_depth = 16;
  unsigned read_depth = 32;
  std::function<int(std::uint64_t offset, int result)> tamper{};  // BulkOptions::tamper
};

class SegmentStore {
 public:
  // kExhausted where memory or disk do not suffice.
  static Result<std::unique_ptr<SegmentStore>> create(const SegmentOptions& options,
                                                      MemoryBudget& budget);
  virtual ~SegmentStore() = default;

  // Memory for `segments` buffers is reserved until seal().
  virtual Status begin(std::uint32_t segments) = 0;
  // kExhausted where disk_bytes_max is reached.
  virtual Status append(std::uint32_t segment, std::span<const char> bytes) = 0;
  virtual Status seal() = 0;
  virtual std::uint64_t size(std::uint32_t segment) const = 0;
  // All bytes of a segment, in order, in pieces of any size.
  virtual Status read(std::uint32_t segment, const TakeBytes& take) = 0;
  // What append() may take in all.
  virtual std::uint64_t capacity() const = 0;
  virtual std::uint64_t bytes_written() const = 0;
  virtual std::uint64_t bytes_read() const = 0;
};

// The whole segment at once.
Status read_segment(SegmentStore& store, std::uint32_t segment, std::string& out);

}  // namespace vitrine::graph
