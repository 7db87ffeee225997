#include "engine/session/session_model.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "engine/session/blocks.h"
#include "engine/session/trainer.h"
#include "engine/train/gemm.h"

namespace vitrine::session {
namespace {

constexpr float kDeviation = 0.02f;  // of weights before training

Status check(const Shape& s) {
  const bool fits = s.items > 0 && s.width >= 16 && s.width % 16 == 0 && s.width <= 1024 &&
                    s.inner > 0 && s.inner % 32 == 0 && s.inner <= 8192 && s.layers > 0 &&
                    s.layers <= 16 && s.length > 0 && s.length <= 4096;
  if (fits) return ok_status();
  return Error(ErrorCode::kInvalidArgument,
               "a session model has items, a width in multiples of 16 up to 1,024, an inner width "
               "in multiples of 32 up to 8,192, 1 to 16 layers and a length of 1 to 4,096");
}

std::vector<std::uint32_t> usable(const Sequences& sequences) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t s = 0; s < sequences.size(); ++s) {
    if (sequences[s].size() >= 2) out.push_back(s);
  }
  return out;
}

}  // namespace

SessionModel::SessionModel(const Shape& shape)
    : shape_(shape), layout_(shape), weights_(layout_.size) {}

Result<SessionModel> SessionModel::create(const Shape& shape, std::uint64_t seed) {
  VITRINE_TRY(check(shape));
  SessionModel out(shape);
  vec::Random random(seed ^ 0x5E5510A0u);
  const auto draw = [&](std::size_t at, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      out.weights_[at + i] = static_cast<float>(random.normal()) * kDeviation;
    }
  };
  const auto fill = [&](std::size_t at, float value) {
    std::fill_n(out.weights_.begin() + static_cast<std::ptrdiff_t>(at), shape.width, value);
  };
  draw(out.layout_.table, std::size_t{shape.items} * shape.width);
  fill(out.layout_.gain, 1);
  for (const Layout::Layer& at : out.layout_.layers) {
    draw(at.filter, std::size_t{shape.length} * shape.width);
    draw(at.in, std::size_t{shape.width} * shape.inner);
    draw(at.out, std::size_t{shape.inner} * shape.width);
    fill(at.mix_gain, 1);
    fill(at.gain, 1);
  }
  out.transpose_table();
  return out;
}

void SessionModel::transpose_table() {
  table_transposed_.resize(std::size_t{shape_.items} * shape_.width);
  train::transpose(weights_.data() + layout_.table, shape_.items, shape_.width,
                   table_transposed_.data());
}

Result<TrainReport> SessionModel::train(const Sequences& sequences, const TrainOptions& options,
                                        const std::function<double(const SessionModel&)>& validate,
                                        graph::Workers& workers, Progress& progress,
                                        const TrainHooks& hooks) {
  std::vector<std::uint32_t> order = usable(sequences);
  if (order.empty()) {
    return Error(ErrorCode::kInvalidArgument, "no sequence has two events: nothing to learn from");
  }
  SessionTrainer trainer(*this, options, workers);
  vec::Random shuffle(options.seed + 1);
  TrainReport report;
  std::vector<float> best = weights_;
  if (hooks.resume != nullptr) {
    VITRINE_TRY(load_training(*hooks.resume, trainer, shuffle, order, best, report));
  }
  const auto save = [&](Sink& out) { save_training(out, trainer, shuffle, order, best, report); };
  progress.start("session model", options.epochs_max, "epochs");
  Batch batch;
  const auto patient = [&] {
    return report.best_epoch == 0 ||
           report.epochs - report.best_epoch < options.patience * options.validate_every;
  };
  for (std::uint32_t epoch = report.epochs + 1; epoch <= options.epochs_max && patient(); ++epoch) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[shuffle.below(i)]);
    double loss = 0;
    double tokens = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      batch.add(sequences[order[i]], shape_.length);
      if (batch.size() < options.batch && i + 1 < order.size()) continue;
      loss += trainer.step(batch) * static_cast<double>(batch.size());
      tokens += static_cast<double>(batch.size());
      trainer.update();
      batch.clear();
    }
    report.epochs = epoch;
    report.losses.push_back(loss / tokens);
    progress.update(epoch);
    if (epoch % options.validate_every == 0 || epoch == options.epochs_max) {
      transpose_table();
      const double measure = validate(*this);
      report.measures.push_back(measure);
      if (report.best_epoch == 0 || measure > report.best) {
        report.best = measure;
        report.best_epoch = epoch;
        best = weights_;
      }
    }
    if (hooks.after_epoch && !hooks.after_epoch(report, save)) {
      report.ended = true;
      break;
    }
  }
  progress.finish();
  weights_ = std::move(best);
  transpose_table();
  return report;
}

void SessionModel::save_training(Sink& out, const SessionTrainer& trainer,
                                 const vec::Random& shuffle,
                                 const std::vector<std::uint32_t>& order,
                                 const std::vector<float>& best, const TrainReport& report) const {
  out.value<std::uint64_t>(weights_.size());
  out.array(std::span<const float>(weights_));
  out.array(std::span<const float>(best));
  out.array(std::span<const std::uint32_t>(order));
  out.value(shuffle);
  trainer.save(out);
  out.value(report.epochs);
  out.value(report.best_epoch);
  out.value(report.best);
  out.array(std::span<const double>(report.losses));
  out.array(std::span<const double>(report.measures));
}

Status SessionModel::load_training(Source& in, SessionTrainer& trainer, vec::Random& shuffle,
                                   std::vector<std::uint32_t>& order, std::vector<float>& best,
                                   TrainReport& report) {
  std::uint64_t size = 0;
  std::vector<float> weights;
  std::vector<std::uint32_t> old_order;
  VITRINE_TRY(in.value(size));
  VITRINE_TRY(in.array(weights));
  VITRINE_TRY(in.array(best));
  VITRINE_TRY(in.array(old_order));
  VITRINE_TRY(in.value(shuffle));
  VITRINE_TRY(trainer.load(in));
  VITRINE_TRY(in.value(report.epochs));
  VITRINE_TRY(in.value(report.best_epoch));
  VITRINE_TRY(in.value(report.best));
  VITRINE_TRY(in.array(report.losses));
  VITRINE_TRY(in.array(report.measures));
  std::vector<std::uint32_t> sorted = old_order;
  std::sort(sorted.begin(), sorted.end());
  if (weights.size() != weights_.size() || best.size() != weights_.size() || sorted != order) {
    return Error(ErrorCode::kCorrupt, "what is to be resumed is of another training");
  }
  weights_ = std::move(weights);
  order = std::move(old_order);
  return ok_status();
}

void SessionModel::encode(std::span<const std::uint32_t> history, std::span<float> out, Scratch& s,
                          graph::Workers& workers) const {
  const std::size_t d = shape_.width;
  const std::size_t f = shape_.inner;
  VITRINE_CHECK(out.size() == d);
  std::fill(out.begin(), out.end(), 0.0f);
  const std::size_t n = std::min<std::size_t>(history.size(), shape_.length);
  if (n == 0) return;
  history = history.last(n);
  const auto at = [&](std::size_t offset) { return weights_.data() + offset; };
  s.x.resize(n * d);
  s.mixed.resize(n * d);
  s.normal.resize(n * d + n);
  float* inverse = s.normal.data() + n * d;
  s.before.resize(n);
  std::iota(s.before.begin(), s.before.end(), 0u);
  for (std::size_t t = 0; t < n; ++t) std::copy_n(at(std::size_t{history[t]} * d), d, &s.x[t * d]);
  normalise(s.x.data(), n, d, at(layout_.gain), at(layout_.shift), s.normal.data(), inverse,
            s.x.data());
  for (std::size_t l = 0; l < layout_.layers.size(); ++l) {
    const Layout::Layer& w = layout_.layers[l];
    mix(s.x.data(), s.before, d, at(w.filter), s.mixed.data());
    // Of the last layer only the newest event counts.
    const std::size_t first = l + 1 == layout_.layers.size() ? n - 1 : 0;
    const std::size_t rows = n - first;
    float* x = s.x.data() + first * d;
    for (std::size_t j = 0; j < rows * d; ++j) x[j] += s.mixed[first * d + j];
    normalise(x, rows, d, at(w.mix_gain), at(w.mix_shift), s.normal.data(), inverse, x);
    s.inner.resize(rows * f);
    s.slope.resize(rows * f);
    train::multiply({.rows = rows,
                     .cols = f,
                     .inner = d,
                     .a = x,
                     .a_row = d,
                     .b = at(w.in),
                     .b_row = f,
                     .c = s.inner.data(),
                     .c_row = f},
                    workers);
    for (std::size_t t = 0; t < rows; ++t) {
      for (std::size_t j = 0; j < f; ++j) s.inner[t * f + j] += at(w.in_shift)[j];
    }
    gelu(s.inner.data(), rows * f, s.slope.data());
    train::multiply({.rows = rows,
                     .cols = d,
                     .inner = f,
                     .a = s.inner.data(),
                     .a_row = f,
                     .b = at(w.out),
                     .b_row = d,
                     .c = s.mixed.data(),
                     .c_row = d},
                    workers);
    for (std::size_t t = 0; t < rows; ++t) {
      for (std::size_t j = 0; j < d; ++j) x[t * d + j] += s.mixed[t * d + j] + at(w.out_shift)[j];
    }
    normalise(x, rows, d, at(w.gain), at(w.shift), s.normal.data(), inverse, x);
  }
  std::copy_n(&s.x[(n - 1) * d], d, out.begin());
}

void SessionModel::score(std::span<const float> vectors, std::size_t rows,
                         std::vector<float>& scores, graph::Workers& workers) const {
  scores.resize(rows * shape_.items);
  train::multiply({.rows = rows,
                   .cols = shape_.items,
                   .inner = shape_.width,
                   .a = vectors.data(),
                   .a_row = shape_.width,
                   .b = table_transposed_.data(),
                   .b_row = shape_.items,
                   .c = scores.data(),
                   .c_row = shape_.items},
                  workers);
}

double SessionModel::loss_and_gradient(const Sequences& sequences, std::vector<float>& gradient,
                                       graph::Workers& workers) const {
  SessionModel copy = *this;
  TrainOptions options;
  options.dropout = 0;
  SessionTrainer trainer(copy, options, workers);
  Batch batch;
  for (const auto& sequence : sequences) batch.add(sequence, shape_.length);
  const double loss = trainer.step(batch);
  gradient = trainer.gradients();
  return loss;
}

void SessionModel::save(Sink& out) const {
  for (const std::uint32_t v :
       {shape_.items, shape_.width, shape_.inner, shape_.layers, shape_.length}) {
    out.value(v);
  }
  out.array(std::span<const float>(weights_));
}

Result<SessionModel> SessionModel::load(Source& in) {
  Shape shape;
  for (std::uint32_t* v :
       {&shape.items, &shape.width, &shape.inner, &shape.layers, &shape.length}) {
    VITRINE_TRY(in.value(*v));
  }
  VITRINE_TRY(check(shape));
  if (Layout(shape).size > in.remaining() / sizeof(float)) {
    return Error(ErrorCode::kCorrupt, "a session model is longer than what is left");
  }
  SessionModel out(shape);
  std::vector<float> weights;
  VITRINE_TRY(in.array(weights));
  if (weights.size() != out.layout_.size) {
    return Error(ErrorCode::kCorrupt, "a session model whose weights do not fit its shape");
  }
  out.weights_ = std::move(weights);
  out.transpose_table();
  return out;
}

}  // namespace vitrine::session
