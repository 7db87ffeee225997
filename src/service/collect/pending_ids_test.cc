#include "service/collect/pending_ids.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::collect {
namespace {

constexpr TenantId kTenant{1};

Hash128 id(std::uint64_t n) { return hash128(std::to_string(n)); }

TEST(PendingIds, FindsWhatWasAppendedOfThisTenantOnly) {
  PendingIds pending;
  pending.insert(kTenant, id(1), {10, 77});
  ASSERT_TRUE(pending.find(kTenant, id(1)));
  EXPECT_EQ(pending.find(kTenant, id(1))->position, 10u);
  EXPECT_EQ(pending.find(kTenant, id(1))->body_hash, 77u);
  EXPECT_FALSE(pending.find(TenantId{2}, id(1)));
  EXPECT_FALSE(pending.find(kTenant, id(2)));
}

// Goal: an id that is not applied is never forgotten, and all are in the end.
// Method: random appends and progress, against a plain map.
TEST(PendingIds, NeverForgetsWhatIsNotApplied) {
  std::mt19937_64 random(1);
  PendingIds pending(8);
  std::map<std::uint64_t, std::uint64_t> position_of;
  std::uint64_t position = 0, applied = 0, next = 0;
  for (int round = 0; round < 20000; ++round) {
    for (std::size_t n = random() % 5; n > 0; --n) {
      position += 1 + random() % 3;
      pending.insert(kTenant, id(next), {position, next});
      position_of[next++] = position;
    }
    if (random() % 3 == 0) {
      applied += random() % (position - applied + 1);
      pending.expire(applied);
      ASSERT_LE(pending.forgotten(), applied);
    }
    const std::uint64_t probe = next - std::min<std::uint64_t>(next, 1 + random() % 50);
    if (probe >= next) continue;
    const auto found = pending.find(kTenant, id(probe));
    if (position_of[probe] > applied) {
      ASSERT_TRUE(found);
    }
    if (found) {
      ASSERT_EQ(found->position, position_of[probe]);
    } else {
      ASSERT_LE(position_of[probe], pending.forgotten());
    }
  }
  pending.expire(position);
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_EQ(pending.forgotten(), position);
}

TEST(PendingIds, ABacklogNeedsFewGenerationsAndGoesAway) {
  PendingIds pending(16);
  for (std::uint64_t n = 1; n <= 100000; ++n) pending.insert(kTenant, id(n), {n, n});
  EXPECT_EQ(pending.size(), 100000u);
  for (std::uint64_t n = 1; n <= 100000; n += 997) EXPECT_TRUE(pending.find(kTenant, id(n)));
  pending.expire(50000);
  EXPECT_LT(pending.size(), 100000u);
  EXPECT_TRUE(pending.find(kTenant, id(50001)));
  pending.expire(100000);
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_FALSE(pending.find(kTenant, id(100000)));
}

}  // namespace
}  // namespace vitrine::collect
