#include "engine/vec/rotation.h"

#include <cmath>
#include <cstring>

#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

// Unnormalised, in place; `size` is a power of two of at least 8.
void walsh_hadamard(float* v, std::size_t size) {
  for (std::size_t i = 0; i < size; i += 4) {
    const float a = v[i] + v[i + 1];
    const float b = v[i] - v[i + 1];
    const float c = v[i + 2] + v[i + 3];
    const float d = v[i + 2] - v[i + 3];
    v[i] = a + c;
    v[i + 1] = b + d;
    v[i + 2] = a - c;
    v[i + 3] = b - d;
  }
  for (std::size_t half = 4; half < size; half *= 2) {
    for (std::size_t start = 0; start < size; start += 2 * half) {
      float* __restrict low = v + start;
      float* __restrict high = low + half;
      for (std::size_t i = 0; i < half; ++i) {
        const float a = low[i];
        const float b = high[i];
        low[i] = a + b;
        high[i] = a - b;
      }
    }
  }
}

}  // namespace

Rotation::Rotation(std::uint32_t dim, std::uint64_t seed)
    : dim_(dim), dims_(padded_dims(dim)), power_(8), seed_(seed) {
  while (power_ * 2 <= dims_) power_ *= 2;
  rounds_ = power_ == dims_ ? 3 : 4;
  Random random(seed ^ 0x526F7461746521ULL);
  signs_.resize(std::size_t{rounds_} * dims_);
  const float norm = 1.0F / std::sqrt(static_cast<float>(power_));
  for (std::uint32_t round = 0; round < rounds_; ++round) {
    const std::uint32_t start = round % 2 == 0 ? 0 : dims_ - power_;
    for (std::uint32_t i = 0; i < dims_; ++i) {
      const bool mixed = i >= start && i < start + power_;
      signs_[std::size_t{round} * dims_ + i] =
          ((random.next() >> 63) != 0 ? 1.0F : -1.0F) * (mixed ? norm : 1.0F);
    }
  }
}

void Rotation::apply(const float* in, float* out) const {
  std::memcpy(out, in, dim_ * sizeof(float));
  std::memset(out + dim_, 0, (dims_ - dim_) * sizeof(float));
  for (std::uint32_t round = 0; round < rounds_; ++round) {
    const float* signs = signs_.data() + std::size_t{round} * dims_;
    for (std::uint32_t i = 0; i < dims_; ++i) out[i] *= signs[i];
    walsh_hadamard(out + (round % 2 == 0 ? 0 : dims_ - power_), power_);
  }
}

}  // namespace vitrine::vec
