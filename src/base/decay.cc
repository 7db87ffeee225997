#include "base/decay.h"

#include <array>
#include <cmath>

#include "base/check.h"

namespace vitrine {
namespace {

__extension__ using Wide = __int128;

constexpr int kFractionBits = 12;  // 4096 steps in a half-life

// Entry i is 2^-(2^i / 4096), i = 0..11.
std::array<double, kFractionBits> make_roots() {
  std::array<double, kFractionBits> roots{};
  double value = 0.5;
  for (int i = kFractionBits - 1; i >= 0; --i) {
    value = std::sqrt(value);
    roots[static_cast<std::size_t>(i)] = value;
  }
  return roots;
}

// Two levels of 64 entries: one multiplication per call.
struct Table {
  std::array<double, 64> low{};   // 2^-(i / 4096)
  std::array<double, 64> high{};  // 2^-(i / 64)
};

Table make_table() {
  const auto roots = make_roots();
  Table table;
  for (std::size_t i = 0; i < 64; ++i) {
    double low = 1;
    double high = 1;
    for (std::size_t bit = 0; bit < 6; ++bit) {
      if (i >> bit & 1) {
        low *= roots[bit];
        high *= roots[bit + 6];
      }
    }
    table.low[i] = low;
    table.high[i] = high;
  }
  return table;
}

}  // namespace

double decay_factor(std::int64_t elapsed, std::int64_t half_life) {
  VITRINE_CHECK(half_life > 0);
  if (elapsed <= 0) return 1;
  const std::int64_t whole = elapsed / half_life;
  if (whole >= 64) return 0;
  const std::int64_t rest = elapsed - whole * half_life;
  // rest < half_life; 128 bits because half_life in microseconds times 4096 can pass 63 bits.
  const auto step = static_cast<std::size_t>(static_cast<Wide>(rest) * 4096 / half_life);
  static const Table table = make_table();
  return std::ldexp(table.low[step & 63] * table.high[step >> 6], -static_cast<int>(whole));
}

}  // namespace vitrine
