// The list of segments that are kept, and which may go.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/eventlog/internal/recovery.h"

namespace vitrine::eventlog::internal {

struct RetentionRule {
  TimeUs age_us = 0;        // 0: any age
  std::uint64_t bytes = 0;  // 0: any size
};

// Thread-safe.
class Retention {
 public:
  Retention(io::FileSystem& files, std::string directory, RetentionRule rule, Position floor)
      : files_(files), directory_(std::move(directory)), rule_(rule), floor_(floor) {}

  void set_segments(std::vector<SegmentInfo> segments);
  void add(SegmentInfo segment);
  void raise_floor(Position floor);

  // Removes whole segments from the old end, one durable removal after the other, so that no crash
  // leaves a gap. Never the last one, and none with a position at or above the floor.
  Status apply(TimeUs now_us);

  Position oldest() const { return oldest_.load(std::memory_order_acquire); }
  std::uint64_t segments() const;
  std::uint64_t removed() const { return removed_.load(std::memory_order_relaxed); }

 private:
  Position next_to_remove(TimeUs now_us) const;  // 0: none

  io::FileSystem& files_;
  const std::string directory_;
  const RetentionRule rule_;
  std::atomic<Position> floor_;
  std::atomic<Position> oldest_{1};
  std::atomic<std::uint64_t> removed_{0};
  mutable std::mutex mutex_;
  std::vector<SegmentInfo> segments_;  // guarded by mutex_
};

}  // namespace vitrine::eventlog::internal
