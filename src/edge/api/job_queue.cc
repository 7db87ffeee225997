#include "edge/api/job_queue.h"

#include <algorithm>
#include <array>

#include <sodium.h>

namespace vitrine::api {
namespace {

std::string new_job_id() {
  std::array<unsigned char, 16> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  char text[33];
  sodium_bin2hex(text, sizeof text, bytes.data(), bytes.size());
  return text;
}

}  // namespace

std::string_view job_state_name(JobState state) {
  switch (state) {
    case JobState::kWaiting: return "waiting";
    case JobState::kRunning: return "running";
    case JobState::kDone: return "done";
    case JobState::kFailed: return "failed";
  }
  return "failed";
}

JobQueue::JobQueue(JobQueueOptions options, Executor& executor, const Clock& clock, Work work)
    : options_(options), executor_(executor), clock_(clock), work_(std::move(work)) {}

JobQueue::~JobQueue() { stop(); }

// With the lock. Whatever is not finished stays.
void JobQueue::forget_old() {
  const TimeUs now = clock_.wall_us();
  while (!order_.empty()) {
    const Job& oldest = *order_.front();
    if (oldest.finished == 0) return;
    if (oldest.finished + options_.keep > now && order_.size() <= options_.kept_max) return;
    jobs_.erase(oldest.id);
    order_.pop_front();
  }
}

Result<Job> JobQueue::submit(ReplayOrder order) {
  std::unique_ptr<Task> former;  // waited for outside the lock
  const std::lock_guard lock(mutex_);
  if (stop_) return Error(ErrorCode::kUnavailable, "the server is stopping");
  forget_old();
  if (running_ && running_->order == order) return *running_;
  for (const auto& job : waiting_) {
    if (job->order == order) return *job;
  }
  const auto of_tenant = static_cast<std::size_t>(
      std::count_if(waiting_.begin(), waiting_.end(),
                    [&](const auto& job) { return job->order.tenant == order.tenant; }));
  if (waiting_.size() >= options_.waiting_max || of_tenant >= options_.waiting_per_tenant_max) {
    ++counts_.refused;
    return Error(ErrorCode::kExhausted, "other jobs are waiting; order this one again later")
        .with_reason("jobs_busy")
        .with_retry_after(10);
  }
  auto job = std::make_shared<Job>();
  job->id = new_job_id();
  job->order = std::move(order);
  job->created = clock_.wall_us();
  jobs_.emplace(job->id, job);
  order_.push_back(job);
  waiting_.push_back(job);
  if (!working_) {
    working_ = true;
    former = std::move(task_);  // has nothing left to do
    task_ = executor_.run_thread("jobs", [this] { work_off(); });
  }
  return *job;
}

void JobQueue::work_off() {
  while (true) {
    std::shared_ptr<Job> job;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty() || stop_) {
        working_ = false;
        return;
      }
      job = std::move(waiting_.front());
      waiting_.pop_front();
      job->state = JobState::kRunning;
      running_ = job;
    }
    auto result = work_(job->order, stop_);
    const std::lock_guard lock(mutex_);
    job->finished = clock_.wall_us();
    job->state = result.ok() ? JobState::kDone : JobState::kFailed;
    (result.ok() ? job->result : job->error) =
        result.ok() ? std::move(result).value() : result.error().message();
    ++(job->state == JobState::kDone ? counts_.done : counts_.failed);
    running_.reset();
  }
}

Result<Job> JobQueue::find(TenantId tenant, std::string_view id) {
  const std::lock_guard lock(mutex_);
  forget_old();
  const auto found = jobs_.find(id);
  if (found == jobs_.end() || found->second->order.tenant != tenant) {
    return Error(ErrorCode::kNotFound,
                 "no job of this id: results are kept for a while after they were made, and not "
                 "over a restart")
        .with_reason("job_not_found");
  }
  return *found->second;
}

void JobQueue::stop() {
  std::unique_ptr<Task> task;  // waited for outside the lock
  const std::lock_guard lock(mutex_);
  stop_ = true;
  waiting_.clear();
  task = std::move(task_);
}

JobQueue::Counts JobQueue::counts() const {
  const std::lock_guard lock(mutex_);
  Counts out = counts_;
  out.waiting = waiting_.size() + (running_ ? 1 : 0);
  return out;
}

}  // namespace vitrine::api
