#include "edge/api/job_queue.h"

#include <condition_variable>
#include <thread>

#include <gtest/gtest.h>

namespace vitrine::api {
namespace {

// Work that a test holds back.
class Gate {
 public:
  Result<std::string> work(const ReplayOrder& order, const std::atomic<bool>& stop) {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    while (open_ == 0 && !stop) changed_.wait_for(lock, std::chrono::milliseconds(5));
    if (stop) return Error(ErrorCode::kUnavailable, "stopped");
    --open_;
    if (order.item_id == "bad") return Error(ErrorCode::kGone, "the log is gone");
    return "{\"same\":true,\"of\":\"" + order.request_id + "\"}";
  }
  void open(int count) {
    const std::lock_guard lock(mutex_);
    open_ += count;
    changed_.notify_all();
  }
  void wait_begun(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int open_ = 0, begun_ = 0;
};

class Jobs : public testing::Test {
 protected:
  JobQueue& queue(JobQueueOptions options = {}) {
    queue_ = std::make_unique<JobQueue>(
        options, thread_executor(), clock_,
        [this](const ReplayOrder& order, const auto& stop) { return gate_.work(order, stop); });
    return *queue_;
  }
  static ReplayOrder order(std::uint32_t tenant, const std::string& request,
                           const std::string& item = {}) {
    return {TenantId{tenant}, "shop", request, item};
  }
  Job finished(std::uint32_t tenant, const std::string& id) {
    while (true) {
      const Job job = queue_->find(TenantId{tenant}, id).value();
      if (job.finished != 0) return job;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  ManualClock clock_{1'000'000};
  Gate gate_;
  std::unique_ptr<JobQueue> queue_;
};

TEST_F(Jobs, AreDoneOneAfterTheOtherInTheirOrder) {
  JobQueue& jobs = queue();
  const Job first = jobs.submit(order(1, "a")).value();
  const Job second = jobs.submit(order(1, "b")).value();
  gate_.wait_begun(1);
  EXPECT_EQ(jobs.find(TenantId{1}, first.id)->state, JobState::kRunning);
  EXPECT_EQ(jobs.find(TenantId{1}, second.id)->state, JobState::kWaiting);
  EXPECT_EQ(jobs.counts().waiting, 2u);
  gate_.open(2);
  EXPECT_EQ(finished(1, first.id).result, R"({"same":true,"of":"a"})");
  EXPECT_EQ(finished(1, second.id).state, JobState::kDone);
  EXPECT_EQ(jobs.counts().done, 2u);
  gate_.open(1);
  EXPECT_EQ(finished(1, jobs.submit(order(1, "c")).value().id).state, JobState::kDone)
      << "after a pause";
}

TEST_F(Jobs, AFailureSaysWhy) {
  JobQueue& jobs = queue();
  gate_.open(1);
  const Job job = finished(1, jobs.submit(order(1, "a", "bad")).value().id);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.error, "the log is gone");
}

TEST_F(Jobs, TheSameOrderIsTheSameJobUntilItIsDone) {
  JobQueue& jobs = queue();
  const std::string id = jobs.submit(order(1, "a")).value().id;
  EXPECT_EQ(jobs.submit(order(1, "a")).value().id, id);
  gate_.wait_begun(1);
  EXPECT_EQ(jobs.submit(order(1, "a")).value().id, id);
  EXPECT_NE(jobs.submit(order(1, "a", "item")).value().id, id);
  EXPECT_NE(jobs.submit(order(2, "a")).value().id, id);
}

TEST_F(Jobs, AnotherTenantsJobIsNotThere) {
  JobQueue& jobs = queue();
  const std::string id = jobs.submit(order(1, "a")).value().id;
  EXPECT_EQ(jobs.find(TenantId{2}, id).error().reason(), "job_not_found");
  EXPECT_EQ(jobs.find(TenantId{1}, "nothing").error().reason(), "job_not_found");
}

TEST_F(Jobs, OneTenantCannotTakeAllPlacesAndAllAreBounded) {
  JobQueue& jobs = queue({.waiting_max = 3, .waiting_per_tenant_max = 2});
  ASSERT_TRUE(jobs.submit(order(1, "running")).ok());
  gate_.wait_begun(1);
  EXPECT_TRUE(jobs.submit(order(1, "a")).ok());
  EXPECT_TRUE(jobs.submit(order(1, "b")).ok());
  const auto refused = jobs.submit(order(1, "c"));
  EXPECT_EQ(refused.error().reason(), "jobs_busy");
  EXPECT_GT(refused.error().retry_after_s(), 0u);
  EXPECT_TRUE(jobs.submit(order(2, "a")).ok());
  EXPECT_EQ(jobs.submit(order(3, "a")).error().reason(), "jobs_busy");
  EXPECT_EQ(jobs.counts().refused, 2u);
}

TEST_F(Jobs, ResultsAreKeptForAWhileAndNotTooMany) {
  JobQueue& jobs = queue({.kept_max = 2});
  gate_.open(4);
  const std::string first = jobs.submit(order(1, "a")).value().id;
  finished(1, first);
  clock_.advance_us(kHourUs - 1);
  EXPECT_TRUE(jobs.find(TenantId{1}, first).ok());
  clock_.advance_us(2);
  EXPECT_FALSE(jobs.find(TenantId{1}, first).ok());
  std::vector<std::string> ids;
  for (const char* request : {"b", "c", "d"}) {
    ids.push_back(jobs.submit(order(1, request)).value().id);
    finished(1, ids.back());
  }
  EXPECT_FALSE(jobs.find(TenantId{1}, ids[0]).ok());
  EXPECT_TRUE(jobs.find(TenantId{1}, ids[2]).ok());
}

TEST_F(Jobs, StoppingEndsTheRunningAndTakesNoMore) {
  JobQueue& jobs = queue();
  ASSERT_TRUE(jobs.submit(order(1, "a")).ok());
  ASSERT_TRUE(jobs.submit(order(1, "b")).ok());
  gate_.wait_begun(1);
  jobs.stop();
  EXPECT_EQ(jobs.submit(order(1, "c")).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(jobs.counts().failed, 1u);
}

}  // namespace
}  // namespace vitrine::api
