#include "engine/spectral/internal/panel_kernel.h"

namespace vitrine::spectral {

SumRowsFn sum_rows_portable() { return sum_rows<4>; }

}  // namespace vitrine::spectral
