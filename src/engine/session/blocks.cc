#include "engine/session/blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vitrine::session {
namespace {

// e^x to about 2e-7 of itself for x in [-87, 88], by plain arithmetic that the compiler can turn
// into vectors: 2^whole from the bits, the rest by a polynomial.
inline float fast_exp(float x) {
  x = std::min(88.0f, std::max(-87.0f, x));
  const float scaled = x * 1.44269504f;
  const float whole =
      static_cast<float>(static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5f : 0.5f)));
  const float r = x - whole * 0.693145752f - whole * 1.42860677e-6f;
  float p = 1.3888949e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const std::int32_t bits = (static_cast<std::int32_t>(whole) + 127) << 23;
  return p * std::bit_cast<float>(bits);
}

}  // namespace

void normalise(const float* x, std::size_t rows, std::size_t width, const float* gain,
               const float* shift, float* normal, float* inverse, float* out) {
  for (std::size_t n = 0; n < rows; ++n) {
    const float* from = x + n * width;
    float sum = 0;
    for (std::size_t j = 0; j < width; ++j) sum += from[j];
    const float mean = sum / static_cast<float>(width);
    float square = 0;
    for (std::size_t j = 0; j < width; ++j) square += (from[j] - mean) * (from[j] - mean);
    const float scale = 1 / std::sqrt(square / static_cast<float>(width) + 1e-6f);
    inverse[n] = scale;
    for (std::size_t j = 0; j < width; ++j) {
      const float value = (from[j] - mean) * scale;
      normal[n * width + j] = value;
      out[n * width + j] = gain[j] * value + shift[j];
    }
  }
}

void normalise_back(float* grad, std::size_t rows, std::size_t width, const float* gain,
                    const float* normal, const float* inverse, float* gain_grad,
                    float* shift_grad) {
  for (std::size_t n = 0; n < rows; ++n) {
    float* g = grad + n * width;
    const float* v = normal + n * width;
    float sum = 0;
    float along = 0;
    for (std::size_t j = 0; j < width; ++j) {
      gain_grad[j] += g[j] * v[j];
      shift_grad[j] += g[j];
      g[j] *= gain[j];
      sum += g[j];
      along += g[j] * v[j];
    }
    const float mean = sum / static_cast<float>(width);
    const float slope = along / static_cast<float>(width);
    for (std::size_t j = 0; j < width; ++j) g[j] = inverse[n] * (g[j] - mean - v[j] * slope);
  }
}

void mix(const float* x, std::span<const std::uint32_t> before, std::size_t width,
         const float* filter, float* out) {
  for (std::size_t n = 0; n < before.size(); ++n) {
    float* to = out + n * width;
    std::fill_n(to, width, 0.0f);
    for (std::size_t lag = 0; lag <= before[n]; ++lag) {
      const float* from = x + (n - lag) * width;
      const float* f = filter + lag * width;
      for (std::size_t j = 0; j < width; ++j) to[j] += f[j] * from[j];
    }
  }
}

void mix_back(const float* grad, const float* x, std::span<const std::uint32_t> before,
              std::size_t width, const float* filter, float* filter_grad, float* x_grad) {
  std::fill_n(x_grad, before.size() * width, 0.0f);
  for (std::size_t n = 0; n < before.size(); ++n) {
    const float* g = grad + n * width;
    for (std::size_t lag = 0; lag <= before[n]; ++lag) {
      const float* from = x + (n - lag) * width;
      const float* f = filter + lag * width;
      float* to = x_grad + (n - lag) * width;
      float* f_grad = filter_grad + lag * width;
      for (std::size_t j = 0; j < width; ++j) {
        f_grad[j] += g[j] * from[j];
        to[j] += g[j] * f[j];
      }
    }
  }
}

void gelu(float* x, std::size_t count, float* slope) {
  for (std::size_t i = 0; i < count; ++i) {
    const float v = x[i];
    const float inside = 0.7978845608f * (v + 0.044715f * v * v * v);
    const float e = fast_exp(2 * inside);
    const float t = 1 - 2 / (e + 1);  // tanh
    x[i] = 0.5f * v * (1 + t);
    slope[i] =
        0.5f * (1 + t) + 0.5f * v * (1 - t * t) * 0.7978845608f * (1 + 3 * 0.044715f * v * v);
  }
}

void draw_mask(vec::Random& random, float share, std::size_t count, float* mask) {
  const float kept = 1 / (1 - share);
  const auto limit = static_cast<std::uint32_t>(share * 65536.0f);
  for (std::size_t i = 0; i < count; i += 4) {
    std::uint64_t bits = random.next();
    for (std::size_t j = i; j < std::min(count, i + 4); ++j, bits >>= 16) {
      mask[j] = (bits & 0xFFFF) < limit ? 0.0f : kept;
    }
  }
}

double softmax_loss(float* logits, std::size_t rows, std::size_t cols, std::size_t stride,
                    const std::uint32_t* wanted) {
  double loss = 0;
  const float share = 1 / static_cast<float>(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = logits + r * stride;
    float top = row[0];
    for (std::size_t j = 1; j < cols; ++j) top = std::max(top, row[j]);
    const float right = row[wanted[r]];
    for (std::size_t j = 0; j < cols; ++j) row[j] = fast_exp(row[j] - top);
    float part[8] = {};
    std::size_t j = 0;
    for (; j + 8 <= cols; j += 8) {
      for (std::size_t k = 0; k < 8; ++k) part[k] += row[j + k];
    }
    double sum = 0;
    for (; j < cols; ++j) sum += row[j];
    for (const float p : part) sum += p;
    loss += std::log(sum) + top - right;
    const float scale = share / static_cast<float>(sum);
    for (j = 0; j < cols; ++j) row[j] *= scale;
    row[wanted[r]] -= share;
  }
  return loss / static_cast<double>(rows);
}

}  // namespace vitrine::session
