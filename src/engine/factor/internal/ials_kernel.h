// The loops that implicit ALS spends its time in, written once and compiled for each vector width.
// Everything has internal linkage: code for wide vectors must not be shared with the rest of the
// program.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

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

// One item: the vectors of the users that have it, among those of a block.
struct Column {
  const std::uint32_t* users;
  std::size_t count;
  const float* vectors;  // users of the block x dimensions
  std::size_t dimensions;
};

struct IalsKernel {
  // p = argmin of |1 - S p|^2 + sum_j ridge[j] p[j]^2, S the rows. Exact: by the smaller of the two
  // systems, count x count (Woodbury) or dimensions x dimensions. `scratch`: see scratch_floats().
  void (*solve)(const Rows& rows, const float* ridge, float* scratch, float* p);
  // out += sum over users of (add + times * (in . p)) p, in their order; in and out are rows.
  void (*spread)(const Column& column, const float* in, float add, float times, float* out);
};

// Floats of scratch for a history of `count` items, zero or not.
inline std::size_t scratch_floats(std::size_t count, std::size_t dimensions) {
  const std::size_t small = count < dimensions ? count : dimensions;
  const std::size_t rows = small + 8;
  return rows * padded(small) + 2 * rows * dimensions + 4 * padded(small) + 2 * dimensions;
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
  template <std::size_t N>
  struct Part {
    typedef float Type __attribute__((vector_size(N * sizeof(float))));
  };
  // Halves are added until four values are left. Said with shuffles: as a loop over an array it
  // goes through memory and takes longer than the product that it ends.
  template <std::size_t N, std::size_t... Lane>
  static float sum_of(typename Part<N>::Type v, std::index_sequence<Lane...>) {
    const auto low = __builtin_shufflevector(v, v, Lane...);
    const auto high = __builtin_shufflevector(v, v, (Lane + N / 2)...);
    return sum_of<N / 2>(low + high);
  }
  template <std::size_t N>
  static float sum_of(typename Part<N>::Type v) {
    if constexpr (N > 4) {
      return sum_of<N>(v, std::make_index_sequence<N / 2>());
    } else {
      v += __builtin_shufflevector(v, v, 2, 3, 0, 1);
      v += __builtin_shufflevector(v, v, 1, 0, 3, 2);
      return v[0];
    }
  }
  static float sum(Vector v) { return sum_of<Width>(v); }

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
  // m = U^T U. b becomes y, both by whole lanes; `left` has room for as much.
  static void solve_positive(float* m, std::size_t n, std::size_t stride, float* b, float* left) {
    for (std::size_t k = 0; k < n; ++k) {
      float* row = m + k * stride;
      const float pivot = 1 / std::sqrt(row[k]);
      const std::size_t lane = k / kLane * kLane;
      for (std::size_t j = lane; j < stride; j += Width) store(row + j, load(row + j) * pivot);
      left[k] = b[k] * pivot;
      // What this does to b up to k is not needed any more.
      add_scaled(b, row, -left[k], lane, stride);
      for (std::size_t i = k + 1; i < n; ++i) {
        add_scaled(m + i * stride, row, -row[i], i / kLane * kLane, stride);
      }
    }
    std::memset(b, 0, stride * sizeof(float));
    for (std::size_t k = n; k-- > 0;) {
      const std::size_t lane = k / kLane * kLane;
      const float* row = m + k * stride;
      b[k] = (left[k] - dot(row + lane, b + lane, stride - lane)) / row[k];
    }
  }

  // The same for small systems, m symmetric in both halves, b the row behind it: the sweep operator
  // (Beaton, 1964) without the rows that nobody asks for. Has no substitution backwards, whose
  // steps would wait for each other, but works on whole rows.
  static void solve_sweeping(float* m, std::size_t n, std::size_t stride) {
    for (std::size_t k = 0; k < n; ++k) {
      const float* row = m + k * stride;
      const float inverse = 1 / row[k];
      const std::size_t own = k / Width * Width;
      const Vector one = unit(k - own);
      for (std::size_t i = k + 1; i <= n; ++i) {
        float* to = m + i * stride;
        const float part = to[k] * inverse;
        for (std::size_t j = 0; j < stride; j += Width) {
          Vector made = load(to + j) - part * load(row + j);
          if (j == own) made = one != 0 ? Vector{} + part : made;
          store(to + j, made);
        }
      }
    }
  }

  // 1 in lane k, else 0.
  static Vector unit(std::size_t k) {
    static constexpr float kOnes[2 * kLane + 1] = {0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                   0, 0, 0, 0, 0, 0, 0, 1};
    return load(kOnes + kLane - k);
  }

  template <std::size_t Half, bool High, std::size_t... Lane>
  static Vector swap_blocks(Vector a, Vector b, std::index_sequence<Lane...>) {
    if constexpr (High) {
      return __builtin_shufflevector(a, b, ((Lane & Half) == 0 ? Lane + Half : Width + Lane)...);
    } else {
      return __builtin_shufflevector(a, b, ((Lane & Half) == 0 ? Lane : Width + Lane - Half)...);
    }
  }
  // Turns Width x Width values: blocks of half the size change places, then those within them.
  template <std::size_t Half>
  static void turn(Vector (&rows)[Width]) {
    constexpr std::make_index_sequence<Width> kLanes;
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Width; ++r) {
      if ((r & Half) != 0) continue;
      const Vector a = rows[r];
      const Vector b = rows[r + Half];
      rows[r] = swap_blocks<Half, false>(a, b, kLanes);
      rows[r + Half] = swap_blocks<Half, true>(a, b, kLanes);
    }
    if constexpr (Half > 1) turn<Half / 2>(rows);
  }

  // turned[j * stride + k] = row k of the history [j] * root[j]; 0 for k from the history's end.
  static void turn_rows(const Rows& rows, const float* root, std::size_t stride, float* turned) {
    const std::size_t d = rows.dimensions;
    for (std::size_t first = 0; first < stride; first += Width) {
      for (std::size_t j = 0; j < d; j += Width) {
        Vector block[Width];
        const Vector times = load(root + j);
#pragma GCC unroll 16
        for (std::size_t k = 0; k < Width; ++k) {
          const std::size_t at = first + k;
          block[k] = Vector{};
          if (at < rows.count) {
            block[k] = load(rows.table + std::size_t{rows.items[at]} * d + j) * times;
          }
        }
        turn<Width / 2>(block);
#pragma GCC unroll 16
        for (std::size_t k = 0; k < Width; ++k) store(turned + (j + k) * stride + first, block[k]);
      }
    }
  }

  // p = K S^T y with (I + S K S^T) y = 1, K = 1 / ridge.
  static void solve_by_rows(const Rows& rows, const float* ridge, float* scratch, float* p) {
    constexpr std::size_t kSweepMax = 32;
    const std::size_t n = rows.count;
    const std::size_t d = rows.dimensions;
    const std::size_t stride = padded(n);
    float* root = scratch;                 // d
    float* left = root + d;                // stride
    float* m = left + stride;              // (n + 8) x stride
    float* turned = m + (n + 8) * stride;  // d x stride, 8 more
    for (std::size_t j = 0; j < d; ++j) root[j] = 1 / std::sqrt(ridge[j]);
    turn_rows(rows, root, stride, turned);
    std::memset(m, 0, (n + 8) * stride * sizeof(float));
    for (std::size_t k = 0; k < n; ++k) m[k * stride + k] = 1;
    gram(turned, d, n, stride, m);
    float* y = m + n * stride;
    for (std::size_t k = 0; k < n; ++k) y[k] = 1;
    for (std::size_t k = n; k < stride; ++k) y[k] = 0;
    if (n <= kSweepMax) {
      // gram() left out the lanes below the diagonal's.
      for (std::size_t k = kLane; k < n; ++k) {
        for (std::size_t j = 0; j < k / kLane * kLane; ++j) m[k * stride + j] = m[j * stride + k];
      }
      solve_sweeping(m, n, stride);
    } else {
      solve_positive(m, n, stride, y, left);
    }
    for (std::size_t j = 0; j < d; j += kLane) {
      Vector s[kVectors] = {};
      for (std::size_t k = 0; k < n; ++k) {
        const float* row = rows.table + std::size_t{rows.items[k]} * d + j;
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) s[v] += y[k] * load(row + v * Width);
      }
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Vector r = load(root + j + v * Width);
        store(p + j + v * Width, s[v] * r * r);
      }
    }
  }

  // (S^T S + ridge) p = S^T 1.
  static void solve_by_columns(const Rows& rows, const float* ridge, float* scratch, float* p) {
    const std::size_t n = rows.count;
    const std::size_t d = rows.dimensions;
    constexpr std::size_t kRows = 64;  // rows that are copied together
    float* m = scratch;                // (d + 8) x d
    float* left = m + (d + 8) * d;     // d
    float* part = left + d;            // kRows x d or less, 8 more
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
    solve_positive(m, d, d, p, left);
  }

  static void solve(const Rows& rows, const float* ridge, float* scratch, float* p) {
    if (rows.count < rows.dimensions) {
      solve_by_rows(rows, ridge, scratch, p);
    } else {
      solve_by_columns(rows, ridge, scratch, p);
    }
  }

  // `out` stays in registers: rows of Lanes lanes.
  template <std::size_t Lanes>
  static void spread_short(const Column& column, const float* in, float add, float times,
                           float* out) {
    constexpr std::size_t kAll = Lanes * kVectors;
    constexpr std::size_t kFloats = Lanes * kLane;
    constexpr std::size_t kAhead = 6;
    Vector own[kAll], sums[kAll];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kAll; ++v) own[v] = load(in + v * Width);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kAll; ++v) sums[v] = load(out + v * Width);
    for (std::size_t k = 0; k < column.count; ++k) {
      if (k + kAhead < column.count) {
        const float* ahead = column.vectors + std::size_t{column.users[k + kAhead]} * kFloats;
#pragma GCC unroll 4
        for (std::size_t j = 0; j < kFloats; j += kLane) __builtin_prefetch(ahead + j);
      }
      const float* p = column.vectors + std::size_t{column.users[k]} * kFloats;
      Vector products[2] = {};
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kAll; ++v) products[v % 2] += own[v] * load(p + v * Width);
      const float weight = add + times * sum(products[0] + products[1]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kAll; ++v) sums[v] += weight * load(p + v * Width);
    }
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kAll; ++v) store(out + v * Width, sums[v]);
  }

  static void spread(const Column& column, const float* in, float add, float times, float* out) {
    const std::size_t d = column.dimensions;
    if (d == 4 * kLane) return spread_short<4>(column, in, add, times, out);
    std::size_t k = 0;
    // Two users at a time: `in` and `out` are then read half as often.
    for (; k + 2 <= column.count; k += 2) {
      const float* p = column.vectors + std::size_t{column.users[k]} * d;
      const float* q = column.vectors + std::size_t{column.users[k + 1]} * d;
      const float weight_p = add + times * dot(in, p, d);
      const float weight_q = add + times * dot(in, q, d);
      for (std::size_t j = 0; j < d; j += Width) {
        const Vector first = load(out + j) + weight_p * load(p + j);
        store(out + j, first + weight_q * load(q + j));
      }
    }
    if (k < column.count) {
      const float* p = column.vectors + std::size_t{column.users[k]} * d;
      add_scaled(out, p, add + times * dot(in, p, d), 0, d);
    }
  }

  static IalsKernel kernel() { return {solve, spread}; }
};

}  // namespace
}  // namespace vitrine::factor
