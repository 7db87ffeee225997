#include "engine/session/trainer.h"

#include <algorithm>
#include <cmath>

#include "engine/session/blocks.h"
#include "engine/train/gemm.h"

namespace vitrine::session {
namespace {

constexpr std::size_t kLane = 32;  // products are fastest with whole lanes of columns

std::size_t padded(std::size_t n) { return (n + kLane - 1) / kLane * kLane; }

void add_rows(const float* x, std::size_t rows, std::size_t width, float* sum) {
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t j = 0; j < width; ++j) sum[j] += x[n * width + j];
  }
}

void add(float* to, const float* from, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
}

void multiply_each(float* to, const float* by, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] *= by[i];
}

}  // namespace

void Batch::clear() {
  inputs.clear();
  before.clear();
  targets.clear();
}

void Batch::add(std::span<const std::uint32_t> sequence, std::size_t length_max) {
  if (sequence.size() < 2) return;
  const std::size_t inputs_here = std::min(sequence.size() - 1, length_max);
  const std::size_t first = sequence.size() - 1 - inputs_here;
  for (std::size_t n = 0; n < inputs_here; ++n) {
    inputs.push_back(sequence[first + n]);
    targets.push_back(sequence[first + n + 1]);
    before.push_back(static_cast<std::uint32_t>(n));
  }
}

SessionTrainer::SessionTrainer(SessionModel& model, const TrainOptions& options,
                               graph::Workers& workers)
    : model_(model),
      options_(options),
      workers_(workers),
      random_(options.seed),
      gradients_(model.layout_.size),
      moment1_(model.layout_.size),
      moment2_(model.layout_.size),
      layers_(model.shape_.layers),
      place_(model.shape_.items, ~0u) {}

void SessionTrainer::forward(const Batch& batch) {
  const Layout& at = model_.layout_;
  const std::size_t d = model_.shape_.width;
  const std::size_t n = batch.size();
  x_.resize(n * d);
  for (std::size_t t = 0; t < n; ++t) {
    std::copy_n(weight(at.table + std::size_t{batch.inputs[t]} * d), d, &x_[t * d]);
  }
  first_normal_.resize(n * d);
  first_inverse_.resize(n);
  normalise(x_.data(), n, d, weight(at.gain), weight(at.shift), first_normal_.data(),
            first_inverse_.data(), x_.data());
  first_mask_.resize(n * d);
  draw_mask(random_, options_.dropout, n * d, first_mask_.data());
  multiply_each(x_.data(), first_mask_.data(), n * d);
  for (std::size_t l = 0; l < layers_.size(); ++l) layer_forward(batch, l);
}

void SessionTrainer::layer_forward(const Batch& batch, std::size_t layer) {
  const Layout::Layer& at = model_.layout_.layers[layer];
  LayerState& s = layers_[layer];
  const std::size_t d = model_.shape_.width;
  const std::size_t f = model_.shape_.inner;
  const std::size_t n = batch.size();
  s.input = x_;
  other_.resize(n * d);
  mix(x_.data(), batch.before, d, weight(at.filter), other_.data());
  s.mix_mask.resize(n * d);
  draw_mask(random_, options_.dropout, n * d, s.mix_mask.data());
  multiply_each(other_.data(), s.mix_mask.data(), n * d);
  add(other_.data(), s.input.data(), n * d);
  s.mix_normal.resize(n * d);
  s.mix_inverse.resize(n);
  s.middle.resize(n * d);
  normalise(other_.data(), n, d, weight(at.mix_gain), weight(at.mix_shift), s.mix_normal.data(),
            s.mix_inverse.data(), s.middle.data());
  s.inner.resize(n * f);
  s.slope.resize(n * f);
  train::multiply({.rows = n,
                   .cols = f,
                   .inner = d,
                   .a = s.middle.data(),
                   .a_row = d,
                   .b = weight(at.in),
                   .b_row = f,
                   .c = s.inner.data(),
                   .c_row = f},
                  workers_);
  for (std::size_t t = 0; t < n; ++t) add(&s.inner[t * f], weight(at.in_shift), f);
  gelu(s.inner.data(), n * f, s.slope.data());
  train::multiply({.rows = n,
                   .cols = d,
                   .inner = f,
                   .a = s.inner.data(),
                   .a_row = f,
                   .b = weight(at.out),
                   .b_row = d,
                   .c = x_.data(),
                   .c_row = d},
                  workers_);
  for (std::size_t t = 0; t < n; ++t) add(&x_[t * d], weight(at.out_shift), d);
  s.out_mask.resize(n * d);
  draw_mask(random_, options_.dropout, n * d, s.out_mask.data());
  multiply_each(x_.data(), s.out_mask.data(), n * d);
  add(x_.data(), s.middle.data(), n * d);
  s.normal.resize(n * d);
  s.inverse.resize(n);
  normalise(x_.data(), n, d, weight(at.gain), weight(at.shift), s.normal.data(), s.inverse.data(),
            x_.data());
}

// The batch's targets, each once, then a sample of the others, or all of them.
void SessionTrainer::choose_candidates(const Batch& batch) {
  const std::uint32_t items = model_.shape_.items;
  candidates_.clear();
  wanted_.clear();
  for (const std::uint32_t item : batch.targets) {
    if (place_[item] == ~0u) {
      place_[item] = static_cast<std::uint32_t>(candidates_.size());
      candidates_.push_back(item);
    }
    wanted_.push_back(place_[item]);
  }
  certain_ = candidates_.size();
  const std::size_t others = items - certain_;
  if (options_.negatives == 0 || options_.negatives >= others) {
    for (std::uint32_t item = 0; item < items; ++item) {
      if (place_[item] == ~0u) candidates_.push_back(item);
    }
    for (std::size_t c = 0; c < certain_; ++c) place_[candidates_[c]] = ~0u;
    certain_ = candidates_.size();
    return;
  }
  while (candidates_.size() < certain_ + options_.negatives) {
    const auto item = static_cast<std::uint32_t>(random_.below(items));
    if (place_[item] != ~0u) continue;
    place_[item] = 0;
    candidates_.push_back(item);
  }
  for (const std::uint32_t item : candidates_) place_[item] = ~0u;
}

double SessionTrainer::output(const Batch& batch) {
  choose_candidates(batch);
  const Layout& at = model_.layout_;
  const std::size_t d = model_.shape_.width;
  const std::size_t n = batch.size();
  const std::size_t count = candidates_.size();
  const std::size_t cols = padded(count);
  // Rows a power of two apart would share a few lines of the first-level cache.
  const std::size_t stride = cols + 16;
  rows_.resize(stride * d);
  for (std::size_t c = 0; c < count; ++c) {
    std::copy_n(weight(at.table + std::size_t{candidates_[c]} * d), d, &rows_[c * d]);
  }
  std::fill(rows_.begin() + static_cast<std::ptrdiff_t>(count * d), rows_.end(), 0.0f);
  rows_turned_.resize(stride * d);
  train::transpose(rows_.data(), stride, d, rows_turned_.data());
  logits_.resize(n * stride);
  train::multiply({.rows = n,
                   .cols = cols,
                   .inner = d,
                   .a = x_.data(),
                   .a_row = d,
                   .b = rows_turned_.data(),
                   .b_row = stride,
                   .c = logits_.data(),
                   .c_row = stride},
                  workers_);
  if (certain_ < count) {
    const auto each =
        static_cast<float>(std::log(static_cast<double>(model_.shape_.items - certain_) /
                                    static_cast<double>(count - certain_)));
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t c = certain_; c < count; ++c) logits_[t * stride + c] += each;
    }
  }
  const double loss = softmax_loss(logits_.data(), n, count, stride, wanted_.data());
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t c = count; c < cols; ++c) logits_[t * stride + c] = 0;
  }
  grad_.resize(n * d);
  train::multiply({.rows = n,
                   .cols = d,
                   .inner = cols,
                   .a = logits_.data(),
                   .a_row = stride,
                   .b = rows_.data(),
                   .b_row = d,
                   .c = grad_.data(),
                   .c_row = d},
                  workers_);
  rows_grad_.resize(cols * d);
  train::multiply({.rows = cols,
                   .cols = d,
                   .inner = n,
                   .a = logits_.data(),
                   .a_row = 1,
                   .a_col = stride,
                   .b = x_.data(),
                   .b_row = d,
                   .c = rows_grad_.data(),
                   .c_row = d},
                  workers_);
  for (std::size_t c = 0; c < count; ++c) {
    add(gradient(at.table + std::size_t{candidates_[c]} * d), &rows_grad_[c * d], d);
  }
  return loss;
}

// grad_ is that of the layer's output and becomes that of its input.
void SessionTrainer::layer_backward(const Batch& batch, std::size_t layer) {
  const Layout::Layer& at = model_.layout_.layers[layer];
  LayerState& s = layers_[layer];
  const std::size_t d = model_.shape_.width;
  const std::size_t f = model_.shape_.inner;
  const std::size_t n = batch.size();
  normalise_back(grad_.data(), n, d, weight(at.gain), s.normal.data(), s.inverse.data(),
                 gradient(at.gain), gradient(at.shift));
  // Through the feed-forward part; what goes around it stays in grad_.
  other_ = grad_;
  multiply_each(other_.data(), s.out_mask.data(), n * d);
  add_rows(other_.data(), n, d, gradient(at.out_shift));
  small_.resize(f * d);
  train::multiply({.rows = f,
                   .cols = d,
                   .inner = n,
                   .a = s.inner.data(),
                   .a_row = 1,
                   .a_col = f,
                   .b = other_.data(),
                   .b_row = d,
                   .c = small_.data(),
                   .c_row = d},
                  workers_);
  add(gradient(at.out), small_.data(), f * d);
  turned_.resize(f * d);
  train::transpose(weight(at.out), f, d, turned_.data());
  wide_.resize(n * f);
  train::multiply({.rows = n,
                   .cols = f,
                   .inner = d,
                   .a = other_.data(),
                   .a_row = d,
                   .b = turned_.data(),
                   .b_row = f,
                   .c = wide_.data(),
                   .c_row = f},
                  workers_);
  multiply_each(wide_.data(), s.slope.data(), n * f);
  add_rows(wide_.data(), n, f, gradient(at.in_shift));
  train::multiply({.rows = d,
                   .cols = f,
                   .inner = n,
                   .a = s.middle.data(),
                   .a_row = 1,
                   .a_col = d,
                   .b = wide_.data(),
                   .b_row = f,
                   .c = small_.data(),
                   .c_row = f},
                  workers_);
  add(gradient(at.in), small_.data(), f * d);
  train::transpose(weight(at.in), d, f, turned_.data());
  train::multiply({.rows = n,
                   .cols = d,
                   .inner = f,
                   .a = wide_.data(),
                   .a_row = f,
                   .b = turned_.data(),
                   .b_row = d,
                   .c = other_.data(),
                   .c_row = d},
                  workers_);
  add(grad_.data(), other_.data(), n * d);
  normalise_back(grad_.data(), n, d, weight(at.mix_gain), s.mix_normal.data(), s.mix_inverse.data(),
                 gradient(at.mix_gain), gradient(at.mix_shift));
  other_ = grad_;
  multiply_each(other_.data(), s.mix_mask.data(), n * d);
  wide_.resize(n * d);
  mix_back(other_.data(), s.input.data(), batch.before, d, weight(at.filter), gradient(at.filter),
           wide_.data());
  add(grad_.data(), wide_.data(), n * d);
}

void SessionTrainer::backward(const Batch& batch) {
  for (std::size_t l = layers_.size(); l-- > 0;) layer_backward(batch, l);
  const Layout& at = model_.layout_;
  const std::size_t d = model_.shape_.width;
  const std::size_t n = batch.size();
  multiply_each(grad_.data(), first_mask_.data(), n * d);
  normalise_back(grad_.data(), n, d, weight(at.gain), first_normal_.data(), first_inverse_.data(),
                 gradient(at.gain), gradient(at.shift));
  for (std::size_t t = 0; t < n; ++t) {
    add(gradient(at.table + std::size_t{batch.inputs[t]} * d), &grad_[t * d], d);
  }
}

double SessionTrainer::step(const Batch& batch) {
  std::fill(gradients_.begin(), gradients_.end(), 0.0f);
  forward(batch);
  const double loss = output(batch);
  backward(batch);
  return loss;
}

void SessionTrainer::update() {
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  ++steps_;
  const auto steps = static_cast<double>(steps_);
  const auto rate = static_cast<float>(options_.rate * std::sqrt(1 - std::pow(kBeta2, steps)) /
                                       (1 - std::pow(kBeta1, steps)));
  float* w = model_.weights_.data();
  const std::size_t n = model_.weights_.size();
  for (std::size_t i = 0; i < n; ++i) {
    const float g = gradients_[i];
    moment1_[i] = kBeta1 * moment1_[i] + (1 - kBeta1) * g;
    moment2_[i] = kBeta2 * moment2_[i] + (1 - kBeta2) * g * g;
    w[i] -= rate * moment1_[i] / (std::sqrt(moment2_[i]) + kEpsilon);
  }
}

void SessionTrainer::save(Sink& out) const {
  out.value(random_);
  out.value(steps_);
  out.array(std::span<const float>(moment1_));
  out.array(std::span<const float>(moment2_));
}

Status SessionTrainer::load(Source& in) {
  std::vector<float> moment1, moment2;
  VITRINE_TRY(in.value(random_));
  VITRINE_TRY(in.value(steps_));
  VITRINE_TRY(in.array(moment1));
  VITRINE_TRY(in.array(moment2));
  if (moment1.size() != moment1_.size() || moment2.size() != moment2_.size()) {
    return Error(ErrorCode::kCorrupt, "what is to be resumed is of another training");
  }
  moment1_ = std::move(moment1);
  moment2_ = std::move(moment2);
  return ok_status();
}

}  // namespace vitrine::session
