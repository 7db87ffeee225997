#include "engine/spectral/dense.h"

#include <cmath>

#include <gtest/gtest.h>

#include "engine/vec/random.h"

namespace vitrine::spectral {
namespace {

using Matrix = std::vector<float>;

Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  vec::Random random(seed);
  Matrix out(rows * cols);
  for (float& v : out) v = static_cast<float>(random.normal());
  return out;
}

// M M^T + shift I, positive definite.
Matrix positive(std::size_t n, std::uint64_t seed, float shift) {
  const Matrix m = random_matrix(n, n, seed);
  Matrix out(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      float sum = i == j ? shift * static_cast<float>(n) : 0.0f;
      for (std::size_t k = 0; k < n; ++k) sum += m[i * n + k] * m[j * n + k];
      out[i * n + j] = sum;
    }
  }
  return out;
}

TEST(SymmetricEigen, GivesOrthonormalVectorsThatRebuildTheMatrix) {
  for (const std::size_t n : {1u, 2u, 3u, 17u, 64u}) {
    vec::Random random(n);
    std::vector<double> a(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = random.normal();
    }
    const Result<Eigen> eigen = symmetric_eigen(a, n);
    ASSERT_TRUE(eigen.ok());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double rebuilt = 0;
        double along = 0;
        for (std::size_t r = 0; r < n; ++r) {
          const double* v = &eigen->vectors[r * n];
          rebuilt += eigen->values[r] * v[i] * v[j];
          along += eigen->vectors[i * n + r] * eigen->vectors[j * n + r];
        }
        EXPECT_NEAR(rebuilt, a[i * n + j], 1e-9) << n << ' ' << i << ' ' << j;
        EXPECT_NEAR(along, i == j ? 1 : 0, 1e-9);
      }
      if (i > 0) {
        EXPECT_GE(eigen->values[i - 1], eigen->values[i]);
      }
    }
  }
}

TEST(SymmetricEigen, TakesEqualAndZeroEigenvalues) {
  std::vector<double> a(25, 0.0);
  a[0] = a[6] = 2;
  const Result<Eigen> eigen = symmetric_eigen(a, 5);
  ASSERT_TRUE(eigen.ok());
  EXPECT_NEAR(eigen->values[1], 2, 1e-12);
  EXPECT_NEAR(eigen->values[2], 0, 1e-12);
}

TEST(InvertPositive, TimesTheMatrixIsTheIdentity) {
  graph::Workers workers(thread_executor(), 2);
  for (const std::size_t n : {1u, 5u, 127u, 128u, 300u}) {
    const Matrix m = positive(n, n, 0.5f);
    Matrix inverse = m;
    ASSERT_TRUE(invert_positive(inverse.data(), n, workers).ok());
    for (std::size_t i = 0; i < n; i += 7) {
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < n; ++k) sum += double{inverse[i * n + k]} * m[k * n + j];
        EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-3) << n << ' ' << i << ' ' << j;
      }
    }
  }
}

TEST(InvertPositive, RefusesAMatrixThatIsNotPositive) {
  graph::Workers workers(thread_executor(), 1);
  Matrix m = positive(140, 1, 0.5f);
  m[135 * 140 + 135] = -1;
  EXPECT_EQ(invert_positive(m.data(), 140, workers).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Orthonormalise, SpansTheSameSpace) {
  graph::Workers workers(thread_executor(), 1);
  constexpr std::size_t kRows = 90, kCols = 32;
  const Matrix x = random_matrix(kRows, kCols, 3);
  Matrix q = x;
  ASSERT_TRUE(orthonormalise(q, kRows, kCols, workers).ok());
  for (std::size_t c = 0; c < kCols; ++c) {
    // What the basis leaves of a column of x: nothing.
    std::vector<double> rest(kRows);
    for (std::size_t r = 0; r < kRows; ++r) rest[r] = x[r * kCols + c];
    for (std::size_t b = 0; b < kCols; ++b) {
      double along = 0;
      double unit = 0;
      for (std::size_t r = 0; r < kRows; ++r) {
        along += x[r * kCols + c] * q[r * kCols + b];
        unit += q[r * kCols + b] * q[r * kCols + c];
      }
      EXPECT_NEAR(unit, b == c ? 1 : 0, 1e-4);
      for (std::size_t r = 0; r < kRows; ++r) rest[r] -= along * q[r * kCols + b];
    }
    for (const double v : rest) EXPECT_NEAR(v, 0, 1e-3);
  }
}

}  // namespace
}  // namespace vitrine::spectral
