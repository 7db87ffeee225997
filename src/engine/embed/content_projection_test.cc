#include "engine/embed/content_projection.h"

#include <gtest/gtest.h>

#include "engine/vec/random.h"

namespace vitrine::embed {
namespace {

struct Catalog {
  static constexpr std::uint32_t kFeatures = 20;
  static constexpr std::uint32_t kDimensions = 6;
  Features content;
  std::vector<float> vectors, weights;
  std::vector<double> map;  // what made the vectors

  explicit Catalog(std::size_t items) : map((kFeatures + 1) * kDimensions) {
    vec::Random random(2);
    for (double& v : map) v = random.normal();
    for (std::size_t i = 0; i < items; ++i) {
      std::vector<std::uint32_t> own;
      for (std::uint32_t f = 0; f < kFeatures; ++f) {
        if (random.below(4) == 0) own.push_back(f);
      }
      for (std::uint32_t j = 0; j < kDimensions; ++j) {
        double sum = map[kFeatures * kDimensions + j];
        for (const std::uint32_t f : own) sum += map[f * kDimensions + j];
        vectors.push_back(static_cast<float>(sum));
      }
      content.push_back(own);
      weights.push_back(static_cast<float>(1 + random.below(5)));
    }
  }
  Result<ContentProjection> fit(double ridge, unsigned threads = 1) const {
    graph::Workers workers(thread_executor(), threads);
    return ContentProjection::fit(vectors, kDimensions, content, kFeatures, weights, ridge,
                                  workers);
  }
};

TEST(ContentProjection, FindsTheMapThatMadeTheVectors) {
  const Catalog catalog(400);
  const auto fitted = catalog.fit(1e-3);
  ASSERT_TRUE(fitted.ok());
  const std::vector<std::uint32_t> content{3, 11};
  std::vector<float> got(Catalog::kDimensions);
  fitted->project(content, got);
  for (std::uint32_t j = 0; j < Catalog::kDimensions; ++j) {
    const auto at = [&](std::uint32_t f) { return catalog.map[f * Catalog::kDimensions + j]; };
    EXPECT_NEAR(got[j], at(3) + at(11) + at(Catalog::kFeatures), 1e-3);
  }
}

TEST(ContentProjection, ItemsWithoutWeightTeachNothing) {
  Catalog catalog(400);
  for (std::size_t i = 0; i < 100; ++i) {
    catalog.weights[i] = 0;
    for (std::uint32_t j = 0; j < Catalog::kDimensions; ++j) {
      catalog.vectors[i * Catalog::kDimensions + j] = 1e6f;
    }
  }
  const auto fitted = catalog.fit(1e-3);
  ASSERT_TRUE(fitted.ok());
  std::vector<float> got(Catalog::kDimensions);
  fitted->project({}, got);
  for (std::uint32_t j = 0; j < Catalog::kDimensions; ++j) {
    EXPECT_NEAR(got[j], catalog.map[Catalog::kFeatures * Catalog::kDimensions + j], 1e-3);
  }
}

// (X^T weight X + ridge) W = X^T weight V, said plainly.
TEST(ContentProjection, SolvesTheNormalEquations) {
  Catalog catalog(60);
  vec::Random random(8);
  for (float& v : catalog.vectors) v += static_cast<float>(random.normal());
  constexpr double kRidge = 2.5;
  const auto fitted = catalog.fit(kRidge);
  ASSERT_TRUE(fitted.ok());
  constexpr std::uint32_t kRows = Catalog::kFeatures + 1;
  constexpr std::uint32_t d = Catalog::kDimensions;
  std::vector<float> constant(d), own(d);
  fitted->project({}, constant);
  std::vector<double> map(kRows * d);
  for (std::uint32_t f = 0; f < kRows; ++f) {
    const std::uint32_t one[] = {f};
    if (f < Catalog::kFeatures) fitted->project(one, own);
    for (std::uint32_t j = 0; j < d; ++j) {
      map[f * d + j] = f < Catalog::kFeatures ? own[j] - constant[j] : constant[j];
    }
  }
  std::vector<double> rest(kRows * d);
  for (std::size_t i = 0; i < catalog.content.size(); ++i) {
    std::vector<std::uint32_t> x = catalog.content[i];
    x.push_back(Catalog::kFeatures);
    for (std::uint32_t j = 0; j < d; ++j) {
      double wrong = -double{catalog.vectors[i * d + j]};
      for (const std::uint32_t f : x) wrong += map[f * d + j];
      for (const std::uint32_t f : x) rest[f * d + j] += catalog.weights[i] * wrong;
    }
  }
  for (std::size_t k = 0; k < rest.size(); ++k) EXPECT_NEAR(rest[k] + kRidge * map[k], 0, 1e-3);
}

TEST(ContentProjection, TheSameBitsForAnyNumberOfWorkersAndAfterLoading) {
  const Catalog catalog(300);
  StringSink one, three, again;
  catalog.fit(1, 1).value().save(one);
  catalog.fit(1, 3).value().save(three);
  EXPECT_EQ(one.bytes(), three.bytes());
  StringSource source(one.bytes());
  ContentProjection::load(source).value().save(again);
  EXPECT_EQ(again.bytes(), one.bytes());
  StringSource cut(std::string_view(one.bytes()).substr(0, one.bytes().size() - 4));
  EXPECT_EQ(ContentProjection::load(cut).error().code(), ErrorCode::kCorrupt);
}

TEST(ContentProjection, RefusesWhatDoesNotFit) {
  Catalog catalog(10);
  EXPECT_EQ(catalog.fit(0).error().code(), ErrorCode::kInvalidArgument);
  catalog.content[4].push_back(Catalog::kFeatures);
  EXPECT_EQ(catalog.fit(1).error().code(), ErrorCode::kInvalidArgument);
  catalog.content[4].pop_back();
  catalog.weights.pop_back();
  EXPECT_EQ(catalog.fit(1).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::embed
