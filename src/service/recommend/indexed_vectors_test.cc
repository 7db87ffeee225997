#include "service/recommend/indexed_vectors.h"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/recommend/match_cache.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

using testing::IsEmpty;

constexpr std::uint32_t kDim = 40;

std::vector<float> unit_row(std::mt19937_64& random, std::uint32_t dim = kDim) {
  std::normal_distribution<float> normal;
  std::vector<float> row(dim);
  for (float& value : row) value = normal(random);
  vec::normalize(row.data(), dim, row.data());
  return row;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

TEST(VectorRowsTest, CosinesOfBytesAreNearlyThoseOfTheFloats) {
  std::mt19937_64 random(1);
  VectorRows rows(kDim);
  std::vector<std::vector<float>> plain;
  for (std::uint32_t i = 0; i < 300; ++i) {
    plain.push_back(unit_row(random));
    rows.put(ItemIndex{i * 3}, plain.back().data());
  }
  EXPECT_EQ(rows.size(), 300u);
  VectorQuery query;
  rows.prepare(plain[7].data(), query);
  EXPECT_FLOAT_EQ(rows.cosine(query, ItemIndex{21}), 1);
  for (std::uint32_t i = 0; i < 300; ++i) {
    EXPECT_NEAR(rows.cosine(query, ItemIndex{i * 3}), dot(plain[7], plain[i]), 0.02);
  }
  EXPECT_EQ(rows.cosine(query, ItemIndex{1}), 0) << "there is no such row";
  EXPECT_EQ(rows.cosine(query, ItemIndex{1'000'000}), 0);
  std::vector<float> back(kDim);
  ASSERT_TRUE(rows.read(ItemIndex{21}, back.data()));
  EXPECT_NEAR(dot(back, back), 1, 1e-5);
  EXPECT_FALSE(rows.read(ItemIndex{2}, back.data()));
}

TEST(VectorRowsTest, ACopyStaysAsItWasWhateverIsWrittenLater) {
  std::mt19937_64 random(2);
  VectorRows rows(kDim);
  const auto first = unit_row(random);
  const auto second = unit_row(random);
  rows.put(ItemIndex{5}, first.data());
  const VectorRows copy = rows.shared();
  rows.put(ItemIndex{5}, second.data());
  rows.put(ItemIndex{6}, second.data());
  VectorQuery query;
  copy.prepare(first.data(), query);
  EXPECT_FLOAT_EQ(copy.cosine(query, ItemIndex{5}), 1);
  EXPECT_FALSE(copy.has(ItemIndex{6}));
  EXPECT_EQ(copy.size(), 1u);
  const VectorRows later = rows.shared();
  rows.remove(ItemIndex{5});
  rows.remove(ItemIndex{5});
  EXPECT_EQ(rows.size(), 1u);
  EXPECT_TRUE(later.has(ItemIndex{5}));
  const std::vector<float> nothing(kDim, 0.0F);
  rows.put(ItemIndex{6}, nothing.data());
  EXPECT_EQ(rows.size(), 0u) << "a row of zeros points nowhere";
}

TEST(VectorRowsTest, OnlyBytesThatARowCanHaveAreTaken) {
  std::mt19937_64 random(3);
  VectorRows rows(kDim);
  rows.put(ItemIndex{1}, unit_row(random).data());
  std::vector<std::uint8_t> codes(rows.codes(ItemIndex{1}),
                                  rows.codes(ItemIndex{1}) + rows.bytes_per_row());
  VectorRows other(kDim);
  EXPECT_TRUE(other.put_codes(ItemIndex{9}, codes.data()));
  EXPECT_EQ(other.scale_of(ItemIndex{9}), rows.scale_of(ItemIndex{1}));
  codes[kDim] = 1;  // behind the last dimension
  EXPECT_FALSE(other.put_codes(ItemIndex{9}, codes.data()));
  const std::vector<std::uint8_t> zeros(rows.bytes_per_row(), 128);
  EXPECT_FALSE(other.put_codes(ItemIndex{9}, zeros.data()));
  const std::vector<std::uint8_t> low(rows.bytes_per_row(), 0);
  EXPECT_FALSE(other.put_codes(ItemIndex{9}, low.data()));
}

// Items around a few middles, so that an index has lists to find.
class Crowd {
 public:
  explicit Crowd(std::uint32_t items) : rows(kDim) {
    std::mt19937_64 random(11);
    std::vector<std::vector<float>> middles;
    for (int i = 0; i < 20; ++i) middles.push_back(unit_row(random));
    for (std::uint32_t i = 0; i < items; ++i) {
      auto row = unit_row(random);
      const auto& middle = middles[random() % middles.size()];
      for (std::uint32_t d = 0; d < kDim; ++d) row[d] = 0.5F * row[d] + middle[d];
      rows.put(ItemIndex{i}, row.data());
    }
  }
  // Comparing everything.
  std::vector<NearItem> nearest(const float* query, std::size_t k, float floor,
                                const filter::MatchSet* matches = nullptr) const {
    VectorQuery aimed;
    rows.prepare(query, aimed);
    std::vector<NearItem> all;
    for (std::uint32_t i = 0; i < rows.end(); ++i) {
      if (!rows.has(ItemIndex{i})) continue;
      if (matches != nullptr && !matches->contains(ItemIndex{i})) continue;
      const float cosine = rows.cosine(aimed, ItemIndex{i});
      if (cosine > floor) {
        all.push_back({ItemIndex{i}, std::min(1.0F, (cosine - floor) / (1 - floor))});
      }
    }
    std::sort(all.begin(), all.end(), [](const NearItem& a, const NearItem& b) {
      return a.likeness != b.likeness ? a.likeness > b.likeness : a.item < b.item;
    });
    if (all.size() > k) all.resize(k);
    return all;
  }
  VectorRows rows;
};

std::shared_ptr<const std::vector<std::uint32_t>> list(std::vector<std::uint32_t> items) {
  return std::make_shared<const std::vector<std::uint32_t>>(std::move(items));
}

std::size_t shared(const std::vector<NearItem>& a, const std::vector<NearItem>& b) {
  return static_cast<std::size_t>(std::count_if(a.begin(), a.end(), [&](const NearItem& near) {
    return std::find(b.begin(), b.end(), near) != b.end();
  }));
}

TEST(IndexedVectorsTest, WithoutAnIndexTheNearestAreExact) {
  Crowd crowd(500);
  std::vector<std::uint32_t> all(500);
  for (std::uint32_t i = 0; i < 500; ++i) all[i] = i;
  const IndexedVectors vectors({crowd.rows.shared(), nullptr, list(all), 0.1F});
  VectorScratch scratch;
  std::vector<NearItem> found;
  std::vector<float> query(kDim);
  for (std::uint32_t item = 0; item < 500; item += 50) {
    ASSERT_TRUE(vectors.vector(ItemIndex{item}, query.data()));
    vectors.nearest(query.data(), 20, nullptr, scratch, found);
    EXPECT_EQ(found, crowd.nearest(query.data(), 20, 0.1F));
    EXPECT_EQ(found.front().item, ItemIndex{item});
    EXPECT_FLOAT_EQ(found.front().likeness, 1);
  }
  vectors.nearest(query.data(), 0, nullptr, scratch, found);
  EXPECT_THAT(found, IsEmpty());
}

TEST(IndexedVectorsTest, AnIndexFindsNearlyAllOfTheNearestWithTheirExactLikeness) {
  Crowd crowd(6'000);
  const auto base = VectorBase::build(crowd.rows, {}, no_progress());
  ASSERT_TRUE(base.ok()) << base.error().message();
  const IndexedVectors vectors({crowd.rows.shared(), *base, nullptr, 0.1F});
  VectorScratch scratch;
  std::vector<NearItem> found;
  std::vector<float> query(kDim);
  std::size_t hits = 0;
  for (std::uint32_t item = 0; item < 6'000; item += 300) {
    ASSERT_TRUE(vectors.vector(ItemIndex{item}, query.data()));
    vectors.nearest(query.data(), 20, nullptr, scratch, found);
    hits += shared(found, crowd.nearest(query.data(), 20, 0.1F));
  }
  EXPECT_GT(hits, 20u * 20 * 85 / 100);
}

TEST(IndexedVectorsTest, WhatChangedSinceTheIndexWasBuiltCountsAsItIs) {
  Crowd crowd(2'000);
  const auto base = VectorBase::build(crowd.rows, {}, no_progress());
  ASSERT_TRUE(base.ok());
  std::vector<float> query(kDim);
  ASSERT_TRUE(crowd.rows.read(ItemIndex{100}, query.data()));
  crowd.rows.remove(ItemIndex{100});
  crowd.rows.put(ItemIndex{2'500}, query.data());  // new
  crowd.rows.put(ItemIndex{7}, query.data());      // replaced
  const IndexedVectors vectors({crowd.rows.shared(), *base, list({100, 2'500, 7}), 0.1F});
  VectorScratch scratch;
  std::vector<NearItem> found;
  vectors.nearest(query.data(), 2, nullptr, scratch, found);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].item, ItemIndex{7});
  EXPECT_EQ(found[1].item, ItemIndex{2'500});
  EXPECT_FLOAT_EQ(found[0].likeness, 1);
}

class FilteredVectorsTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kItems = 20'000;
  // Prices are places in the order of likeness to the last item: a filter can ask for what is far.
  FilteredVectorsTest() : crowd_(kItems) {
    std::vector<float> last(kDim);
    EXPECT_TRUE(crowd_.rows.read(ItemIndex{kItems - 1}, last.data()));
    std::vector<double> places(kItems);
    const auto order = crowd_.nearest(last.data(), kItems, -1);
    for (std::size_t i = 0; i < order.size(); ++i) {
      places[order[i].item.value] = static_cast<double>(i);
    }
    for (std::uint32_t i = 0; i < kItems; ++i) {
      shop_.item("item-" + std::to_string(i),
                 {.price = places[i], .stock = static_cast<double>(i % 100)});
    }
    auto base = VectorBase::build(crowd_.rows, {}, no_progress());
    EXPECT_TRUE(base.ok());
    base_ = *base;
  }
  MatchCache::Set matches(const std::string& text) {
    auto parsed = filter::parse(text).value();
    return cache_.make(parsed.canonical(), filter::bind(parsed, shop_.catalog, shop_.now).value(),
                       shop_.catalog);
  }
  Crowd crowd_;
  Shop shop_;
  MatchCache cache_;
  std::shared_ptr<const VectorBase> base_;
};

TEST_F(FilteredVectorsTest, OnlyMatchesAreFoundHoweverFewOrManyThereAre) {
  const IndexedVectors vectors({crowd_.rows.shared(), base_, nullptr, -1});
  VectorScratch scratch;
  std::vector<NearItem> found;
  std::vector<float> query(kDim);
  for (const auto& [text, least] : std::vector<std::pair<std::string, std::size_t>>{
           {"stock < 3", 100},         // all are compared
           {"stock < 80", 80},         // more is asked for
           {"stock >= 40", 80},        //
           {"stock >= 77", 80},        // the matches of the nearest lists
           {"price < 4500", 80},       // all near each other
           {"price >= 15500", 80}}) {  //
    const auto set = matches(text);
    std::size_t hits = 0, wanted = 0;
    for (std::uint32_t item = 99; item < kItems; item += 1'990) {
      ASSERT_TRUE(vectors.vector(ItemIndex{item}, query.data()));
      vectors.nearest(query.data(), 10, set, scratch, found);
      for (const NearItem& near : found) EXPECT_TRUE(set->contains(near.item));
      const auto exact = crowd_.nearest(query.data(), 10, -1, set.get());
      EXPECT_EQ(found.size(), exact.size()) << text;
      hits += shared(found, exact);
      wanted += exact.size();
    }
    EXPECT_GE(hits * 100, wanted * least) << text;
  }
}

TEST_F(FilteredVectorsTest, MatchesThatAreAllFarFromTheQueryAreFoundToo) {
  const IndexedVectors vectors({crowd_.rows.shared(), base_, nullptr, -1});
  VectorScratch scratch;
  std::vector<NearItem> found;
  std::vector<float> query(kDim);
  ASSERT_TRUE(vectors.vector(ItemIndex{kItems - 1}, query.data()));
  const auto set = matches("price >= 15500");
  vectors.nearest(query.data(), kNearMost, set, scratch, found);
  EXPECT_EQ(found.size(), kNearMost);
  const auto exact = crowd_.nearest(query.data(), kNearMost, -1, set.get());
  EXPECT_GE(shared(found, exact), kNearMost * 8 / 10);
  const auto sum = [](const std::vector<NearItem>& items) {
    float likeness = 0;
    for (const NearItem& near : items) likeness += near.likeness;
    return likeness;
  };
  EXPECT_GT(sum(found), 0.95F * sum(exact));
}

TEST(IndexedVectorsTest, AModelsRowsBelongToTheItemsTheyNameAndUnknownOnesToNone) {
  const std::vector<float> rows{1, 0, 0, 1, 0.6F, 0.8F};
  const std::vector<ItemIndex> items{ItemIndex{4}, kNoItem, ItemIndex{2}};
  const auto made = IndexedVectors::make({rows.data(), 3, 2}, items, 0, {}, no_progress());
  ASSERT_TRUE(made.ok()) << made.error().message();
  VectorScratch scratch;
  std::vector<NearItem> found;
  const float query[] = {1, 0};
  (*made)->nearest(query, 5, nullptr, scratch, found);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].item, ItemIndex{4});
  EXPECT_FLOAT_EQ(found[0].likeness, 1);
  EXPECT_EQ(found[1].item, ItemIndex{2});
  EXPECT_NEAR(found[1].likeness, 0.6, 0.01);
  const std::vector<float> bad{1, NAN};
  EXPECT_FALSE(IndexedVectors::make({bad.data(), 1, 2}, items, 0, {}, no_progress()).ok());
}

TEST(ItemVectorsTest, AQueryIsTheMeanOfItsItemsByWeightAndRecency) {
  VectorRows rows(2);
  const float east[] = {1, 0}, north[] = {0, 1}, west[] = {-1, 0};
  rows.put(ItemIndex{1}, east);
  rows.put(ItemIndex{2}, north);
  rows.put(ItemIndex{3}, west);
  const IndexedVectors vectors({rows.shared(), nullptr, nullptr, 0});
  VectorScratch scratch;
  float query[2];
  const std::vector<covisit::HistoryItem> both{
      {ItemIndex{1}, 0, 1}, {ItemIndex{2}, 1, 2}, {ItemIndex{9}, 1, 5}};
  ASSERT_TRUE(vectors.query(both, scratch, query));
  EXPECT_NEAR(query[1] / query[0], 2 * ItemVectors::kRecency, 1e-4);
  const std::vector<covisit::HistoryItem> opposite{{ItemIndex{1}, 0, 1}, {ItemIndex{3}, 0, 1}};
  EXPECT_FALSE(vectors.query(opposite, scratch, query)) << "they cancel each other out";
  const std::vector<covisit::HistoryItem> unknown{{ItemIndex{9}, 0, 1}};
  EXPECT_FALSE(vectors.query(unknown, scratch, query));
}

}  // namespace
}  // namespace vitrine::recommend
