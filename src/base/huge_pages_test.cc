#include "base/huge_pages.h"

#include <cstdint>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(HugePages, LargeMemoryBeginsAtALargePageAndSmallAtACacheLine) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{100}, kHugePageBytes - 1,
                                  kHugePageBytes, 3 * kHugePageBytes + 5}) {
    void* memory = allocate_huge(bytes);
    const std::size_t alignment = bytes >= kHugePageBytes ? kHugePageBytes : 64;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignment, 0u) << bytes;
    static_cast<char*>(memory)[bytes - 1] = 1;
    free_huge(memory);
  }
}

TEST(HugePages, AVectorThatGrowsThroughAllSizesKeepsItsValues) {
  HugeVector<std::uint32_t> values;
  for (std::uint32_t i = 0; i < 2'000'000; ++i) values.push_back(i);
  const HugeVector<std::uint32_t> copy = values;
  values.clear();
  values.shrink_to_fit();
  EXPECT_EQ(std::accumulate(copy.begin(), copy.end(), std::uint64_t{0}), 1'999'999'000'000u);
}

TEST(HugePages, AnImpossibleSizeThrowsInsteadOfWrappingAround) {
  EXPECT_THROW(allocate_huge(std::numeric_limits<std::size_t>::max() - 10), std::bad_alloc);
  EXPECT_THROW(HugeAllocator<std::uint64_t>().allocate(std::numeric_limits<std::size_t>::max() / 4),
               std::bad_alloc);
}

}  // namespace
}  // namespace vitrine
