// Random numbers that are a function of what they are for: no state, so any part of a run can be
// computed again, in any order, on any thread, and after a restart.
#pragma once

#include <cstdint>

namespace vitrine::graph {

__extension__ using Wide = unsigned __int128;

// The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9ull;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// Numbers of one purpose (seed and up to three coordinates), told apart by a counter.
class RandomStream {
 public:
  constexpr RandomStream(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0,
                         std::uint64_t c = 0)
      : key_(mix64(mix64(mix64(mix64(seed + 0x9E3779B97F4A7C15ull) + a) + b) + c)) {}

  constexpr std::uint64_t at(std::uint64_t counter) const {
    return mix64(key_ + (counter + 1) * 0x9E3779B97F4A7C15ull);
  }
  // In [0, bound), bound > 0 (Lemire's multiplication; the bias is below bound / 2^64).
  constexpr std::uint64_t below(std::uint64_t bound, std::uint64_t counter) const {
    return static_cast<std::uint64_t>(static_cast<Wide>(at(counter)) * bound >> 64);
  }
  // In [-1, 1).
  constexpr float symmetric(std::uint64_t counter) const {
    return static_cast<float>(static_cast<std::int64_t>(at(counter)) >> 39) * 0x1p-24f;
  }

 private:
  std::uint64_t key_;
};

// A permutation of [0, size), a different one for each key: a Feistel network of four rounds over
// the next power of four, walked until it lands inside (at most four steps on average).
class Permutation {
 public:
  Permutation(std::uint64_t size, std::uint64_t seed, std::uint64_t purpose)
      : size_(size), rounds_(seed, purpose) {
    while ((std::uint64_t{1} << (2 * half_bits_)) < size) ++half_bits_;
  }
  std::uint64_t at(std::uint64_t i) const {
    do i = step(i);
    while (i >= size_);
    return i;
  }

 private:
  std::uint64_t step(std::uint64_t i) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = i >> half_bits_;
    std::uint64_t right = i & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (rounds_.at(round << 40 | right) & mask);
      left = right;
      right = next;
    }
    return left << half_bits_ | right;
  }
  std::uint64_t size_;
  RandomStream rounds_;
  unsigned half_bits_ = 1;
};

}  // namespace vitrine::graph
