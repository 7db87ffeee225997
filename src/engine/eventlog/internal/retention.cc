#include "engine/eventlog/internal/retention.h"

namespace vitrine::eventlog::internal {

void Retention::set_segments(std::vector<SegmentInfo> segments) {
  std::lock_guard lock(mutex_);
  segments_ = std::move(segments);
  if (!segments_.empty()) oldest_.store(segments_.front().first, std::memory_order_release);
}

void Retention::add(SegmentInfo segment) {
  std::lock_guard lock(mutex_);
  // A segment that held nothing but seals is replaced by one of the same name.
  if (!segments_.empty() && segments_.back().first == segment.first) segments_.pop_back();
  segments_.push_back(segment);
  oldest_.store(segments_.front().first, std::memory_order_release);
}

void Retention::raise_floor(Position floor) {
  Position seen = floor_.load();
  while (seen < floor && !floor_.compare_exchange_weak(seen, floor)) {
  }
}

std::uint64_t Retention::segments() const {
  std::lock_guard lock(mutex_);
  return segments_.size();
}

Position Retention::next_to_remove(TimeUs now_us) const {
  std::lock_guard lock(mutex_);
  if (segments_.size() < 2) return 0;
  // A segment ends where the next begins: its last record is older than the next one's first.
  const SegmentInfo& next = segments_[1];
  if (next.first > floor_.load()) return 0;
  const bool old = rule_.age_us > 0 && now_us - next.created_us > rule_.age_us;
  std::uint64_t bytes = 0;
  for (const SegmentInfo& segment : segments_) bytes += segment.bytes;
  const bool large = rule_.bytes > 0 && bytes > rule_.bytes;
  return old || large ? segments_.front().first : 0;
}

Status Retention::apply(TimeUs now_us) {
  while (const Position first = next_to_remove(now_us)) {
    VITRINE_TRY(files_.remove(io::join_path(directory_, segment_name(first))));
    VITRINE_TRY(files_.sync_directory(directory_));
    std::lock_guard lock(mutex_);
    segments_.erase(segments_.begin());
    oldest_.store(segments_.front().first, std::memory_order_release);
    removed_.fetch_add(1, std::memory_order_relaxed);
  }
  return ok_status();
}

}  // namespace vitrine::eventlog::internal
