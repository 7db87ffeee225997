// The loops that implicit ALS spends its time in, written once and compiled for each vector width.
// Everything has internal linkage: code for wide vectors must not be shared with the rest of the
// program.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vitrine::factor {

// Rows of tables and of scratch come in multiples of so many floats.
inline constexpr std::size_t kLane = 16;
inline constexpr std::size_t padded(std::size_t n) { return (n + kLane - 1) / kLane * kLane; }

// One user: the rows of a table that belong to the items of a history.
struct Rows {
  const std::uint32_t* items;
  std::size_t count;
  const float* table;  // items x dimensions
  std::size_t dimensions;
};

struct IalsKernel {
  // p = argmin of |1 - S p|^2 + sum_j ridge[j] p[j]^2, S the rows. Exact: by the smaller of the two
  // systems, count x count (Woodbury) or dimensions x dimensions. `scratch`: see scratch_floats().
  void (*solve)(const Rows& rows, const float* ridge, float* scratch, float* p);
  // out row of each item += (add + times * (its row . p)) p.
  void (*spread)(const Rows& rows, const float* p, float add, float times, float* out);
};

// Floats of scratch for a history of `count` items, zero or not.
inline std::size_t scratch_floats(std::size_t count, std::size_t dimensions) {
  const std::size_t small = count < dimensions ? count : dimensions;
  const std::size_t rows = small + 8;
  return rows * padded(small) + 2 * rows * dimensions + 4 * padded(small) + dimensions;
}

IalsKernel ials_kernel_portable();
IalsKernel ials_kernel_avx2();
IalsKernel ials_kernel_avx512();

namespace {

template <std::size_t Width>
struct Loops {
  typedef float Vector __attribute__((vector_size(Width * sizeof(float))));
  static constexpr std::size_t kVectors = kLane / Width;  // of a lane of 16 floats
  static constexpr std::size_t kTileRows = Width >= 16 ? 8 : Width >= 8 ? 4 : 2;

  static Vector load(const float* from) {
    Vector v;
    std::memcpy(&v, from, sizeof(Vector));
    return v;
  }
  static void store(float* to, Vector v) { std::memcpy(to, &v, sizeof(Vector)); }
  static float sum(Vector v) {
    float part[Width];
    std::memcpy(part, &v, sizeof(Vector));
    for (std::size_t half = Width / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
      for (std::size_t j = 0; j < half; ++j) part[j] += part[j + half];
    }
    return part[0];
  }

  static float dot(const float* a, const float* b, std::size_t n) {
    Vector s0{}, s1{};
    std::size_t j = 0;
    for (; j + 2 * Width <= n; j += 2 * Width) {
      s0 += load(a + j) * load(b + j);
      s1 += load(a + j + Width) * load(b + j + Width);
    }
    for (; j < n; j += Width) s0 += load(a + j) * load(b + j);
    return sum(s0 + s1);
  }

  // to[j] += w from[j] for first <= j < n, whole lanes.
  static void add_scaled(float* to, const float* from, float w, std::size_t first, std::size_t n) {
    for (std::size_t j = first; j < n; j += Width) store(to + j, load(to + j) + w * load(from + j));
  }

  // c[r * c_row + j] += sum over p of a[r + p * a_row] b[p * b_row + j], kTileRows rows, one lane.
  static void tile(std::size_t inner, const float* a, std::size_t a_row, const float* b,
                   std::size_t b_row, float* c, std::size_t c_row) {
    Vector s[kTileRows][kVectors];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) s[r][v] = load(c + r * c_row + v * Width);
    }
    for (std::size_t p = 0; p < inner; ++p) {
      Vector right[kVectors];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) right[v] = load(b + p * b_row + v * Width);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kTileRows; ++r) {
        const float left = a[r + p * a_row];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) s[r][v] += left * right[v];
      }
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) store(c + r * c_row + v * Width, s[r][v]);
    }
  }

  // The upper half, by whole lanes, of m (n x n, rows of `stride` floats) += x^T x, where x is
  // inner x n with rows of `stride`. m has room for n + 8 rows, x for 8 floats behind its end.
  static void gram(const float* x, std::size_t inner, std::size_t n, std::size_t stride, float* m) {
    for (std::size_t r = 0; r < n; r += kTileRows) {
      for (std::size_t c = r / kLane * kLane; c < n; c += kLane) {
        tile(inner, x + r, stride, x + c, stride, m + r * stride + c, stride);
      }
    }
  }

  // Solves m y = b for positive definite m, of which the upper half is read and overwritten by U,
  // m = U^T U. b becomes y.
  static void solve_positive(float* m, std::size_t n, std::size_t stride, float* b) {
    for (std::size_t k = 0; k < n; ++k) {
      float* row = m + k * stride;
      const float pivot = 1 / std::sqrt(row[k]);
      const std::size_t lane = k / kLane * kLane;
      for (std::size_t j = lane; j < stride; j += Width) store(row + j, load(row + j) * pivot);
      b[k] *= pivot;
      for (std::size_t i = k + 1; i < n; ++i) {
        add_scaled(m + i * stride, row, -row[i], i / kLane * kLane, stride);
      }
      const float y = b[k];
      for (std::size_t i = k + 1; i < n; ++i) b[i] -= row[i] * y;
    }
    for (std::size_t k = n; k-- > 0;) {
      const float* row = m + k * stride;
      float y = b[k];
      for (std::size_t i = k + 1; i < n; ++i) y -= row[i] * b[i];
      b[k] = y / row[k];
    }
  }

  // p = K S^T y with (I + S K S^T) y = 1, K = 1 / ridge.
  static void solve_by_rows(const Rows& rows, const float* ridge, float* scratch, float* p) {
    const std::size_t n = rows.count;
    const std::size_t d = rows.dimensions;
    const std::size_t stride = padded(n);
    float* root = scratch;                 // d
    float* y = root + d;                   // stride
    float* m = y + stride;                 // (n + 8) x stride
    float* turned = m + (n + 8) * stride;  // d x stride, 8 more
    for (std::size_t j = 0; j < d; ++j) root[j] = 1 / std::sqrt(ridge[j]);
    for (std::size_t k = 0; k < n; ++k) {
      const float* row = rows.table + std::size_t{rows.items[k]} * d;
      for (std::size_t j = 0; j < d; ++j) turned[j * stride + k] = row[j] * root[j];
    }
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t k = n; k < stride; ++k) turned[j * stride + k] = 0;
    }
    std::memset(m, 0, (n + 8) * stride * sizeof(float));
    for (std::size_t k = 0; k < n; ++k) m[k * stride + k] = 1;
    gram(turned, d, n, stride, m);
    for (std::size_t k = 0; k < n; ++k) y[k] = 1;
    for (std::size_t k = n; k < stride; ++k) y[k] = 0;
    solve_positive(m, n, stride, y);
    for (std::size_t j = 0; j < d; ++j) p[j] = dot(turned + j * stride, y, stride) * root[j];
  }

  // (S^T S + ridge) p = S^T 1.
  static void solve_by_columns(const Rows& rows, const float* ridge, float* scratch, float* p) {
    const std::size_t n = rows.count;
    const std::size_t d = rows.dimensions;
    constexpr std::size_t kRows = 64;  // rows that are copied together
    float* m = scratch;                // (d + 8) x d
    float* part = m + (d + 8) * d;     // kRows x d or less, 8 more
    const std::size_t part_rows = d < kRows ? d : kRows;
    std::memset(m, 0, (d + 8) * d * sizeof(float));
    for (std::size_t j = 0; j < d; ++j) {
      m[j * d + j] = ridge[j];
      p[j] = 0;
    }
    for (std::size_t first = 0; first < n; first += part_rows) {
      const std::size_t count = n - first < part_rows ? n - first : part_rows;
      for (std::size_t k = 0; k < count; ++k) {
        const float* row = rows.table + std::size_t{rows.items[first + k]} * d;
        std::memcpy(part + k * d, row, d * sizeof(float));
        add_scaled(p, row, 1, 0, d);
      }
      gram(part, count, d, d, m);
    }
    solve_positive(m, d, d, p);
  }

  static void solve(const Rows& rows, const float* ridge, float* scratch, float* p) {
    if (rows.count < rows.dimensions) {
      solve_by_rows(rows, ridge, scratch, p);
    } else {
      solve_by_columns(rows, ridge, scratch, p);
    }
  }

  static void spread(const Rows& rows, const float* p, float add, float times, float* out) {
    const std::size_t d = rows.dimensions;
    for (std::size_t k = 0; k < rows.count; ++k) {
      if (k + 2 < rows.count) {
        const std::size_t ahead = std::size_t{rows.items[k + 2]} * d;
        for (std::size_t j = 0; j < d; j += kLane) {
          __builtin_prefetch(rows.table + ahead + j);
          __builtin_prefetch(out + ahead + j, 1);
        }
      }
      const std::size_t at = std::size_t{rows.items[k]} * d;
      const float weight = add + times * dot(rows.table + at, p, d);
      add_scaled(out + at, p, weight, 0, d);
    }
  }

  static IalsKernel kernel() { return {solve, spread}; }
};

}  // namespace
}  // namespace vitrine::factor
