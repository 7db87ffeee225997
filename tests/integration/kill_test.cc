#include <gtest/gtest.h>

#include "bench/support/crash_client.h"
#include "bench/support/server_process.h"
#include "bench/support/subprocess.h"

namespace vitrine::bench {
namespace {

std::string own_path;

// Goal: no acknowledged event is lost or applied twice over kill -9 at any instant.
// Method: see bench/support/crash_client.h; `make bench-crash` does the same a thousand times.
TEST(Kill, EachEventIdCountsExactlyOnceOverKillsAtRandomInstants) {
  auto binary = find_vitrine(own_path);
  ASSERT_TRUE(binary.ok()) << binary.error().to_string();
  const ScratchDirectory scratch("kill-test");
  KillOptions options;
  options.binary = *binary;
  options.data = scratch.path() + "/data";
  options.kills = 25;
  const auto report = run_kills(options, no_progress());
  ASSERT_TRUE(report.ok()) << report.error().to_string();
  EXPECT_EQ(report->kills, 25u);
  EXPECT_EQ(report->lost, 0u);
  EXPECT_EQ(report->duplicated, 0u);
  // There must have been something to lose and something to repeat.
  EXPECT_GT(report->events, 1000u);
  EXPECT_GT(report->resent, 0u);
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  vitrine::bench::own_path = argv[0];
  return RUN_ALL_TESTS();
}
