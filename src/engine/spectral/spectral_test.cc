#include <cmath>

#include <gtest/gtest.h>

#include "engine/spectral/ease.h"
#include "engine/spectral/item_filter.h"
#include "engine/vec/random.h"

namespace vitrine::spectral {
namespace {

using Dense = std::vector<double>;

Interactions random_data(std::uint32_t users, std::uint32_t items, std::uint64_t seed) {
  vec::Random random(seed);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t u = 0; u < users; ++u) {
    for (int k = 0; k < 6; ++k) {
      // Item items-1 stays without users.
      const double skew = random.uniform();
      pairs.emplace_back(u, static_cast<std::uint32_t>(skew * skew * (items - 1)));
    }
  }
  return Interactions::build(users, items, std::move(pairs));
}

// N^T N by its definition.
Dense item_graph(const Interactions& data) {
  const std::size_t n = data.items();
  Dense out(n * n);
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    const auto row = data.items_of(u);
    for (const auto a : row) {
      for (const auto b : row) {
        out[a * n + b] += 1 / (static_cast<double>(row.size()) *
                               std::sqrt(static_cast<double>(data.users_of(a).size()) *
                                         static_cast<double>(data.users_of(b).size())));
      }
    }
  }
  return out;
}

TEST(Interactions, CountRepeatsOnceAndReadBothWays) {
  const auto data = Interactions::build(3, 4, {{2, 1}, {0, 3}, {0, 0}, {2, 1}, {0, 1}});
  EXPECT_EQ(data.size(), 4u);
  EXPECT_EQ(std::vector<std::uint32_t>(data.items_of(0).begin(), data.items_of(0).end()),
            (std::vector<std::uint32_t>{0, 1, 3}));
  EXPECT_TRUE(data.items_of(1).empty());
  EXPECT_EQ(std::vector<std::uint32_t>(data.users_of(1).begin(), data.users_of(1).end()),
            (std::vector<std::uint32_t>{0, 2}));
  EXPECT_TRUE(data.users_of(2).empty());
}

TEST(NormalisedGraph, ApplyIsTheProductWithItsDefinitionAtEveryLevel) {
  const Interactions data = random_data(50, 37, 1);
  const Dense p = item_graph(data);
  constexpr std::size_t kCols = 80;  // a whole part of 64 and a rest
  std::vector<float> x(37 * kCols);
  vec::Random random(2);
  for (float& v : x) v = static_cast<float>(random.normal());
  graph::Workers workers(thread_executor(), 2);
  for (int level = 0; level <= static_cast<int>(simd::detected_level()); ++level) {
    const NormalisedGraph graph(data, static_cast<simd::Level>(level));
    std::vector<float> out(x.size()), between;
    graph.apply(x.data(), kCols, out.data(), between, workers);
    for (std::size_t i = 0; i < 37; ++i) {
      for (std::size_t c = 0; c < kCols; ++c) {
        double sum = 0;
        for (std::size_t j = 0; j < 37; ++j) sum += p[i * 37 + j] * x[j * kCols + c];
        EXPECT_NEAR(out[i * kCols + c], sum, 1e-5) << "level " << level;
      }
    }
  }
}

TEST(StepCoefficients, MeetTheStepAtTheRootsAndPassTheSmoothest) {
  const auto at = [](const std::vector<double>& c, double t) {
    double sum = 0;
    for (std::size_t k = 0; k < c.size(); ++k) {
      sum += c[k] * std::cos(static_cast<double>(k) * std::acos(t));
    }
    return sum;
  };
  const auto line = step_coefficients(8, 1);  // a straight line is met everywhere
  for (const double t : {-1.0, -0.3, 0.0, 0.9}) EXPECT_NEAR(at(line, t), (1 - t) / 2, 1e-12);
  const auto plateau = step_coefficients(8, 4);
  EXPECT_NEAR(at(plateau, -1), 1, 0.01);
  EXPECT_NEAR(at(plateau, 0.2), 0.5, 0.02);
  EXPECT_NEAR(at(plateau, 1), 0, 0.01);
}

TEST(ItemFilter, IsTheDenseFilterOfItsDefinition) {
  const Interactions data = random_data(60, 33, 5);
  const std::size_t n = 33;
  FilterOptions options;
  options.rank = 5;
  options.rounds = 200;
  graph::Workers workers(thread_executor(), 1);
  auto filter = ItemFilter::fit(data, options, workers);
  ASSERT_TRUE(filter.ok());
  const std::vector<std::vector<std::uint32_t>> histories{{1, 4, 20}, {0}, {}, {2, 32}};
  std::vector<float> scores;
  ItemFilter::Scratch scratch;
  filter->score(histories, scores, scratch, workers);

  const Dense p = item_graph(data);
  const auto c = step_coefficients(options.order, options.flatness);
  const auto before = NormalisedGraph(data).item_degree_power(-options.degree_power);
  const auto after = NormalisedGraph(data).item_degree_power(options.degree_power);
  for (std::size_t h = 0; h < histories.size(); ++h) {
    Dense x(n), previous(n), current(n), out(n);
    for (const auto item : histories[h]) x[item] = before[item];
    const auto laplace = [&](const Dense& v) {
      Dense y = v;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) y[i] -= 2 * p[i * n + j] * v[j];
      }
      return y;
    };
    previous = x;
    current = laplace(x);
    for (std::size_t i = 0; i < n; ++i) out[i] = c[0] * previous[i] + c[1] * current[i];
    for (std::size_t k = 2; k < c.size(); ++k) {
      Dense next = laplace(current);
      for (std::size_t i = 0; i < n; ++i) {
        next[i] = 2 * next[i] - previous[i];
        out[i] += c[k] * next[i];
      }
      previous = current;
      current = next;
    }
    for (std::size_t r = 0; r < 5; ++r) {
      double along = 0;
      for (std::size_t i = 0; i < n; ++i) along += filter->basis()[i * 5 + r] * x[i];
      for (std::size_t i = 0; i < n; ++i) {
        out[i] += options.rank_weight * filter->basis()[i * 5 + r] * along;
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(scores[i * ItemFilter::kBatch + h], out[i] * after[i], 2e-4) << h << ' ' << i;
    }
  }
}

TEST(ItemFilter, FindsEigenvectorsOfTheItemGraph) {
  const Interactions data = random_data(400, 150, 9);
  const Dense p = item_graph(data);
  graph::Workers workers(thread_executor(), 2);
  std::vector<double> values;
  std::vector<float> v;
  ASSERT_TRUE(smoothest(NormalisedGraph(data), 4, 60, 1, workers, no_progress(), values, v).ok());
  EXPECT_NEAR(values[0], 1, 1e-4);  // sqrt(degree) is the smoothest signal of any graph
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t i = 0; i < 150; ++i) {
      double image = 0;
      for (std::size_t j = 0; j < 150; ++j) image += p[i * 150 + j] * v[j * 4 + r];
      EXPECT_NEAR(image, values[r] * v[i * 4 + r], 2e-3);
    }
  }
  EXPECT_EQ(
      smoothest(NormalisedGraph(data), 151, 1, 1, workers, no_progress(), values, v).error().code(),
      ErrorCode::kInvalidArgument);
}

TEST(ItemFilter, FindsThemWhereThereAreFewerVisitorsThanDirections) {
  // 20 visitors, every other one a copy: the graph has 10 directions, and the panel 96.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  vec::Random random(5);
  for (std::uint32_t u = 0; u < 20; u += 2) {
    for (int k = 0; k < 6; ++k) {
      const auto item = static_cast<std::uint32_t>(random.below(300));
      pairs.emplace_back(u, item);
      pairs.emplace_back(u + 1, item);
    }
  }
  const auto data = Interactions::build(20, 300, std::move(pairs));
  graph::Workers workers(thread_executor(), 1);
  std::vector<double> values;
  std::vector<float> vectors;
  const Status found =
      smoothest(NormalisedGraph(data), 16, 10, 1, workers, no_progress(), values, vectors);
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  const Dense p = item_graph(data);
  for (std::size_t r = 0; r < 10; ++r) {
    EXPECT_GT(values[r], 0.1);
    double off = 0;
    for (std::size_t i = 0; i < 300; ++i) {
      double product = 0;
      for (std::size_t j = 0; j < 300; ++j) product += p[i * 300 + j] * vectors[j * 16 + r];
      off = std::max(off, std::abs(product - values[r] * double{vectors[i * 16 + r]}));
    }
    EXPECT_LT(off, 1e-3) << r;
  }
  for (std::size_t r = 10; r < 16; ++r) EXPECT_NEAR(values[r], 0, 1e-3);
}

TEST(ItemFilter, SameSeedSameBitsForAnyNumberOfThreads) {
  const Interactions data = random_data(300, 200, 4);
  FilterOptions options;
  options.rank = 16;
  graph::Workers one(thread_executor(), 1), three(thread_executor(), 3);
  auto a = ItemFilter::fit(data, options, one);
  auto b = ItemFilter::fit(data, options, three);
  ASSERT_TRUE(a.ok());
  ASSERT_TRUE(b.ok());
  EXPECT_TRUE(std::equal(a->basis().begin(), a->basis().end(), b->basis().begin()));
}

TEST(Ease, SolvesItsLeastSquaresWithAZeroDiagonal) {
  const Interactions data = random_data(80, 25, 7);
  const std::size_t n = 25;
  EaseOptions options;
  options.ridge = 3;
  graph::Workers workers(thread_executor(), 1);
  const auto ease = Ease::fit(data, options, workers);
  ASSERT_TRUE(ease.ok());
  // The gradient of |R - R B|^2 + ridge |B|^2 off the diagonal is zero at the solution.
  Dense gram(n * n);
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    for (const auto a : data.items_of(u)) {
      for (const auto b : data.items_of(u)) gram[a * n + b] += 1;
    }
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    EXPECT_EQ(ease->row(i)[i], 0);
    for (std::uint32_t j = 0; j < n; ++j) {
      if (i == j) continue;
      double gradient = options.ridge * ease->row(i)[j] - gram[i * n + j];
      for (std::uint32_t k = 0; k < n; ++k) gradient += gram[i * n + k] * ease->row(k)[j];
      EXPECT_NEAR(gradient, 0, 1e-3);
    }
  }
  std::vector<float> scores;
  const std::vector<std::uint32_t> history{3, 5};
  const std::vector<float> weights{1, 0.5f};
  ease->score(history, weights, scores);
  EXPECT_FLOAT_EQ(scores[7], ease->row(3)[7] + 0.5f * ease->row(5)[7]);
}

TEST(Ease, SaysWhatItWouldNeedInsteadOfTakingIt) {
  EaseOptions options;
  options.bytes_max = 1000;
  graph::Workers workers(thread_executor(), 1);
  EXPECT_EQ(Ease::fit(random_data(5, 25, 1), options, workers).error().code(),
            ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace vitrine::spectral
