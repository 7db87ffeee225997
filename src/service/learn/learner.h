// Trainings as jobs of the server: a bounded queue, one at a time, at low priority; started by
// request or by the clock, watched and stopped.
//
// What a job has done so far survives it: stopped, failed or killed, the same request goes on from
// the last epoch (train.h).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "domain/model/registry.h"
#include "service/learn/train.h"

namespace vitrine::learn {

enum class JobState { kQueued, kRunning, kDone, kFailed, kStopped };
std::string_view job_state_name(JobState state);  // "queued", ...

struct JobRequest {
  Recipe recipe;
  bool warm = false;
  bool promote = true;  // where the judgement says so
  bool learning_curve = false;
  std::optional<SearchRequest> search{};
};

struct Job {
  std::string id;
  TenantId tenant;
  JobRequest request;
  bool scheduled = false;
  JobState state = JobState::kQueued;
  TimeUs created = 0, started = 0, ended = 0;  // 0: not yet
  // Of what runs now.
  std::string stage;  // "cut", "search", "choose", "judge", "final"
  std::string phase, unit;
  std::uint64_t done = 0, total = 0;  // total 0: not known
  double rate = 0;                    // units a second, of this phase
  std::optional<double> eta_s;        // of this phase
  std::uint32_t epoch = 0;
  std::optional<double> loss, measure;  // of the last epoch
  std::uint64_t trials = 0;             // of a search, so far
  std::optional<double> best_measure;   // of these
  // How it ended.
  std::string model_id;
  bool promoted = false;
  std::string why;         // of the judgement, or why it was not promoted all the same
  std::string error_code;  // "not_enough_data", ...
  std::string error;
};

// What jobs need of the application; called on the learner's thread.
class LearnPorts {
 public:
  virtual ~LearnPorts() = default;
  struct Place {
    std::string log_directory;
    std::string live;              // model id; empty: none
    std::vector<Hash128> flagged;  // visitors that are not to be learned from, in order
  };
  virtual Result<Place> place(TenantId tenant) = 0;
  // Appends the change to the tenant's log and returns when it shows, or with what refused it.
  virtual Status change(TenantId tenant, const model::Change& change) = 0;
  // Tenants that scheduled trainings look at.
  virtual std::vector<TenantId> tenants() = 0;
  // Every run, however it ended; for logs, metrics and MLflow.
  virtual void ended(const Job& job, const model::Manifest* manifest) = 0;
};

struct LearnerOptions {
  std::string work_directory;
  unsigned threads = 1;
  std::uint64_t memory_bytes_max = std::uint64_t{4} << 30;
  TimeUs train_every = 0;  // of each tenant; 0: only by request
  JobRequest scheduled;
  std::string code_version;
};

class Learner {
 public:
  static constexpr std::size_t kQueuedMost = 16;
  static constexpr std::size_t kRememberedMost = 200;  // ended jobs, of all tenants

  Learner(LearnerOptions options, io::FileSystem& files, ModelStore& store, LearnPorts& ports,
          Executor& executor, const Clock& clock);
  // Stops what runs after its present epoch.
  ~Learner();
  // What the destructor does, at once; idempotent.
  void close();

  // kConflict "job_running" while the tenant has one; kExhausted where the queue is full.
  Result<Job> start(TenantId tenant, const JobRequest& request);
  // kNotFound "training_not_found".
  Result<Job> find(TenantId tenant, std::string_view job_id) const;
  std::vector<Job> jobs(TenantId tenant) const;  // newest first
  // A running one ends after its present epoch. kConflict where it has ended.
  Result<Job> stop(TenantId tenant, std::string_view job_id);
  ModelStore& store() { return store_; }

 private:
  class Watch;
  struct Entry {
    Job job;
    std::atomic<bool> stop{false};
  };
  Result<Job> enqueue(TenantId tenant, const JobRequest& request, bool scheduled);
  std::shared_ptr<Entry> entry_of(TenantId tenant, std::string_view job_id) const;
  void run();
  void run_job(Entry& entry);
  void end_job(Entry& entry, const Result<TrainOutcome>& outcome);
  Status promote(TenantId tenant, const model::Manifest& manifest);
  void start_due();

  const LearnerOptions options_;
  io::FileSystem& files_;
  ModelStore& store_;
  LearnPorts& ports_;
  Executor& executor_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_, as all below
  std::uint64_t next_ = 1;
  std::deque<std::shared_ptr<Entry>> queue_;
  std::deque<std::shared_ptr<Entry>> entries_;  // all remembered, oldest first
  std::map<TenantId, TimeUs> last_scheduled_;   // of the thread alone
  std::unique_ptr<Task> thread_;
};

}  // namespace vitrine::learn
