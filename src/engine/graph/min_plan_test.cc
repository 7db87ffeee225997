#include "engine/graph/min_plan.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace vitrine::graph {
namespace {

using Batches = std::vector<std::vector<RowId>>;

AccessTrace trace_of(const Batches& batches) {
  AccessTrace trace;
  for (const auto& batch : batches) trace.add_batch(batch);
  return trace;
}

Batches random_batches(std::mt19937_64& random, std::size_t count, std::size_t rows,
                       std::size_t batch_rows_max) {
  Batches batches(count);
  for (auto& batch : batches) {
    std::set<RowId> ids;
    const std::size_t wanted = random() % (batch_rows_max + 1);
    // Squaring makes low ids hot.
    while (ids.size() < std::min(wanted, rows)) {
      const double u = static_cast<double>(random() % 10000) / 10000;
      ids.insert(static_cast<RowId>(u * u * static_cast<double>(rows)));
    }
    batch.assign(ids.begin(), ids.end());
  }
  return batches;
}

// Belady's rule said plainly: after each batch keep, of all rows at hand, those used soonest.
std::uint64_t obvious_min_misses(const Batches& batches, std::set<RowId> cache,
                                 std::size_t capacity) {
  std::uint64_t misses = 0;
  for (std::size_t b = 0; b < batches.size(); ++b) {
    for (const RowId id : batches[b]) misses += cache.count(id) == 0 ? 1 : 0;
    cache.insert(batches[b].begin(), batches[b].end());
    std::vector<std::pair<std::size_t, RowId>> by_use;
    for (const RowId id : cache) {
      std::size_t next = b + 1;
      while (next < batches.size() && std::ranges::count(batches[next], id) == 0) ++next;
      by_use.emplace_back(next, id);
    }
    std::ranges::sort(by_use);
    if (by_use.size() > capacity) by_use.resize(capacity);
    cache.clear();
    for (const auto& [next, id] : by_use) cache.insert(id);
  }
  return misses;
}

// The least misses any policy can have: tries every possible content of the cache.
std::uint64_t exhaustive_misses(const Batches& batches, int rows, int capacity) {
  std::map<unsigned, std::uint64_t> best{{0u, 0}};  // content -> misses so far
  for (const auto& batch : batches) {
    unsigned needed = 0;
    for (const RowId id : batch) needed |= 1u << id;
    std::map<unsigned, std::uint64_t> next;
    for (const auto& [content, misses] : best) {
      const std::uint64_t now =
          misses + static_cast<std::uint64_t>(__builtin_popcount(needed & ~content));
      const unsigned at_hand = content | needed;
      for (unsigned kept = 0; kept < (1u << rows); ++kept) {
        if ((kept & ~at_hand) != 0 || __builtin_popcount(kept) > capacity) continue;
        const auto [at, is_new] = next.emplace(kept, now);
        if (!is_new) at->second = std::min(at->second, now);
      }
    }
    best = std::move(next);
  }
  std::uint64_t least = ~std::uint64_t{0};
  for (const auto& [content, misses] : best) least = std::min(least, misses);
  return least;
}

// Does what the plan says and counts; fails where the cache would overflow.
std::uint64_t executed_misses(const Batches& batches, const std::vector<RowId>& carried,
                              const MinPlan& plan, std::size_t capacity) {
  std::set<RowId> cache;
  for (std::size_t i = 0; i < carried.size(); ++i) {
    if (plan.keeps_carried(i)) cache.insert(carried[i]);
  }
  std::uint64_t misses = 0;
  std::uint64_t access = 0;
  for (const auto& batch : batches) {
    for (const RowId id : batch) {
      misses += cache.erase(id) == 0 ? 1 : 0;
      if (plan.keeps(access++)) cache.insert(id);
    }
    EXPECT_LE(cache.size(), capacity);
  }
  EXPECT_EQ(std::vector<RowId>(cache.begin(), cache.end()), plan.carried_out);
  return misses;
}

TEST(MinPlan, DrawnExampleOfTheHeader) {
  const Batches batches{{0, 1}, {2}, {0}, {2}, {1}};
  const AccessTrace trace = trace_of(batches);
  const MinPlan plan = plan_min(trace, {}, 2, 3);
  EXPECT_EQ(plan.hits, 2u);
  EXPECT_TRUE(plan.keeps(0));   // a at batch 0
  EXPECT_FALSE(plan.keeps(1));  // b at batch 0 ends last
  EXPECT_TRUE(plan.keeps(2));   // c at batch 1
}

TEST(MinPlan, DrawnExampleOfTheDocument) {
  const MinPlan plan = plan_min(trace_of({{0, 1}, {2}, {0}, {2, 3}, {1, 3}}), {}, 2, 4);
  std::string bits;
  for (std::uint64_t i = 0; i < 8; ++i) bits += plan.keeps(i) ? '1' : '0';
  EXPECT_EQ(bits, "10110110");
  EXPECT_EQ(plan.misses, 5u);
  EXPECT_EQ(plan.carried_out, (std::vector<RowId>{0, 1}));
}

TEST(MinPlan, MissesAsFewAsBeladysRuleSaidPlainly) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::size_t rows = 1 + random() % 60;
    const Batches batches = random_batches(random, 1 + random() % 20, rows, 1 + random() % 15);
    const std::size_t capacity = random() % (rows + 2);
    const AccessTrace trace = trace_of(batches);
    const MinPlan plan = plan_min(trace, {}, capacity, rows);
    EXPECT_EQ(plan.misses, obvious_min_misses(batches, {}, capacity));
    EXPECT_EQ(plan.misses, executed_misses(batches, {}, plan, capacity));
  }
}

TEST(MinPlan, NoPolicyAtAllMissesLess) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 60; ++round) {
    const int rows = 5;
    const Batches batches = random_batches(random, 1 + random() % 8, rows, 3);
    const int capacity = static_cast<int>(random() % 4);
    const MinPlan plan =
        plan_min(trace_of(batches), {}, static_cast<std::uint64_t>(capacity), rows);
    EXPECT_EQ(plan.misses, exhaustive_misses(batches, rows, capacity));
  }
}

TEST(MinPlan, StartsWithWhatTheCacheHoldsAndKeepsTheHottestOfWhatIsNotUsedAgain) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::size_t rows = 10 + random() % 50;
    const std::size_t capacity = 1 + random() % rows;
    std::vector<RowId> carried;
    for (int superbatch = 0; superbatch < 4; ++superbatch) {
      const Batches batches = random_batches(random, 1 + random() % 8, rows, 12);
      const MinPlan plan = plan_min(trace_of(batches), carried, capacity, rows);
      EXPECT_EQ(plan.misses,
                obvious_min_misses(batches, {carried.begin(), carried.end()}, capacity));
      EXPECT_EQ(plan.misses, executed_misses(batches, carried, plan, capacity));
      carried = plan.carried_out;
    }
  }
  const MinPlan plan = plan_min(trace_of({{1, 5, 9}, {2, 7}}), {}, 3, 10);
  EXPECT_EQ(plan.carried_out, (std::vector<RowId>{1, 2, 5}));
}

TEST(MinPlan, MoreThan254BatchesUseTheWiderType) {
  std::mt19937_64 random(4);
  const Batches batches = random_batches(random, 700, 40, 6);
  const MinPlan plan = plan_min(trace_of(batches), {}, 9, 40);
  EXPECT_EQ(plan.misses, obvious_min_misses(batches, {}, 9));
}

TEST(IdList, GivesBackWhatWasPutIn) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    std::set<RowId> ids;
    const std::size_t wanted = random() % 50;
    while (ids.size() < wanted) ids.insert(static_cast<RowId>(random() >> (random() % 32 + 32)));
    const std::vector<RowId> sorted(ids.begin(), ids.end());
    IdList list;
    list.assign(sorted);
    std::vector<RowId> decoded;
    list.decode(decoded);
    EXPECT_EQ(decoded, sorted);
    std::vector<RowId> walked;
    for (IdList::Cursor at(list); !at.done(); at.next()) walked.push_back(at.id());
    EXPECT_EQ(walked, sorted);
  }
}

}  // namespace
}  // namespace vitrine::graph
