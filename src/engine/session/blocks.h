// The parts of a session model that are not products: each forward with its backward, over rows of
// `width` floats. Backward functions add to gradients of parameters and overwrite those of inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/vec/random.h"

namespace vitrine::session {

// out = gain (x - mean) / sqrt(variance + 1e-6) + shift by row; `inverse` keeps 1 / sqrt(..) and
// `normal` the normalised rows, for backward. out may be x.
void normalise(const float* x, std::size_t rows, std::size_t width, const float* gain,
               const float* shift, float* normal, float* inverse, float* out);
// in place: `grad` of the output becomes that of the input.
void normalise_back(float* grad, std::size_t rows, std::size_t width, const float* gain,
                    const float* normal, const float* inverse, float* gain_grad, float* shift_grad);

// Token n of a batch has `before[n]` earlier tokens of its sequence right in front of it.
// out[n] = sum over lag <= before[n] of filter[lag] * x[n - lag], value by value.
void mix(const float* x, std::span<const std::uint32_t> before, std::size_t width,
         const float* filter, float* out);
void mix_back(const float* grad, const float* x, std::span<const std::uint32_t> before,
              std::size_t width, const float* filter, float* filter_grad, float* x_grad);

// x = gelu(x), by the tanh form; `slope` keeps the derivative.
void gelu(float* x, std::size_t count, float* slope);

// mask[i] = 0 with probability `share`, else 1 / (1 - share).
void draw_mask(vec::Random& random, float share, std::size_t count, float* mask);

// Row r of `logits` (rows x stride, the first cols of them) becomes softmax minus one at
// wanted[r], over `rows`; the loss: mean of -log softmax at wanted[r].
double softmax_loss(float* logits, std::size_t rows, std::size_t cols, std::size_t stride,
                    const std::uint32_t* wanted);

}  // namespace vitrine::session
