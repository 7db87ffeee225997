// Promise 1, attacked: the disk fails, or power goes, at every single operation.
#include <cerrno>
#include <random>

#include <gtest/gtest.h>

#include "engine/eventlog/internal/format.h"
#include "engine/eventlog/internal/log_fixture.h"

namespace vitrine::eventlog {
namespace {

using internal::kFrameHeaderBytes;
using internal::kSegmentHeaderBytes;

struct Outcome {
  std::uint64_t acknowledged = 0;  // payloads 1..acknowledged were
  std::uint64_t attempted = 0;     // payloads 1..attempted were appended
  std::uint64_t last_batch = 0;    // size of the one that failed
  bool reached_end = false;
};

// Opens the log, appends batches over several segments, closes, opens again, appends more. Stops
// at the first error, as a process would.
Outcome run_scenario(io::SimulatedFiles& files, Outcome outcome = {}) {
  for (int life = 0; life < 2; ++life) {
    auto writer = Writer::open(repeatable_log(files));
    if (!writer.ok()) return outcome;
    if (outcome.attempted != outcome.acknowledged) {
      // The batch in doubt: it is there whole or not at all.
      const std::uint64_t last = writer.value()->durable();
      EXPECT_TRUE(last == outcome.acknowledged || last == outcome.attempted) << last;
      outcome.acknowledged = outcome.attempted = last;
    }
    for (std::uint64_t batch = 1; batch <= 12; ++batch) {
      outcome.last_batch = batch % 5 + 1;
      outcome.attempted = outcome.acknowledged + outcome.last_batch;
      if (!append_and_wait(*writer.value(), outcome.acknowledged + 1, outcome.last_batch).ok()) {
        return outcome;
      }
      outcome.acknowledged = outcome.attempted;
    }
    if (!writer.value()->close().ok()) return outcome;
  }
  outcome.reached_end = true;
  return outcome;
}

void expect_nothing_lost(io::SimulatedFiles& files, const Outcome& outcome) {
  auto writer = Writer::open(repeatable_log(files));
  ASSERT_TRUE(writer.ok()) << writer.error().to_string();
  const auto found = read_all(files);
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_TRUE(counts_up(*found));
  EXPECT_GE(found->size(), outcome.acknowledged);
  EXPECT_TRUE(found->size() == outcome.acknowledged || found->size() == outcome.attempted)
      << found->size() << " of " << outcome.attempted;
  EXPECT_TRUE(log_verify(files, kLogDirectory, no_progress())->problems.empty());
}

std::uint64_t operations_of_scenario() {
  io::SimulatedFiles files;
  EXPECT_TRUE(run_scenario(files).reached_end);
  return files.operations();
}

TEST(LogCrash, NoAcknowledgedRecordIsLostOrRepeatedWhereverPowerIsCut) {
  const std::uint64_t operations = operations_of_scenario();
  ASSERT_GT(operations, 80u);
  for (std::uint64_t cut = 0; cut <= operations; ++cut) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      SCOPED_TRACE("cut " + std::to_string(cut) + " seed " + std::to_string(seed));
      io::SimulatedFiles files;
      files.cut_power_at(cut);
      const Outcome outcome = run_scenario(files);
      files.crash(seed * 1000 + cut);
      expect_nothing_lost(files, outcome);
      if (HasFatalFailure()) return;
    }
  }
}

// The restart after a cut is cut too, and so on: each life ends at a random operation.
TEST(LogCrash, ManyCutsInARowLoseNothing) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    io::SimulatedFiles files;
    Outcome outcome;
    for (int life = 0; life < 6; ++life) {
      files.cut_power_at(files.operations() + random() % 70);
      outcome = run_scenario(files, outcome);
      random() % 3 == 0 ? files.kill_process() : files.crash(random());
    }
    expect_nothing_lost(files, outcome);
    if (HasFatalFailure()) return;
  }
}

TEST(LogCrash, AProcessKilledAtAnyOperationLosesNothing) {
  const std::uint64_t operations = operations_of_scenario();
  for (std::uint64_t cut = 0; cut <= operations; ++cut) {
    SCOPED_TRACE(cut);
    io::SimulatedFiles files;
    files.cut_power_at(cut);
    const Outcome outcome = run_scenario(files);
    files.kill_process();
    expect_nothing_lost(files, outcome);
    if (HasFatalFailure()) return;
  }
}

// A failed sync poisons the page cache: what it covered looks written, and is not. The next writer
// must not count on it, even if it has read it.
TEST(LogCrash, AnErrorAtAnyOperationIsNeverFollowedByALostAcknowledgement) {
  const std::uint64_t operations = operations_of_scenario();
  for (std::uint64_t broken = 0; broken < operations; ++broken) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE("operation " + std::to_string(broken) + " seed " + std::to_string(seed));
      io::SimulatedFiles files;
      files.fail_operation(broken, EIO);
      Outcome outcome = run_scenario(files);
      files.kill_process();  // the machine stays up, with its poisoned cache
      outcome = run_scenario(files, outcome);
      EXPECT_TRUE(outcome.reached_end);
      files.crash(seed);
      expect_nothing_lost(files, outcome);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(LogCrash, AfterAFailedSyncEverythingPendingAndLaterGetsTheErrorAndTheHandlerIsCalled) {
  io::SimulatedFiles files;
  WriterOptions options = repeatable_log(files);
  std::atomic<int> fatal{0};
  options.on_fatal = [&](const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    ++fatal;
  };
  auto writer = Writer::open(std::move(options)).value();
  ASSERT_TRUE(append_and_wait(*writer, 1, 1).ok());
  files.fail_operation(files.operations() + 1, EIO);  // write, then this sync
  const std::string payload = payload_of(2);
  const RecordRef record{1, 0, payload};
  std::atomic<int> told{0};
  ASSERT_TRUE(writer
                  ->append({&record, 1},
                           [&](const Status& status) {
                             EXPECT_EQ(status.error().code(), ErrorCode::kIo);
                             ++told;
                           })
                  .ok());
  EXPECT_EQ(writer->wait_durable(2, kMinuteUs).error().code(), ErrorCode::kIo);
  EXPECT_EQ(writer->append({&record, 1}, nullptr).error().code(), ErrorCode::kIo);
  EXPECT_FALSE(writer->close().ok());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(fatal, 1);
  EXPECT_EQ(writer->durable(), 1u);
}

// A log of one segment with three appends, written and closed.
std::string three_appends(io::SimulatedFiles& files) {
  auto writer = Writer::open(repeatable_log(files)).value();
  for (std::uint64_t n = 1; n <= 3; ++n) EXPECT_TRUE(append_and_wait(*writer, n, 1).ok());
  EXPECT_TRUE(writer->close().ok());
  return io::join_path(kLogDirectory, internal::segment_name(1));
}

void forget_head(io::SimulatedFiles& files) {
  files.kill_process();
  ASSERT_TRUE(files.remove(io::join_path(kLogDirectory, internal::kHeadName)).ok());
}

TEST(LogDamage, AFrameCutAtAnyByteIsCutOffReportedAndSaved) {
  io::SimulatedFiles whole;
  const std::string path = three_appends(whole);
  // Frames: opening seal, three records, closing seal.
  std::size_t third = kSegmentHeaderBytes + kFrameHeaderBytes;
  for (std::uint64_t n = 1; n < 3; ++n) {
    third += internal::frame_bytes(internal::kRecordHeaderBytes + payload_of(n).size());
  }
  const std::size_t end =
      third + internal::frame_bytes(internal::kRecordHeaderBytes + payload_of(3).size());
  for (std::size_t cut = third; cut < end; ++cut) {
    SCOPED_TRACE(cut);
    io::SimulatedFiles files;
    ASSERT_EQ(three_appends(files), path);
    const std::string own = files.contents(path).value();
    files.overwrite(path, cut, std::string(own.size() - cut, '\0'));
    forget_head(files);
    auto writer = Writer::open(repeatable_log(files));
    ASSERT_TRUE(writer.ok()) << writer.error().to_string();
    const OpenReport& report = writer.value()->open_report();
    const bool lost_nothing_but_padding =
        own.substr(cut, end - cut).find_first_not_of('\0') == std::string::npos;
    EXPECT_EQ(report.last, lost_nothing_but_padding ? 3u : 2u);
    if (cut > third && !lost_nothing_but_padding) {
      EXPECT_EQ(report.torn_offset, third);
      EXPECT_EQ(report.torn_file, path);
      const std::string saved =
          files.contents(io::join_path(kLogDirectory, report.torn_saved_as)).value();
      EXPECT_EQ(saved, own.substr(third, report.torn_bytes));
    }
    EXPECT_TRUE(append_and_wait(*writer.value(), report.last + 1, 2).ok());
    EXPECT_TRUE(counts_up(read_all(files).value()));
  }
}

TEST(LogDamage, AFlippedBitInSyncedDataIsReportedWithFileAndOffsetAndNeverCut) {
  io::SimulatedFiles files;
  const std::string path = three_appends(files);
  const std::string bytes = files.contents(path).value();
  forget_head(files);
  // The closing seal is the last frame: whatever lies before it is protected by it.
  std::size_t seal_at = kSegmentHeaderBytes + kFrameHeaderBytes;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    seal_at += internal::frame_bytes(internal::kRecordHeaderBytes + payload_of(n).size());
  }
  for (std::size_t at = 0; at < seal_at; ++at) {
    if (at >= 100 && at < kSegmentHeaderBytes && at % 97 != 0) continue;  // the header's zeros
    SCOPED_TRACE(at);
    files.overwrite(path, at, std::string(1, static_cast<char>(bytes[at] ^ (1 << (at % 8)))));
    auto writer = Writer::open(repeatable_log(files));
    ASSERT_FALSE(writer.ok());
    EXPECT_EQ(writer.error().code(), ErrorCode::kCorrupt);
    EXPECT_NE(writer.error().message().find(path), std::string::npos);
    EXPECT_NE(writer.error().message().find("at byte "), std::string::npos);
    EXPECT_FALSE(log_verify(files, kLogDirectory, no_progress())->problems.empty());
    const auto found = read_all(files, ReadScope::kWholeFrames);
    EXPECT_FALSE(found.ok());
    files.overwrite(path, at, bytes.substr(at, 1));
  }
  EXPECT_TRUE(Writer::open(repeatable_log(files)).ok());
}

TEST(LogDamage, WithTheHeadIntactEvenTheLastFrameCannotVanishUnnoticed) {
  io::SimulatedFiles files;
  WriterOptions options = repeatable_log(files);
  auto writer = Writer::open(options).value();
  ASSERT_TRUE(append_and_wait(*writer, 1, 1).ok());
  files.kill_process();  // before any seal
  const std::string path = io::join_path(kLogDirectory, internal::segment_name(1));
  files.overwrite(path, kSegmentHeaderBytes + kFrameHeaderBytes + 70, "?");
  EXPECT_EQ(Writer::open(options).error().code(), ErrorCode::kCorrupt);
}

TEST(LogDamage, AMissingSegmentIsReportedByTheReaderAndByVerify) {
  io::SimulatedFiles files;
  {
    auto writer = Writer::open(repeatable_log(files)).value();
    for (std::uint64_t n = 1; n <= 300; ++n) ASSERT_TRUE(append_and_wait(*writer, n, 1).ok());
  }
  const LogReport report = log_info(files, kLogDirectory).value();
  ASSERT_GT(report.segments.size(), 3u);
  ASSERT_TRUE(files.remove(io::join_path(kLogDirectory, report.segments[1].file)).ok());
  EXPECT_EQ(read_all(files).error().code(), ErrorCode::kCorrupt);
  EXPECT_FALSE(log_verify(files, kLogDirectory, no_progress())->problems.empty());
}

TEST(LogDamage, AnAttackersPayloadThatLooksLikeAFrameIsNotTakenForOne) {
  io::SimulatedFiles files;
  std::string forged(kFrameHeaderBytes, '\0');
  internal::finish_frame(forged, {.count = 0, .first = 99, .generation = 9, .salt = 12345});
  std::string payload;
  for (int i = 0; i < 8; ++i) payload += forged + std::string(static_cast<std::size_t>(i), 'x');
  auto writer = Writer::open(repeatable_log(files)).value();
  ASSERT_TRUE(append_and_wait(*writer, 1, 1).ok());
  const RecordRef record{1, 0, payload};
  ASSERT_TRUE(writer->append({&record, 1}, nullptr).ok());
  ASSERT_TRUE(writer->wait_durable(2, kMinuteUs).value());
  forget_head(files);
  // Tear that frame: its own header is gone, the forged ones remain.
  const std::size_t at = kSegmentHeaderBytes + kFrameHeaderBytes +
                         internal::frame_bytes(internal::kRecordHeaderBytes + payload_of(1).size());
  files.overwrite(io::join_path(kLogDirectory, internal::segment_name(1)), at, "torn");
  auto again = Writer::open(repeatable_log(files));
  ASSERT_TRUE(again.ok()) << again.error().to_string();
  EXPECT_EQ(again.value()->open_report().last, 1u);
}

TEST(LogDamage, SideFilesOfTornTailsAreBounded) {
  io::SimulatedFiles files;
  std::uint64_t last = 0;
  for (int life = 0; life < 20; ++life) {
    auto writer = Writer::open(repeatable_log(files)).value();
    ASSERT_TRUE(append_and_wait(*writer, last + 1, 1).ok());
    last = writer->durable();
    ASSERT_TRUE(writer->close().ok());
    const LogReport report = log_info(files, kLogDirectory).value();
    files.overwrite(io::join_path(kLogDirectory, report.segments.back().file),
                    report.segments.back().bytes_used, "half a frame");
  }
  const LogReport report = log_info(files, kLogDirectory).value();
  EXPECT_GT(report.torn_files.size(), 0u);
  EXPECT_LE(report.torn_files.size(), 8u);
}

}  // namespace
}  // namespace vitrine::eventlog
