// Sums of chosen rows of a panel, written once and compiled for each vector width. Everything has
// internal linkage: code for wide vectors must not be shared with the rest of the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vitrine::spectral {

// A panel is a matrix of rows x cols floats, cols a multiple of kPanelCols.
inline constexpr std::size_t kPanelCols = 16;

// out[c] = scale * sum over k of panel[rows[k] * cols + c], for all c < cols.
using SumRowsFn = void (*)(const std::uint32_t* rows, std::size_t count, float scale,
                           const float* panel, std::size_t cols, float* out);

SumRowsFn sum_rows_portable();
SumRowsFn sum_rows_avx2();
SumRowsFn sum_rows_avx512();

namespace {

template <std::size_t Width, std::size_t Vectors>
[[maybe_unused]] void sum_rows_part(const std::uint32_t* rows, std::size_t count, float scale,
                                    const float* panel, std::size_t cols, float* out) {
  typedef float Vector __attribute__((vector_size(Width * sizeof(float))));
  Vector even[Vectors] = {};
  Vector odd[Vectors] = {};
  std::size_t k = 0;
  for (; k + 2 <= count; k += 2) {
    const float* a = panel + rows[k] * cols;
    const float* b = panel + rows[k + 1] * cols;
    if (k + 12 < count) {
      __builtin_prefetch(panel + rows[k + 10] * cols);
      __builtin_prefetch(panel + rows[k + 11] * cols);
    }
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) {
      Vector x, y;
      std::memcpy(&x, a + v * Width, sizeof(Vector));
      std::memcpy(&y, b + v * Width, sizeof(Vector));
      even[v] += x;
      odd[v] += y;
    }
  }
  if (k < count) {
    const float* a = panel + rows[k] * cols;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < Vectors; ++v) {
      Vector x;
      std::memcpy(&x, a + v * Width, sizeof(Vector));
      even[v] += x;
    }
  }
#pragma GCC unroll 8
  for (std::size_t v = 0; v < Vectors; ++v) {
    const Vector sum = (even[v] + odd[v]) * scale;
    std::memcpy(out + v * Width, &sum, sizeof(Vector));
  }
}

template <std::size_t Width>
[[maybe_unused]] void sum_rows(const std::uint32_t* rows, std::size_t count, float scale,
                               const float* panel, std::size_t cols, float* out) {
  std::size_t c = 0;
  for (; c + 4 * kPanelCols <= cols; c += 4 * kPanelCols) {
    sum_rows_part<Width, 4 * kPanelCols / Width>(rows, count, scale, panel + c, cols, out + c);
  }
  for (; c < cols; c += kPanelCols) {
    sum_rows_part<Width, kPanelCols / Width>(rows, count, scale, panel + c, cols, out + c);
  }
}

}  // namespace
}  // namespace vitrine::spectral
