// The end of the log in the hands of its writer: stamps frames, writes and syncs them one at a
// time, begins new segments. Not thread-safe: the committer owns it.
#pragma once

#include "engine/eventlog/internal/segment.h"
#include "engine/eventlog/internal/segment_supply.h"
#include "engine/eventlog/internal/tail_scan.h"

namespace vitrine::eventlog::internal {

class LogEnd {
 public:
  LogEnd(io::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  // Goes on where recovery found the end.
  void continue_from(Segment segment, const TailScan& tail);
  void set_generation(std::uint64_t generation) { order_.generation = generation; }
  // Frames get `now_us`, or the time of the frame before where that is later.
  void set_time(TimeUs now_us) { now_us_ = now_us; }

  // Room for a frame with so many bytes of records, and for a seal behind it.
  bool fits(std::uint64_t record_bytes) const;
  bool fits_seal() const {
    return segment_.file && end_offset_ + kFrameHeaderBytes <= segment_.size;
  }

  // Writes `frame` (header space and records) as `count` records and syncs. kExhausted: the disk
  // took no more, nothing has changed and the call may be repeated. Any other error is final: what
  // is on disk is unknown.
  Status write(std::string& frame, std::uint32_t count, std::uint64_t record_bytes);
  // The same, as the first frame of a new segment; `next` is emptied when that worked.
  Status write_in_new_segment(std::optional<PreparedSegment>& next, std::string& frame,
                              std::uint32_t count, std::uint64_t record_bytes);

  Position next() const { return order_.next; }
  Position segment_first() const { return segment_.header.first; }
  std::uint64_t segment_size() const { return segment_.size; }
  TimeUs segment_created_us() const { return segment_.header.created_us; }
  std::uint64_t end_offset() const { return end_offset_; }
  bool needs_seal() const { return needs_seal_; }

 private:
  FrameHeader stamp(std::uint32_t count, std::uint64_t record_bytes, std::uint64_t salt);
  void advance(const FrameHeader& header);

  io::FileSystem& files_;
  const std::string directory_;
  Segment segment_;
  FrameOrder order_{.next = 1};
  TimeUs now_us_ = 0;
  std::uint64_t end_offset_ = 0;
  bool needs_seal_ = false;
};

}  // namespace vitrine::eventlog::internal
