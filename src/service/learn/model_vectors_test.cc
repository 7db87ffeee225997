#include "service/learn/model_vectors.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/vec/lists.h"
#include "engine/vec/random.h"

namespace vitrine::learn {
namespace {

using recommend::NearItem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kDim = 16;
constexpr std::uint32_t kGroups = 8;

// Items of kGroups kinds, item i of kind i % kGroups, with some noise; lengths rise with i, as
// those of popular items do.
std::vector<float> grouped_rows(std::uint32_t items) {
  vec::Random random(5);
  std::vector<float> rows(std::size_t{items} * kDim);
  for (std::uint32_t i = 0; i < items; ++i) {
    for (std::uint32_t j = 0; j < kDim; ++j) {
      const double middle = j == i % kGroups ? 1 : 0;
      rows[i * kDim + j] =
          static_cast<float>((middle + 0.02 * random.normal()) * (0.5 + i * 1.0 / items));
    }
  }
  return rows;
}

std::unique_ptr<FittedModel> ials(std::span<const float> rows, std::span<const float> visitors) {
  factor::IalsOptions options;
  options.dimensions = kDim;
  const auto items = static_cast<std::uint32_t>(visitors.size());
  auto model = factor::Ials::from_vectors(options, items, 1000, rows);
  EXPECT_TRUE(model.ok());
  return make_ials(std::move(*model), visitors).value();
}

session::Shape small_session() {
  session::Shape shape;
  shape.items = 80;
  shape.width = kDim;
  shape.inner = 32;
  shape.length = 10;
  return shape;
}

constexpr std::uint32_t kNone = 0xFFFFFFFF;

// Item i of the model is the catalog's item 1000 + i; `unknown` is none of its, and `gone` is no
// longer listed.
std::shared_ptr<const ServedModel> served(std::unique_ptr<FittedModel> model,
                                          std::uint32_t unknown = kNone,
                                          std::uint32_t gone = kNone) {
  StoredModel stored;
  for (std::uint32_t i = 0; i < model->items(); ++i) stored.items.push_back(std::to_string(i));
  stored.model = std::move(model);
  return std::make_shared<ServedModel>(
      "m-1", 1, std::move(stored),
      [&](std::span<const std::string> ids, std::span<CatalogItem> items) {
        for (std::size_t n = 0; n < ids.size(); ++n) {
          const auto i = static_cast<std::uint32_t>(std::stoul(ids[n]));
          if (i != unknown) items[n] = {ItemIndex{1000 + i}, i != gone};
        }
      });
}

std::shared_ptr<const ModelVectors> vectors_of(std::shared_ptr<const ServedModel> model) {
  auto made = ModelVectors::make(std::move(model), {}, no_progress());
  EXPECT_TRUE(made.ok()) << made.error().to_string();
  return std::move(*made);
}

covisit::HistoryItem seen(std::uint32_t item, std::uint32_t age = 0) {
  return {ItemIndex{1000 + item}, age, 1};
}

TEST(ModelVectors, NearAnItemAreThoseThatTheModelPutsBesideIt) {
  const std::vector<float> visitors(80, 9);
  const auto vectors = vectors_of(served(ials(grouped_rows(80), visitors)));
  EXPECT_EQ(vectors->dim(), kDim);
  EXPECT_EQ(vectors->stats().items, 80u);
  EXPECT_EQ(vectors->stats().indexed, 0u);
  EXPECT_GT(vectors->stats().bytes, 80u * 64);
  EXPECT_GT(vectors->stats().floor, 0.05F);
  EXPECT_LT(vectors->stats().floor, 0.7F);
  recommend::VectorScratch scratch;
  std::vector<float> query(kDim);
  std::vector<NearItem> near;
  const covisit::HistoryItem history[] = {seen(3)};
  ASSERT_TRUE(vectors->query(history, scratch, query.data()));
  vectors->nearest(query.data(), 10, nullptr, scratch, near);
  ASSERT_EQ(near.size(), 10u);
  for (const NearItem& one : near) {
    EXPECT_EQ((one.item.value - 1000) % kGroups, 3u);
    EXPECT_GT(one.likeness, 0.5F);
  }
}

TEST(ModelVectors, TheQueryIsTheModelsOwnFoldInOldestFirst) {
  const std::vector<float> visitors(80, 9);
  std::vector<std::unique_ptr<FittedModel>> models;
  models.push_back(ials(grouped_rows(80), visitors));
  models.push_back(
      make_session(session::SessionModel::create(small_session(), 3).value(), visitors).value());
  for (auto& model : models) {
    SCOPED_TRACE(kind_name(model->kind()));
    const auto all = served(std::move(model));
    const auto vectors = vectors_of(all);
    ModelScratch plain;
    std::vector<float> wanted(kDim), got(kDim), other(kDim);
    const std::uint32_t oldest_first[] = {4, 12, 7};
    ASSERT_TRUE(all->fitted().user_vector(oldest_first, plain, wanted));
    vec::normalize(wanted.data(), kDim, wanted.data());
    recommend::VectorScratch scratch;
    const covisit::HistoryItem newest_first[] = {seen(7), seen(12, 1), seen(4, 2)};
    ASSERT_TRUE(vectors->query(newest_first, scratch, got.data()));
    EXPECT_EQ(got, wanted);
    const covisit::HistoryItem turned[] = {seen(4), seen(12, 1), seen(7, 2)};
    ASSERT_TRUE(vectors->query(turned, scratch, other.data()));
    EXPECT_EQ(other == got, all->fitted().kind() == Kind::kIals) << "where order matters";
  }
}

TEST(ModelVectors, WhatFewTurnedToAndWhatTheModelOrTheCatalogDoesNotHaveHasNone) {
  std::vector<float> visitors(80, 9);
  visitors[11] = ModelVectors::kKnownFrom - 1;
  const auto vectors = vectors_of(served(ials(grouped_rows(80), visitors), 19, 27));
  EXPECT_EQ(vectors->stats().items, 77u);
  std::vector<float> row(kDim), query(kDim);
  recommend::VectorScratch scratch;
  std::vector<NearItem> near;
  const covisit::HistoryItem rarely[] = {seen(11)}, later[] = {seen(80)};
  EXPECT_FALSE(vectors->query(rarely, scratch, query.data()));
  EXPECT_FALSE(vectors->query(later, scratch, query.data()));
  EXPECT_FALSE(vectors->query({}, scratch, query.data()));
  EXPECT_TRUE(vectors->vector(ItemIndex{1003}, row.data()));
  for (const std::uint32_t none : {1011u, 1019u, 1027u, 1080u, 5u, 4'000'000u}) {
    EXPECT_FALSE(vectors->vector(ItemIndex{none}, row.data())) << none;
  }
  // Beside one that is known they change nothing.
  const covisit::HistoryItem alone[] = {seen(3)}, among[] = {seen(80), seen(3, 1), seen(11, 2)};
  std::vector<float> plain(kDim);
  ASSERT_TRUE(vectors->query(alone, scratch, plain.data()));
  ASSERT_TRUE(vectors->query(among, scratch, query.data()));
  EXPECT_EQ(plain, query);
  vectors->nearest(query.data(), 100, nullptr, scratch, near);
  for (const NearItem& one : near) {
    EXPECT_NE(one.item, ItemIndex{1011});
    EXPECT_NE(one.item, ItemIndex{1027});
  }
}

TEST(ModelVectors, OfManyItemsAnIndexIsBuiltThatTakesNoMoreThanWasSaid) {
  constexpr std::uint32_t kItems = 9000;
  const std::vector<float> visitors(kItems, 9);
  const auto model = served(ials(grouped_rows(kItems), visitors));
  const auto vectors = vectors_of(model);
  EXPECT_EQ(vectors->stats().indexed, kItems);
  EXPECT_LE(vectors->stats().bytes, ModelVectors::bytes_needed(*model));
  EXPECT_GT(vectors->stats().bytes, ModelVectors::bytes_needed(*model) / 2);
  recommend::VectorScratch scratch;
  std::vector<float> query(kDim);
  const covisit::HistoryItem history[] = {seen(3), seen(11, 1)};
  ASSERT_TRUE(vectors->query(history, scratch, query.data()));
  recommend::VectorQuery aimed;
  vectors->aim(query.data(), aimed);
  std::vector<NearItem> best, found;
  for (std::uint32_t i = 0; i < kItems; ++i) {
    best.push_back({ItemIndex{1000 + i}, vectors->likeness(aimed, ItemIndex{1000 + i})});
  }
  std::sort(best.begin(), best.end(), [](const NearItem& a, const NearItem& b) {
    return a.likeness != b.likeness ? a.likeness > b.likeness : a.item < b.item;
  });
  vectors->nearest(query.data(), 100, nullptr, scratch, found);
  ASSERT_EQ(found.size(), 100u);
  std::size_t shared = 0;
  for (const NearItem& one : found) {
    shared += static_cast<std::size_t>(std::count(best.begin(), best.begin() + 100, one));
  }
  EXPECT_GT(shared, 80u);
}

TEST(ModelVectors, AModelWithoutVectorsOrWithoutKnownItemsHasNone) {
  EXPECT_EQ(vectors_of(served(make_popularity({1, 2, 3}))), nullptr);
  EXPECT_EQ(ModelVectors::bytes_needed(*served(make_popularity({1, 2, 3}))), 0u);
  const std::vector<float> few(80, 1);
  EXPECT_EQ(vectors_of(served(ials(grouped_rows(80), few))), nullptr);
}

TEST(ModelVectors, ANumberThatIsNoneIsRefused) {
  const std::vector<float> visitors(80, 9);
  auto model = session::SessionModel::create(small_session(), 3).value();
  model.parameters()[100] = std::numeric_limits<float>::infinity();
  const auto refused = ModelVectors::make(served(make_session(std::move(model), visitors).value()),
                                          {}, no_progress());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
}

TEST(ServingModel, WhoAskedBeforeKeepsWhatItHas) {
  ServingModel serving;
  EXPECT_EQ(serving.current(), nullptr);
  const std::vector<float> visitors(80, 9);
  const auto model = served(ials(grouped_rows(80), visitors));
  serving.set(model, vectors_of(model));
  const auto asked = serving.current();
  serving.set(nullptr, nullptr);
  EXPECT_EQ(serving.current(), nullptr);
  EXPECT_EQ(serving.model(), nullptr);
  std::vector<float> row(kDim);
  EXPECT_TRUE(asked->vector(ItemIndex{1003}, row.data()));
}

}  // namespace
}  // namespace vitrine::learn
