// Where appenders leave records and the committer fetches them, a group at a time.
//
// Records are laid out as a frame while they arrive, so that committing copies nothing.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/eventlog/on_durable.h"
#include "engine/eventlog/types.h"

namespace vitrine::eventlog::internal {

struct Group {
  std::string frame;  // header space, then records
  std::uint32_t count = 0;
  std::uint64_t record_bytes = 0;
  std::int64_t started_ns = 0;  // only kept where groups gather
  std::vector<OnDurable> done;

  void clear();
};

struct CommitQueueLimits {
  std::uint64_t group_bytes_max = 0;
  std::uint64_t group_bytes_target = 0;
  std::uint64_t queue_bytes_max = 0;
  TimeUs gather_us = 0;  // a group waits so long for company; 0: not at all
};

class CommitQueue {
 public:
  CommitQueue(CommitQueueLimits limits, const Clock& clock) : limits_(limits), clock_(clock) {}

  void set_next(Position next) { next_ = next; }
  // Thread-safe. See Writer::append. `disk_room`: bytes that may wait altogether because there is
  // room on disk for them. The committer may sleep on until flush().
  Result<PositionRange> append(std::span<const RecordRef> records, OnDurable done,
                               const std::atomic<std::uint64_t>& disk_room);

  // Wakes the committer if it sleeps although there is work. Thread-safe.
  void flush();

  enum class Next { kGroup, kIdle, kStopped };
  // Committer only. The next group to write; kIdle when nothing came for `idle_us`; kStopped when
  // refuse() was called and nothing is left.
  Next wait(std::unique_ptr<Group>& group, TimeUs idle_us);
  // Committer only. Gives back a group whose fate is sealed; its bytes no longer count.
  void finish(std::unique_ptr<Group> group);
  // From now on append() gives `why`.
  void refuse(Error why);
  void wake();

  Position appended() const { return appended_.load(std::memory_order_acquire); }
  std::uint64_t queue_bytes() const { return queue_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t refused_queue() const { return refused_queue_.load(std::memory_order_relaxed); }
  std::uint64_t refused_disk() const { return refused_disk_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kSpareGroups = 16;
  Status admit(std::uint64_t bytes, std::uint64_t disk_room);  // with mutex_ held
  Group& open_group(std::uint64_t bytes);                      // with mutex_ held
  TimeUs gather_left_us() const;                               // with mutex_ held

  const CommitQueueLimits limits_;
  const Clock& clock_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Group>> groups_;  // guarded by mutex_
  std::vector<std::unique_ptr<Group>> spare_;  // guarded by mutex_
  Position next_ = 1;                          // guarded by mutex_
  // The committer sleeps, and something came that it should wake for.
  std::atomic<bool> wanted_{false};            // set with mutex_ held
  bool sleeping_ = false;                      // guarded by mutex_
  Error refusal_;                              // guarded by mutex_
  std::atomic<std::uint64_t> queue_bytes_{0};  // written with mutex_ held
  std::atomic<Position> appended_{0};
  std::atomic<std::uint64_t> refused_queue_{0};
  std::atomic<std::uint64_t> refused_disk_{0};
  std::atomic<std::uint32_t> wakes_{0};
};

}  // namespace vitrine::eventlog::internal
