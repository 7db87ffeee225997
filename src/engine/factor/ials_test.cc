#include "engine/factor/ials.h"

#include <cmath>

#include <gtest/gtest.h>

#include "engine/spectral/dense.h"
#include "engine/vec/random.h"

namespace vitrine::factor {
namespace {

using spectral::Interactions;

Interactions random_data(std::uint32_t users, std::uint32_t items, std::uint32_t each,
                         std::uint64_t seed) {
  vec::Random random(seed);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t u = 0; u < users; ++u) {
    const std::uint64_t count = random.below(2 * each);  // some have none
    for (std::uint64_t k = 0; k < count; ++k) {
      const double skew = random.uniform();
      pairs.emplace_back(u, static_cast<std::uint32_t>(skew * skew * (items - 1)));
    }
  }
  return Interactions::build(users, items, std::move(pairs));
}

// Solves m y = b in double by Gauss, m n x n.
std::vector<double> solve(std::vector<double> m, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = k + 1; i < n; ++i) {
      const double f = m[i * n + k] / m[k * n + k];
      for (std::size_t j = k; j < n; ++j) m[i * n + j] -= f * m[k * n + j];
      b[i] -= f * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= m[k * n + j] * b[j];
    b[k] /= m[k * n + k];
  }
  return b;
}

// (a sum v v^T + sum over mine v v^T + ridge) p = sum over mine v, by its definition.
std::vector<double> exact(std::span<const float> table, std::size_t d,
                          std::span<const std::uint32_t> mine, double a, double ridge) {
  std::vector<double> m(d * d), b(d);
  const auto add = [&](const float* v, double weight) {
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) m[i * d + j] += weight * v[i] * v[j];
    }
  };
  for (std::size_t r = 0; r < table.size() / d; ++r) add(&table[r * d], a);
  for (const std::uint32_t r : mine) {
    add(&table[r * d], 1);
    for (std::size_t j = 0; j < d; ++j) b[j] += table[r * d + j];
  }
  for (std::size_t j = 0; j < d; ++j) m[j * d + j] += ridge;
  return solve(std::move(m), std::move(b));
}

double ridge_of(const IalsOptions& o, std::size_t events, std::size_t others) {
  return o.ridge *
         std::pow(static_cast<double>(events) + o.unobserved * static_cast<double>(others),
                  o.frequency_power);
}

double objective(const IalsOptions& o, const Interactions& data, std::span<const float> q,
                 const std::vector<float>& p) {
  const std::size_t d = o.dimensions;
  double sum = 0;
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    const auto mine = data.items_of(u);
    for (std::uint32_t i = 0; i < data.items(); ++i) {
      double score = 0;
      for (std::size_t j = 0; j < d; ++j) score += double{p[u * d + j]} * q[i * d + j];
      sum += o.unobserved * score * score;
      if (std::binary_search(mine.begin(), mine.end(), i)) sum += (1 - score) * (1 - score);
    }
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) square += double{p[u * d + j]} * p[u * d + j];
    sum += ridge_of(o, mine.size(), data.items()) * square;
  }
  for (std::uint32_t i = 0; i < data.items(); ++i) {
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) square += double{q[i * d + j]} * q[i * d + j];
    sum += ridge_of(o, data.users_of(i).size(), data.users()) * square;
  }
  return sum;
}

std::vector<float> all_vectors(UserStore& store) {
  std::vector<float> out;
  for (std::uint32_t b = 0; b < store.blocks(); ++b) {
    const auto block = store.vectors(b);
    EXPECT_TRUE(block.ok());
    out.insert(out.end(), block->begin(), block->end());
  }
  return out;
}

IalsOptions small_options(std::uint32_t dimensions) {
  IalsOptions options;
  options.dimensions = dimensions;
  options.start_deviation = 1;
  return options;
}

TEST(Ials, FoldInIsTheExactSolutionAtEveryLevelForShortAndLongHistories) {
  const IalsOptions options = small_options(32);
  for (int level = 0; level <= static_cast<int>(simd::detected_level()); ++level) {
    const auto model = Ials::create(options, 150, 500, static_cast<simd::Level>(level));
    ASSERT_TRUE(model.ok());
    for (const std::uint32_t count : {0u, 1u, 7u, 16u, 31u, 32u, 33u, 100u, 150u}) {
      std::vector<std::uint32_t> history;
      for (std::uint32_t k = 0; k < count; ++k) history.push_back(k);
      std::vector<float> p(32);
      model->fold_in(history, p);
      const auto wanted = exact(model->item_vectors(), 32, history, options.unobserved,
                                ridge_of(options, count, 150));
      for (std::size_t j = 0; j < 32; ++j) {
        EXPECT_NEAR(p[j], wanted[j], 1e-4 + 1e-3 * std::abs(wanted[j]))
            << "level " << level << ", " << count << " events";
      }
    }
  }
}

TEST(Ials, EveryEpochLowersTheObjective) {
  const Interactions data = random_data(120, 60, 8, 3);
  const IalsOptions options = small_options(16);
  graph::Workers workers(thread_executor(), 1);
  auto model = Ials::create(options, 60, 120);
  ASSERT_TRUE(model.ok());
  const auto store = memory_users(data);
  double last = 1e300;
  for (int epoch = 0; epoch < 6; ++epoch) {
    ASSERT_TRUE(model->epoch(*store, workers).ok());
    ASSERT_TRUE(model->solve_users(*store, workers).ok());
    const double now = objective(options, data, model->item_vectors(), all_vectors(*store));
    EXPECT_LT(now, last * (1 + 1e-6)) << "epoch " << epoch;
    last = now;
  }
}

TEST(Ials, WithManyGradientStepsItemsReachTheirExactSolution) {
  const Interactions data = random_data(90, 40, 8, 4);
  IalsOptions options = small_options(16);
  options.gradient_steps = 60;
  graph::Workers workers(thread_executor(), 1);
  auto model = Ials::create(options, 40, 90);
  ASSERT_TRUE(model.ok());
  const auto store = memory_users(data);
  ASSERT_TRUE(model->epoch(*store, workers).ok());
  const std::vector<float> p = all_vectors(*store);
  // Vectors are turned after the epoch: compare scores, which turning leaves alone.
  const auto gram_free = [&](std::uint32_t item) {
    return exact(p, 16, data.users_of(item), options.unobserved,
                 ridge_of(options, data.users_of(item).size(), 90));
  };
  for (std::uint32_t i = 0; i < 40; i += 3) {
    for (std::uint32_t k = 0; k < 40; k += 7) {
      const auto a = gram_free(i);
      const auto b = gram_free(k);
      double wanted = 0;
      double got = 0;
      for (std::size_t j = 0; j < 16; ++j) {
        wanted += a[j] * b[j];
        got += double{model->item_vectors()[i * 16 + j]} * model->item_vectors()[k * 16 + j];
      }
      EXPECT_NEAR(got, wanted, 1e-3 + 1e-2 * std::abs(wanted)) << i << ' ' << k;
    }
  }
}

TEST(Ials, FoldInOfATrainedUserIsTheTrainingSolution) {
  const Interactions data = random_data(100, 80, 20, 5);
  graph::Workers workers(thread_executor(), 2);
  auto model = Ials::create(small_options(16), 80, 100);
  ASSERT_TRUE(model.ok());
  const auto store = memory_users(data);
  for (int epoch = 0; epoch < 2; ++epoch) ASSERT_TRUE(model->epoch(*store, workers).ok());
  ASSERT_TRUE(model->solve_users(*store, workers).ok());
  const std::vector<float> trained = all_vectors(*store);
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    std::vector<float> folded(16);
    model->fold_in(data.items_of(u), folded);
    for (std::size_t j = 0; j < 16; ++j) EXPECT_EQ(folded[j], trained[u * 16 + j]) << u;
  }
}

TEST(Ials, SameBitsForAnyNumberOfThreads) {
  const Interactions data = random_data(300, 50, 8, 6);
  std::vector<float> first;
  for (const unsigned threads : {1u, 2u, 3u}) {
    graph::Workers workers(thread_executor(), threads);
    auto model = Ials::create(small_options(16), 50, 300);
    ASSERT_TRUE(model.ok());
    const auto store = memory_users(data);
    ASSERT_TRUE(model->epoch(*store, workers).ok());
    const std::vector<float> now(model->item_vectors().begin(), model->item_vectors().end());
    if (first.empty()) first = now;
    EXPECT_EQ(now, first) << threads;
  }
}

TEST(Ials, SavedAndLoadedItGoesOnTheSameWay) {
  const Interactions data = random_data(60, 30, 8, 8);
  graph::Workers workers(thread_executor(), 1);
  auto model = Ials::create(small_options(16), 30, 60);
  ASSERT_TRUE(model.ok());
  const auto store = memory_users(data);
  ASSERT_TRUE(model->epoch(*store, workers).ok());
  StringSink saved;
  model->save(saved);
  StringSource source(saved.bytes());
  auto loaded = Ials::load(source);
  ASSERT_TRUE(loaded.ok());
  ASSERT_TRUE(model->epoch(*store, workers).ok());
  ASSERT_TRUE(loaded->epoch(*store, workers).ok());
  EXPECT_TRUE(std::equal(model->item_vectors().begin(), model->item_vectors().end(),
                         loaded->item_vectors().begin()));
  for (std::size_t size = 0; size < saved.bytes().size(); size += 97) {
    StringSource cut(std::string_view(saved.bytes()).substr(0, size));
    EXPECT_FALSE(Ials::load(cut).ok()) << size;
  }
}

TEST(Ials, RefusesWhatItCannotDo) {
  IalsOptions options;
  options.dimensions = 20;
  EXPECT_EQ(Ials::create(options, 5, 5).error().code(), ErrorCode::kInvalidArgument);
  options = {};
  options.unobserved = 0;
  EXPECT_EQ(Ials::create(options, 5, 5).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::factor
