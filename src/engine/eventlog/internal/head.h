// The page that the writer shares with readers in every process: how far the log is durable.
//
// The file `head` is mapped, not written: publishing costs a store. What it says is never ahead
// of the disk (it is stored after the sync), so a reader may trust it while the machine runs, and
// recovery may use it as evidence that durable records are missing. After a power loss it may be
// old or damaged; then it claims too little or fails its check word, and is ignored.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog::internal {

inline constexpr std::size_t kHeadBytes = 4096;

// Lies at the start of the mapped file. All zero: no writer yet.
struct HeadPage {
  std::atomic<std::uint64_t> generation;     // of the writer that may write
  std::atomic<std::uint64_t> durable;        // last durable position
  std::atomic<std::uint64_t> check;          // durable ^ kHeadCheck, stored after it
  std::atomic<std::uint64_t> segment_first;  // where the next frame goes: a hint for readers
  std::atomic<std::uint64_t> end_offset;
  std::atomic<std::uint32_t> changes;  // counts publications; readers sleep on it
};
static_assert(sizeof(HeadPage) <= kHeadBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

inline constexpr std::uint64_t kHeadCheck = 0x5649545245414448;

// Thread-safe after opening.
class Head {
 public:
  static Result<std::unique_ptr<Head>> open_writable(io::FileSystem& files,
                                                     const std::string& directory,
                                                     unsigned permissions);
  // kUnavailable where no writer has been here.
  static Result<std::unique_ptr<Head>> open_readable(io::FileSystem& files,
                                                     const std::string& directory);

  // False where nobody has published since the file was made, or a crash damaged it.
  bool trustworthy() const;
  Position durable() const;
  std::uint64_t generation() const;
  // Where the next frame goes in segment `first`; 0 where the writer is in another one.
  std::uint64_t end_offset_in(Position first) const;

  void set_generation(std::uint64_t generation);
  // Makes `durable` visible and wakes readers.
  void publish(Position durable, Position segment_first, std::uint64_t end_offset);
  void wake_all();
  // True when `position` is durable or `stop()` holds, within `timeout_us`.
  bool wait(Position position, TimeUs timeout_us, const std::atomic<bool>* stop) const;

 private:
  Head(std::unique_ptr<io::File> file, std::unique_ptr<io::SharedMapping> mapping);
  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::SharedMapping> mapping_;
  HeadPage* page_;
};

}  // namespace vitrine::eventlog::internal
