#include "engine/factor/internal/ials_kernel.h"

namespace vitrine::factor {

IalsKernel ials_kernel_avx512() { return Loops<16>::kernel(); }

}  // namespace vitrine::factor
