#include "engine/spectral/internal/panel_kernel.h"

namespace vitrine::spectral {

SumRowsFn sum_rows_avx2() { return sum_rows<8>; }

}  // namespace vitrine::spectral
