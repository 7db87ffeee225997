#include "platform/simd/level.h"

#include <gtest/gtest.h>

namespace vitrine::simd {
namespace {

TEST(Level, EveryNameReadsBackAsItsLevel) {
  for (const Level level :
       {Level::kScalar, Level::kSse42, Level::kAvx2, Level::kAvx512, Level::kAvx512Vnni}) {
    const auto parsed = parse_level(name(level));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value(), level);
  }
}

TEST(Level, AnUnknownNameIsRefusedWithTheKnownOnes) {
  const auto parsed = parse_level("avx1024");
  ASSERT_FALSE(parsed.ok());
  EXPECT_NE(parsed.error().message().find("avx512-vnni"), std::string::npos);
}

TEST(Level, TheActiveLevelIsNeverAboveWhatTheMachineHas) {
  EXPECT_LE(active_level(), detected_level());
}

}  // namespace
}  // namespace vitrine::simd
