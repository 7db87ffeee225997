#include "engine/train/internal/gemm_kernel.h"

namespace vitrine::train {

// Half a tile of 32 columns would fit the 16 registers of SSE better; this is the fall-back.
GemmKernel gemm_kernel_portable() { return {1, gemm_tile<4, 1>, gemm_tile<4, 1>}; }

}  // namespace vitrine::train
