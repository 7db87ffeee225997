// Many reads of one file in flight at once, past the page cache.
//
// On the system's files: io_uring and O_DIRECT, so that a run's memory is what it reserved and not
// what the kernel happened to keep. Where io_uring is refused (old kernels, container profiles) or
// the files are not the system's (tests): one positioned read after the other, same results.
//
// Errors: a failed read or write is kIo with path and offset; a file that ends inside a piece is
// kCorrupt. Short reads are continued. After an error nothing is in flight any more.
//
// Not thread-safe: one per thread. Holds depth * piece_bytes_max of buffers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "engine/graph/aligned_buffer.h"
#include "platform/io/file_system.h"

namespace vitrine::graph {

// Multiples of kPage, both.
struct Piece {
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
};

enum class Delivery { kAnyOrder, kInOrder };

// Gets each piece once; its bytes live until it returns. An error ends the read with that error.
using TakePiece = std::function<Status(std::size_t index, std::span<const char> bytes)>;
// Does some of the caller's other work, some 10 to 50 us of it; false when there is none left.
using OtherWork = std::function<bool()>;

struct BulkOptions {
  io::FileSystem* files = nullptr;  // required
  unsigned depth = 64;              // requests in flight, 1..1024
  std::uint32_t piece_bytes_max = kPage;
  // For tests: sees each completed request of the io_uring path and may change its result (bytes
  // read, or a negative errno).
  std::function<int(std::uint64_t offset, int result)> tamper{};
};

struct BulkStats {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
};

class BulkReader {
 public:
  static Result<std::unique_ptr<BulkReader>> open(const std::string& path,
                                                  const BulkOptions& options);
  virtual ~BulkReader() = default;
  // `meanwhile` may be called, between calls of `take`, where there is nothing to do but wait.
  virtual Status read(std::span<const Piece> pieces, Delivery delivery, const TakePiece& take,
                      const OtherWork& meanwhile = {}) = 0;
  // "io_uring, direct", "io_uring, page cache" or "plain reads".
  virtual std::string describe() const = 0;
  const BulkStats& stats() const { return stats_; }

 protected:
  BulkStats stats_;
};

// Writes whole buffers, several in flight.
class BulkWriter {
 public:
  // Creates `path` with `size` bytes allocated (kExhausted where the disk has not as many), or
  // opens it again. `options.piece_bytes_max` is the size of its buffers.
  static Result<std::unique_ptr<BulkWriter>> create(const std::string& path, std::uint64_t size,
                                                    const BulkOptions& options);
  virtual ~BulkWriter() = default;
  // Hands in a full or partly filled buffer of piece_bytes_max (`bytes`, a multiple of kPage, of it
  // are written) and gets an empty one for it. May report the error of an earlier write.
  virtual Status write(std::uint64_t offset, AlignedBuffer& buffer, std::uint32_t bytes) = 0;
  // Waits for everything handed in.
  virtual Status flush() = 0;
  const BulkStats& stats() const { return stats_; }

 protected:
  BulkStats stats_;
};

}  // namespace vitrine::graph
