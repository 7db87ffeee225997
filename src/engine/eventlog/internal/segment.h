// Segment files as they lie in the directory, and a cursor over the frames of one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/eventlog/internal/format.h"
#include "platform/io/file_system.h"

namespace vitrine::eventlog::internal {

struct Segment {
  std::string name;  // without the folder
  std::string path;
  std::unique_ptr<io::File> file;
  std::uint64_t size = 0;
  SegmentHeader header;
};

// First positions of the segments in `directory`, ascending.
Result<std::vector<Position>> list_segments(io::FileSystem& files, const std::string& directory);

// kCorrupt (with file and offset) where header and name disagree or the header is damaged.
Result<Segment> open_segment(io::FileSystem& files, const std::string& directory, Position first,
                             io::OpenMode mode = io::OpenMode::kRead);

Error corrupt_at(const Segment& segment, std::uint64_t offset, std::string_view what);

struct Frame {
  std::uint64_t offset = 0;
  FrameHeader header;
  std::string_view bytes;    // all of it
  std::string_view records;  // live until the next read
};

enum class FrameFound {
  kFrame,
  kNothing,  // no frame begins here: zeros, or the end of the file
  kDamaged,  // something is here, but not a whole frame
};

// Reads frames of one segment at any offset, through a buffer of read-ahead.
class FrameBuffer {
 public:
  static constexpr std::size_t kReadAhead = 1u << 20;

  // `end_hint`: where data ends, if known (0: not), so that a tail is read without what follows.
  Result<FrameFound> read(const Segment& segment, std::uint64_t offset, Frame& frame,
                          std::uint64_t end_hint = 0);
  // The next read looks at the file again. For another segment, and where a writer is at work.
  void forget() { size_ = 0; }

 private:
  Status fill(const Segment& segment, std::uint64_t offset, std::size_t want);
  std::string_view held(std::uint64_t offset) const;

  std::string buffer_;
  std::size_t size_ = 0;      // valid bytes of it
  std::uint64_t offset_ = 0;  // of the first in the file
};

// What must hold from frame to frame, over segment borders too.
struct FrameOrder {
  Position next = 0;
  std::uint64_t generation = 0;
  TimeUs append_time_us = INT64_MIN;

  // Empty where `header` may follow; else what is wrong with it. Then takes it as the last.
  std::string_view accept(const FrameHeader& header);
};

}  // namespace vitrine::eventlog::internal
