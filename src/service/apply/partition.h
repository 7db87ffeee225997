// One partition at work: its log, its state, and the applier that carries records from one to
// the other, in order, as soon as they are durable.
//
// Threads: everything public may be called from any thread, except open() and stop().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/progress.h"
#include "engine/eventlog/writer.h"
#include "service/apply/partition_state.h"
#include "service/apply/position_waiters.h"

namespace vitrine::apply {

struct PartitionOptions {
  std::string directory;        // log/, snapshots/, cold/ and ids/ live here
  eventlog::WriterOptions log;  // its directory is set by the partition
  PartitionStateOptions state;  // its directory is set by the partition
  // A snapshot is due after so many records, or after so long if there was any record. Smaller:
  // faster start-up, more writing.
  std::uint64_t snapshot_records = 2'000'000;
  TimeUs snapshot_interval_us = 10 * kMinuteUs;
  std::size_t snapshots_kept = 2;
  // Retention drops only what is archived too: nothing until set_archived() says how far that is.
  bool keep_until_archived = false;
  // Called on the applier's thread for each snapshot that could not be written; it must be short.
  // The log keeps what the snapshot would have covered, and a next one is tried after a while.
  std::function<void(const Error&)> on_snapshot_failed;
  // Records applied under one hold of a tenant's lock: an upper bound of what a reader waits.
  std::size_t records_per_lock = 32;
};

struct StartReport {
  LoadReport load;
  eventlog::OpenReport log;
  std::uint64_t replayed = 0;  // records after the snapshot
  double replay_seconds = 0;
  double seconds = 0;  // all of open()
};

struct PartitionMetrics {
  eventlog::LogMetrics log;
  eventlog::Position appended = 0;
  eventlog::Position durable = 0;
  eventlog::Position applied = 0;
  eventlog::Position snapshot = 0;  // position of the newest complete snapshot
  std::uint64_t snapshots_written = 0;
  std::uint64_t snapshots_failed = 0;
  std::uint64_t apply_busy_us = 0;  // time the applier spent applying
  std::size_t waiters = 0;
};

class Partition {
 public:
  // Loads the newest snapshot, replays the tail of the log, then starts the applier. Returns when
  // the state is level with the log. `on_fatal` is called once, from any thread, if the partition
  // can't go on (failing disk, record it does not know): the process should end, loudly.
  static Result<std::unique_ptr<Partition>> open(PartitionOptions options, io::FileSystem& files,
                                                 const Clock& clock, Executor& executor,
                                                 Progress& progress,
                                                 std::function<void(const Error&)> on_fatal);
  // Stops without a last snapshot if stop() was not called.
  ~Partition();

  // Applies everything appended so far, writes a snapshot, closes the log. Appends are refused from
  // the moment it is called. Idempotent.
  Status stop();

  const StartReport& start_report() const { return start_report_; }

  // As eventlog::Writer::append().
  Result<eventlog::PositionRange> append(std::span<const eventlog::RecordRef> records,
                                         eventlog::OnDurable done,
                                         eventlog::Wake wake = eventlog::Wake::kNow) {
    return log_->append(records, std::move(done), wake);
  }
  // After appends with Wake::kAtFlush.
  void flush() { log_->flush(); }
  eventlog::Position durable() const { return log_->durable(); }
  eventlog::Position appended() const { return log_->appended(); }
  // Everything up to here shows in every later read.
  eventlog::Position applied() const { return applied_.load(std::memory_order_acquire); }

  // How far what is shown is behind what was accepted, in microseconds at time `now`; 0 when level.
  TimeUs lag_us(TimeUs now) const {
    if (applied() >= log_->appended()) return 0;
    return std::max<TimeUs>(0, now - applied_append_time_.load(std::memory_order_relaxed));
  }

  // Who needs to see a position; see PositionWaiters. The callback runs on the applier's thread
  // and must be short.
  PositionWaiters& waiters() { return waiters_; }

  // How the record at an applied position ended; kApplied for those that are no longer remembered
  // (the last 65,536 that ended otherwise are).
  ApplyOutcome outcome(eventlog::Position position) const;

  std::shared_ptr<TenantRuntime> tenant(TenantId id) const { return state_->tenant(id); }
  std::vector<TenantId> tenants() const { return state_->tenants(); }

  // Everything up to `position` is archived; may only rise.
  void set_archived(eventlog::Position position);
  const std::string& directory() const { return options_.directory; }
  std::string log_directory() const { return options_.log.directory; }

  // Asks the applier for a snapshot now; returns at once.
  void request_snapshot() { snapshot_requested_ = true; }
  PartitionMetrics metrics() const;

 private:
  Partition(PartitionOptions options, const Clock& clock,
            std::function<void(const Error&)> on_fatal);
  Status replay(io::FileSystem& files, Progress& progress);
  void apply_loop();
  // Applies what is durable; false once a fatal error was reported.
  bool apply_available();
  Status apply_batch();
  void publish();
  void remember(eventlog::Position position, ApplyOutcome outcome);
  void look_after_snapshots();
  // Takes note of how the snapshot that is being written ended, if it ended.
  void note_finished_snapshot();
  void note_failed_snapshot(const Error& error);
  // Lets retention drop what is covered by snapshots and, where asked for, archived.
  void raise_retention_floor();
  void fail(const Error& error);

  PartitionOptions options_;
  const Clock& clock_;
  std::function<void(const Error&)> on_fatal_;
  StartReport start_report_;

  std::unique_ptr<eventlog::Writer> log_;
  std::unique_ptr<PartitionState> state_;  // moved on by the applier only
  std::unique_ptr<eventlog::Reader> reader_;
  std::vector<eventlog::RecordView> batch_;  // what the applier is at
  PositionWaiters waiters_;
  std::atomic<eventlog::Position> applied_{0};
  std::atomic<TimeUs> applied_append_time_{0};

  mutable std::mutex outcomes_mutex_;
  std::map<eventlog::Position, ApplyOutcome> outcomes_;  // guarded by outcomes_mutex_

  std::atomic<bool> stopping_{false};
  std::atomic<bool> finish_snapshot_{false};  // a stop() lets the one that is being written end
  std::atomic<bool> failed_{false};
  std::atomic<bool> snapshot_requested_{false};
  std::atomic<eventlog::Position> snapshot_position_{0};
  std::atomic<eventlog::Position> snapshot_floor_{1};  // snapshots need the log from here on
  std::atomic<eventlog::Position> archived_{0};
  std::atomic<std::uint64_t> snapshots_written_{0};
  std::atomic<std::uint64_t> snapshots_failed_{0};
  std::atomic<std::uint64_t> apply_busy_us_{0};
  eventlog::Position snapshot_begun_ = 0;  // newest that is complete or being written
  std::int64_t last_snapshot_ns_ = 0;      // when that was begun, or when the last one failed
  bool last_snapshot_failed_ = false;
  std::int64_t last_fetch_ns_ = 0;  // when the applier last found something
  bool stopped_ = false;
  std::unique_ptr<Task> applier_;
};

}  // namespace vitrine::apply
