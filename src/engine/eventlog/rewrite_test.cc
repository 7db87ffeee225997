#include "engine/eventlog/rewrite.h"

#include <gtest/gtest.h>

#include "engine/eventlog/cut.h"
#include "engine/eventlog/internal/log_fixture.h"

namespace vitrine::eventlog {
namespace {

constexpr std::uint16_t kGone = 99;

// Every third record loses what it says.
const Redact kEveryThird = [](const RecordView& record, std::uint16_t& kind,
                              std::string& payload) -> Result<bool> {
  if (record.position % 3 != 0 || record.kind == kGone) return false;
  kind = kGone;
  payload.assign(payload.size(), '\0');
  return true;
};

void write_log(io::FileSystem& files, std::uint64_t records) {
  auto writer = Writer::open(repeatable_log(files));
  ASSERT_TRUE(writer.ok()) << writer.error().to_string();
  for (std::uint64_t n = 1; n <= records; n += 5) {
    ASSERT_TRUE(append_and_wait(**writer, n, 5).ok());
  }
  ASSERT_TRUE((*writer)->close().ok());
}

struct Read {
  std::uint16_t kind;
  TimeUs time;
  std::string payload;
  friend bool operator==(const Read&, const Read&) = default;
};

std::vector<Read> read_log(io::FileSystem& files) {
  std::vector<Read> out;
  auto reader = Reader::open(files, kLogDirectory, 0, ReadScope::kWholeFrames);
  EXPECT_TRUE(reader.ok());
  RecordView record;
  while (true) {
    const auto end = (*reader)->next(record);
    EXPECT_TRUE(end.ok()) << end.error().to_string();
    if (!end.ok() || *end == ReadEnd::kEndOfLog) return out;
    EXPECT_EQ(record.position, out.size() + 1);
    out.push_back({record.kind, record.append_time_us, std::string(record.payload)});
  }
}

TEST(Rewrite, ChangesWhatItShouldAndMovesNothing) {
  io::SimulatedFiles files;
  write_log(files, 200);
  const auto before = read_log(files);
  ASSERT_EQ(before.size(), 200u);
  const auto report = rewrite_log(files, kLogDirectory, kEveryThird, no_progress());
  ASSERT_TRUE(report.ok()) << report.error().to_string();
  EXPECT_EQ(report->records, 200u);
  EXPECT_EQ(report->changed, 66u);
  EXPECT_GT(report->segments, 1u);
  const auto after = read_log(files);
  ASSERT_EQ(after.size(), 200u);
  for (std::size_t i = 0; i < after.size(); ++i) {
    Read expected = before[i];
    if ((i + 1) % 3 == 0)
      expected = {kGone, before[i].time, std::string(before[i].payload.size(), '\0')};
    EXPECT_EQ(after[i], expected) << i + 1;
  }
  EXPECT_TRUE(log_verify(files, kLogDirectory, no_progress())->problems.empty());
  // No byte of what was erased is left in any file of the folder.
  const std::string gone = payload_of(33).substr(0, 30);
  const auto names = files.list(kLogDirectory);
  for (const auto& name : *names) {
    EXPECT_EQ(files.contents(io::join_path(kLogDirectory, name))->find(gone), std::string::npos);
  }
  const auto again = rewrite_log(files, kLogDirectory, kEveryThird, no_progress());
  EXPECT_EQ(again->changed, 0u);
  // And the log goes on.
  auto writer = Writer::open(repeatable_log(files));
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ((*writer)->durable(), 200u);
  EXPECT_TRUE(append_and_wait(**writer, 201, 5).ok());
}

TEST(Rewrite, ABackupSeesWhichSealedSegmentsAreOtherOnes) {
  io::SimulatedFiles files;
  write_log(files, 200);
  const auto before = cut_log(files, kLogDirectory);
  ASSERT_TRUE(before.ok()) << before.error().to_string();
  const Redact first_record = [](const RecordView& record, std::uint16_t& kind,
                                 std::string&) -> Result<bool> {
    if (record.position != 1 || record.kind == kGone) return false;
    kind = kGone;
    return true;
  };
  ASSERT_TRUE(rewrite_log(files, kLogDirectory, first_record, no_progress()).ok());
  const auto after = cut_log(files, kLogDirectory);
  ASSERT_TRUE(after.ok()) << after.error().to_string();
  ASSERT_EQ(after->segments.size(), before->segments.size());
  ASSERT_GT(after->segments.size(), 1u);
  for (std::size_t i = 0; i < after->segments.size(); ++i) {
    EXPECT_EQ(after->segments[i].identity == before->segments[i].identity, i > 0) << i;
  }
}

TEST(Rewrite, ALogThatIsBeingWrittenIsRefused) {
  io::SimulatedFiles files;
  auto writer = Writer::open(repeatable_log(files));
  ASSERT_TRUE(writer.ok());
  const auto report = rewrite_log(files, kLogDirectory, kEveryThird, no_progress());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kConflict);
}

// Goal: power lost at any operation leaves each record as it was or as it is to be, and a second
// attempt ends where an undisturbed one ends. Method: every operation of a rewrite, several ways
// of losing what was not synced.
TEST(Rewrite, PowerMayBeCutAtAnyOperation) {
  io::SimulatedFiles whole;
  write_log(whole, 60);
  const auto before = read_log(whole);
  const std::uint64_t start = whole.operations();
  ASSERT_TRUE(rewrite_log(whole, kLogDirectory, kEveryThird, no_progress()).ok());
  const auto expected = read_log(whole);
  const std::uint64_t operations = whole.operations() - start;
  ASSERT_GT(operations, 8u);
  for (std::uint64_t cut = 0; cut <= operations; ++cut) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE("cut " + std::to_string(cut) + " seed " + std::to_string(seed));
      io::SimulatedFiles files;
      write_log(files, 60);
      const auto written = read_log(files);
      files.cut_power_at(files.operations() + cut);
      (void)rewrite_log(files, kLogDirectory, kEveryThird, no_progress());
      files.crash(seed * 1000 + cut);
      const auto found = read_log(files);
      ASSERT_EQ(found.size(), written.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        const bool same = found[i].payload == written[i].payload;
        EXPECT_TRUE(same || found[i].payload == expected[i].payload) << i;
      }
      ASSERT_TRUE(rewrite_log(files, kLogDirectory, kEveryThird, no_progress()).ok());
      const auto done = read_log(files);
      for (std::size_t i = 0; i < done.size(); ++i) {
        EXPECT_EQ(done[i].payload, expected[i].payload) << i;
      }
      const auto names = files.list(kLogDirectory);
      for (const auto& name : *names) EXPECT_FALSE(name.ends_with(".rewrite"));
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace vitrine::eventlog
