#include "service/learn/learner.h"

#include <condition_variable>

#include <gmock/gmock.h>

#include "service/learn/testing_shop_log.h"

namespace vitrine::learn {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Remembers how jobs ended, and holds them until it is told to let go.
class Ports final : public LearnPorts {
 public:
  explicit Ports(ShopLog& log) : log_(log) {}
  Result<Place> place(TenantId) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
    return Place{log_.log_directory(), live, {}};
  }
  Status change(TenantId, const model::Change& change) override {
    changes.push_back(change);
    return refuse ? Status(Error(ErrorCode::kConflict, "no")) : ok_status();
  }
  std::vector<TenantId> tenants() override { return {log_.tenant}; }
  void ended(const Job& job, const model::Manifest*) override {
    std::lock_guard lock(mutex_);
    ended_.push_back(job);
    changed_.notify_all();
  }
  void let_go() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  Job wait_for(std::size_t nth) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return ended_.size() > nth; }));
    return ended_.at(nth);
  }

  std::vector<model::Change> changes;
  std::string live;
  bool refuse = false;

 private:
  ShopLog& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::vector<Job> ended_;
};

class LearnerTest : public testing::Test {
 protected:
  Learner& learner() {
    if (!learner_) {
      options_.work_directory = log_.folder + "/training";
      learner_ = std::make_unique<Learner>(options_, io::system_files(), *log_.store, ports_,
                                           thread_executor(), log_.clock);
    }
    return *learner_;
  }
  JobRequest request(Kind kind, const std::map<std::string, double>& parameters = {}) {
    JobRequest out;
    out.recipe = make_recipe(kind, parameters).value();
    return out;
  }
  ~LearnerTest() override { ports_.let_go(); }

  ShopLog log_;
  Ports ports_{log_};
  LearnerOptions options_;
  std::unique_ptr<Learner> learner_;
};

TEST_F(LearnerTest, TrainsAndPromotesWhatIsBetter) {
  log_.hidden_tastes(100);
  ports_.let_go();
  const auto job = learner().start(log_.tenant, request(Kind::kIals, ShopLog::small_ials()));
  ASSERT_TRUE(job.ok());
  const Job ended = ports_.wait_for(0);
  EXPECT_EQ(ended.id, job->id);
  EXPECT_EQ(ended.state, JobState::kDone) << ended.error;
  EXPECT_TRUE(ended.promoted) << ended.why;
  ASSERT_THAT(ports_.changes, SizeIs(1));
  EXPECT_EQ(ports_.changes[0].action, model::Action::kPromote);
  EXPECT_EQ(ports_.changes[0].model_id, ended.model_id);
  EXPECT_GT(ended.epoch, 0u);
  ASSERT_TRUE(ended.loss.has_value());
  EXPECT_EQ(learner().find(log_.tenant, job->id)->state, JobState::kDone);
}

TEST_F(LearnerTest, DoesNotPromoteWhatIsNotOrWasNotAskedFor) {
  log_.hidden_tastes(100);
  ports_.let_go();
  ASSERT_TRUE(learner().start(log_.tenant, request(Kind::kPopularity)).ok());
  const Job popularity = ports_.wait_for(0);
  EXPECT_EQ(popularity.state, JobState::kDone);
  EXPECT_FALSE(popularity.promoted);
  JobRequest wanted = request(Kind::kIals, ShopLog::small_ials());
  wanted.promote = false;
  ASSERT_TRUE(learner().start(log_.tenant, wanted).ok());
  EXPECT_FALSE(ports_.wait_for(1).promoted);
  EXPECT_THAT(ports_.changes, SizeIs(0));
}

TEST_F(LearnerTest, RefusesASecondJobOfATenantAndMoreThanMayWait) {
  ASSERT_TRUE(learner().start(log_.tenant, request(Kind::kIals)).ok());
  const auto second = learner().start(log_.tenant, request(Kind::kIals));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason(), "job_running");
  std::size_t taken = 0;
  for (std::uint32_t tenant = 100; tenant < 140; ++tenant) {
    const auto job = learner().start(TenantId{tenant}, request(Kind::kIals));
    if (job.ok()) {
      ++taken;
    } else {
      EXPECT_EQ(job.error().code(), ErrorCode::kExhausted);
    }
  }
  EXPECT_LE(taken, Learner::kQueuedMost);
  EXPECT_GE(taken, Learner::kQueuedMost - 1);
}

TEST_F(LearnerTest, JobsOfOtherTenantsAreNotThere) {
  const auto job = learner().start(log_.tenant, request(Kind::kIals));
  ASSERT_TRUE(job.ok());
  const TenantId other{8};
  EXPECT_EQ(learner().find(other, job->id).error().reason(), "training_not_found");
  EXPECT_EQ(learner().stop(other, job->id).error().reason(), "training_not_found");
  EXPECT_THAT(learner().jobs(other), SizeIs(0));
  EXPECT_THAT(learner().jobs(log_.tenant), SizeIs(1));
}

TEST_F(LearnerTest, AStoppedJobEndsAndAnotherMayBegin) {
  log_.hidden_tastes(100);
  const auto job = learner().start(log_.tenant, request(Kind::kIals));
  ASSERT_TRUE(job.ok());
  ASSERT_TRUE(learner().stop(log_.tenant, job->id).ok());
  ports_.let_go();
  if (learner().find(log_.tenant, job->id)->state != JobState::kStopped) {
    EXPECT_EQ(ports_.wait_for(0).state, JobState::kStopped);
  }
  const auto again = learner().stop(log_.tenant, job->id);
  EXPECT_EQ(again.error().reason(), "job_ended");
  EXPECT_TRUE(learner().start(log_.tenant, request(Kind::kPopularity)).ok());
}

TEST_F(LearnerTest, SaysWhyAJobFailed) {
  log_.append({log_.look("a", "x", 1)});
  ports_.let_go();
  ASSERT_TRUE(learner().start(log_.tenant, request(Kind::kIals)).ok());
  const Job ended = ports_.wait_for(0);
  EXPECT_EQ(ended.state, JobState::kFailed);
  EXPECT_EQ(ended.error_code, "not_enough_data");
  EXPECT_THAT(ended.error, HasSubstr("1 visitors"));
}

TEST_F(LearnerTest, AClosedOneEndsItsJobs) {
  log_.hidden_tastes(100);
  ports_.let_go();
  ASSERT_TRUE(learner().start(log_.tenant, request(Kind::kIals, {{"epochs", 200}})).ok());
  learner().close();
  for (const Job& job : learner().jobs(log_.tenant)) {
    EXPECT_NE(job.state, JobState::kRunning);
  }
}

}  // namespace
}  // namespace vitrine::learn
