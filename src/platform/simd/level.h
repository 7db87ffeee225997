#pragma once
// Which vector instructions this machine offers, found at run time: one binary serves them all.

#include <string_view>

#include "base/result.h"

namespace vitrine::simd {

/// In rising order; each level includes the ones before it.
/// kScalar is plain C++ for any machine and the oracle of tests.
enum class Level { kScalar, kSse42, kAvx2, kAvx512, kAvx512Vnni };

/// "scalar", "sse4.2", "avx2" (with FMA, BMI2, F16C, POPCNT), "avx512" (F, BW, DQ, VL, CD),
/// "avx512-vnni" (also VNNI, VBMI, VPOPCNTDQ, BITALG).
std::string_view name(Level level);

/// The reverse of name(). kInvalidArgument with the known names otherwise.
Result<Level> parse_level(std::string_view text);

/// The highest level of this processor and operating system.
Level detected_level();

/// The level kernels should use: detected_level(), or less if the environment variable VITRINE_SIMD
/// names less (a level the machine lacks, or an unknown name, is ignored). Read once; thread-safe.
Level active_level();

}  // namespace vitrine::simd
