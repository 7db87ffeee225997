#include "engine/train/gemm.h"

#include <algorithm>

#include "engine/train/internal/gemm_kernel.h"

namespace vitrine::train {
namespace {

// So many rows of B (256 columns: 256 KiB) stay in the second-level cache while all tiles use them.
constexpr std::size_t kInnerPart = 256;
constexpr std::size_t kRowsPart = 192;  // a piece of work for one thread; a multiple of 12 and 3

GemmKernel kernel_for(simd::Level level) {
#if defined(__x86_64__)
  if (level >= simd::Level::kAvx512) return gemm_kernel_avx512();
  if (level >= simd::Level::kAvx2) return gemm_kernel_avx2();
#endif
  (void)level;
  return gemm_kernel_portable();
}

// Rows [first, last) of C, columns behind the last whole tile of 32.
void multiply_rest(const Gemm& g, std::size_t first, std::size_t last, std::size_t col,
                   std::size_t from, std::size_t until) {
  for (std::size_t i = first; i < last; ++i) {
    for (std::size_t j = col; j < g.cols; ++j) {
      float sum = g.c[i * g.c_row + j];
      for (std::size_t p = from; p < until; ++p) {
        sum += g.a[i * g.a_row + p * g.a_col] * g.b[p * g.b_row + j];
      }
      g.c[i * g.c_row + j] = sum;
    }
  }
}

void multiply_rows(const Gemm& g, const GemmKernel& kernel, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) std::fill_n(g.c + i * g.c_row, g.cols, 0.0f);
  const std::size_t whole = g.cols / kTileCols * kTileCols;
  for (std::size_t from = 0; from < g.inner; from += kInnerPart) {
    const std::size_t until = std::min(g.inner, from + kInnerPart);
    for (std::size_t i = first; i < last;) {
      const bool full = i + kernel.tile_rows <= last;
      const TileFn tile = full ? kernel.tile : kernel.one_row;
      for (std::size_t j = 0; j < whole; j += kTileCols) {
        tile(until - from, g.a + i * g.a_row + from * g.a_col, g.a_row, g.a_col,
             g.b + from * g.b_row + j, g.b_row, g.c + i * g.c_row + j, g.c_row);
      }
      i += full ? kernel.tile_rows : 1;
    }
    if (whole < g.cols) multiply_rest(g, first, last, whole, from, until);
  }
}

}  // namespace

void multiply(const Gemm& product, graph::Workers& workers, simd::Level level) {
  const GemmKernel kernel = kernel_for(level);
  // Few rows: smaller pieces, so that every thread has one.
  std::size_t part = kRowsPart;
  while (part > 12 && product.rows < part * workers.threads()) part /= 2;
  part = (part + 11) / 12 * 12;
  workers.run((product.rows + part - 1) / part, [&](std::size_t piece) {
    multiply_rows(product, kernel, piece * part, std::min(product.rows, (piece + 1) * part));
  });
}

void transpose(const float* from, std::size_t rows, std::size_t cols, float* to) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) to[c * rows + r] = from[r * cols + c];
  }
}

}  // namespace vitrine::train
