#include "service/apply/partition.h"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>

#include <gtest/gtest.h>

#include "service/apply/apply_test_util.h"

namespace vitrine::apply {
namespace {

using event::EventType;
using testing::TestRecord;

constexpr TenantId kShop{1};
constexpr TenantId kOther{2};
constexpr TimeUs kStart = 1'760'000'000 * kSecondUs;

class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() {
    directory_ = ::testing::TempDir() + "partition-" + std::to_string(getpid()) + "-" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
  }
  ~PartitionTest() override { std::filesystem::remove_all(directory_); }

  PartitionOptions options() const {
    PartitionOptions o;
    o.directory = directory_;
    o.log.segment_bytes = 1 << 20;
    o.log.group_bytes_max = 256 << 10;
    o.snapshot_records = 1 << 30;
    return o;
  }

  // Budgets so small that histories and event ids leave memory all the time.
  static PartitionOptions tight(PartitionOptions o) {
    o.state.tenant.history_memory_bytes = 2000;
    o.state.tenant.id_window_memory_bytes = 38 * 64;
    return o;
  }

  std::unique_ptr<Partition> open(const PartitionOptions& o) {
    auto opened = Partition::open(o, io::system_files(), clock_, thread_executor(), no_progress(),
                                  [](const Error& e) { FAIL() << e.to_string(); });
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
    return std::move(opened).value();
  }

  // Appends and waits until it shows.
  static eventlog::Position append(Partition& partition, const std::vector<TestRecord>& records) {
    std::vector<eventlog::RecordRef> refs;
    for (const auto& r : records) refs.push_back(r.ref());
    auto range = partition.append(refs, nullptr);
    EXPECT_TRUE(range.ok()) << range.error().to_string();
    wait_applied(partition, range->last);
    return range->last;
  }

  static void wait_applied(Partition& partition, eventlog::Position position) {
    std::mutex mutex;
    std::condition_variable changed;
    bool reached = false;
    partition.waiters().add(position, [&] {
      std::lock_guard lock(mutex);
      reached = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return reached; }));
  }

  // A shop's traffic from a fixed random source: views, purchases, catalog changes, retries.
  std::vector<TestRecord> traffic(int count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<TestRecord> out;
    for (int i = 0; i < count; ++i) {
      clock_.advance_us(1000);
      const TenantId tenant = random() % 5 == 0 ? kOther : kShop;
      const std::string user = "user-" + std::to_string(random() % 50);
      const std::string item = "item-" + std::to_string(random() % 30);
      const std::string other = "item-" + std::to_string(random() % 30);
      // One in ten repeats an earlier id: a retry that must change nothing.
      const std::string id =
          "event-" + std::to_string(random() % 10 == 0 ? random() % (next_id_ + 1) : next_id_++);
      switch (random() % 8) {
        case 0: out.push_back(testing::upsert_record(tenant, item, double(random() % 100))); break;
        case 1:
          out.push_back(testing::event_record(tenant, EventType::kPurchaseComplete, id, user,
                                              {item, other}, clock_.wall_us()));
          break;
        default:
          out.push_back(testing::event_record(tenant, EventType::kDetailPageView, id, user, {item},
                                              clock_.wall_us()));
      }
    }
    return out;
  }

  std::vector<Hash128> digests(const PartitionOptions& o) {
    LoadReport report;
    PartitionStateOptions state = o.state;
    state.directory = o.directory;
    auto loaded = PartitionState::load(io::system_files(), state, true, report);
    EXPECT_TRUE(loaded.ok()) << loaded.error().to_string();
    auto reader =
        eventlog::Reader::open(io::system_files(), o.directory + "/log", (*loaded)->position() + 1,
                               eventlog::ReadScope::kWholeFrames);
    EXPECT_TRUE(reader.ok()) << reader.error().to_string();
    eventlog::RecordView record;
    while (true) {
      auto end = (*reader)->next(record);
      EXPECT_TRUE(end.ok()) << end.error().to_string();
      if (*end == eventlog::ReadEnd::kEndOfLog) break;
      EXPECT_TRUE((*loaded)->apply(record).ok());
    }
    auto digest = (*loaded)->digest();
    EXPECT_TRUE(digest.ok()) << digest.error().to_string();
    std::vector<Hash128> out;
    for (const auto& d : *digest) out.push_back(d.digest);
    return out;
  }

  std::string directory_;
  ManualClock clock_{kStart};
  std::uint64_t next_id_ = 0;
};

TEST_F(PartitionTest, ShowsAnEventAsSoonAsItsPositionIsApplied) {
  auto partition = open(options());
  append(*partition, {testing::upsert_record(kShop, "boots", 79),
                      testing::event_record(kShop, EventType::kDetailPageView, "e1", "ada",
                                            {"boots"}, kStart)});
  const auto runtime = partition->tenant(kShop);
  ASSERT_NE(runtime, nullptr);
  const auto state = runtime->read();
  const UserIndex ada = state->profiles().find_user(profile::user_key("ada"));
  ASSERT_NE(ada, kNoUser);
  std::vector<profile::HistoryEntry> history;
  ASSERT_EQ(state->profiles().history(ada, history).value(), 1u);
  EXPECT_EQ(state->catalog().item_id(history[0].item), "boots");
  EXPECT_EQ(state->counts().events, 1u);
  EXPECT_EQ(partition->tenant(kOther), nullptr);
}

TEST_F(PartitionTest, ARetriedEventCountsOnceAlsoAfterARestart) {
  const auto view =
      testing::event_record(kShop, EventType::kDetailPageView, "e1", "ada", {"boots"}, kStart);
  {
    auto partition = open(options());
    append(*partition, {view, view});
    EXPECT_EQ(partition->outcome(2).code, ApplyCode::kDuplicate);
  }
  auto partition = open(options());
  append(*partition, {view});
  EXPECT_EQ(partition->outcome(3).code, ApplyCode::kDuplicate);
  const auto other =
      testing::event_record(kShop, EventType::kDetailPageView, "e1", "bob", {"boots"}, kStart);
  append(*partition, {other});
  EXPECT_EQ(partition->outcome(4).code, ApplyCode::kIdConflict);
  const auto runtime = partition->tenant(kShop);
  EXPECT_EQ(runtime->read()->counts().events, 1u);
  EXPECT_EQ(runtime->read()->counts().duplicates, 2u);
}

TEST_F(PartitionTest, ARefusedCatalogChangeSaysWhyAndChangesNothing) {
  auto partition = open(options());
  append(*partition, {testing::upsert_record(kShop, "boots", 79)});
  TestRecord removal{record::RecordKind::kItemDelete, {}};
  ByteWriter w(removal.payload);
  record::write_tenant(w, kShop);
  catalog::encode_delete("hat", w);
  const auto position = append(*partition, {removal});
  EXPECT_EQ(partition->outcome(position).code, ApplyCode::kNotFound);
  EXPECT_FALSE(partition->outcome(position).detail.empty());
  EXPECT_EQ(partition->outcome(1).code, ApplyCode::kApplied);
}

// Goal: the state is a function of the log, however it came to be. Method: the same traffic, with
// snapshots and restarts at every stage and with budgets that force everything out of memory,
// against one plain replay from the first record.
TEST_F(PartitionTest, SnapshotPlusTailEqualsAReplayFromTheFirstRecord) {
  for (const bool small : {false, true}) {
    SCOPED_TRACE(small ? "tight budgets" : "everything in memory");
    std::filesystem::remove_all(directory_);
    next_id_ = 0;
    const PartitionOptions o = small ? tight(options()) : options();
    for (int life = 0; life < 4; ++life) {
      auto partition = open(o);
      append(*partition, traffic(300, static_cast<std::uint64_t>(life)));
      if (life == 1) {  // a clean end, with a snapshot
        ASSERT_TRUE(partition->stop().ok());
      }
      if (life == 2) {  // a snapshot while records go on
        partition->request_snapshot();
        append(*partition, traffic(200, 77));
        while (partition->metrics().snapshots_written == 0) {
          append(*partition, traffic(5, next_id_));
          ASSERT_EQ(partition->metrics().snapshots_failed, 0u);
          usleep(1000);
        }
      }
    }
    const auto with_snapshots = digests(o);
    EXPECT_EQ(with_snapshots.size(), 2u);
    // Budgets and snapshots out of the way: the plain replay.
    std::filesystem::rename(directory_ + "/snapshots", directory_ + "/aside");
    std::filesystem::remove_all(directory_ + "/ids");
    EXPECT_EQ(digests(options()), with_snapshots);
    std::filesystem::remove_all(directory_ + "/snapshots");
    std::filesystem::rename(directory_ + "/aside", directory_ + "/snapshots");
  }
}

TEST_F(PartitionTest, AStopLetsTheSnapshotThatIsBeingWrittenEnd) {
  for (std::uint64_t round = 0; round < 5; ++round) {
    auto partition = open(options());
    append(*partition, traffic(3000, round));
    partition->request_snapshot();
    append(*partition, traffic(1, 100 + round));  // the applier sees the request behind it
    ASSERT_TRUE(partition->stop().ok());
    EXPECT_EQ(partition->metrics().snapshots_failed, 0u);
    EXPECT_EQ(partition->metrics().snapshot, partition->metrics().applied);
  }
  EXPECT_EQ(open(options())->start_report().replayed, 0u);
}

TEST_F(PartitionTest, ASnapshotThatFailedIsReportedAndDoesNotCount) {
  std::atomic<int> reported{0};
  auto o = options();
  o.on_snapshot_failed = [&](const Error&) { ++reported; };
  auto partition = open(o);
  append(*partition, traffic(100, 1));
  std::filesystem::remove_all(directory_ + "/snapshots");
  std::ofstream(directory_ + "/snapshots") << "in the way";
  partition->request_snapshot();
  while (reported == 0) append(*partition, traffic(1, next_id_));
  EXPECT_EQ(partition->metrics().snapshots_failed, 1u);
  EXPECT_EQ(partition->metrics().snapshot, 0u);
  std::filesystem::remove(directory_ + "/snapshots");
  ASSERT_TRUE(partition->stop().ok());
  EXPECT_EQ(partition->metrics().snapshot, partition->metrics().applied);
  partition.reset();
  EXPECT_EQ(open(options())->start_report().replayed, 0u);
}

TEST_F(PartitionTest, ADamagedSnapshotIsLeftAsideForTheOneBefore) {
  auto o = options();
  std::vector<Hash128> expected;
  {
    auto partition = open(o);
    append(*partition, traffic(200, 1));
    ASSERT_TRUE(partition->stop().ok());
  }
  {
    auto partition = open(o);
    append(*partition, traffic(200, 2));
    ASSERT_TRUE(partition->stop().ok());
  }
  expected = digests(o);
  std::vector<std::string> snapshots;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/snapshots")) {
    snapshots.push_back(entry.path());
  }
  ASSERT_EQ(snapshots.size(), 2u);
  std::sort(snapshots.begin(), snapshots.end());
  const std::string file = snapshots[1] + "/tenant-1.state";
  const auto size = std::filesystem::file_size(file);
  {
    std::FILE* f = std::fopen(file.c_str(), "r+b");
    std::fseek(f, static_cast<long>(size / 2), SEEK_SET);
    const int byte = std::fgetc(f);
    std::fseek(f, static_cast<long>(size / 2), SEEK_SET);
    std::fputc(byte ^ 1, f);
    std::fclose(f);
  }
  auto partition = open(o);
  EXPECT_EQ(partition->start_report().load.skipped.size(), 1u);
  EXPECT_NE(partition->start_report().load.skipped[0].find("tenant-1.state"), std::string::npos);
  EXPECT_EQ(partition->start_report().replayed, 200u);
  partition.reset();
  EXPECT_EQ(digests(o), expected);
}

TEST_F(PartitionTest, AnUnknownRecordKindStopsTheApplierWithAClearMessage) {
  std::promise<std::string> message;
  auto opened =
      Partition::open(options(), io::system_files(), clock_, thread_executor(), no_progress(),
                      [&](const Error& e) { message.set_value(e.to_string()); });
  ASSERT_TRUE(opened.ok());
  TestRecord strange{static_cast<record::RecordKind>(999), {}};
  ByteWriter w(strange.payload);
  record::write_tenant(w, kShop);
  ASSERT_TRUE((*opened)->append(std::vector{strange.ref()}, nullptr).ok());
  EXPECT_NE(message.get_future().get().find("kind 999"), std::string::npos);
}

TEST_F(PartitionTest, RetentionWaitsForTheArchive) {
  PartitionOptions o = options();
  o.log.retention_bytes = 1 << 20;
  o.keep_until_archived = true;
  auto partition = open(o);
  const auto oldest = [&] {
    return eventlog::oldest_position(io::system_files(), partition->log_directory()).value();
  };
  // Segments of events, a snapshot behind each: more than enough to drop the first ones.
  int number = 0;
  eventlog::Position last = 0;
  const auto add_segments = [&](int count) {
    for (int s = 0; s < count; ++s) {
      std::vector<TestRecord> records;
      for (int i = 0; i < 2000; ++i, ++number) {
        records.push_back(testing::event_record(kShop, EventType::kDetailPageView,
                                                std::string(100, 'e') + std::to_string(number), "u",
                                                {"i"}, kStart));
        if (records.size() == 500) {
          last = append(*partition, records);
          records.clear();
        }
      }
      const auto before = partition->metrics().snapshots_written;
      partition->request_snapshot();
      for (int wait = 0; wait < 500 && partition->metrics().snapshots_written == before; ++wait) {
        usleep(10'000);
      }
    }
  };
  add_segments(8);
  EXPECT_EQ(oldest(), 1u);
  partition->set_archived(last);
  for (int tries = 0; tries < 5 && oldest() == 1; ++tries) add_segments(2);
  EXPECT_GT(oldest(), 1u);
}

}  // namespace
}  // namespace vitrine::apply
