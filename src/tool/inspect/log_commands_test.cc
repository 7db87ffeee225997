#include "tool/inspect/log_commands.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "engine/eventlog/writer.h"
#include "platform/io/simulated_files.h"

namespace vitrine::inspect {
namespace {

class LogCommands : public testing::Test {
 protected:
  void SetUp() override {
    eventlog::WriterOptions options;
    options.directory = "data/log";
    options.files = &files_;
    options.clock = &clock_;
    options.executor = &thread_executor();
    options.segment_bytes = 16384;
    options.group_bytes_max = 4096;
    options.background = false;
    auto writer = eventlog::Writer::open(options).value();
    for (int i = 0; i < 60; ++i) {
      const std::string payload = i == 0 ? "\x01\xffz" : "payload" + std::string(500, 'x');
      const eventlog::RecordRef record{static_cast<std::uint16_t>(i % 3), 0, payload};
      const auto range = writer->append({&record, 1}, nullptr);
      ASSERT_TRUE(writer->wait_durable(range->last, kMinuteUs).value());
    }
  }
  LogOptions log(bool json) { return {.files = &files_, .directory = "data/log", .json = json}; }

  io::SimulatedFiles files_;
  ManualClock clock_{1'700'000'000 * kSecondUs};
};

TEST_F(LogCommands, InfoShowsEverySegmentAndTheTotals) {
  std::ostringstream out;
  ASSERT_TRUE(run_log_info(log(false), out).ok());
  EXPECT_NE(out.str().find("00000000000000000001.log"), std::string::npos);
  EXPECT_NE(out.str().find("records   60 (positions 1 to 60)"), std::string::npos);
  EXPECT_NE(out.str().find("2023-11-14T22:13:20.000000Z"), std::string::npos);
}

TEST_F(LogCommands, VerifyPassesThenNamesFileAndOffsetOfDamage) {
  std::ostringstream before;
  ASSERT_TRUE(run_log_verify(log(true), no_progress(), before).ok());
  EXPECT_NE(before.str().find("\"problems\":[]"), std::string::npos);
  files_.overwrite("data/log/00000000000000000001.log", 5000, "?");
  std::ostringstream after;
  EXPECT_EQ(run_log_verify(log(true), no_progress(), after).error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(after.str().find("\"file\":\"00000000000000000001.log\",\"offset\":"),
            std::string::npos);
}

TEST_F(LogCommands, DumpPrintsALineForEachRecord) {
  std::ostringstream out;
  DumpOptions options;
  options.log = log(true);
  options.limit = 1;
  ASSERT_TRUE(run_log_dump(options, out).ok());
  EXPECT_EQ(out.str(),
            "{\"position\":1,\"time\":\"2023-11-14T22:13:20.000000Z\",\"kind\":0,\"key_id\":0,"
            "\"size\":3,\"payload\":\"01ff7a\"}\n");
}

TEST_F(LogCommands, DumpStartsStopsAndFiltersAndLetsTheCallerPrintPayloads) {
  std::ostringstream out;
  DumpOptions options;
  options.log = log(true);
  options.from = 10;
  options.limit = 2;
  options.kind = 1;
  options.payload = [](const eventlog::RecordView& record, std::ostream& to) {
    to << "{\"bytes\":" << record.payload.size() << '}';
  };
  ASSERT_TRUE(run_log_dump(options, out).ok());
  const std::string text = out.str();
  EXPECT_NE(text.find("{\"position\":11,"), std::string::npos);
  EXPECT_NE(text.find("{\"position\":14,"), std::string::npos);
  EXPECT_NE(text.find("\"payload\":{\"bytes\":507}"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST_F(LogCommands, AFolderWithoutALogIsSaidToBeOne) {
  std::ostringstream out;
  EXPECT_EQ(
      run_log_info({.files = &files_, .directory = "elsewhere", .json = false}, out).error().code(),
      ErrorCode::kNotFound);
}

TEST(FormatTime, CoversLeapDaysAndTimesBefore1970) {
  EXPECT_EQ(format_time_us(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time_us(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time_us(951'782'400 * kSecondUs), "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(format_time_us(-2'177'452'800 * kSecondUs), "1901-01-01T00:00:00.000000Z");
}

}  // namespace
}  // namespace vitrine::inspect
