#include "engine/spectral/dense.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/train/gemm.h"

namespace vitrine::spectral {
namespace {

constexpr std::size_t kBlock = 128;

float dot(const float* a, const float* b, std::size_t n) {
  float part[16] = {};
  std::size_t k = 0;
  for (; k + 16 <= n; k += 16) {
    for (std::size_t j = 0; j < 16; ++j) part[j] += a[k + j] * b[k + j];
  }
  float sum = 0;
  for (; k < n; ++k) sum += a[k] * b[k];
  for (const float p : part) sum += p;
  return sum;
}

// The factor of the diagonal block at `at`, whose rows have been reduced by what is left of it.
Status factor_block(float* m, std::size_t n, std::size_t at, std::size_t size) {
  for (std::size_t j = 0; j < size; ++j) {
    float* row = m + (at + j) * n + at;
    const float rest = row[j] - dot(row, row, j);
    if (!(rest > 0)) {
      return Error(ErrorCode::kInvalidArgument,
                   "the matrix is not positive definite at row " + std::to_string(at + j));
    }
    const float pivot = std::sqrt(rest);
    row[j] = pivot;
    for (std::size_t i = j + 1; i < size; ++i) {
      float* below = m + (at + i) * n + at;
      below[j] = (below[j] - dot(below, row, j)) / pivot;
    }
  }
  return ok_status();
}

// to (size x n, row j = 0 .. size - 1 at to[j * stride]) = the transposed of rows x size at `from`.
void transpose_into(const float* from, std::size_t from_row, std::size_t rows, std::size_t size,
                    float* to, std::size_t stride) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < size; ++c) to[c * stride + r] = from[r * from_row + c];
  }
}

// Inverse of the lower triangular block at `at`, dense size x size with zeros above.
void invert_block(const float* m, std::size_t n, std::size_t at, std::size_t size,
                  std::vector<float>& out) {
  out.assign(size * size, 0.0f);
  for (std::size_t j = 0; j < size; ++j) {
    out[j * size + j] = 1 / m[(at + j) * n + at + j];
    for (std::size_t i = j + 1; i < size; ++i) {
      float sum = 0;
      for (std::size_t k = j; k < i; ++k) sum += m[(at + i) * n + at + k] * out[k * size + j];
      out[i * size + j] = -sum / m[(at + i) * n + at + i];
    }
  }
}

// target[rows x cols] -= a[rows x inner] b[inner x cols], in bands so that scratch stays small.
void subtract_product(train::Gemm g, std::vector<float>& scratch, graph::Workers& workers) {
  constexpr std::size_t kBand = 768;
  float* target = g.c;
  const std::size_t target_row = g.c_row;
  const std::size_t rows = g.rows;
  const float* a = g.a;
  for (std::size_t first = 0; first < rows; first += kBand) {
    g.rows = std::min(kBand, rows - first);
    scratch.resize(g.rows * g.cols);
    g.a = a + first * g.a_row;
    g.c = scratch.data();
    g.c_row = g.cols;
    train::multiply(g, workers);
    for (std::size_t r = 0; r < g.rows; ++r) {
      float* out = target + (first + r) * target_row;
      const float* part = scratch.data() + r * g.cols;
      for (std::size_t c = 0; c < g.cols; ++c) out[c] -= part[c];
    }
  }
}

}  // namespace

Status cholesky(float* m, std::size_t n, graph::Workers& workers, Progress& progress) {
  std::vector<float> inverse, transposed, panel, scratch;
  progress.start("factor", n, "rows");
  for (std::size_t at = 0; at < n; at += kBlock) {
    const std::size_t size = std::min(kBlock, n - at);
    VITRINE_TRY(factor_block(m, n, at, size));
    progress.update(at + size);
    const std::size_t below = at + size;
    const std::size_t rest = n - below;
    if (rest == 0) break;
    // Panel below: P = A L^-T; then what is right of it loses P P^T, band by band of its lower
    // half.
    invert_block(m, n, at, size, inverse);
    transposed.resize(size * size);
    train::transpose(inverse.data(), size, size, transposed.data());
    panel.resize(rest * size);
    train::multiply({.rows = rest,
                     .cols = size,
                     .inner = size,
                     .a = m + below * n + at,
                     .a_row = n,
                     .b = transposed.data(),
                     .b_row = size,
                     .c = panel.data(),
                     .c_row = size},
                    workers);
    for (std::size_t r = 0; r < rest; ++r) {
      std::copy_n(&panel[r * size], size, m + (below + r) * n + at);
    }
    std::vector<float> across(size * rest);
    transpose_into(panel.data(), size, rest, size, across.data(), rest);
    constexpr std::size_t kBand = 512;
    for (std::size_t first = 0; first < rest; first += kBand) {
      const std::size_t rows = std::min(kBand, rest - first);
      subtract_product({.rows = rows,
                        .cols = first + rows,
                        .inner = size,
                        .a = &panel[first * size],
                        .a_row = size,
                        .b = across.data(),
                        .b_row = rest,
                        .c = m + (below + first) * n + below,
                        .c_row = n},
                       scratch, workers);
    }
  }
  progress.finish();
  return ok_status();
}

// L is inverted in place, block column by block column from the left; then L^-T L^-1 replaces it.
Status invert_positive(float* m, std::size_t n, graph::Workers& workers, Progress& progress) {
  VITRINE_TRY(cholesky(m, n, workers, progress));
  std::vector<float> inverse, scratch, panel;
  for (std::size_t r = 0; r < n; ++r) std::fill(m + r * n + r + 1, m + (r + 1) * n, 0.0f);
  progress.start("invert", n, "rows");
  // Row block i of X = L^-1: X_i = -L_ii^-1 (sum over j < i of L_ij X_j), X_ii = L_ii^-1.
  for (std::size_t at = 0; at < n; at += kBlock) {
    const std::size_t size = std::min(kBlock, n - at);
    invert_block(m, n, at, size, inverse);
    if (at > 0) {
      scratch.resize(size * at);
      panel.resize(size * at);
      train::multiply({.rows = size,
                       .cols = at,
                       .inner = at,
                       .a = m + at * n,
                       .a_row = n,
                       .b = m,
                       .b_row = n,
                       .c = scratch.data(),
                       .c_row = at},
                      workers);
      train::multiply({.rows = size,
                       .cols = at,
                       .inner = size,
                       .a = inverse.data(),
                       .a_row = size,
                       .b = scratch.data(),
                       .b_row = at,
                       .c = panel.data(),
                       .c_row = at},
                      workers);
    }
    for (std::size_t r = 0; r < size; ++r) {
      for (std::size_t c = 0; c < at; ++c) m[(at + r) * n + c] = -panel[r * at + c];
      std::copy_n(&inverse[r * size], size, m + (at + r) * n + at);
    }
    progress.update(at + size);
  }
  progress.finish();
  // X^T X, row block by row block: rows at .. need only rows of X from there down, so that what is
  // overwritten is not needed any more once the lower half is kept elsewhere: in the upper half.
  progress.start("multiply", n, "rows");
  for (std::size_t at = 0; at < n; at += kBlock) {
    const std::size_t size = std::min(kBlock, n - at);
    const std::size_t cols = at + size;
    panel.resize(size * cols);
    train::multiply({.rows = size,
                     .cols = cols,
                     .inner = n - at,
                     .a = m + at * n + at,
                     .a_row = 1,
                     .a_col = n,
                     .b = m + at * n,
                     .b_row = n,
                     .c = panel.data(),
                     .c_row = cols},
                    workers);
    for (std::size_t r = 0; r < size; ++r) std::copy_n(&panel[r * cols], cols, m + (at + r) * n);
    progress.update(cols);
  }
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = r + 1; c < n; ++c) m[r * n + c] = m[c * n + r];
  }
  progress.finish();
  return ok_status();
}

Status orthonormalise(std::vector<float>& x, std::size_t rows, std::size_t cols,
                      graph::Workers& workers) {
  std::vector<float> gram(cols * cols);
  train::multiply({.rows = cols,
                   .cols = cols,
                   .inner = rows,
                   .a = x.data(),
                   .a_row = 1,
                   .a_col = cols,
                   .b = x.data(),
                   .b_row = cols,
                   .c = gram.data(),
                   .c_row = cols},
                  workers);
  VITRINE_TRY(cholesky(gram.data(), cols, workers));
  std::vector<float> inverse;
  invert_block(gram.data(), cols, 0, cols, inverse);
  std::vector<float> transposed(cols * cols);
  train::transpose(inverse.data(), cols, cols, transposed.data());
  std::vector<float> out(x.size());
  train::multiply({.rows = rows,
                   .cols = cols,
                   .inner = cols,
                   .a = x.data(),
                   .a_row = cols,
                   .b = transposed.data(),
                   .b_row = cols,
                   .c = out.data(),
                   .c_row = cols},
                  workers);
  x.swap(out);
  return ok_status();
}

}  // namespace vitrine::spectral
