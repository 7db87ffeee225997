// Work that is ordered over HTTP and takes longer than a request may wait: one at a time, few
// waiting, results kept for a while.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/result.h"

namespace vitrine::api {

enum class JobState { kWaiting, kRunning, kDone, kFailed };
std::string_view job_state_name(JobState state);  // "waiting"

// A recorded answer that is to be made again.
struct ReplayOrder {
  TenantId tenant;
  std::string tenant_name;
  std::string request_id;  // as text
  std::string item_id;     // empty: none is asked about
  bool operator==(const ReplayOrder&) const = default;
};

struct Job {
  std::string id;
  ReplayOrder order;
  JobState state = JobState::kWaiting;
  TimeUs created = 0;
  TimeUs finished = 0;  // 0: not yet
  std::string result;   // a JSON object, when done
  std::string error;    // when failed, for people
};

struct JobQueueOptions {
  std::size_t waiting_max = 16;
  std::size_t waiting_per_tenant_max = 4;
  TimeUs keep = kHourUs;         // results
  std::size_t kept_max = 1'000;  // the oldest goes first
};

// Thread-safe. Its thread exists while there is work.
class JobQueue {
 public:
  // Does the work of one job; called on the queue's thread. Should return soon once `stop` is true.
  using Work =
      std::function<Result<std::string>(const ReplayOrder&, const std::atomic<bool>& stop)>;

  JobQueue(JobQueueOptions options, Executor& executor, const Clock& clock, Work work);
  ~JobQueue();  // stops

  // The new job, or the one that waits or runs with the same order. kExhausted "jobs_busy" where
  // too much is waiting, kUnavailable once stopped.
  Result<Job> submit(ReplayOrder order);
  // kNotFound "job_not_found": there is none, it is another tenant's, or its time is over.
  Result<Job> find(TenantId tenant, std::string_view id);

  // Ends the running job and forgets those that wait. Idempotent.
  void stop();

  struct Counts {
    std::uint64_t done = 0, failed = 0, refused = 0;
    std::size_t waiting = 0;
  };
  Counts counts() const;

 private:
  void work_off();
  void forget_old();

  const JobQueueOptions options_;
  Executor& executor_;
  const Clock& clock_;
  const Work work_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Job>, std::less<>> jobs_;  // guarded by mutex_
  std::deque<std::shared_ptr<Job>> order_;    // guarded by mutex_; by time of creation
  std::deque<std::shared_ptr<Job>> waiting_;  // guarded by mutex_
  std::shared_ptr<Job> running_;              // guarded by mutex_
  bool working_ = false;                      // guarded by mutex_
  std::unique_ptr<Task> task_;                // guarded by mutex_
  Counts counts_;                             // guarded by mutex_
};

}  // namespace vitrine::api
