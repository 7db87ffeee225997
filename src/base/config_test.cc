#include "base/config.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

struct Settings {
  std::string directory = "data";
  bool verbose = false;
  std::int64_t port = 8080;
  std::uint64_t segment = 64ull << 20;
  std::int64_t idle_us = 60'000'000;
};

ConfigTable table_for(Settings& s) {
  ConfigTable table;
  table.add_string("data.directory", &s.directory, "where everything is kept");
  table.add_bool("log.verbose", &s.verbose, "more lines");
  table.add_integer("server.port", &s.port, 0, 65535, "TCP port");
  table.add_size("log.segment", &s.segment, 1 << 20, 1ull << 32, "size of a segment");
  table.add_duration("server.idle", &s.idle_us, 1'000'000, 3'600'000'000,
                     "idle connections close after");
  return table;
}

TEST(Config, LaterSourcesWinFileThenEnvironmentThenFlag) {
  Settings s;
  ConfigTable table = table_for(s);
  ASSERT_TRUE(
      table.apply_toml("[server]\nport = 1000\nidle = \"5m\"\n[log]\nverbose = true\n", "a.toml")
          .ok());
  EXPECT_EQ(s.port, 1000);
  EXPECT_EQ(s.idle_us, 300'000'000);
  EXPECT_TRUE(s.verbose);
  ASSERT_TRUE(table.apply_environment({{"VITRINE_SERVER_PORT", "2000"}, {"HOME", "/"}}).ok());
  EXPECT_EQ(s.port, 2000);
  ASSERT_TRUE(table.apply_flag("server.port", "3000").ok());
  EXPECT_EQ(s.port, 3000);
}

TEST(Config, ErrorsNameTheSettingThePlaceAndWhatIsAllowed) {
  Settings s;
  ConfigTable table = table_for(s);
  const auto range = table.apply_flag("server.port", "70000");
  ASSERT_FALSE(range.ok());
  EXPECT_EQ(range.error().message(), "--server.port: server.port: 70000 is outside 0 .. 65535");
  const auto unknown = table.apply_toml("[server]\nprot = 1\n", "a.toml");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("did you mean 'server.port'"), std::string::npos);
  const auto syntax = table.apply_toml("[server\n", "a.toml");
  ASSERT_FALSE(syntax.ok());
  EXPECT_EQ(syntax.error().message().rfind("a.toml:1:", 0), 0u) << syntax.error().message();
  EXPECT_EQ(s.port, 8080);
}

TEST(Config, UnitsAreReadAndBareDurationsRefused) {
  EXPECT_EQ(parse_size("64MiB").value(), 64ull << 20);
  EXPECT_EQ(parse_size("10k").value(), 10000u);
  EXPECT_EQ(parse_duration_us("1.5s").value(), 1'500'000);
  EXPECT_FALSE(parse_duration_us("15").ok());
  EXPECT_FALSE(parse_size("-1").ok());
  EXPECT_FALSE(parse_size("12 parsecs").ok());
}

TEST(Config, WhatItPrintsIsWhatItReads) {
  Settings s;
  s.port = 99;
  s.idle_us = 2'500'000;
  ConfigTable table = table_for(s);
  const std::string text = table.to_toml();
  Settings other;
  ConfigTable again = table_for(other);
  ASSERT_TRUE(again.apply_toml(text, "printed").ok());
  EXPECT_EQ(other.port, 99);
  EXPECT_EQ(other.segment, s.segment);
  EXPECT_EQ(other.idle_us, 2'500'000);
}

TEST(Config, AKeyOutsideSectionsStaysOutsideInToml) {
  Settings s;
  std::int64_t partitions = 3;
  ConfigTable table = table_for(s);
  table.add_integer("partitions", &partitions, 1, 256, "logs");
  const std::string text = table.to_toml();
  partitions = 1;
  ASSERT_TRUE(table.apply_toml(text, "own text").ok()) << text;
  EXPECT_EQ(partitions, 3);
}

}  // namespace
}  // namespace vitrine
