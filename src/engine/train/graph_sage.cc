#include "engine/train/graph_sage.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/graph/random.h"
#include "engine/train/gemm.h"

namespace vitrine::train {
namespace {

using graph::MiniBatch;
using graph::RowFormat;
using graph::RowType;

constexpr std::size_t kNodesPart = 256;  // nodes in a piece of work

void add_row(float* to, const char* row, std::size_t n, RowType type) {
  if (type == RowType::kFp32) {
    const auto* from = reinterpret_cast<const float*>(row);
    for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
  } else {
    const auto* from = reinterpret_cast<const std::uint16_t*>(row);
    for (std::size_t i = 0; i < n; ++i) to[i] += graph::from_bf16(from[i]);
  }
}

void fetch_row(const char* row, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at);
}

void add_scaled(float* to, const float* from, std::size_t n, float scale) {
  for (std::size_t i = 0; i < n; ++i) to[i] += scale * from[i];
}

void scale(float* values, std::size_t n, float by) {
  for (std::size_t i = 0; i < n; ++i) values[i] *= by;
}

float inverse(std::uint32_t count) { return count == 0 ? 0.0f : 1.0f / static_cast<float>(count); }

// Eight sums side by side: one order, and vectors without reordering by the compiler.
float dot(const float* a, const float* b, std::size_t n) {
  float sum[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) sum[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

void run_parts(graph::Workers& workers, std::size_t count,
               const std::function<void(std::size_t, std::size_t)>& part) {
  workers.run((count + kNodesPart - 1) / kNodesPart, [&](std::size_t piece) {
    part(piece * kNodesPart, std::min(count, (piece + 1) * kNodesPart));
  });
}

// Column sums of a matrix, in the order of its rows.
void sum_rows(const float* matrix, std::size_t rows, std::size_t cols, float* out) {
  std::fill_n(out, cols, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) add_scaled(out, matrix + r * cols, cols, 1.0f);
}

void set_bias(const float* bias, std::size_t rows, std::size_t cols, float* matrix, bool relu) {
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = matrix + r * cols;
    for (std::size_t c = 0; c < cols; ++c) {
      const float value = row[c] + bias[c];
      row[c] = relu && value < 0 ? 0.0f : value;
    }
  }
}

}  // namespace

GraphSage::GraphSage(const SageShape& shape, std::uint64_t seed, const AdamOptions& adam,
                     graph::Workers& workers)
    : shape_(shape),
      adam_(adam),
      workers_(workers),
      parameters_(shape.parameters()),
      gradients_(shape.parameters()),
      moment1_(shape.parameters()),
      moment2_(shape.parameters()),
      w2_transposed_(std::size_t{2} * shape.hidden * shape.out) {
  const graph::RandomStream random(seed, 1);
  const auto fill = [&](float* weights, std::size_t inputs, std::size_t outputs,
                        std::uint64_t from) {
    const float bound = std::sqrt(6.0f / static_cast<float>(inputs + outputs));
    for (std::size_t i = 0; i < inputs * outputs; ++i) {
      weights[i] = bound * random.symmetric(from + i);
    }
  };
  fill(w1(), std::size_t{2} * shape.features, shape.hidden, 0);
  fill(w2(), std::size_t{2} * shape.hidden, shape.out, std::uint64_t{1} << 40);
}

std::uint64_t GraphSage::bytes_for(const SageShape& shape, std::size_t inner, std::size_t outer) {
  const std::uint64_t of_inner =
      std::uint64_t{2} * shape.features + std::uint64_t{2} * shape.hidden;
  const std::uint64_t of_outer = std::uint64_t{2} * shape.hidden + std::uint64_t{2} * shape.out;
  return 4 * (inner * of_inner + outer * of_outer + 5 * shape.parameters());
}

Status GraphSage::reserve(std::size_t inner, std::size_t outer, graph::MemoryBudget& budget) {
  held_.release();
  VITRINE_TRY(held_, budget.reserve("model", bytes_for(shape_, inner, outer)));
  inner_in_.reserve(inner * 2 * shape_.features);
  hidden_.reserve(inner * shape_.hidden);
  hidden_grad_.reserve(inner * shape_.hidden);
  outer_in_.reserve(outer * 2 * shape_.hidden);
  out_.reserve(outer * shape_.out);
  out_grad_.reserve(outer * shape_.out);
  return ok_status();
}

void GraphSage::take_rows(const MiniBatch& batch, std::span<const char> rows,
                          const RowFormat& format) {
  VITRINE_CHECK(format.dimension == shape_.features);
  VITRINE_CHECK(rows.size() == std::size_t{batch.rows} * format.stride());
  const std::size_t f = shape_.features;
  const std::size_t stride = format.stride();
  inner_in_.resize(batch.inner.size() * 2 * f);
  run_parts(workers_, batch.inner.size(), [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      float* own = inner_in_.data() + i * 2 * f;
      std::fill_n(own, 2 * f, 0.0f);
      // Rows lie at random places: ask for those of the node after next while this one is added.
      if (i + 2 < last) {
        fetch_row(rows.data() + batch.inner[i + 2] * stride, stride);
        for (std::uint32_t e = batch.inner_begin[i + 2]; e < batch.inner_begin[i + 3]; ++e) {
          fetch_row(rows.data() + batch.inner_from[e] * stride, stride);
        }
      }
      add_row(own, rows.data() + batch.inner[i] * stride, f, format.type);
      for (std::uint32_t e = batch.inner_begin[i]; e < batch.inner_begin[i + 1]; ++e) {
        add_row(own + f, rows.data() + batch.inner_from[e] * stride, f, format.type);
      }
      scale(own + f, f, inverse(batch.inner_begin[i + 1] - batch.inner_begin[i]));
    }
  });
}

std::span<const float> GraphSage::forward(const MiniBatch& batch) {
  const std::size_t f = shape_.features;
  const std::size_t h = shape_.hidden;
  const std::size_t d = shape_.out;
  const std::size_t inner = batch.inner.size();
  const std::size_t outer = batch.outer.size();
  VITRINE_CHECK(inner_in_.size() == inner * 2 * f);
  hidden_.resize(inner * h);
  multiply({inner, h, 2 * f, inner_in_.data(), 2 * f, 1, w1(), h, hidden_.data(), h}, workers_);
  run_parts(workers_, inner, [&](std::size_t first, std::size_t last) {
    set_bias(b1(), last - first, h, hidden_.data() + first * h, true);
  });
  outer_in_.resize(outer * 2 * h);
  run_parts(workers_, outer, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      float* own = outer_in_.data() + i * 2 * h;
      std::memcpy(own, hidden_.data() + batch.outer[i] * h, h * sizeof(float));
      std::fill_n(own + h, h, 0.0f);
      for (std::uint32_t e = batch.outer_begin[i]; e < batch.outer_begin[i + 1]; ++e) {
        add_scaled(own + h, hidden_.data() + batch.outer_from[e] * h, h, 1.0f);
      }
      scale(own + h, h, inverse(batch.outer_begin[i + 1] - batch.outer_begin[i]));
    }
  });
  out_.resize(outer * d);
  multiply({outer, d, 2 * h, outer_in_.data(), 2 * h, 1, w2(), d, out_.data(), d}, workers_);
  set_bias(b2(), outer, d, out_.data(), false);
  return out_;
}

double GraphSage::loss_and_output_gradient(const MiniBatch& batch) {
  const std::size_t d = shape_.out;
  out_grad_.assign(out_.size(), 0.0f);
  const std::size_t examples = batch.triples.size() / 3;
  const float each = inverse(static_cast<std::uint32_t>(examples));
  double loss = 0;
  for (std::size_t e = 0; e < examples; ++e) {
    const std::size_t u = batch.triples[e * 3] * d;
    const std::size_t i = batch.triples[e * 3 + 1] * d;
    const std::size_t o = batch.triples[e * 3 + 2] * d;
    const double wrong = static_cast<double>(dot(&out_[u], &out_[o], d)) -
                         static_cast<double>(dot(&out_[u], &out_[i], d));
    // log(1 + exp(x)) without overflow, and its derivative.
    loss += std::max(wrong, 0.0) + std::log1p(std::exp(-std::abs(wrong)));
    const auto slope = each * static_cast<float>(1.0 / (1.0 + std::exp(-wrong)));
    for (std::size_t k = 0; k < d; ++k) {
      const float user = out_[u + k];
      out_grad_[u + k] += slope * (out_[o + k] - out_[i + k]);
      out_grad_[i + k] -= slope * user;
      out_grad_[o + k] += slope * user;
    }
  }
  return loss / static_cast<double>(std::max<std::size_t>(examples, 1));
}

// Gradient of each inner node: from itself as outer node, and a share from each mean it is in.
// Columns are split among the workers, so that each sum has one order.
void GraphSage::backward_to_hidden(const MiniBatch& batch) {
  const std::size_t h = shape_.hidden;
  hidden_grad_.resize(hidden_.size());
  constexpr std::size_t kCols = 64;
  workers_.run((h + kCols - 1) / kCols, [&](std::size_t piece) {
    const std::size_t from = piece * kCols;
    const std::size_t n = std::min(kCols, h - from);
    for (std::size_t i = 0; i < batch.inner.size(); ++i) {
      std::fill_n(&hidden_grad_[i * h + from], n, 0.0f);
    }
    for (std::size_t i = 0; i < batch.outer.size(); ++i) {
      const float* grad = outer_in_.data() + i * 2 * h + from;
      add_scaled(&hidden_grad_[batch.outer[i] * h + from], grad, n, 1.0f);
      const float share = inverse(batch.outer_begin[i + 1] - batch.outer_begin[i]);
      for (std::uint32_t e = batch.outer_begin[i]; e < batch.outer_begin[i + 1]; ++e) {
        add_scaled(&hidden_grad_[batch.outer_from[e] * h + from], grad + h, n, share);
      }
    }
    for (std::size_t i = 0; i < batch.inner.size(); ++i) {
      for (std::size_t k = i * h + from; k < i * h + from + n; ++k) {
        if (hidden_[k] <= 0) hidden_grad_[k] = 0;
      }
    }
  });
}

double GraphSage::backward(const MiniBatch& batch) {
  const std::size_t f = shape_.features;
  const std::size_t h = shape_.hidden;
  const std::size_t d = shape_.out;
  const std::size_t inner = batch.inner.size();
  const std::size_t outer = batch.outer.size();
  const double loss = loss_and_output_gradient(batch);
  float* w1_grad = gradients_.data();
  float* b1_grad = w1_grad + 2 * f * h;
  float* w2_grad = b1_grad + h;
  float* b2_grad = w2_grad + 2 * h * d;
  multiply({2 * h, d, outer, outer_in_.data(), 1, 2 * h, out_grad_.data(), d, w2_grad, d},
           workers_);
  sum_rows(out_grad_.data(), outer, d, b2_grad);
  transpose(w2(), 2 * h, d, w2_transposed_.data());
  multiply({outer, 2 * h, d, out_grad_.data(), d, 1, w2_transposed_.data(), 2 * h, outer_in_.data(),
            2 * h},
           workers_);
  backward_to_hidden(batch);
  multiply({2 * f, h, inner, inner_in_.data(), 1, 2 * f, hidden_grad_.data(), h, w1_grad, h},
           workers_);
  sum_rows(hidden_grad_.data(), inner, h, b1_grad);
  return loss;
}

void GraphSage::update() {
  ++steps_;
  const double n = static_cast<double>(steps_);
  const auto correct1 = static_cast<float>(1.0 / (1.0 - std::pow(double{adam_.beta1}, n)));
  const auto correct2 = static_cast<float>(1.0 / (1.0 - std::pow(double{adam_.beta2}, n)));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const float g = gradients_[i];
    moment1_[i] = adam_.beta1 * moment1_[i] + (1 - adam_.beta1) * g;
    moment2_[i] = adam_.beta2 * moment2_[i] + (1 - adam_.beta2) * g * g;
    parameters_[i] -=
        adam_.rate * moment1_[i] * correct1 / (std::sqrt(moment2_[i] * correct2) + adam_.epsilon);
  }
}

double GraphSage::step(const MiniBatch& batch) {
  forward(batch);
  const double loss = backward(batch);
  update();
  return loss;
}

void GraphSage::save(Sink& out) const {
  out.value(shape_);
  out.value(steps_);
  out.array(std::span<const float>(parameters_));
  out.array(std::span<const float>(moment1_));
  out.array(std::span<const float>(moment2_));
}

Status GraphSage::load(Source& in) {
  SageShape shape;
  VITRINE_TRY(in.value(shape));
  if (!(shape == shape_)) {
    return Error(ErrorCode::kInvalidArgument, "the saved model has another shape");
  }
  std::uint64_t steps = 0;
  std::vector<float> parts[3];
  VITRINE_TRY(in.value(steps));
  for (auto& part : parts) {
    VITRINE_TRY(in.array(part));
    if (part.size() != parameters_.size()) {
      return Error(ErrorCode::kCorrupt, "the saved model has another number of values");
    }
  }
  steps_ = steps;
  parameters_ = std::move(parts[0]);
  moment1_ = std::move(parts[1]);
  moment2_ = std::move(parts[2]);
  return ok_status();
}

}  // namespace vitrine::train
