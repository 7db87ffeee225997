// The inner tile of a product, written once and compiled for each vector width. Everything has
// internal linkage: code for wide vectors must not be shared with the rest of the program.
#pragma once

#include <cstddef>
#include <cstring>

namespace vitrine::train {

// C[rows x kTileCols] += A[rows x inner] B[inner x kTileCols].
using TileFn = void (*)(std::size_t inner, const float* a, std::size_t a_row, std::size_t a_col,
                        const float* b, std::size_t b_row, float* c, std::size_t c_row);

struct GemmKernel {
  std::size_t tile_rows;
  TileFn tile;     // tile_rows x kTileCols
  TileFn one_row;  // 1 x kTileCols
};

inline constexpr std::size_t kTileCols = 32;

GemmKernel gemm_kernel_portable();
GemmKernel gemm_kernel_avx2();
GemmKernel gemm_kernel_avx512();

namespace {

// Width floats in a vector; Rows * kTileCols / Width sums are held in registers.
template <std::size_t Width, std::size_t Rows>
[[maybe_unused]] void gemm_tile(std::size_t inner, const float* a, std::size_t a_row,
                                std::size_t a_col, const float* b, std::size_t b_row, float* c,
                                std::size_t c_row) {
  typedef float Vector __attribute__((vector_size(Width * sizeof(float))));
  constexpr std::size_t kVectors = kTileCols / Width;
  Vector sum[Rows][kVectors];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      std::memcpy(&sum[r][v], c + r * c_row + v * Width, sizeof(Vector));
    }
  }
  for (std::size_t p = 0; p < inner; ++p) {
    Vector right[kVectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      std::memcpy(&right[v], b + p * b_row + v * Width, sizeof(Vector));
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Rows; ++r) {
      const float left = a[r * a_row + p * a_col];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] += left * right[v];
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      std::memcpy(c + r * c_row + v * Width, &sum[r][v], sizeof(Vector));
    }
  }
}

}  // namespace
}  // namespace vitrine::train
