// Chance that follows from names. A draw is a hash of the seed and of what is decided (who, when,
// about what), so the same person takes the same decision in every copy of the shop, whatever
// happened before: what differs between two policies then comes from what they showed.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace vitrine::simulate {

// splitmix64's finalizer (Steele, Lea, Flood 2014).
constexpr std::uint64_t scramble(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

template <class... Names>
constexpr std::uint64_t name_hash(std::uint64_t seed, Names... names) {
  std::uint64_t h = scramble(seed);
  ((h = scramble(h ^ static_cast<std::uint64_t>(names))), ...);
  return h;
}

// 0 <= u < 1.
constexpr double unit_of(std::uint64_t hash) { return static_cast<double>(hash >> 11) * 0x1.0p-53; }

// A stream of draws, for making things. The distributions of the standard library differ between
// implementations, so everything is made from next() here.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { return scramble(state_++); }
  double unit() { return unit_of(next()); }
  std::uint32_t below(std::size_t n) {
    return static_cast<std::uint32_t>(unit() * static_cast<double>(n));
  }
  double exponential(double mean) { return -mean * std::log1p(-unit()); }
  // Box and Muller 1958; one of the pair is not used.
  double normal() {
    const double r = std::sqrt(-2 * std::log1p(-unit()));
    return r * std::cos(2 * std::numbers::pi * unit());
  }

 private:
  std::uint64_t state_;
};

// The logistic function.
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace vitrine::simulate
