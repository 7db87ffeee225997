// The log at work: order, bounds, readers in other threads and processes, replacement, full disks.
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/eventlog/internal/format.h"
#include "engine/eventlog/internal/log_fixture.h"

namespace vitrine::eventlog {
namespace {

WriterOptions live_log(io::FileSystem& files) {
  WriterOptions options = repeatable_log(files);
  options.background = true;
  options.seal_after_us = 3000;
  return options;
}

TEST(EventLog, GivesBackWhatWasAppendedInOrderOverSegmentsAndRestarts) {
  io::SimulatedFiles files;
  std::mt19937_64 random(1);
  std::uint64_t last = 0;
  for (int life = 0; life < 4; ++life) {
    auto writer = Writer::open(live_log(files)).value();
    EXPECT_EQ(writer->open_report().last, last);
    EXPECT_EQ(writer->open_report().generation, static_cast<std::uint64_t>(life + 1));
    for (int i = 0; i < 60; ++i) {
      const std::uint64_t count = 1 + random() % 8;
      ASSERT_TRUE(append_and_wait(*writer, last + 1, count).ok());
      last += count;
    }
  }
  const auto found = read_all(files).value();
  EXPECT_EQ(found.size(), last);
  EXPECT_TRUE(counts_up(found));
  const LogReport report = log_verify(files, kLogDirectory, no_progress()).value();
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.last, last);
  EXPECT_GT(report.segments.size(), 3u);
}

TEST(EventLog, AReaderStartsAtAnyPosition) {
  io::SimulatedFiles files;
  auto writer = Writer::open(live_log(files)).value();
  for (std::uint64_t n = 1; n <= 200; n += 4) ASSERT_TRUE(append_and_wait(*writer, n, 4).ok());
  for (Position from = 1; from <= 201; ++from) {
    auto reader = Reader::open(files, kLogDirectory, from).value();
    EXPECT_EQ(reader->position(), from);
    RecordView record;
    if (from == 201) {
      EXPECT_EQ(reader->next(record).value(), ReadEnd::kEndOfLog);
      continue;
    }
    ASSERT_EQ(reader->next(record).value(), ReadEnd::kRecord);
    EXPECT_EQ(record.position, from);
    EXPECT_EQ(record.payload, payload_of(from));
  }
  EXPECT_EQ(Reader::open(files, kLogDirectory, 202).error().code(), ErrorCode::kInvalidArgument);
}

TEST(EventLog, BatchesGiveTheRecordsOfOneFrameAtATimeAndMissNone) {
  io::SimulatedFiles files;
  auto writer = Writer::open(live_log(files)).value();
  std::uint64_t last = 0;
  for (const std::uint64_t count : {1, 7, 3, 12}) {
    ASSERT_TRUE(append_and_wait(*writer, last + 1, count).ok());
    last += count;
  }
  auto reader = Reader::open(files, kLogDirectory, 1).value();
  std::vector<std::size_t> sizes;
  std::vector<std::string> found;
  std::vector<RecordView> batch;
  for (;;) {
    ASSERT_TRUE(reader->next_batch(batch, 5).ok());
    if (batch.empty()) break;
    sizes.push_back(batch.size());
    // All payloads of a batch are readable until the next one is asked for.
    for (const RecordView& record : batch) {
      EXPECT_EQ(record.position, found.size() + 1);
      found.emplace_back(record.payload);
    }
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 5, 2, 3, 5, 5, 2}));
  EXPECT_EQ(found.size(), last);
  EXPECT_TRUE(counts_up(found));
  ASSERT_TRUE(append_and_wait(*writer, last + 1, 1).ok());
  ASSERT_TRUE(reader->next_batch(batch, 5).ok());
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.front().payload, payload_of(last + 1));
}

TEST(EventLog, AppendsThatWaitForAFlushBecomeDurableTogetherWithIt) {
  io::SimulatedFiles files;
  WriterOptions options = live_log(files);
  options.seal_after_us = kMinuteUs;  // the committer does not wake by itself
  auto writer = Writer::open(options).value();
  std::vector<std::string> payloads{payload_of(1), payload_of(2)};
  for (const std::string& payload : payloads) {
    const RecordRef record{1, 0, payload};
    ASSERT_TRUE(writer->append({&record, 1}, nullptr, Wake::kAtFlush).ok());
  }
  writer->flush();
  EXPECT_TRUE(writer->wait_durable(2, kMinuteUs).value());
  EXPECT_EQ(read_all(files).value(), payloads);
}

TEST(EventLog, AForgottenFlushDelaysButLosesNothing) {
  io::SimulatedFiles files;
  auto writer = Writer::open(live_log(files)).value();
  const std::string payload = payload_of(1);
  const RecordRef record{1, 0, payload};
  ASSERT_TRUE(writer->append({&record, 1}, nullptr, Wake::kAtFlush).ok());
  EXPECT_TRUE(writer->wait_durable(1, kMinuteUs).value());
}

TEST(EventLog, KindKeyAndEmptyPayloadSurviveAndTimesNeverGoBack) {
  io::SimulatedFiles files;
  ManualClock clock(5000);
  WriterOptions options = live_log(files);
  options.clock = &clock;
  for (const TimeUs now : {5000, 7000, 6000, 9000}) {  // one of them a clock set back
    clock.set_us(now);
    auto writer = Writer::open(options).value();
    const RecordRef record{65535, 4'000'000'000u, ""};
    const auto range = writer->append({&record, 1}, nullptr);
    ASSERT_TRUE(writer->wait_durable(range->last, kMinuteUs).value());
  }
  auto reader = Reader::open(files, kLogDirectory, 0).value();
  RecordView record;
  for (const TimeUs expected : {5000, 7000, 7000, 9000}) {
    ASSERT_EQ(reader->next(record).value(), ReadEnd::kRecord);
    EXPECT_EQ(record.append_time_us, expected);
    EXPECT_EQ(record.kind, 65535);
    EXPECT_EQ(record.key_id, 4'000'000'000u);
    EXPECT_TRUE(record.payload.empty());
  }
}

TEST(EventLog, StatedBoundsAreKept) {
  io::SimulatedFiles files;
  WriterOptions options = live_log(files);
  options.sync_mode = SyncMode::kInterval;  // so that nothing leaves the queue meanwhile
  options.sync_interval_us = 50 * kSecondUs;
  options.queue_bytes_max = 4096;
  auto writer = Writer::open(options).value();
  const std::string large(4096, 'x');
  RecordRef record{1, 0, large};
  EXPECT_EQ(writer->append({&record, 1}, nullptr).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(writer->append({}, nullptr).error().code(), ErrorCode::kInvalidArgument);
  const std::string huge(kRecordPayloadMax + 1, 'x');
  record.payload = huge;
  EXPECT_EQ(writer->append({&record, 1}, nullptr).error().code(), ErrorCode::kTooLarge);
  record.payload = std::string_view(large).substr(0, 1000);
  int accepted = 0;
  Result<PositionRange> range = writer->append({&record, 1}, nullptr);
  for (; range.ok(); range = writer->append({&record, 1}, nullptr)) ++accepted;
  EXPECT_EQ(range.error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(accepted, 3);
  EXPECT_LE(writer->metrics().queue_bytes, 4096u);
  EXPECT_EQ(writer->metrics().refused_queue, 1u);
  EXPECT_EQ(writer->appended(), 3u);
  EXPECT_TRUE(writer->close().ok());
  EXPECT_EQ(writer->durable(), 3u);  // closing makes what waits durable
  EXPECT_EQ(writer->append({&record, 1}, nullptr).error().code(), ErrorCode::kUnavailable);
}

TEST(EventLog, WithAnIntervalManyAppendsShareOneSync) {
  io::SimulatedFiles files;
  WriterOptions options = live_log(files);
  options.sync_mode = SyncMode::kInterval;
  options.sync_interval_us = 100'000;
  auto writer = Writer::open(options).value();
  const RecordRef record{1, 0, "x"};
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(writer->append({&record, 1}, nullptr).ok());
  EXPECT_EQ(writer->durable(), 0u);
  ASSERT_TRUE(writer->wait_durable(50, kMinuteUs).value());
  EXPECT_LE(writer->metrics().groups, 2u);
}

TEST(EventLog, AcknowledgementsComeInOrderAndMayAppendAgain) {
  io::SimulatedFiles files;
  auto writer = Writer::open(live_log(files)).value();
  std::vector<int> order;
  std::atomic<bool> last{false};
  const RecordRef record{1, 0, "x"};
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(
        writer
            ->append({&record, 1},
                     [&, i](const Status& status) {
                       EXPECT_TRUE(status.ok());
                       order.push_back(i);
                       if (i != 99) return;
                       EXPECT_TRUE(
                           writer->append({&record, 1}, [&](const Status&) { last = true; }).ok());
                     })
            .ok());
  }
  ASSERT_TRUE(writer->wait_durable(101, kMinuteUs).value());
  ASSERT_TRUE(writer->close().ok());
  EXPECT_TRUE(last);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// Threads append, a reader tails: it must see each position once, each thread's records in the
// order that thread wrote them, and nothing that isn't durable.
TEST(EventLog, ConcurrentAppendersAndATailingReaderAgree) {
  constexpr int kThreads = 4;
  constexpr int kEach = 3000;
  io::SimulatedFiles files;
  auto writer = Writer::open(live_log(files)).value();
  std::atomic<int> acknowledged{0};
  std::vector<std::thread> appenders;
  for (int t = 0; t < kThreads; ++t) {
    appenders.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string payload = std::to_string(t) + " " + std::to_string(i);
        const RecordRef record{static_cast<std::uint16_t>(t), 0, payload};
        while (!writer
                    ->append({&record, 1},
                             [&](const Status& s) {
                               if (s.ok()) ++acknowledged;
                             })
                    .ok()) {
          std::this_thread::yield();
        }
      }
    });
  }
  auto reader = Reader::open(files, kLogDirectory, 0).value();
  std::map<int, int> next_of;
  RecordView record;
  for (Position position = 1; position <= kThreads * kEach;) {
    const ReadEnd end = reader->next(record).value();
    if (end == ReadEnd::kEndOfLog) {
      reader->wait(position, 100'000);
      continue;
    }
    ASSERT_EQ(record.position, position++);
    ASSERT_LE(record.position, writer->durable());
    const int i = next_of[record.kind]++;
    ASSERT_EQ(record.payload, std::to_string(record.kind) + " " + std::to_string(i));
  }
  for (std::thread& appender : appenders) appender.join();
  ASSERT_TRUE(writer->close().ok());
  EXPECT_EQ(acknowledged, kThreads * kEach);
}

class RealDirectory : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("vitrine_eventlog_test." + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  WriterOptions options() const {
    WriterOptions made = live_log(io::system_files());
    made.directory = path_.string();
    return made;
  }
  std::filesystem::path path_;
};

// Exit code 0: read positions 1..count with the right payloads, live.
int read_in_this_process(const std::string& directory, std::uint64_t count) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    auto reader = Reader::open(io::system_files(), directory, 0);
    if (!reader.ok()) {
      ::usleep(5000);
      continue;
    }
    RecordView record;
    for (Position next = 1; next <= count;) {
      const auto end = reader.value()->next(record);
      if (!end.ok()) return 2;
      if (*end == ReadEnd::kEndOfLog) {
        if (!reader.value()->wait(next, 20 * kSecondUs)) return 3;
      } else if (record.position != next || record.payload != payload_of(next++)) {
        return 4;
      }
    }
    return 0;
  }
  return 5;
}

TEST_F(RealDirectory, AReaderInAnotherProcessFollowsTheWriter) {
  constexpr std::uint64_t kRecords = 600;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(read_in_this_process(path_.string(), kRecords));
  auto writer = Writer::open(options()).value();
  for (std::uint64_t n = 1; n <= kRecords; n += 3) ASSERT_TRUE(append_and_wait(*writer, n, 3).ok());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(RealDirectory, WhatAKilledProcessHadAcknowledgedIsThere) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = Writer::open(options()).value();
    for (std::uint64_t n = 1;; ++n) {
      if (!append_and_wait(*writer, n, 1).ok()) ::_exit(1);
      if (::write(pipe_ends[1], &n, sizeof(n)) != sizeof(n)) ::_exit(1);
    }
  }
  std::uint64_t acknowledged = 0;
  while (acknowledged < 200) {
    ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof(acknowledged)),
              static_cast<ssize_t>(sizeof(acknowledged)));
  }
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  auto writer = Writer::open(options());
  ASSERT_TRUE(writer.ok()) << writer.error().to_string();
  EXPECT_GE(writer.value()->durable(), acknowledged);
}

TEST(EventLogFence, ASecondWriterIsRefusedOrTakesOverAndTheFirstIsFenced) {
  io::SimulatedFiles files;
  auto first = Writer::open(live_log(files)).value();
  ASSERT_TRUE(append_and_wait(*first, 1, 1).ok());
  EXPECT_EQ(Writer::open(live_log(files)).error().code(), ErrorCode::kConflict);
  WriterOptions successor = live_log(files);
  successor.take_over = true;
  successor.lock_wait_us = 20 * kSecondUs;
  auto second = Writer::open(successor);
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  const RecordRef record{1, 0, "x"};
  EXPECT_EQ(first->append({&record, 1}, nullptr).error().code(), ErrorCode::kFenced);
  EXPECT_EQ(first->close().error().code(), ErrorCode::kFenced);
  ASSERT_TRUE(append_and_wait(*second.value(), 2, 1).ok());
  EXPECT_TRUE(counts_up(read_all(files).value()));
}

TEST(EventLogFence, AWriterThatLostItsLockFileNoticesBeforeItAcknowledges) {
  io::SimulatedFiles files;
  auto first = Writer::open(live_log(files)).value();
  ASSERT_TRUE(append_and_wait(*first, 1, 1).ok());
  // Someone raised the generation without waiting for the lock.
  const std::uint64_t later = 99;
  files.overwrite(io::join_path(kLogDirectory, internal::kHeadName), 0,
                  {reinterpret_cast<const char*>(&later), sizeof(later)});
  EXPECT_EQ(append_and_wait(*first, 2, 1).error().code(), ErrorCode::kFenced);
  EXPECT_EQ(first->durable(), 1u);
}

TEST(EventLogDisk, AFullDiskRefusesAppendsReadsGoOnAndSpaceHeals) {
  io::SimulatedFiles files;
  WriterOptions options = live_log(files);
  auto writer = Writer::open(options).value();
  std::uint64_t last = 0;
  for (; last < 20; ++last) ASSERT_TRUE(append_and_wait(*writer, last + 1, 1).ok());
  files.set_capacity(5 * 16384);
  Status status = ok_status();
  while (status.ok() && last < 2000) {
    status = append_and_wait(*writer, last + 1, 1);
    if (status.ok()) ++last;
    // The next segment is prepared, or not, while this one fills: a record that is taken before
    // that is known would wait for the space that this test gives later.
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  ASSERT_LT(last, 2000u);
  EXPECT_EQ(status.error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(writer->metrics().disk_full);
  EXPECT_FALSE(writer->metrics().failed);
  EXPECT_TRUE(counts_up(read_all(files).value()));
  files.set_capacity(100 * 16384);
  for (int i = 0; i < 2000 && writer->metrics().disk_full; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // The refused record got no position: the next one takes its place. The committer learns of the
  // space an instant after the metric.
  for (int i = 0; i < 2000; ++i) {
    status = append_and_wait(*writer, last + 1, 1);
    if (status.ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(status.ok()) << status.error().to_string();
  ASSERT_TRUE(writer->close().ok());
  const auto found = read_all(files).value();
  EXPECT_EQ(found.size(), last + 1);
  EXPECT_TRUE(counts_up(found));
}

TEST(EventLogRetention, DropsOldSegmentsButNothingThatIsStillNeeded) {
  io::SimulatedFiles files;
  ManualClock clock(kDayUs);
  WriterOptions options = repeatable_log(files);
  options.clock = &clock;
  options.retention_us = kHourUs;
  auto writer = Writer::open(options).value();
  std::uint64_t last = 0;
  const auto fill = [&] {
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(append_and_wait(*writer, ++last, 1).ok());
  };
  fill();
  auto slow_reader = Reader::open(files, kLogDirectory, 1).value();
  clock.advance_us(2 * kHourUs);
  fill();
  EXPECT_EQ(writer->oldest(), 1u);  // nobody allowed it yet
  writer->retain_from(100);
  clock.advance_us(2 * kHourUs);
  fill();
  EXPECT_GT(writer->oldest(), 1u);
  EXPECT_LE(writer->oldest(), 100u);
  EXPECT_GT(writer->metrics().segments_removed, 0u);
  EXPECT_EQ(oldest_position(files, kLogDirectory).value(), writer->oldest());
  const Error gone = Reader::open(files, kLogDirectory, 1).error();
  EXPECT_EQ(gone.code(), ErrorCode::kGone);
  EXPECT_NE(gone.message().find(std::to_string(writer->oldest())), std::string::npos);
  // A reader that was overtaken finishes the segment it holds open, then says so.
  RecordView record;
  Result<ReadEnd> end = ReadEnd::kRecord;
  while (end.ok() && *end == ReadEnd::kRecord) end = slow_reader->next(record);
  if (writer->oldest() > slow_reader->position()) {
    EXPECT_EQ(end.error().code(), ErrorCode::kGone);
  }
  ASSERT_TRUE(writer->close().ok());
  EXPECT_TRUE(log_verify(files, kLogDirectory, no_progress())->problems.empty());
  EXPECT_TRUE(Writer::open(options).ok());
}

TEST(EventLogRetention, KeepsTheTotalSizeNearItsBound) {
  io::SimulatedFiles files;
  WriterOptions options = repeatable_log(files);
  options.retention_bytes = 4 * 16384;
  options.retain_from = ~Position{0};
  auto writer = Writer::open(options).value();
  for (std::uint64_t n = 1; n <= 800; ++n) ASSERT_TRUE(append_and_wait(*writer, n, 1).ok());
  EXPECT_LE(writer->metrics().segments, 4u);
  EXPECT_GT(writer->metrics().segments, 1u);
}

TEST(LogMetrics, QuantilesAreUpperBoundsWithinTwentyPercent) {
  for (std::uint64_t us = 0; us < 3'000'000; us = us * 9 / 8 + 1) {
    LatencyHistogram histogram;
    ++histogram.counts[LatencyHistogram::bucket_of(us)];
    const std::uint64_t quantile = histogram.quantile_us(0.99);
    EXPECT_GE(quantile, us);
    EXPECT_LE(quantile, us + us / 4);
  }
}

TEST(OnDurable, HoldsSmallAndLargeCallablesAndDestroysThemOnce) {
  const auto counted = std::make_shared<int>(0);
  {
    OnDurable small = [counted](const Status&) { ++*counted; };
    std::array<char, 200> weight{};
    OnDurable large = [counted, weight](const Status&) { *counted += 10 + weight[0]; };
    OnDurable moved = std::move(small);
    EXPECT_FALSE(small);  // NOLINT: a moved-from callback is empty
    moved(ok_status());
    moved = std::move(large);
    moved(ok_status());
    EXPECT_EQ(*counted, 11);
    EXPECT_FALSE(OnDurable(nullptr));
  }
  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace vitrine::eventlog
