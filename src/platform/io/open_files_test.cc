#include "platform/io/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace vitrine::io {
namespace {

TEST(OpenFiles, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_open_files_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(OpenFiles, ConnectionsLeaveDescriptorsToFiles) {
  EXPECT_EQ(connections_within(524'288, 10'000), 10'000u);
  EXPECT_EQ(connections_within(8192, 10'000), 8192u - 1024);
  EXPECT_EQ(connections_within(1024, 10'000), 512u);
  EXPECT_EQ(connections_within(200, 10'000), 100u);
  EXPECT_EQ(connections_within(200, 64), 64u);
  EXPECT_EQ(connections_within(1, 10), 1u);
  EXPECT_EQ(connections_within(~0ull, 1'000'000), 1'000'000u);
}

}  // namespace
}  // namespace vitrine::io
