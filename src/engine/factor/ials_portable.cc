#include "engine/factor/internal/ials_kernel.h"

namespace vitrine::factor {

IalsKernel ials_kernel_portable() { return Loops<4>::kernel(); }

}  // namespace vitrine::factor
