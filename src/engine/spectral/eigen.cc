#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/spectral/dense.h"

namespace vitrine::spectral {
namespace {

double dot(const double* a, const double* b, std::size_t n) {
  double part[8] = {};
  std::size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    for (std::size_t j = 0; j < 8; ++j) part[j] += a[k + j] * b[k + j];
  }
  double sum = 0;
  for (; k < n; ++k) sum += a[k] * b[k];
  for (const double p : part) sum += p;
  return sum;
}

// The matrix as a tridiagonal one and the orthogonal rows that lead there: on return row r of `q`
// belongs to diagonal[r], and below[r] lies between r and r + 1.
struct Tridiagonal {
  std::size_t n;
  std::vector<double> diagonal, below, q;
};

// One Householder step: clears row k of a left of its neighbour k - 1; u is kept in row k.
void reduce_row(std::vector<double>& a, std::size_t n, std::size_t k, std::vector<double>& p,
                std::vector<double>& scale_of, Tridiagonal& out) {
  double* u = &a[k * n];
  out.diagonal[k] = a[k * n + k];
  const double norm = std::sqrt(dot(u, u, k));
  if (norm == 0) {
    out.below[k - 1] = 0;
    scale_of[k] = 0;
    return;
  }
  const double alpha = u[k - 1] > 0 ? -norm : norm;
  out.below[k - 1] = alpha;
  const double half_square = norm * norm - alpha * u[k - 1];  // of |u|^2, once changed
  u[k - 1] -= alpha;
  scale_of[k] = half_square;
  // p = A u / h, both halves of A being kept up to date
  for (std::size_t i = 0; i < k; ++i) p[i] = dot(&a[i * n], u, k) / half_square;
  const double along = dot(u, p.data(), k) / (2 * half_square);
  for (std::size_t i = 0; i < k; ++i) p[i] -= along * u[i];
  for (std::size_t i = 0; i < k; ++i) {
    double* row = &a[i * n];
    const double ui = u[i];
    const double pi = p[i];
    for (std::size_t j = 0; j < k; ++j) row[j] -= ui * p[j] + pi * u[j];
  }
}

Tridiagonal tridiagonalise(std::vector<double>& a, std::size_t n) {
  Tridiagonal out{n, std::vector<double>(n), std::vector<double>(n), std::vector<double>(n * n)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a[j * n + i] = a[i * n + j];
  }
  std::vector<double> p(n);
  std::vector<double> scale_of(n);
  for (std::size_t k = n - 1; k > 0; --k) reduce_row(a, n, k, p, scale_of, out);
  out.diagonal[0] = a[0];
  // q = the product of the reflections, applied to rows of the identity.
  for (std::size_t i = 0; i < n; ++i) out.q[i * n + i] = 1;
  for (std::size_t k = 1; k < n; ++k) {
    if (scale_of[k] == 0) continue;
    const double* u = &a[k * n];
    for (std::size_t i = 0; i < k; ++i) {
      double* row = &out.q[i * n];
      const double along = dot(row, u, k) / scale_of[k];
      for (std::size_t j = 0; j < k; ++j) row[j] -= along * u[j];
    }
  }
  return out;
}

void rotate(double* low, double* high, std::size_t n, double c, double s) {
  for (std::size_t k = 0; k < n; ++k) {
    const double f = high[k];
    high[k] = s * low[k] + c * f;
    low[k] = c * low[k] - s * f;
  }
}

// One QL sweep over rows [l, m]; false where it ended early.
void sweep(Tridiagonal& t, std::size_t l, std::size_t m) {
  auto& d = t.diagonal;
  auto& e = t.below;
  double g = (d[l + 1] - d[l]) / (2 * e[l]);
  double r = std::hypot(g, 1.0);
  g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
  double s = 1;
  double c = 1;
  double p = 0;
  for (std::size_t i = m; i-- > l;) {
    const double f = s * e[i];
    const double b = c * e[i];
    r = std::hypot(f, g);
    e[i + 1] = r;
    if (r == 0) {
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(&t.q[i * t.n], &t.q[(i + 1) * t.n], t.n, c, s);
  }
  d[l] -= p;
  e[l] = g;
  e[m] = 0;
}

Status diagonalise(Tridiagonal& t) {
  constexpr int kSweepsMax = 60;
  for (std::size_t l = 0; l < t.n; ++l) {
    for (int sweeps = 0;; ++sweeps) {
      std::size_t m = l;
      for (; m + 1 < t.n; ++m) {
        const double around = std::abs(t.diagonal[m]) + std::abs(t.diagonal[m + 1]);
        if (std::abs(t.below[m]) <= 1e-16 * around) break;
      }
      if (m == l) break;
      if (sweeps == kSweepsMax) {
        return Error(ErrorCode::kInternal, "an eigenvalue did not converge: values not finite?");
      }
      sweep(t, l, m);
    }
  }
  return ok_status();
}

}  // namespace

Result<Eigen> symmetric_eigen(std::vector<double> matrix, std::size_t n) {
  VITRINE_CHECK(n > 0);
  VITRINE_CHECK(matrix.size() == n * n);
  Tridiagonal t = tridiagonalise(matrix, n);
  // The tridiagonal form was reached as A = Q^T T Q with q's rows in T's order: below[k] joins k,
  // k+1.
  VITRINE_TRY(diagonalise(t));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return t.diagonal[a] > t.diagonal[b]; });
  Eigen out;
  out.vectors.resize(n * n);
  for (std::size_t r = 0; r < n; ++r) {
    out.values.push_back(t.diagonal[order[r]]);
    std::copy_n(&t.q[order[r] * n], n, &out.vectors[r * n]);
  }
  return out;
}

}  // namespace vitrine::spectral
