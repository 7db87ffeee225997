#include "domain/record/profile_version.h"

#include <limits>

#include <gtest/gtest.h>

namespace vitrine::record {
namespace {

TEST(ProfileVersion, ReadsBackWhatItWrote) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const ProfileVersion version :
       {ProfileVersion{0, 0}, ProfileVersion{1, 42}, ProfileVersion{most, most}}) {
    const auto back = parse_profile_version(format_profile_version(version));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back.value(), version);
  }
}

TEST(ProfileVersion, RefusesEverythingElse) {
  for (const char* text : {"", "-", "1", "1-", "-1", "1--1", "01-1", "1-01", "1-2-3", " 1-2",
                           "1-2 ", "a-b", "1-18446744073709551616", "+1-2", "1.0-2"}) {
    const auto parsed = parse_profile_version(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ProfileVersion, ATokenOfAnOlderEpochIsSatisfied) {
  EXPECT_TRUE(satisfies({1, 10}, {1, 10}));
  EXPECT_FALSE(satisfies({1, 9}, {1, 10}));
  EXPECT_TRUE(satisfies({2, 0}, {1, 10}));
  EXPECT_FALSE(satisfies({1, 10}, {2, 0}));
}

}  // namespace
}  // namespace vitrine::record
