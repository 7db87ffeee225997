#include "engine/spectral/internal/panel_kernel.h"

namespace vitrine::spectral {

SumRowsFn sum_rows_avx512() { return sum_rows<16>; }

}  // namespace vitrine::spectral
