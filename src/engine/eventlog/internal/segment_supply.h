// Keeps one segment ready: allocated, zeroed and synced before the log needs it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog::internal {

struct PreparedSegment {
  std::string path;
  std::unique_ptr<io::File> file;
  std::uint64_t size = 0;
  std::uint64_t salt = 0;
};

// Thread-safe, but only one thread at a time prepares.
class SegmentSupply {
 public:
  SegmentSupply(io::FileSystem& files, std::string directory, std::uint64_t segment_bytes,
                unsigned permissions)
      : files_(files),
        directory_(std::move(directory)),
        segment_bytes_(segment_bytes),
        permissions_(permissions) {}

  // Makes one unless one is ready. kExhausted (and disk_full()) while there is no space: nothing
  // of the attempt is left.
  Status prepare();
  std::optional<PreparedSegment> take();
  // Puts back what was taken and not used.
  void put_back(PreparedSegment segment);
  bool ready() const;
  // The last attempt met a full disk, and nothing is ready.
  bool disk_full() const;
  void set_generation(std::uint64_t generation) { generation_ = generation; }
  // Removes what is ready.
  void discard();

 private:
  io::FileSystem& files_;
  const std::string directory_;
  const std::uint64_t segment_bytes_;
  const unsigned permissions_;
  std::uint64_t generation_ = 0;
  std::uint64_t made_ = 0;
  mutable std::mutex mutex_;
  std::optional<PreparedSegment> ready_;  // guarded by mutex_
  bool full_ = false;                     // guarded by mutex_
};

}  // namespace vitrine::eventlog::internal
