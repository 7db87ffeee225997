#include "platform/simd/level.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>

namespace vitrine::simd {
namespace {

constexpr std::array<std::pair<Level, std::string_view>, 5> kNames{
    {{Level::kScalar, "scalar"},
     {Level::kSse42, "sse4.2"},
     {Level::kAvx2, "avx2"},
     {Level::kAvx512, "avx512"},
     {Level::kAvx512Vnni, "avx512-vnni"}}};

}  // namespace

std::string_view name(Level level) { return kNames[static_cast<std::size_t>(level)].second; }

Result<Level> parse_level(std::string_view text) {
  for (const auto& [level, known] : kNames) {
    if (known == text) return level;
  }
  return Error(ErrorCode::kInvalidArgument,
               "unknown SIMD level '" + std::string(text) +
                   "'; known: scalar, sse4.2, avx2, avx512, avx512-vnni");
}

Level detected_level() {
#if defined(__x86_64__)
  // The compiler's run-time support also asks the operating system whether it saves the wide
  // registers.
  const bool sse42 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  if (!sse42) return Level::kScalar;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2");
  if (!avx2) return Level::kSse42;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  if (!avx512) return Level::kAvx2;
  const bool vnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
                    __builtin_cpu_supports("avx512vpopcntdq") &&
                    __builtin_cpu_supports("avx512bitalg");
  return vnni ? Level::kAvx512Vnni : Level::kAvx512;
#else
  return Level::kScalar;
#endif
}

Level active_level() {
  static const Level level = [] {
    const Level best = detected_level();
    const char* wanted = std::getenv("VITRINE_SIMD");
    if (wanted == nullptr) return best;
    const auto parsed = parse_level(wanted);
    return parsed.ok() ? std::min(best, parsed.value()) : best;
  }();
  return level;
}

}  // namespace vitrine::simd
