#include "platform/codec/time_format.h"

#include <ctime>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::codec {
namespace {

TimeUs parsed(std::string_view text) {
  auto time = parse_rfc3339(text);
  EXPECT_TRUE(time.ok()) << text << (time.ok() ? "" : ": " + time.error().message());
  return time.ok() ? time.value() : 0;
}

TEST(ParseRfc3339, ReadsTimesWithFractionsAndOffsets) {
  EXPECT_EQ(parsed("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parsed("2026-11-22T16:10:43Z"), 1795363843 * kSecondUs);
  EXPECT_EQ(parsed("2026-11-22t16:10:43.5z"), 1795363843 * kSecondUs + 500000);
  EXPECT_EQ(parsed("2026-11-22 16:10:43.1234567891Z"), 1795363843 * kSecondUs + 123456);
  EXPECT_EQ(parsed("2026-11-22T17:10:43+01:00"), 1795363843 * kSecondUs);
  EXPECT_EQ(parsed("2026-11-22T10:40:43-05:30"), 1795363843 * kSecondUs);
  EXPECT_EQ(parsed("1901-01-01T00:00:00Z"), -2177452800 * kSecondUs);
  EXPECT_EQ(parsed("2999-12-31T23:59:59Z"), 32503679999 * kSecondUs);
  EXPECT_EQ(parsed("0001-01-01T00:00:00Z"), kTimeUsMin);
  EXPECT_EQ(parsed("9999-12-31T23:59:59.999999Z"), kTimeUsMax);
}

TEST(ParseRfc3339, KnowsLeapYearsAndLeapSeconds) {
  EXPECT_EQ(parsed("2024-02-29T00:00:00Z"), 1709164800 * kSecondUs);
  EXPECT_EQ(parsed("2000-02-29T00:00:00Z"), 951782400 * kSecondUs);
  EXPECT_FALSE(parse_rfc3339("1900-02-29T00:00:00Z").ok());
  EXPECT_FALSE(parse_rfc3339("2023-02-29T00:00:00Z").ok());
  EXPECT_EQ(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parsed("2016-12-31T18:59:60-05:00"), parsed("2017-01-01T00:00:00Z"));
  EXPECT_FALSE(parse_rfc3339("2016-12-31T12:00:60Z").ok());
}

TEST(ParseRfc3339, RefusesWhatIsNotATime) {
  for (const char* text : {"",
                           "2026",
                           "2026-11-22",
                           "2026-11-22T16:10:43",
                           "2026-11-22T16:10:43+0100",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-11-22T24:00:00Z",
                           "2026-11-22T16:60:00Z",
                           "2026-11-22T16:10:61Z",
                           "2026-11-22T16:10:43.Z",
                           "2026-11-22T16:10:43ZZ",
                           "2026-11-22T16:10:43+24:00",
                           "0000-01-01T00:00:00Z",
                           "0001-01-01T00:00:00+01:00",
                           "9999-12-31T23:59:59-01:00",
                           "-001-01-01T00:00:00Z",
                           "2026/11/22T16:10:43Z",
                           "20261122T161043Z",
                           "now",
                           "2026-11-22T16:1a:43Z"}) {
    auto time = parse_rfc3339(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(FormatRfc3339, IsReadBackAsTheSameTime) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 100000; ++round) {
    const auto range = static_cast<std::uint64_t>(kTimeUsMax - kTimeUsMin);
    const TimeUs time = kTimeUsMin + static_cast<TimeUs>(random() % range);
    ASSERT_EQ(parsed(format_rfc3339(time)), time) << format_rfc3339(time);
  }
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_rfc3339(120000), "1970-01-01T00:00:00.120Z");
}

TEST(DaysFromCivil, AgreesWithTheLibraryDayByDay) {
  for (std::int64_t day = -200000; day < 200000; day += 17) {
    const std::time_t seconds = day * 86400;
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    ASSERT_EQ(days_from_civil(tm.tm_year + 1900, static_cast<unsigned>(tm.tm_mon + 1),
                              static_cast<unsigned>(tm.tm_mday)),
              day);
  }
}

TEST(EpochNumber, IsSecondsOrMillisecondsBySize) {
  EXPECT_EQ(time_from_epoch_number(1795363843), 1795363843 * kSecondUs);
  EXPECT_EQ(time_from_epoch_number(1795363843.25), 1795363843 * kSecondUs + 250000);
  EXPECT_EQ(time_from_epoch_number(1795363843123), 1795363843123 * 1000);
  EXPECT_EQ(time_from_epoch_number(-1.5), -1500000);
  EXPECT_FALSE(time_from_epoch_number(1e300));
  EXPECT_FALSE(time_from_epoch_number(-1e12));
  EXPECT_FALSE(time_from_epoch_number(std::numeric_limits<double>::quiet_NaN()));
}

TEST(ParseDate, IsMidnight) {
  EXPECT_EQ(parse_date("1970-01-02").value(), kDayUs);
  EXPECT_FALSE(parse_date("1970-01-02T").ok());
}

}  // namespace
}  // namespace vitrine::codec
