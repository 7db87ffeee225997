#include "engine/eventlog/internal/writer_impl.h"

#include <algorithm>
#include <chrono>

#include "platform/io/atomic_file.h"
#include "platform/io/futex.h"

namespace vitrine::eventlog {

using namespace internal;  // NOLINT: this is the inside

namespace {

constexpr TimeUs kFencePollUs = 250'000;
constexpr TimeUs kChoresUs = 10'000'000;
constexpr TimeUs kLockPollUs = 2'000;

void bump(std::atomic<std::uint32_t>& word) {
  word.fetch_add(1, std::memory_order_release);
  io::futex_wake_all(word);
}

CommitQueueLimits limits_of(const WriterOptions& options) {
  return {.group_bytes_max = options.group_bytes_max,
          .group_bytes_target = std::min(options.group_bytes_target, options.group_bytes_max),
          .queue_bytes_max = options.queue_bytes_max,
          .gather_us = options.sync_mode == SyncMode::kInterval ? options.sync_interval_us : 0};
}

}  // namespace

Writer::Impl::Impl(WriterOptions options)
    : options_(std::move(options)),
      files_(*options_.files),
      queue_(limits_of(options_), *options_.clock),
      retention_(files_, options_.directory,
                 {.age_us = options_.retention_us, .bytes = options_.retention_bytes},
                 options_.retain_from),
      supply_(files_, options_.directory, options_.segment_bytes, options_.file_permissions),
      end_(files_, options_.directory),
      seal_(kFrameHeaderBytes, '\0') {}

// ---- opening ----

Status Writer::Impl::start() {
  VITRINE_TRY(files_.create_directories(options_.directory));
  VITRINE_TRY(files_.sync_directory(io::parent_path(options_.directory)));
  VITRINE_TRY(acquire_lock());
  VITRINE_TRY(open_log());
  queue_.set_next(end_.next());
  durable_ = end_.next() - 1;
  head_->publish(durable_, end_.segment_first(), end_.end_offset());
  report_.generation = generation_;
  report_.last = durable_;
  report_.oldest = retention_.oldest();
  report_.segments = retention_.segments();
  if (options_.background) {
    background_ = options_.executor->run_thread("log-segments", [this] { background_loop(); });
  } else {
    VITRINE_TRY(do_chores());
  }
  committer_ = options_.executor->run_thread("log-committer", [this] { commit_loop(); });
  return ok_status();
}

Status Writer::Impl::acquire_lock() {
  VITRINE_TRY(head_, Head::open_writable(files_, options_.directory, options_.file_permissions));
  const std::string path = io::join_path(options_.directory, kLockName);
  for (TimeUs waited = 0;; waited += kLockPollUs) {
    auto lock = files_.try_lock(path);
    if (lock.ok()) {
      lock_ = std::move(lock).value();
      return ok_status();
    }
    const bool held = lock.error().code() == ErrorCode::kConflict;
    if (!held || waited >= options_.lock_wait_us) {
      return std::move(lock).error().context("another writer has the log in " + options_.directory);
    }
    if (options_.take_over && waited == 0) head_->set_generation(head_->generation() + 1);
    std::atomic<std::uint32_t> nobody{0};
    io::futex_wait(nobody, 0, std::chrono::microseconds(kLockPollUs));
  }
}

Status Writer::Impl::open_log() {
  VITRINE_TRY(Recovered recovered, examine_log(files_, options_.directory, *head_));
  generation_ = recovered.generation;
  if (head_->trustworthy()) generation_ = std::max(generation_, head_->generation());
  ++generation_;
  head_->set_generation(generation_);
  supply_.set_generation(generation_);
  end_.set_time(options_.clock->wall_us());
  return recovered.segments.empty() ? begin_new_log() : continue_log(std::move(recovered));
}

Status Writer::Impl::write_generation() {
  return io::write_file_atomically(files_, io::join_path(options_.directory, kGenerationName),
                                   std::to_string(generation_) + "\n", options_.file_permissions);
}

Status Writer::Impl::begin_new_log() {
  end_.set_generation(generation_);
  VITRINE_TRY(supply_.prepare());
  VITRINE_TRY(put_in_new_segment(seal_, 0, 0));
  // After the segment: a generation without segments means that they were lost.
  return write_generation();
}

Status Writer::Impl::continue_log(Recovered recovered) {
  VITRINE_TRY(write_generation());
  VITRINE_TRY(repair_tail(files_, options_.directory, recovered, options_.file_permissions));
  report_ = std::move(recovered.report);
  retention_.set_segments(std::move(recovered.segments));
  end_.continue_from(std::move(recovered.last), recovered.tail);
  end_.set_generation(generation_);
  // A seal of the new generation: from here on damage to what was found can't pass as a torn write,
  // and frames of the writer before could not follow unnoticed.
  if (end_.fits_seal()) return end_.write(seal_, 0, 0);
  VITRINE_TRY(supply_.prepare());
  return put_in_new_segment(seal_, 0, 0);
}

// ---- the committer ----

void Writer::Impl::commit_loop() {
  const Status status = commit_until_stopped();
  if (status.ok()) return;
  fail(status.error());
  abandon(status.error());
  release_if_fenced();
  const bool closing_on_full_disk =
      closing_.load() && status.error().code() == ErrorCode::kExhausted;
  if (options_.on_fatal && !closing_on_full_disk) options_.on_fatal(status.error());
}

Status Writer::Impl::commit_until_stopped() {
  for (;;) {
    const TimeUs idle_us =
        end_.needs_seal() && options_.seal_after_us > 0 ? options_.seal_after_us : kFencePollUs;
    const CommitQueue::Next next = queue_.wait(current_, idle_us);
    VITRINE_TRY(check_alive());
    VITRINE_TRY(check_fence());
    if (next == CommitQueue::Next::kGroup) {
      VITRINE_TRY(commit(*current_));
      queue_.finish(std::move(current_));
    } else {
      const bool stopped = next == CommitQueue::Next::kStopped;
      if (end_.needs_seal() && (stopped || options_.seal_after_us > 0)) VITRINE_TRY(write_seal());
      if (stopped) return ok_status();
      if (!options_.background && supply_.disk_full()) VITRINE_TRY(do_chores());
    }
    update_disk_room();
  }
}

Status Writer::Impl::commit(Group& group) {
  VITRINE_TRY(put(group.frame, group.count, group.record_bytes));
  // A successor that took over meanwhile may have written over this frame.
  VITRINE_TRY(check_fence());
  constexpr auto kRelaxed = std::memory_order_relaxed;
  counters_.records.fetch_add(group.count, kRelaxed);
  counters_.groups.fetch_add(1, kRelaxed);
  const Position durable = end_.next() - 1;
  durable_.store(durable, std::memory_order_release);
  head_->publish(durable, end_.segment_first(), end_.end_offset());
  tell_all(group, ok_status());
  return ok_status();
}

Status Writer::Impl::put(std::string& frame, std::uint32_t count, std::uint64_t record_bytes) {
  end_.set_time(options_.clock->wall_us());
  if (!end_.fits(record_bytes)) {
    VITRINE_TRY(put_in_new_segment(frame, count, record_bytes));
  } else {
    for (;;) {
      const std::int64_t before = options_.clock->steady_ns();
      const Status status = end_.write(frame, count, record_bytes);
      const std::int64_t us = (options_.clock->steady_ns() - before) / 1000;
      counters_.sync_us[LatencyHistogram::bucket_of(static_cast<std::uint64_t>(us))].fetch_add(
          1, std::memory_order_relaxed);
      if (status.ok()) break;
      // Only file systems that copy on write can be full inside a preallocated file.
      if (status.error().code() != ErrorCode::kExhausted || closing_.load()) return status;
      disk_room_.store(0, std::memory_order_relaxed);
      io::futex_wait(supply_word_, supply_word_.load(),
                     std::chrono::microseconds(options_.disk_probe_us));
    }
  }
  counters_.bytes.fetch_add(frame.size(), std::memory_order_relaxed);
  return ok_status();
}

Status Writer::Impl::put_in_new_segment(std::string& frame, std::uint32_t count,
                                        std::uint64_t record_bytes) {
  VITRINE_TRY(auto taken, wait_for_segment());
  std::optional<PreparedSegment> segment(std::move(taken));
  for (;;) {
    const Status status = end_.write_in_new_segment(segment, frame, count, record_bytes);
    if (status.ok()) break;
    if (status.error().code() != ErrorCode::kExhausted || closing_.load()) return status;
    disk_room_.store(0, std::memory_order_relaxed);
    io::futex_wait(supply_word_, supply_word_.load(),
                   std::chrono::microseconds(options_.disk_probe_us));
  }
  retention_.add({end_.segment_first(), end_.segment_size(), end_.segment_created_us()});
  if (!options_.background) return do_chores();
  wake_background();
  return ok_status();
}

Result<PreparedSegment> Writer::Impl::wait_for_segment() {
  const std::int64_t before = options_.clock->steady_ns();
  for (;;) {
    const std::uint32_t seen = supply_word_.load(std::memory_order_acquire);
    if (auto segment = supply_.take()) {
      counters_.segment_wait_us.fetch_add(
          static_cast<std::uint64_t>((options_.clock->steady_ns() - before) / 1000),
          std::memory_order_relaxed);
      return std::move(*segment);
    }
    VITRINE_TRY(check_alive());
    if (closing_.load() && supply_.disk_full()) {
      return Error(ErrorCode::kExhausted,
                   "the disk of " + options_.directory + " was full until the log was closed");
    }
    VITRINE_TRY(check_fence());
    update_disk_room();
    if (background_ == nullptr) {
      Status prepared = supply_.prepare();
      if (prepared.ok()) continue;
      if (prepared.error().code() != ErrorCode::kExhausted) return std::move(prepared).error();
    }
    io::futex_wait(supply_word_, seen, std::chrono::microseconds(options_.disk_probe_us));
  }
}

Status Writer::Impl::write_seal() {
  if (!end_.fits_seal()) return ok_status();
  VITRINE_TRY(end_.write(seal_, 0, 0));
  head_->publish(durable_.load(), end_.segment_first(), end_.end_offset());
  return ok_status();
}

Status Writer::Impl::check_fence() const {
  const std::uint64_t now = head_->generation();
  if (now == generation_ || generation_ == 0) return ok_status();
  return Error(ErrorCode::kFenced, "writer " + std::to_string(generation_) + " of the log in " +
                                       options_.directory + " was replaced by writer " +
                                       std::to_string(now));
}

void Writer::Impl::update_disk_room() {
  std::uint64_t room = ~std::uint64_t{0};
  if (supply_.disk_full()) {
    const std::uint64_t used = end_.end_offset() + kFrameHeaderBytes;
    room = end_.segment_size() > used ? end_.segment_size() - used : 0;
  }
  disk_room_.store(room, std::memory_order_relaxed);
}

void Writer::Impl::tell_all(Group& group, const Status& status) {
  for (OnDurable& done : group.done) done(status);
}

void Writer::Impl::abandon(const Error& why) {
  const Status status = why;
  if (current_) tell_all(*current_, status);
  current_.reset();
  std::unique_ptr<Group> group;
  while (queue_.wait(group, 0) == CommitQueue::Next::kGroup) {
    tell_all(*group, status);
    queue_.finish(std::move(group));
  }
}

void Writer::Impl::release_if_fenced() {
  if (failed_.load() && check_fence().ok()) return;
  // The successor waits for the lock. It must not get it while our other thread changes files.
  background_stop_ = true;
  wake_background();
  while (background_ != nullptr && background_done_.load() == 0) {
    io::futex_wait(background_done_, 0, std::chrono::milliseconds(100));
  }
  lock_.reset();
}

// ---- the background ----

void Writer::Impl::background_loop() {
  while (!background_stop_.load()) {
    const std::uint32_t seen = background_word_.load(std::memory_order_acquire);
    const Status status = do_chores();
    if (!status.ok()) {
      fail(status.error());
      break;
    }
    const TimeUs sleep_us = supply_.ready() ? kChoresUs : options_.disk_probe_us;
    io::futex_wait(background_word_, seen, std::chrono::microseconds(sleep_us));
  }
  background_done_ = 1;
  io::futex_wake_all(background_done_);
}

Status Writer::Impl::do_chores() {
  VITRINE_TRY(retention_.apply(options_.clock->wall_us()));
  const bool was_full = supply_.disk_full();
  Status prepared = supply_.prepare();
  bump(supply_word_);
  if (supply_.disk_full() != was_full) queue_.wake();
  if (!prepared.ok() && prepared.error().code() != ErrorCode::kExhausted) return prepared;
  return ok_status();
}

void Writer::Impl::wake_background() { bump(background_word_); }

// ---- the end ----

Status Writer::Impl::check_alive() const {
  if (!failed_.load(std::memory_order_acquire)) return ok_status();
  std::lock_guard lock(failure_mutex_);
  return failure_;
}

void Writer::Impl::fail(Error why) {
  {
    std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = why;
  }
  failed_.store(true, std::memory_order_release);
  queue_.refuse(std::move(why));
  bump(supply_word_);
  if (head_) head_->wake_all();
}

Status Writer::Impl::close() {
  std::lock_guard lock(close_mutex_);
  if (closed_) return check_alive();
  closed_ = true;
  closing_ = true;
  if (committer_) {
    queue_.refuse(Error(ErrorCode::kUnavailable, "the log is closed"));
    bump(supply_word_);
    committer_->wait();
  }
  background_stop_ = true;
  wake_background();
  if (background_) background_->wait();
  supply_.discard();
  lock_.reset();
  return check_alive();
}

}  // namespace vitrine::eventlog
