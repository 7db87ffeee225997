#include "platform/obs/log.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

namespace vitrine::obs {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Captures the process's log while it lives.
class Capture {
 public:
  explicit Capture(LogLevel level = LogLevel::kDebug) {
    LogOptions options;
    options.level = level;
    options.sink = [this](std::string_view line) { lines.emplace_back(line); };
    EXPECT_TRUE(configure_log(std::move(options)).ok());
  }
  ~Capture() { EXPECT_TRUE(configure_log({}).ok()); }
  std::vector<std::string> lines;

  // Line i, which must be one valid JSON object on one line.
  simdjson::dom::element parse(std::size_t i = 0) {
    EXPECT_LT(i, lines.size());
    EXPECT_EQ(lines[i].size() - 1, lines[i].find('\n'));
    simdjson::dom::element element;
    EXPECT_EQ(simdjson::SUCCESS, parser_.parse(lines[i]).get(element)) << lines[i];
    return element;
  }

 private:
  simdjson::dom::parser parser_;
};

std::string text(simdjson::dom::element e, const char* key) {
  std::string_view value;
  EXPECT_EQ(simdjson::SUCCESS, e[key].get(value)) << key;
  return std::string(value);
}

TEST(Log, WritesOneJsonObjectALine) {
  Capture log;
  log_warn("disk_slow", {{"ms", 12.5},
                         {"path", std::string("/d")},
                         {"n", -3},
                         {"u", ~0ull},
                         {"yes", true},
                         {"error", Error(ErrorCode::kIo, "sync: no")}});
  const auto e = log.parse();
  EXPECT_EQ("warn", text(e, "level"));
  EXPECT_EQ("disk_slow", text(e, "event"));
  EXPECT_EQ("/d", text(e, "path"));
  EXPECT_THAT(text(e, "error"), HasSubstr("sync: no"));
  EXPECT_EQ(12.5, double(e["ms"]));
  EXPECT_EQ(-3, std::int64_t(e["n"]));
  EXPECT_EQ(~0ull, std::uint64_t(e["u"]));
  EXPECT_TRUE(bool(e["yes"]));
  const std::string time = text(e, "time");
  ASSERT_EQ(27u, time.size());
  EXPECT_EQ('T', time[10]);
  EXPECT_EQ('.', time[19]);
  EXPECT_EQ('Z', time[26]);
}

TEST(Log, AnyBytesStayOneValidLine) {
  Capture log;
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (std::uint64_t n = random() % 40; n > 0; --n) bytes.push_back(static_cast<char>(random()));
    log_info(
        bytes,
        {{bytes, bytes}, {"nan", std::nan("")}, {"inf", std::numeric_limits<double>::infinity()}});
    log.parse(static_cast<std::size_t>(i));
  }
}

TEST(Log, ValidTextComesBackAsItWas) {
  Capture log;
  const std::string value =
      "tab\t quote\" back\\ line\n snow\xE2\x98\x83 \xF0\x9F\x98\x80 nul" + std::string(1, '\0');
  log_info("e", {{"v", value}});
  EXPECT_EQ(value, text(log.parse(), "v"));
}

TEST(Log, CutsLongFields) {
  Capture log;
  log_info("e", {{"v", std::string(1 << 20, 'x')}});
  log.parse();
  EXPECT_LT(log.lines[0].size(), 5000u);
}

TEST(Log, KeepsQuietBelowItsLevel) {
  Capture log(LogLevel::kWarn);
  log_debug("a");
  log_info("b");
  log_warn("c");
  log_error("d");
  ASSERT_EQ(2u, log.lines.size());
  EXPECT_EQ("c", text(log.parse(0), "event"));
  EXPECT_EQ(LogLevel::kDebug, parse_log_level("debug"));
  EXPECT_EQ(std::nullopt, parse_log_level("loud"));
}

TEST(Log, ContextNestsAndLeaves) {
  Capture log;
  {
    LogContext outer("r1", "shop");
    {
      LogContext inner("r2", "");
      log_info("inner");
    }
    log_info("outer");
  }
  log_info("none");
  EXPECT_EQ("r2", text(log.parse(0), "request_id"));
  EXPECT_THAT(log.lines[0], ::testing::Not(HasSubstr("tenant")));
  EXPECT_EQ("shop", text(log.parse(1), "tenant"));
  EXPECT_THAT(log.lines[2], ::testing::Not(HasSubstr("request_id")));
}

TEST(Log, LimitLetsOneThroughAndCountsTheRest) {
  LogLimit limit(50ms);
  EXPECT_EQ(0u, limit.allow());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(std::nullopt, limit.allow());
  std::this_thread::sleep_for(60ms);
  EXPECT_EQ(10u, limit.allow());
}

TEST(Log, AppendsToAFileAndReopensIt) {
  const std::string path = ::testing::TempDir() + "vitrine_log_test_" + std::to_string(::getpid());
  LogOptions options;
  options.path = path;
  ASSERT_TRUE(configure_log(std::move(options)).ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) log_info("line", {{"i", i}});
    });
  }
  for (auto& t : threads) t.join();
  std::filesystem::rename(path, path + ".1");
  log_info("to the old one");
  ASSERT_TRUE(reopen_log().ok());
  log_info("to the new one");
  ASSERT_TRUE(configure_log({}).ok());
  const auto count = [](const std::string& file) {
    std::ifstream in(file);
    std::string line;
    int n = 0;
    simdjson::dom::parser parser;
    while (std::getline(in, line))
      n += parser.parse(line).error() == simdjson::SUCCESS ? 1 : 1000000;
    return n;
  };
  EXPECT_EQ(401, count(path + ".1"));
  EXPECT_EQ(1, count(path));
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".1");
}

TEST(Log, SaysWhyAFileCantBeOpened) {
  LogOptions options;
  options.path = "/nonexistent-folder/log";
  EXPECT_EQ(ErrorCode::kIo, configure_log(std::move(options)).error().code());
}

}  // namespace
}  // namespace vitrine::obs
