#include "engine/vec/kernels.h"

namespace vitrine::vec {

const Kernels& kernels_for(simd::Level level) {
#if defined(__x86_64__)
  if (level >= simd::Level::kAvx512Vnni) return internal::kVnniKernels;
  if (level >= simd::Level::kAvx512) return internal::kAvx512Kernels;
  if (level >= simd::Level::kAvx2) return internal::kAvx2Kernels;
  if (level >= simd::Level::kSse42) return internal::kSse42Kernels;
#endif
  static_cast<void>(level);
  return internal::kScalarKernels;
}

const Kernels& kernels() {
  static const Kernels& chosen = kernels_for(simd::active_level());
  return chosen;
}

}  // namespace vitrine::vec
