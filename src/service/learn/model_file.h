// What the files of all kinds of models have in common (fitted_model.h).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/stream.h"
#include "service/learn/recipe.h"

namespace vitrine::learn {

// Layout: magic u32, version u8, kind u8, then the kind's own.
inline constexpr std::uint32_t kFittedMagic = 0x4C444D56u;  // "VMDL"
inline constexpr std::uint8_t kFittedVersion = 1;

inline void save_head(Sink& out, Kind kind) {
  out.value(kFittedMagic);
  out.value(kFittedVersion);
  out.value(static_cast<std::uint8_t>(kind));
}

inline Error corrupt_model(std::string_view what) {
  return {ErrorCode::kCorrupt, "a model's file: " + std::string(what)};
}

inline bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// The newest events of a history.
inline std::span<const std::uint32_t> newest(std::span<const std::uint32_t> history,
                                             std::size_t most) {
  return history.last(std::min(history.size(), most));
}

// Different items of a history, newest first.
inline void distinct_newest_first(std::span<const std::uint32_t> history,
                                  std::vector<std::uint32_t>& out) {
  out.clear();
  for (std::size_t i = history.size(); i-- > 0;) {
    if (std::find(out.begin(), out.end(), history[i]) == out.end()) out.push_back(history[i]);
  }
}

}  // namespace vitrine::learn
