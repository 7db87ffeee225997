#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/eventlog/info.h"
#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "platform/io/simulated_files.h"

namespace vitrine::eventlog {
namespace {

WriterOptions small_log(io::FileSystem& files) {
  WriterOptions options;
  options.directory = "data/log";
  options.files = &files;
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.segment_bytes = 16384;
  options.group_bytes_max = 4096;
  options.queue_bytes_max = 65536;
  return options;
}

TEST(EventLog, GivesBackWhatWasAppendedInOrderOverSegmentsAndRestarts) {
  io::SimulatedFiles files;
  std::vector<std::string> twin;
  for (int round = 0; round < 3; ++round) {
    auto writer = Writer::open(small_log(files)).value();
    EXPECT_EQ(writer->open_report().last, twin.size());
    for (int i = 0; i < 100; ++i) {
      twin.push_back("record " + std::to_string(twin.size()) + std::string(i * 3, 'x'));
      const RecordRef record{.kind = 7, .key_id = 9, .payload = twin.back()};
      const auto range = writer->append({&record, 1}, nullptr);
      ASSERT_TRUE(range.ok());
      EXPECT_EQ(range->first, twin.size());
    }
    ASSERT_TRUE(writer->wait_durable(twin.size(), kMinuteUs).value());
    ASSERT_TRUE(writer->close().ok());
  }
  auto reader = Reader::open(files, "data/log", 0).value();
  RecordView record;
  for (std::size_t i = 0; i < twin.size(); ++i) {
    ASSERT_EQ(reader->next(record).value(), ReadEnd::kRecord);
    EXPECT_EQ(record.position, i + 1);
    EXPECT_EQ(record.payload, twin[i]);
    EXPECT_EQ(record.kind, 7);
    EXPECT_EQ(record.key_id, 9u);
  }
  EXPECT_EQ(reader->next(record).value(), ReadEnd::kEndOfLog);
  const LogReport report = log_verify(files, "data/log", no_progress()).value();
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.last, twin.size());
  EXPECT_GT(report.segments.size(), 1u);
}

}  // namespace
}  // namespace vitrine::eventlog
