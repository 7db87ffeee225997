// Writer's inside: who runs on which thread.
//
//   any thread         append() -> CommitQueue
//   committer thread   commit_loop(): fetch a group, write, sync, publish, call back; all of LogEnd
//   background thread  background_loop(): prepare segments, apply retention
#pragma once

#include <array>
#include <atomic>
#include <mutex>

#include "engine/eventlog/internal/commit_queue.h"
#include "engine/eventlog/internal/head.h"
#include "engine/eventlog/internal/log_end.h"
#include "engine/eventlog/internal/recovery.h"
#include "engine/eventlog/internal/retention.h"
#include "engine/eventlog/internal/segment_supply.h"
#include "engine/eventlog/writer.h"

namespace vitrine::eventlog {

class Writer::Impl {
 public:
  explicit Impl(WriterOptions options);
  ~Impl() { (void)close(); }

  Status start();
  Status close();
  void fail(Error why);  // any thread; the committer does the rest

  Status check_alive() const;  // the failure, if any

  const WriterOptions options_;
  io::FileSystem& files_;
  internal::CommitQueue queue_;
  internal::Retention retention_;
  internal::SegmentSupply supply_;
  std::unique_ptr<internal::Head> head_;
  OpenReport report_;
  std::atomic<std::uint64_t> disk_room_{~std::uint64_t{0}};
  std::atomic<bool> failed_{false};
  std::atomic<Position> durable_{0};

  // Written by the committer, read by metrics().
  struct Counters {
    std::atomic<std::uint64_t> records{0};
    std::atomic<std::uint64_t> groups{0};
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> segment_wait_us{0};
    std::array<std::atomic<std::uint64_t>, LatencyHistogram::kBuckets> sync_us{};
  };
  Counters counters_;

 private:
  // Opening.
  Status acquire_lock();
  Status open_log();
  Status begin_new_log();
  Status continue_log(internal::Recovered recovered);
  Status write_generation();

  // Committer.
  void commit_loop();
  Status commit_until_stopped();
  Status commit(internal::Group& group);
  Status put(std::string& frame, std::uint32_t count, std::uint64_t record_bytes);
  Status put_in_new_segment(std::string& frame, std::uint32_t count, std::uint64_t record_bytes);
  Status write_seal();
  Result<internal::PreparedSegment> wait_for_segment();
  Status check_fence() const;
  void update_disk_room();
  void tell_all(internal::Group& group, const Status& status);
  void abandon(const Error& why);
  void release_if_fenced();

  // Background.
  void background_loop();
  Status do_chores();
  void wake_background();

  std::uint64_t generation_ = 0;
  internal::LogEnd end_;
  std::unique_ptr<io::FileLock> lock_;
  std::unique_ptr<internal::Group> current_;  // what the committer is at
  std::string seal_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> background_stop_{false};
  std::atomic<std::uint32_t> background_word_{0};
  std::atomic<std::uint32_t> supply_word_{0};
  std::atomic<std::uint32_t> background_done_{0};
  mutable std::mutex failure_mutex_;
  Error failure_;  // guarded by failure_mutex_
  std::mutex close_mutex_;
  bool closed_ = false;  // guarded by close_mutex_
  std::unique_ptr<Task> background_;
  std::unique_ptr<Task> committer_;
};

}  // namespace vitrine::eventlog
