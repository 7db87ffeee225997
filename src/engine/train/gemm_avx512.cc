#include "engine/train/internal/gemm_kernel.h"

namespace vitrine::train {

// 12 x 2 sums, 2 vectors of B and a broadcast: 27 of 32 registers; 24 products on 14 loads.
GemmKernel gemm_kernel_avx512() { return {12, gemm_tile<16, 12>, gemm_tile<16, 1>}; }

}  // namespace vitrine::train
