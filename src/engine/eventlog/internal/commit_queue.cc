#include "engine/eventlog/internal/commit_queue.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/eventlog/internal/format.h"
#include "platform/io/futex.h"

namespace vitrine::eventlog::internal {
namespace {

void lay_out(std::string& frame, const RecordRef& record) {
  const RecordHeader header{.length = static_cast<std::uint32_t>(record.payload.size()),
                            .kind = record.kind,
                            .flags = 0,
                            .key_id = record.key_id};
  frame.append(reinterpret_cast<const char*>(&header), sizeof(header));
  frame.append(record.payload);
}

// What a frame may need beyond its records.
constexpr std::uint64_t kFrameOverhead = kFrameHeaderBytes + kFrameAlign;

}  // namespace

void Group::clear() {
  frame.assign(kFrameHeaderBytes, '\0');
  count = 0;
  record_bytes = 0;
  done.clear();
}

Status CommitQueue::admit(std::uint64_t bytes, std::uint64_t disk_room) {
  if (refusal_) return refusal_;
  const std::uint64_t waiting = queue_bytes_.load(std::memory_order_relaxed);
  if (waiting + bytes > disk_room) {
    refused_disk_.fetch_add(1, std::memory_order_relaxed);
    return Error(ErrorCode::kExhausted, "the disk is full; nothing was written, try again later");
  }
  if (waiting + bytes > limits_.queue_bytes_max) {
    refused_queue_.fetch_add(1, std::memory_order_relaxed);
    return Error(ErrorCode::kExhausted, "the log's queue is full; try again later");
  }
  return ok_status();
}

Group& CommitQueue::open_group(std::uint64_t bytes) {
  if (groups_.empty() ||
      groups_.back()->frame.size() + bytes + kFrameAlign > limits_.group_bytes_target) {
    std::unique_ptr<Group> group;
    if (spare_.empty()) {
      group = std::make_unique<Group>();
      group->clear();
    } else {
      group = std::move(spare_.back());
      spare_.pop_back();
    }
    if (limits_.gather_us > 0) group->started_ns = clock_.steady_ns();
    groups_.push_back(std::move(group));
    queue_bytes_.fetch_add(kFrameOverhead, std::memory_order_relaxed);
  }
  return *groups_.back();
}

Result<PositionRange> CommitQueue::append(std::span<const RecordRef> records, OnDurable done,
                                          const std::atomic<std::uint64_t>& disk_room) {
  if (records.empty()) return Error(ErrorCode::kInvalidArgument, "an append needs a record");
  std::uint64_t bytes = 0;
  for (const RecordRef& record : records) {
    if (record.payload.size() > kRecordPayloadMax) {
      return Error(ErrorCode::kTooLarge, "a record of " + std::to_string(record.payload.size()) +
                                             " bytes is above the limit of " +
                                             std::to_string(kRecordPayloadMax));
    }
    bytes += kRecordHeaderBytes + record.payload.size();
  }
  if (bytes + kFrameOverhead > limits_.group_bytes_max) {
    return Error(ErrorCode::kTooLarge, "an append of " + std::to_string(bytes) +
                                           " bytes is above the limit of a group, " +
                                           std::to_string(limits_.group_bytes_max));
  }
  PositionRange range;
  {
    std::lock_guard lock(mutex_);
    VITRINE_TRY(admit(bytes + kFrameOverhead, disk_room.load(std::memory_order_relaxed)));
    const std::size_t groups_before = groups_.size();
    Group& group = open_group(bytes);
    for (const RecordRef& record : records) lay_out(group.frame, record);
    group.count += static_cast<std::uint32_t>(records.size());
    group.record_bytes += bytes;
    if (done) group.done.push_back(std::move(done));
    queue_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    range = {next_, next_ + records.size() - 1};
    next_ += records.size();
    appended_.store(range.last, std::memory_order_release);
    // A committer at work looks again by itself; one that lets a group gather wakes by itself too,
    // and only wants to hear of a new group.
    const bool news = limits_.gather_us == 0 || groups_.size() != groups_before;
    if (sleeping_ && news) {
      sleeping_ = false;
      wanted_.store(true, std::memory_order_relaxed);
    }
  }
  return range;
}

void CommitQueue::flush() {
  if (!wanted_.load(std::memory_order_relaxed)) return;
  if (wanted_.exchange(false, std::memory_order_acq_rel)) wake();
}

TimeUs CommitQueue::gather_left_us() const {
  if (limits_.gather_us == 0 || groups_.size() > 1 || refusal_) return 0;
  const std::int64_t waited_ns = clock_.steady_ns() - groups_.front()->started_ns;
  return std::clamp<TimeUs>(limits_.gather_us - waited_ns / 1000, 0, limits_.gather_us);
}

CommitQueue::Next CommitQueue::wait(std::unique_ptr<Group>& group, TimeUs idle_us) {
  for (;;) {
    TimeUs sleep_us = idle_us;
    std::uint32_t seen = 0;
    {
      std::lock_guard lock(mutex_);
      if (!groups_.empty()) {
        sleep_us = gather_left_us();
        if (sleep_us == 0) {
          group = std::move(groups_.front());
          groups_.pop_front();
          return Next::kGroup;
        }
      } else if (refusal_) {
        return Next::kStopped;
      }
      seen = wakes_.load(std::memory_order_relaxed);
      sleeping_ = true;
    }
    io::futex_wait(wakes_, seen, std::chrono::microseconds(sleep_us));
    std::lock_guard lock(mutex_);
    sleeping_ = false;
    if (groups_.empty() && !refusal_) return Next::kIdle;
  }
}

void CommitQueue::finish(std::unique_ptr<Group> group) {
  const std::uint64_t bytes = kFrameOverhead + group->record_bytes;
  group->clear();
  // The buffer of an unusually large append is not worth keeping.
  const bool keep = group->frame.capacity() <= 2 * limits_.group_bytes_target;
  std::lock_guard lock(mutex_);
  queue_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (keep && spare_.size() < kSpareGroups) spare_.push_back(std::move(group));
}

void CommitQueue::refuse(Error why) {
  {
    std::lock_guard lock(mutex_);
    if (!refusal_) refusal_ = std::move(why);
  }
  wake();
}

void CommitQueue::wake() {
  wakes_.fetch_add(1, std::memory_order_release);
  io::futex_wake_all(wakes_);
}

}  // namespace vitrine::eventlog::internal
