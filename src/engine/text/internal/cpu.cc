#include "engine/text/internal/eval.h"

namespace vitrine::text::internal {

bool avx512_usable() {
#if defined(__x86_64__)
  static const bool usable = __builtin_cpu_supports("avx512vbmi2") &&
                             __builtin_cpu_supports("avx512vbmi") &&
                             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2");
  return usable;
#else
  return false;
#endif
}

}  // namespace vitrine::text::internal
