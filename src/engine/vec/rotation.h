#pragma once
// A random orthogonal transform, so that a vector's energy is spread evenly over its dimensions:
// then one scale per vector suits all of them, and no dimension is quantised badly.
//
// Rounds of random signs and a Walsh-Hadamard transform: O(D log D) instead of the D^2 of a random
// matrix. Where D is no power of two, rounds alternate between the first and the last P
// dimensions, P the largest power of two within D; they overlap, so everything mixes.

#include <cstdint>
#include <vector>

namespace vitrine::vec {

class Rotation {
 public:
  /// For vectors of `dim`, out come padded_dims(dim). The same seed gives the same rotation on
  /// every machine.
  Rotation(std::uint32_t dim, std::uint64_t seed);
  Rotation() = default;

  /// Multiple of 8, at least `dim`.
  static std::uint32_t padded_dims(std::uint32_t dim) { return (dim + 7) / 8 * 8; }

  std::uint32_t dim() const { return dim_; }
  std::uint32_t dims() const { return dims_; }
  std::uint64_t seed() const { return seed_; }

  /// `in` has dim() floats, `out` dims(). Lengths and inner products are kept. Thread-safe.
  void apply(const float* in, float* out) const;

 private:
  std::uint32_t dim_ = 0;
  std::uint32_t dims_ = 0;
  std::uint32_t power_ = 0;
  std::uint32_t rounds_ = 0;
  std::uint64_t seed_ = 0;
  std::vector<float> signs_;  // rounds_ x dims_, each -1 or 1 (times 1/sqrt(power_) where it mixes)
};

}  // namespace vitrine::vec
