#include "engine/train/internal/gemm_kernel.h"

namespace vitrine::train {

// 3 x 4 sums and 4 vectors of B fill the 16 registers.
GemmKernel gemm_kernel_avx2() { return {3, gemm_tile<8, 3>, gemm_tile<8, 1>}; }

}  // namespace vitrine::train
