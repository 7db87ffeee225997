// The loops of training that are not products, written once and compiled for each vector width.
// Everything has internal linkage: code for wide vectors must not be shared with the rest of the
// program.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vitrine::embed {

// Rows come in multiples of so many floats.
inline constexpr std::size_t kLane = 16;

struct EmbedKernel {
  // values[j] = exp(values[j] + add[j]) for j < n, divided by their sum; returns the logarithm of
  // the sum before that. n is a multiple of kLane; add[j] of -1e30 makes a 0.
  double (*softmax)(float* values, const float* add, std::size_t n);
  // One step of Adam on n values, a multiple of kLane. `rate` holds the corrections of both means.
  void (*adam)(float* w, float* mean, float* square, const float* gradient, std::size_t n,
               float rate);
  // to[j] += w from[j].
  void (*add_scaled)(float* to, const float* from, float w, std::size_t n);
};

EmbedKernel embed_kernel_portable();
EmbedKernel embed_kernel_avx2();
EmbedKernel embed_kernel_avx512();

namespace {

template <std::size_t Width>
struct EmbedLoops {
  typedef float Vector __attribute__((vector_size(Width * sizeof(float))));
  typedef std::int32_t Whole __attribute__((vector_size(Width * sizeof(float))));

  static Vector load(const float* from) {
    Vector v;
    std::memcpy(&v, from, sizeof(Vector));
    return v;
  }
  static void store(float* to, Vector v) { std::memcpy(to, &v, sizeof(Vector)); }

  // e^x for x <= 0 within 2 units of the last place, 0 below -87: 2^n e^r with |r| <= ln 2 / 2, the
  // second by the polynomial of Cephes.
  static Vector exp(Vector x) {
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: what is added to it becomes whole
    const Vector low = Vector{} - 87.0f;
    const Vector inside = x > low ? x : low;
    const Vector shifted = inside * 1.44269504f + kRound;
    const Vector n = shifted - kRound;
    const Vector r = inside - n * 0.693359375f + n * 2.12194440e-4f;
    Vector p = Vector{} + 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    // The low bits of `shifted` are n, those of kRound being 0x4B400000.
    Whole bits;
    std::memcpy(&bits, &shifted, sizeof(Vector));
    bits = (bits - (0x4B400000 - 127)) << 23;
    Vector two;
    std::memcpy(&two, &bits, sizeof(Vector));
    return x > low ? p * two : Vector{};
  }

  static double softmax(float* values, const float* add, std::size_t n) {
    Vector highest = Vector{} - 1e30f;
    for (std::size_t j = 0; j < n; j += Width) {
      const Vector v = load(values + j) + load(add + j);
      store(values + j, v);
      highest = v > highest ? v : highest;
    }
    float lanes[Width];
    store(lanes, highest);
    float top = lanes[0];
    for (std::size_t k = 1; k < Width; ++k) top = lanes[k] > top ? lanes[k] : top;
    Vector sums{};
    for (std::size_t j = 0; j < n; j += Width) {
      const Vector e = exp(load(values + j) - top);
      store(values + j, e);
      sums += e;
    }
    store(lanes, sums);
    float sum = 0;
    for (std::size_t k = 0; k < Width; ++k) sum += lanes[k];
    const float inverse = 1 / sum;
    for (std::size_t j = 0; j < n; j += Width) store(values + j, load(values + j) * inverse);
    return double{top} + std::log(double{sum});
  }

  static void adam(float* w, float* mean, float* square, const float* gradient, std::size_t n,
                   float rate) {
    constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
    for (std::size_t j = 0; j < n; ++j) {
      const float g = gradient[j];
      mean[j] = kBeta1 * mean[j] + (1 - kBeta1) * g;
      square[j] = kBeta2 * square[j] + (1 - kBeta2) * g * g;
      w[j] -= rate * mean[j] / (__builtin_sqrtf(square[j]) + kEpsilon);
    }
  }

  static void add_scaled(float* to, const float* from, float w, std::size_t n) {
    for (std::size_t j = 0; j < n; j += Width) store(to + j, load(to + j) + w * load(from + j));
  }

  static EmbedKernel kernel() { return {softmax, adam, add_scaled}; }
};

}  // namespace
}  // namespace vitrine::embed
