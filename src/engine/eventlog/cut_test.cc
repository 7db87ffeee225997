#include "engine/eventlog/cut.h"

#include "engine/eventlog/internal/log_fixture.h"

namespace vitrine::eventlog {
namespace {

// Copies what the cut names into a log of its own.
void copy(io::SimulatedFiles& from, const LogCut& cut, io::SimulatedFiles& to) {
  for (const CutSegment& segment : cut.segments) {
    const std::string path = io::join_path(kLogDirectory, segment.file);
    const std::string bytes = io::read_file(from, path, 1 << 30).value();
    auto file = to.open(path, io::OpenMode::kCreateNew).value();
    ASSERT_TRUE(file->preallocate_zeros(segment.file_bytes).ok());
    ASSERT_TRUE(file->write_at(0, bytes.substr(0, segment.data_bytes)).ok());
    ASSERT_TRUE(file->sync_data().ok());
  }
  auto generation =
      to.open(io::join_path(kLogDirectory, kGenerationFile), io::OpenMode::kCreateNew).value();
  ASSERT_TRUE(generation->write_at(0, cut.generation).ok());
}

// Goal: a copy made at any moment is a log: it holds what was durable, its frames are right, and a
// writer goes on in it. Method: after each of many appends to a running log.
TEST(Cut, ACopyAtAnyMomentIsALogThatGoesOn) {
  io::SimulatedFiles files;
  auto writer = Writer::open(repeatable_log(files)).value();
  std::size_t most_segments = 0;
  for (std::uint64_t n = 1; n <= 300; n += 1 + n % 7) {
    SCOPED_TRACE(n);
    ASSERT_TRUE(append_and_wait(*writer, n, 1 + n % 7).ok());
    const LogCut cut = cut_log(files, kLogDirectory).value();
    EXPECT_EQ(cut.last, writer->durable());
    EXPECT_EQ(cut.oldest, 1u);
    for (const auto& segment : cut.segments) {
      EXPECT_TRUE(check_cut_segment(files, kLogDirectory, segment).ok());
    }
    most_segments = std::max(most_segments, cut.segments.size());
    io::SimulatedFiles other;
    copy(files, cut, other);
    auto options = repeatable_log(other);
    auto again = Writer::open(options).value();
    EXPECT_EQ(again->open_report().last, cut.last);
    EXPECT_EQ(again->open_report().torn_bytes, 0u);
    ASSERT_TRUE(append_and_wait(*again, cut.last + 1, 3).ok());
    EXPECT_TRUE(counts_up(read_all(other).value()));
  }
  EXPECT_GT(most_segments, 2u);
}

TEST(Cut, WithoutAWriterEveryWholeFrameCountsAndATornOneDoesNot) {
  io::SimulatedFiles files;
  {
    auto writer = Writer::open(repeatable_log(files)).value();
    ASSERT_TRUE(append_and_wait(*writer, 1, 20).ok());
  }
  LogCut cut = cut_log(files, kLogDirectory).value();
  EXPECT_EQ(cut.last, 20u);
  const auto segment = cut.segments.back();
  files.overwrite(io::join_path(kLogDirectory, segment.file), segment.data_bytes, "FRAMtorn");
  cut = cut_log(files, kLogDirectory).value();
  EXPECT_EQ(cut.last, 20u);
  EXPECT_EQ(cut.segments.back().data_bytes, segment.data_bytes);
}

TEST(Cut, DamageInASealedSegmentIsFound) {
  io::SimulatedFiles files;
  auto writer = Writer::open(repeatable_log(files)).value();
  for (std::uint64_t n = 1; n <= 200; n += 10) ASSERT_TRUE(append_and_wait(*writer, n, 10).ok());
  const LogCut cut = cut_log(files, kLogDirectory).value();
  ASSERT_GT(cut.segments.size(), 1u);
  ASSERT_TRUE(cut.segments.front().sealed);
  files.overwrite(io::join_path(kLogDirectory, cut.segments.front().file), 5000, "damage");
  const Status checked = check_cut_segment(files, kLogDirectory, cut.segments.front());
  EXPECT_EQ(checked.error().code(), ErrorCode::kCorrupt);
}

TEST(Cut, ALogThatWasNeverWrittenIsEmpty) {
  io::SimulatedFiles files;
  EXPECT_TRUE(cut_log(files, kLogDirectory).value().segments.empty());
  auto writer = Writer::open(repeatable_log(files)).value();
  EXPECT_EQ(cut_log(files, kLogDirectory).value().last, 0u);
}

}  // namespace
}  // namespace vitrine::eventlog
