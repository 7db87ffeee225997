#include "engine/factor/internal/ials_kernel.h"

namespace vitrine::factor {

IalsKernel ials_kernel_avx2() { return Loops<8>::kernel(); }

}  // namespace vitrine::factor
