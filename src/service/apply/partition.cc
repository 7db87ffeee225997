#include "service/apply/partition.h"

#include <chrono>
#include <thread>

#include <unistd.h>

namespace vitrine::apply {
namespace {

constexpr std::size_t kOutcomesMax = 65'536;
// Records fetched from the log at a time; all of one frame.
constexpr std::size_t kBatchMost = 256;
// A busy log publishes a group every few hundred microseconds. Fetching each one costs a wake-up
// and a switch of threads, so the applier lets a few gather, unless somebody waits for a position.
constexpr TimeUs kGatherUs = 400;
constexpr std::uint64_t kWorthWaking = 64;  // records
// How long the applier sleeps at most when the log is quiet: it bounds how late it notices that
// it should stop or look after a snapshot. New records wake it at once.
constexpr TimeUs kIdleWaitUs = 20'000;
// After a snapshot that failed (a full disk, say) the next is not tried at once.
constexpr std::int64_t kSnapshotRetryNs = 10'000'000'000;

}  // namespace

Partition::Partition(PartitionOptions options, const Clock& clock,
                     std::function<void(const Error&)> on_fatal)
    : options_(std::move(options)), clock_(clock), on_fatal_(std::move(on_fatal)) {}

Result<std::unique_ptr<Partition>> Partition::open(PartitionOptions options, io::FileSystem& files,
                                                   const Clock& clock, Executor& executor,
                                                   Progress& progress,
                                                   std::function<void(const Error&)> on_fatal) {
  const std::int64_t started = clock.steady_ns();
  std::unique_ptr<Partition> self(new Partition(std::move(options), clock, std::move(on_fatal)));
  PartitionOptions& o = self->options_;
  VITRINE_TRY(files.create_directories(o.directory));

  // The log first: its lock is what keeps a second process out of the whole partition.
  o.log.directory = io::join_path(o.directory, "log");
  o.log.files = &files;
  o.log.clock = &clock;
  o.log.executor = &executor;
  o.log.retain_from = 1;  // until snapshots say what is no longer needed
  Partition* partition = self.get();
  o.log.on_fatal = [partition](const Error& error) { partition->fail(error); };
  VITRINE_TRY(self->log_, eventlog::Writer::open(o.log));
  self->start_report_.log = self->log_->open_report();

  o.state.directory = o.directory;
  VITRINE_TRY(self->state_, PartitionState::load(files, o.state, false, self->start_report_.load));
  self->snapshot_position_ = self->snapshot_begun_ = self->state_->position();
  VITRINE_TRY(self->replay(files, progress));
  VITRINE_TRY(const auto floor, self->state_->prune_snapshots(o.snapshots_kept));
  self->snapshot_floor_ = floor;
  self->raise_retention_floor();
  self->last_snapshot_ns_ = clock.steady_ns();
  self->start_report_.seconds = static_cast<double>(clock.steady_ns() - started) / 1e9;
  self->applier_ = executor.run_thread("applier", [partition] { partition->apply_loop(); });
  return self;
}

Partition::~Partition() {
  stopping_ = true;
  if (applier_) applier_->wait();
  if (log_) (void)log_->close();
}

Status Partition::replay(io::FileSystem& files, Progress& progress) {
  const eventlog::Position last = log_->durable();
  const eventlog::Position from = state_->position();
  if (from > last) {
    return Error(ErrorCode::kCorrupt, "the snapshot is of position " + std::to_string(from) +
                                          " but the log ends at " + std::to_string(last) +
                                          ": log and snapshots are not of the same history");
  }
  VITRINE_TRY(reader_, eventlog::Reader::open(files, options_.log.directory, from + 1));
  const std::int64_t started = clock_.steady_ns();
  progress.start("replaying the log", last - from, "records");
  state_->hold_locks(true);
  while (state_->position() < last) {
    VITRINE_TRY(reader_->next_batch(batch_, kBatchMost));
    if (batch_.empty()) {
      return Error(ErrorCode::kCorrupt, "the log ends before position " + std::to_string(last));
    }
    state_->expect(batch_);
    for (const eventlog::RecordView& record : batch_) {
      VITRINE_TRY(auto outcome, state_->apply(record));
      (void)outcome;
    }
    progress.update(state_->position() - from);
  }
  state_->release();
  progress.finish();
  start_report_.replayed = last - from;
  start_report_.replay_seconds = static_cast<double>(clock_.steady_ns() - started) / 1e9;
  publish();
  return ok_status();
}

void Partition::publish() {
  applied_append_time_.store(state_->append_time(), std::memory_order_relaxed);
  applied_.store(state_->position(), std::memory_order_release);
  waiters_.reached(state_->position());
}

void Partition::apply_loop() {
  while (!failed_) {
    const eventlog::Position before = applied();
    const std::int64_t began = clock_.steady_ns();
    if (!apply_available()) return;
    look_after_snapshots();
    if (stopping_ && applied() >= log_->appended()) break;
    const std::uint64_t fetched = applied() - before;
    const bool busy = fetched > 0 && fetched < kWorthWaking && began - last_fetch_ns_ < 2'000'000;
    if (fetched > 0) last_fetch_ns_ = began;
    if (busy && waiters_.empty()) {
      std::this_thread::sleep_for(std::chrono::microseconds(kGatherUs));
    }
    reader_->wait(applied() + 1, kIdleWaitUs);
  }
  // The writer of a snapshot is a child of this thread and would be killed at its end.
  while (finish_snapshot_ && state_->snapshot_running()) {
    note_finished_snapshot();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool Partition::apply_available() {
  const std::int64_t started = clock_.steady_ns();
  while (true) {
    const Status read = reader_->next_batch(batch_, kBatchMost);
    if (!read.ok()) {
      fail(read.error());
      return false;
    }
    if (batch_.empty()) break;
    if (const Status applied = apply_batch(); !applied.ok()) {
      fail(applied.error());
      return false;
    }
  }
  apply_busy_us_ += static_cast<std::uint64_t>((clock_.steady_ns() - started) / 1000);
  return true;
}

Status Partition::apply_batch() {
  state_->expect(batch_);
  std::size_t under_lock = 0;
  for (const eventlog::RecordView& record : batch_) {
    VITRINE_TRY(auto outcome, state_->apply(record));
    if (outcome.code != ApplyCode::kApplied) remember(record.position, std::move(outcome));
    if (++under_lock < options_.records_per_lock) continue;
    under_lock = 0;
    state_->release();
    publish();
    if (snapshot_requested_ || state_->position() - snapshot_begun_ >= options_.snapshot_records) {
      look_after_snapshots();
    }
  }
  state_->release();
  publish();
  return ok_status();
}

void Partition::remember(eventlog::Position position, ApplyOutcome outcome) {
  std::lock_guard lock(outcomes_mutex_);
  outcomes_.emplace(position, std::move(outcome));
  if (outcomes_.size() > kOutcomesMax) outcomes_.erase(outcomes_.begin());
}

ApplyOutcome Partition::outcome(eventlog::Position position) const {
  std::lock_guard lock(outcomes_mutex_);
  const auto it = outcomes_.find(position);
  return it == outcomes_.end() ? ApplyOutcome{} : it->second;
}

void Partition::note_finished_snapshot() {
  const auto finished = state_->poll_snapshot();
  if (!finished) return;
  if (!finished->ok()) return note_failed_snapshot(finished->error());
  last_snapshot_failed_ = false;
  snapshot_position_ = **finished;
  ++snapshots_written_;
  const auto floor = state_->prune_snapshots(options_.snapshots_kept);
  if (!floor.ok()) return;
  snapshot_floor_ = *floor;
  raise_retention_floor();
}

void Partition::note_failed_snapshot(const Error& error) {
  ++snapshots_failed_;
  last_snapshot_failed_ = true;
  last_snapshot_ns_ = clock_.steady_ns();
  snapshot_begun_ = snapshot_position_;
  if (options_.on_snapshot_failed) options_.on_snapshot_failed(error);
}

void Partition::look_after_snapshots() {
  note_finished_snapshot();
  if (state_->snapshot_running() || failed_) return;
  const eventlog::Position since = state_->position() - snapshot_begun_;
  const std::int64_t waited_ns = clock_.steady_ns() - last_snapshot_ns_;
  if (since == 0 || (last_snapshot_failed_ && waited_ns < kSnapshotRetryNs)) return;
  const bool due = since >= options_.snapshot_records || snapshot_requested_ ||
                   waited_ns >= options_.snapshot_interval_us * 1000;
  if (!due) return;
  snapshot_requested_ = false;
  last_snapshot_ns_ = clock_.steady_ns();
  snapshot_begun_ = state_->position();
  if (const Status begun = state_->begin_snapshot(); !begun.ok())
    note_failed_snapshot(begun.error());
}

void Partition::set_archived(eventlog::Position position) {
  archived_ = position;
  raise_retention_floor();
}

void Partition::raise_retention_floor() {
  eventlog::Position floor = snapshot_floor_;
  if (options_.keep_until_archived) floor = std::min(floor, archived_ + 1);
  log_->retain_from(floor);
}

void Partition::fail(const Error& error) {
  if (failed_.exchange(true)) return;
  if (on_fatal_) on_fatal_(error);
}

Status Partition::stop() {
  if (stopped_) return ok_status();
  VITRINE_TRY(log_->close());
  finish_snapshot_ = true;
  stopping_ = true;
  applier_->wait();
  stopped_ = true;
  if (failed_) return Error(ErrorCode::kInternal, "the partition had failed before it was stopped");
  if (state_->position() > snapshot_position_) {
    VITRINE_TRY(const auto position, state_->write_snapshot());
    snapshot_position_ = position;
    ++snapshots_written_;
    VITRINE_TRY(const auto floor, state_->prune_snapshots(options_.snapshots_kept));
    (void)floor;
  }
  return ok_status();
}

PartitionMetrics Partition::metrics() const {
  PartitionMetrics m;
  m.log = log_->metrics();
  m.appended = log_->appended();
  m.durable = log_->durable();
  m.applied = applied();
  m.snapshot = snapshot_position_;
  m.snapshots_written = snapshots_written_;
  m.snapshots_failed = snapshots_failed_;
  m.apply_busy_us = apply_busy_us_;
  m.waiters = waiters_.waiting();
  return m;
}

}  // namespace vitrine::apply
