#include "service/learn/item_scores.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "engine/vec/random.h"
#include "service/learn/fitted_model.h"

namespace vitrine::learn {
namespace {

constexpr std::uint32_t kDim = 16;

// Rows around 40 directions, of lengths from 0.2 to 2, as those of rare and popular items.
std::vector<float> made_rows(std::uint32_t items) {
  vec::Random random(7);
  std::vector<float> middles(40 * kDim), rows(std::size_t{items} * kDim);
  for (float& value : middles) value = static_cast<float>(random.normal());
  for (std::uint32_t i = 0; i < items; ++i) {
    const float length = 0.2F + 1.8F * static_cast<float>(random.uniform());
    for (std::uint32_t j = 0; j < kDim; ++j) {
      rows[i * kDim + j] =
          length * (middles[i % 40 * kDim + j] + 0.5F * static_cast<float>(random.normal()));
    }
  }
  return rows;
}

// Between two rows: as those of visitors.
void made_query(const std::vector<float>& rows, std::uint32_t n, std::span<float> out) {
  vec::Random random(n);
  const std::size_t items = rows.size() / kDim;
  const std::size_t a = random.below(items), b = random.below(items);
  for (std::uint32_t j = 0; j < kDim; ++j) out[j] = rows[a * kDim + j] + rows[b * kDim + j];
}

ItemScores made(const std::vector<float>& rows, std::uint64_t dense_most) {
  auto out = ItemScores::make(
      rows, kDim, [&](std::uint32_t n, std::span<float> to) { made_query(rows, n, to); },
      dense_most);
  EXPECT_TRUE(out.ok());
  return std::move(*out);
}

TEST(ItemScores, AnIndexFindsNearlyAllOfTheBestWithTheSameScores) {
  const auto rows = made_rows(20'000);
  const ItemScores all = made(rows, rows.size()), indexed = made(rows, 0);
  EXPECT_FALSE(all.indexed());
  EXPECT_TRUE(indexed.indexed());
  EXPECT_GT(indexed.memory_bytes(), rows.size() * sizeof(float));
  ItemScores::Scratch scratch;
  std::vector<Scored> best, found;
  std::vector<float> query(kDim);
  std::size_t shared = 0;
  for (std::uint32_t n = 0; n < 50; ++n) {
    made_query(rows, 100'000 + n, query);
    all.top(rows, query, kTopMost, scratch, best);
    indexed.top(rows, query, kTopMost, scratch, found);
    ASSERT_EQ(best.size(), kTopMost);
    ASSERT_EQ(found.size(), kTopMost);
    std::set<std::pair<std::uint32_t, float>> wanted;
    for (const Scored& one : best) wanted.insert({one.item, one.score});
    for (const Scored& one : found) shared += wanted.count({one.item, one.score});
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(), better));
  }
  EXPECT_GT(shared, 50 * kTopMost * 9 / 10);
}

TEST(ItemScores, TheSameRowsAndQueriesGiveTheSameAnswers) {
  const auto rows = made_rows(3000);
  const ItemScores one = made(rows, 0), other = made(rows, 0);
  ItemScores::Scratch scratch;
  std::vector<Scored> first, second;
  std::vector<float> query(kDim);
  for (std::uint32_t n = 0; n < 20; ++n) {
    made_query(rows, n, query);
    one.top(rows, query, 50, scratch, first);
    other.top(rows, query, 50, scratch, second);
    ASSERT_EQ(first.size(), second.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(first[i].item, second[i].item);
      EXPECT_EQ(first[i].score, second[i].score);
    }
  }
}

TEST(ItemScores, ANumberThatIsNoneIsRefusedByAnIndex) {
  auto rows = made_rows(3000);
  const auto query = [&](std::uint32_t n, std::span<float> out) { made_query(rows, n, out); };
  rows[4711] = std::nanf("");
  const auto refused = ItemScores::make(rows, kDim, query, 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
}

TEST(ItemScores, FewerItemsThanAreWantedAreAllThere) {
  const auto rows = made_rows(70);
  for (const std::uint64_t dense_most : {std::uint64_t{0}, std::uint64_t{rows.size()}}) {
    const ItemScores scores = made(rows, dense_most);
    ItemScores::Scratch scratch;
    std::vector<Scored> found;
    std::vector<float> query(kDim);
    made_query(rows, 1, query);
    scores.top(rows, query, kTopMost, scratch, found);
    EXPECT_EQ(found.size(), 70u);
  }
}

}  // namespace
}  // namespace vitrine::learn
