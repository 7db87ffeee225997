#include "service/learn/learner.h"

#include <algorithm>
#include <chrono>

#include "service/learn/gate.h"

namespace vitrine::learn {
namespace {

constexpr std::chrono::seconds kScheduleEvery{30};

}  // namespace

std::string_view job_state_name(JobState state) {
  switch (state) {
    case JobState::kQueued: return "queued";
    case JobState::kRunning: return "running";
    case JobState::kDone: return "done";
    case JobState::kFailed: return "failed";
    case JobState::kStopped: return "stopped";
  }
  return "unknown";
}

// Writes what a training says into its job.
class Learner::Watch final : public Progress {
 public:
  Watch(Learner& learner, Job& job) : learner_(learner), job_(job) {}
  void start(std::string_view phase, std::uint64_t total, std::string_view unit) override {
    std::lock_guard lock(learner_.mutex_);
    began_ns_ = learner_.clock_.steady_ns();
    job_.phase = phase;
    job_.unit = unit;
    job_.total = total;
    job_.done = 0;
    job_.rate = 0;
    job_.eta_s.reset();
  }
  void update(std::uint64_t done) override {
    std::lock_guard lock(learner_.mutex_);
    job_.done = done;
    const double seconds = static_cast<double>(learner_.clock_.steady_ns() - began_ns_) / 1e9;
    if (seconds <= 0 || done == 0) return;
    job_.rate = static_cast<double>(done) / seconds;
    if (job_.total >= done && job_.total > 0) {
      job_.eta_s = static_cast<double>(job_.total - done) / job_.rate;
    }
  }
  void finish() override {
    std::lock_guard lock(learner_.mutex_);
    job_.eta_s = 0;
  }
  TrainWatch watch(const std::atomic<bool>& stop) {
    TrainWatch out;
    out.progress = this;
    out.stop = &stop;
    out.on_stage = [this](std::string_view stage) {
      std::lock_guard lock(learner_.mutex_);
      job_.stage = stage;
      job_.epoch = 0;
    };
    out.on_epoch = [this](std::uint32_t epoch, double loss, std::optional<double> measure) {
      std::lock_guard lock(learner_.mutex_);
      job_.epoch = epoch;
      job_.loss = loss;
      job_.measure = measure;
    };
    out.on_trial = [this](const model::Search& so_far) {
      std::lock_guard lock(learner_.mutex_);
      job_.trials = so_far.trials.size();
      job_.best_measure = so_far.trials[so_far.chosen].measure;
    };
    return out;
  }

 private:
  Learner& learner_;
  Job& job_;
  std::int64_t began_ns_ = 0;
};

Learner::Learner(LearnerOptions options, io::FileSystem& files, ModelStore& store,
                 LearnPorts& ports, Executor& executor, const Clock& clock)
    : options_(std::move(options)),
      files_(files),
      store_(store),
      ports_(ports),
      executor_(executor),
      clock_(clock) {
  thread_ = executor.run_thread("learner", [this] { run(); });
}

Learner::~Learner() { close(); }

void Learner::close() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& entry : entries_) entry->stop = true;
  }
  changed_.notify_all();
  thread_->wait();
}

Result<Job> Learner::start(TenantId tenant, const JobRequest& request) {
  return enqueue(tenant, request, false);
}

Result<Job> Learner::enqueue(TenantId tenant, const JobRequest& request, bool scheduled) {
  std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    const Job& job = entry->job;
    if (job.tenant != tenant) continue;
    if (job.state != JobState::kQueued && job.state != JobState::kRunning) continue;
    return Error(ErrorCode::kConflict, "job " + job.id + " is " +
                                           std::string(job_state_name(job.state)) +
                                           ": wait for it, or stop it first")
        .with_reason("job_running");
  }
  if (queue_.size() >= kQueuedMost) {
    return Error(ErrorCode::kExhausted,
                 std::to_string(queue_.size()) + " trainings are waiting; try again later")
        .with_retry_after(60);
  }
  auto entry = std::make_shared<Entry>();
  Job& job = entry->job;
  job.created = clock_.wall_us();
  job.id = "job-" + std::to_string(job.created) + "-" + std::to_string(next_++);
  job.tenant = tenant;
  job.request = request;
  job.scheduled = scheduled;
  queue_.push_back(entry);
  entries_.push_back(entry);
  for (auto at = entries_.begin(); entries_.size() > kRememberedMost && at != entries_.end();) {
    const bool ended = (*at)->job.ended != 0;
    at = ended ? entries_.erase(at) : at + 1;
  }
  changed_.notify_all();
  return job;
}

std::shared_ptr<Learner::Entry> Learner::entry_of(TenantId tenant, std::string_view job_id) const {
  for (const auto& entry : entries_) {
    if (entry->job.tenant == tenant && entry->job.id == job_id) return entry;
  }
  return nullptr;
}

Result<Job> Learner::find(TenantId tenant, std::string_view job_id) const {
  std::lock_guard lock(mutex_);
  const auto entry = entry_of(tenant, job_id);
  if (entry != nullptr) return entry->job;
  return Error(ErrorCode::kNotFound, "there is no job '" + std::string(job_id.substr(0, 64)) +
                                         "'; jobs of before the last start, and all but the last " +
                                         std::to_string(kRememberedMost) + ", are forgotten")
      .with_reason("training_not_found");
}

std::vector<Job> Learner::jobs(TenantId tenant) const {
  std::lock_guard lock(mutex_);
  std::vector<Job> out;
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
    if ((*at)->job.tenant == tenant) out.push_back((*at)->job);
  }
  return out;
}

Result<Job> Learner::stop(TenantId tenant, std::string_view job_id) {
  VITRINE_TRY(const Job found, find(tenant, job_id));
  std::lock_guard lock(mutex_);
  const auto entry = entry_of(tenant, job_id);
  if (entry == nullptr || entry->job.ended != 0) {
    return Error(ErrorCode::kConflict, "job " + found.id + " has ended").with_reason("job_ended");
  }
  entry->stop = true;
  if (entry->job.state == JobState::kQueued) {
    std::erase(queue_, entry);
    entry->job.state = JobState::kStopped;
    entry->job.ended = clock_.wall_us();
  }
  return entry->job;
}

void Learner::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait_for(lock, kScheduleEvery, [this] { return stopping_ || !queue_.empty(); });
      if (!stopping_ && queue_.empty() && options_.train_every > 0) {
        lock.unlock();
        start_due();
        lock.lock();
      }
      continue;
    }
    const auto entry = queue_.front();
    queue_.pop_front();
    entry->job.state = JobState::kRunning;
    entry->job.started = clock_.wall_us();
    lock.unlock();
    run_job(*entry);
    lock.lock();
  }
}

void Learner::run_job(Entry& entry) {
  const TenantId tenant = entry.job.tenant;
  Watch watch(*this, entry.job);
  const auto train = [&]() -> Result<TrainOutcome> {
    VITRINE_TRY(const auto where, ports_.place(tenant));
    TrainRequest request;
    request.tenant = tenant;
    request.recipe = entry.job.request.recipe;
    request.warm = entry.job.request.warm;
    request.learning_curve = entry.job.request.learning_curve;
    request.search = entry.job.request.search;
    request.memory_bytes_max = options_.memory_bytes_max;
    request.live = where.live;
    request.flagged = where.flagged;
    const TrainPlace place{
        files_,    where.log_directory,
        store_,    io::join_path(options_.work_directory, std::to_string(tenant.value)),
        executor_, options_.threads,
        clock_,    options_.code_version};
    return train_model(request, place, watch.watch(entry.stop));
  };
  end_job(entry, train());
}

Status Learner::promote(TenantId tenant, const model::Manifest& manifest) {
  VITRINE_TRY(const auto where, ports_.place(tenant));
  VITRINE_TRY(check_promotion(manifest, where.live));
  model::Change change{model::Action::kPromote, manifest.id, manifest.judgement.why};
  change.reason.resize(std::min(change.reason.size(), model::kReasonBytesMax));
  return ports_.change(tenant, change);
}

void Learner::end_job(Entry& entry, const Result<TrainOutcome>& outcome) {
  bool promoted = false;
  std::string why;
  const model::Manifest* manifest = outcome.ok() ? &outcome.value().manifest : nullptr;
  if (manifest != nullptr) {
    why = manifest->judgement.why;
    if (entry.job.request.promote && manifest->judgement.promote) {
      const Status done = promote(entry.job.tenant, *manifest);
      promoted = done.ok();
      if (!done.ok()) why += "; not promoted: " + done.error().message();
    }
  }
  Job ended;
  {
    std::lock_guard lock(mutex_);
    Job& job = entry.job;
    job.ended = clock_.wall_us();
    job.eta_s.reset();
    if (manifest != nullptr) {
      job.state = JobState::kDone;
      job.model_id = manifest->id;
      job.promoted = promoted;
      job.why = why;
    } else {
      const Error& error = outcome.error();
      job.state = error.reason() == "training_stopped" ? JobState::kStopped : JobState::kFailed;
      job.error_code = error.reason().empty() ? std::string(error_code_name(error.code()))
                                              : std::string(error.reason());
      job.error = error.message();
    }
    ended = job;
  }
  ports_.ended(ended, manifest);
}

void Learner::start_due() {
  const TimeUs now = clock_.wall_us();
  for (const TenantId tenant : ports_.tenants()) {
    auto& last = last_scheduled_[tenant];
    if (last == 0) {
      // Not since this start: when was it before?
      const auto models = store_.list(tenant);
      if (models.ok()) {
        for (const model::Manifest& one : *models) last = std::max(last, one.created);
      }
    }
    if (now - last < options_.train_every) continue;
    // Of a failure, too: it is tried again after the same time.
    last = now;
    if (!enqueue(tenant, options_.scheduled, true).ok()) last = 0;
  }
}

}  // namespace vitrine::learn
