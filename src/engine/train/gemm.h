// Products of float matrices, as the two layers of a model need them.
//
// Own kernels, because they must take their threads from a Workers, give the same bits however many
// there are, and use the machine's widest vectors (Debian's OpenBLAS 0.3.21 starts threads of its
// own and takes SSE3 kernels on processors it does not know). On one core of the machine they were
// written on: see docs/graph.md.
//
// Matrices lie row after row. An element of A is a[i * a_row + p * a_col], so that the transposed
// of a matrix needs no copy.
#pragma once

#include <cstddef>

#include "engine/graph/workers.h"
#include "platform/simd/level.h"

namespace vitrine::train {

struct Gemm {
  std::size_t rows = 0;   // of C
  std::size_t cols = 0;   // of C
  std::size_t inner = 0;  // columns of A, rows of B
  const float* a = nullptr;
  std::size_t a_row = 0;
  std::size_t a_col = 1;
  const float* b = nullptr;
  std::size_t b_row = 0;
  float* c = nullptr;
  std::size_t c_row = 0;
};

// C = A B. Each element of C is summed by one thread, in one order. Levels above `level` are not
// used; different levels may differ in the last bits.
void multiply(const Gemm& product, graph::Workers& workers,
              simd::Level level = simd::active_level());

// to[c * rows + r] = from[r * cols + c].
void transpose(const float* from, std::size_t rows, std::size_t cols, float* to);

}  // namespace vitrine::train
