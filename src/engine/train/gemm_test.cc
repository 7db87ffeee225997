#include "engine/train/gemm.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace vitrine::train {
namespace {

constexpr simd::Level kLevels[] = {simd::Level::kScalar, simd::Level::kAvx2, simd::Level::kAvx512};

TEST(Gemm, AgreesWithThreeLoopsAtEveryLevelAndShape) {
  std::mt19937_64 random(1);
  graph::Workers workers(thread_executor(), 3);
  for (int round = 0; round < 60; ++round) {
    const std::size_t m = 1 + random() % 300;
    const std::size_t n = round % 3 == 0 ? 32 * (1 + random() % 4) : 1 + random() % 100;
    const std::size_t k = 1 + random() % 600;
    const bool transposed = random() % 2 == 0;
    std::vector<float> a(m * k), b(k * n);
    for (float& x : a) x = static_cast<float>(random() % 2001) / 1000 - 1;
    for (float& x : b) x = static_cast<float>(random() % 2001) / 1000 - 1;
    const std::size_t a_row = transposed ? 1 : k;
    const std::size_t a_col = transposed ? m : 1;
    for (const simd::Level level : kLevels) {
      if (level > simd::detected_level()) continue;
      std::vector<float> c(m * n, 7.0f);
      multiply({m, n, k, a.data(), a_row, a_col, b.data(), n, c.data(), n}, workers, level);
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          double sum = 0;
          for (std::size_t p = 0; p < k; ++p) {
            sum += double{a[i * a_row + p * a_col]} * double{b[p * n + j]};
          }
          ASSERT_NEAR(c[i * n + j], sum, 1e-3) << m << " " << n << " " << k << " " << i << " " << j;
        }
      }
    }
  }
}

TEST(Gemm, GivesTheSameBitsWithAnyNumberOfThreads) {
  std::mt19937_64 random(2);
  const std::size_t m = 1000, n = 96, k = 300;
  std::vector<float> a(m * k), b(k * n), one(m * n), many(m * n);
  for (float& x : a) x = static_cast<float>(random() % 2001) / 1000 - 1;
  for (float& x : b) x = static_cast<float>(random() % 2001) / 1000 - 1;
  graph::Workers single(thread_executor(), 1);
  multiply({m, n, k, a.data(), k, 1, b.data(), n, one.data(), n}, single);
  for (unsigned threads = 2; threads < 6; ++threads) {
    graph::Workers workers(thread_executor(), threads);
    multiply({m, n, k, a.data(), k, 1, b.data(), n, many.data(), n}, workers);
    EXPECT_EQ(one, many);
  }
}

TEST(Gemm, TransposeTwiceIsTheSame) {
  std::vector<float> a(7 * 5), b(7 * 5), c(7 * 5);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i);
  transpose(a.data(), 7, 5, b.data());
  EXPECT_EQ(b[1], a[5]);
  transpose(b.data(), 5, 7, c.data());
  EXPECT_EQ(a, c);
}

}  // namespace
}  // namespace vitrine::train
