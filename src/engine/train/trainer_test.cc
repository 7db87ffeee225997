#include "engine/train/trainer.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/noted_progress.h"

namespace vitrine::train {
namespace {

using graph::Edge;
using graph::StoreKind;

class RandomShop final : public graph::EdgeStream {
 public:
  Result<std::size_t> next(std::span<Edge> out) override {
    std::size_t n = 0;
    for (; n < out.size() && made_ < 60'000; ++n, ++made_) {
      const double u = static_cast<double>(random_() % 100000) / 100000;
      // Users like items near their own number: something to learn.
      const auto user = static_cast<std::uint32_t>(random_() % 5000);
      out[n] = {user, (user / 10 + static_cast<std::uint32_t>(u * u * u * 500)) % 800,
                static_cast<std::int64_t>(made_), 1, 0};
    }
    return n;
  }
  std::uint64_t edges_max() const override { return 60'000; }

 private:
  std::mt19937_64 random_{1};
  std::uint64_t made_ = 0;
};

class Training : public testing::Test {
 protected:
  static constexpr std::uint32_t kFeatures = 32;

  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() /
               ("vitrine_trainer_test." + std::to_string(::getpid())))
                  .string();
    std::filesystem::create_directories(folder_);
    RandomShop shop;
    graph::BuildOptions build{&files_, folder_ + "/graph", &budget_, 1 << 20};
    ASSERT_TRUE(graph::build_snapshot(shop, build, no_progress()).ok());
    const graph::RowFormat format{5800, kFeatures, graph::RowType::kFp32};
    auto writer = graph::RowFileWriter::create(files_, folder_ + "/rows", format).value();
    std::mt19937_64 random(2);
    std::vector<float> row(kFeatures);
    for (std::uint64_t i = 0; i < format.count; ++i) {
      for (float& x : row) x = static_cast<float>(random() % 2001) / 1000 - 1;
      ASSERT_TRUE(writer->append(row).ok());
    }
    ASSERT_TRUE(writer->finish().ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Setting {
    StoreKind store = StoreKind::kMemory;
    std::uint32_t superbatch = 8;
    unsigned threads = 2;
    bool spill = false;
    bool checkpoint = false;
    std::uint64_t seed = 5;
    std::function<int(std::uint64_t, int)> tamper{};
  };

  struct Run {
    graph::MemoryBudget budget;
    std::unique_ptr<graph::Snapshot> graph;
    std::unique_ptr<graph::RowStore> store;
    std::unique_ptr<Trainer> trainer;
  };

  Result<std::unique_ptr<Run>> open(const Setting& setting) {
    auto run = std::make_unique<Run>();
    VITRINE_TRY(run->graph, graph::Snapshot::open(files_, folder_ + "/graph", run->budget));
    graph::StoreOptions store;
    store.kind = setting.store;
    store.files = &files_;
    store.path = folder_ + "/rows";
    store.cache_bytes = 90'000;
    store.budget = &run->budget;
    store.executor = &thread_executor();
    store.clock = &system_clock();
    store.depth = 16;
    store.pack_directory = folder_;
    store.tamper = setting.tamper;
    VITRINE_TRY(run->store, graph::RowStore::open(store));
    TrainerOptions options;
    options.files = &files_;
    options.budget = &run->budget;
    options.executor = &thread_executor();
    options.clock = &system_clock();
    options.sample = {setting.seed, 128, 5, 3};
    options.shape = {kFeatures, 24, 16};
    options.superbatch = setting.superbatch;
    options.threads = setting.threads;
    if (setting.spill) options.spill_directory = folder_;
    options.spill_bytes_max = 32 << 20;
    if (setting.checkpoint) options.checkpoint_path = folder_ + "/checkpoint";
    options.checkpoint_batches = 5;
    VITRINE_TRY(run->trainer, Trainer::open(*run->graph, *run->store, options));
    return run;
  }

  Hash128 digest_after(const Setting& setting, std::uint64_t until) {
    auto run = open(setting).value();
    const auto stats = run->trainer->run(until, no_progress());
    EXPECT_TRUE(stats.ok()) << stats.error().to_string();
    return run->trainer->digest();
  }

  io::FileSystem& files_ = io::system_files();
  graph::MemoryBudget budget_;
  std::string folder_;
};

TEST_F(Training, EveryStoreSuperbatchAndThreadNumberGivesTheSameBits) {
  const Hash128 expected = digest_after({}, 40);
  for (const StoreKind kind : {StoreKind::kMmap, StoreKind::kLru, StoreKind::kStatic,
                               StoreKind::kBelady, StoreKind::kPacked, StoreKind::kAuto}) {
    SCOPED_TRACE(graph::store_kind_name(kind));
    EXPECT_EQ(digest_after({kind, 8, 2, true}, 40), expected);
    EXPECT_EQ(digest_after({kind, 13, 1, false}, 40), expected);
  }
  EXPECT_NE(digest_after({}, 41), expected);
}

TEST_F(Training, LearnsAcrossTheEndOfAnEpoch) {
  auto run = open({StoreKind::kMemory, 50, 2, false}).value();
  const std::uint64_t epoch = run->trainer->batches_per_epoch();
  const double first = run->trainer->run(20, no_progress()).value().loss;
  ASSERT_TRUE(run->trainer->run(epoch + 10, no_progress()).ok());
  const double last = run->trainer->run(epoch + 40, no_progress()).value().loss;
  EXPECT_EQ(run->trainer->position(), epoch + 40);
  EXPECT_LT(last, first);
}

TEST_F(Training, ProgressCountsBatchesAndNotesLossHitsAndBytes) {
  class Watcher final : public NotedProgress {
   public:
    void start(std::string_view, std::uint64_t total, std::string_view) override { total_ = total; }
    void update(std::uint64_t done) override { done_ = done; }
    void finish() override {}
    void note(std::string_view text) override { notes_.emplace_back(text); }
    std::uint64_t total_ = 0;
    std::uint64_t done_ = 0;
    std::vector<std::string> notes_;
  } watcher;
  auto run = open({StoreKind::kPacked, 8, 2, true}).value();
  ASSERT_TRUE(run->trainer->run(20, watcher).ok());
  EXPECT_EQ(watcher.total_, 20u);
  EXPECT_EQ(watcher.done_, 20u);
  ASSERT_EQ(watcher.notes_.size(), 3u);
  for (const char* part : {"loss 0.", " % of rows in memory, ", " read, ", " written"}) {
    EXPECT_NE(watcher.notes_.back().find(part), std::string::npos) << watcher.notes_.back();
  }
  EXPECT_EQ(watcher.notes_.back().find(" 0 % of rows"), std::string::npos);
  EXPECT_EQ(watcher.notes_.back().find(", 0 B read"), std::string::npos);
}

TEST_F(Training, StoppedAndOpenedAgainItEndsTheSame) {
  const Hash128 expected = digest_after({}, 33);
  const Setting setting{StoreKind::kBelady, 8, 2, true, true};
  for (const std::uint64_t until : {3u, 5u, 21u, 33u}) digest_after(setting, until);
  auto run = open(setting).value();
  EXPECT_EQ(run->trainer->position(), 33u);
  EXPECT_EQ(run->trainer->digest(), expected);
}

TEST_F(Training, KilledAtAnyMomentItGoesOnFromTheLastCheckpointToTheSameEnd) {
  constexpr std::uint64_t kUntil = 60;
  const Hash128 expected = digest_after({}, kUntil);
  const Setting setting{StoreKind::kPacked, 8, 2, true, true};
  std::mt19937_64 random(3);
  int killed = 0;
  for (int attempt = 0; attempt < 60; ++attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto run = open(setting);
      const bool good = run.ok() && (*run)->trainer->run(kUntil, no_progress()).ok();
      ::_exit(good ? 0 : 1);
    }
    ::usleep(static_cast<useconds_t>(20'000 + random() % 150'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++killed;
  }
  auto run = open(setting).value();
  ASSERT_TRUE(run->trainer->run(kUntil, no_progress()).ok());
  EXPECT_EQ(run->trainer->digest(), expected);
  EXPECT_GT(killed, 0);
}

TEST_F(Training, ADiskThatFailsWhileTrainingIsAClearError) {
  for (const StoreKind kind : {StoreKind::kLru, StoreKind::kBelady, StoreKind::kPacked}) {
    std::atomic<int> requests{0};
    Setting setting{kind, 8, 2, true};
    setting.tamper = [&](std::uint64_t, int result) { return ++requests > 150 ? -EIO : result; };
    auto run = open(setting).value();
    const auto stats = run->trainer->run(60, no_progress());
    ASSERT_FALSE(stats.ok()) << graph::store_kind_name(kind);
    EXPECT_EQ(stats.error().code(), ErrorCode::kIo);
  }
}

TEST_F(Training, ACheckpointOfOtherOptionsOrADamagedOneIsRefused) {
  const Setting setting{StoreKind::kMemory, 8, 2, false, true};
  digest_after(setting, 5);
  Setting other = setting;
  other.seed = 6;
  EXPECT_EQ(open(other).error().code(), ErrorCode::kInvalidArgument);
  auto file = files_.open(folder_ + "/checkpoint", io::OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write_at(200, "damage").ok());
  EXPECT_EQ(open(setting).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace vitrine::train
