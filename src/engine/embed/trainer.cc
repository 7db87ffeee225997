#include "engine/embed/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/spectral/panel.h"
#include "engine/train/gemm.h"
#include "engine/vec/random.h"

namespace vitrine::embed {
namespace {

constexpr std::uint32_t kNowhere = ~0u;
constexpr std::size_t kRowsPart = 256;  // a piece of work for one thread

// Streams of random numbers that do not depend on what was drawn before.
vec::Random random_of(std::uint64_t seed, std::uint64_t epoch, std::uint64_t what) {
  vec::Random mixed(seed ^ (epoch + 1) * 0xD1B54A32D192ED03ull);
  return vec::Random(mixed.next() ^ (what + 1) * 0x8CB92BA72F3D8DD7ull);
}

enum What : std::uint64_t { kOrder = 1ull << 40, kNegatives = 2ull << 40 };

template <class Each>
void in_parts(graph::Workers& workers, std::size_t count, const Each& each) {
  workers.run((count + kRowsPart - 1) / kRowsPart, [&](std::size_t piece) {
    const std::size_t last = std::min(count, (piece + 1) * kRowsPart);
    for (std::size_t n = piece * kRowsPart; n < last; ++n) each(n);
  });
}

std::size_t padded(std::size_t n) { return (n + 31) / 32 * 32; }

}  // namespace

EmbeddingTrainer::EmbeddingTrainer(Embedding& model, const spectral::Interactions& data,
                                   const TrainOptions& options, graph::Workers& workers)
    : model_(model),
      data_(data),
      options_(options),
      workers_(workers),
      kernel_(embed_kernel_for(model.level_)),
      in_mean_(model.in_.size()),
      in_square_(model.in_.size()),
      out_mean_(model.in_.size()),
      out_square_(model.in_.size()),
      candidate_at_(model.items(), kNowhere),
      touched_at_(model.items(), kNowhere) {
  for (std::uint32_t u = 0; u < data.users(); ++u) {
    if (data.items_of(u).size() >= 2) users_.push_back(u);
  }
  const double drawn = std::pow(1 - 1.0 / model.items(), options.negatives);
  const double steps = std::max(1.0, static_cast<double>(users_.size()) / options.batch);
  log_chance_.resize(model.items());
  for (std::uint32_t i = 0; i < model.items(); ++i) {
    const double guessed =
        static_cast<double>(data.users_of(i).size()) * (1 - options.known) / steps;
    log_chance_[i] = static_cast<float>(std::log1p(-drawn * std::exp(-guessed)));
  }
}

void EmbeddingTrainer::split(std::uint32_t user, std::vector<std::uint32_t>& known,
                             std::vector<std::uint32_t>& guessed) const {
  const auto history = data_.items_of(user);
  vec::Random random = random_of(model_.options_.seed, report_.epochs, user);
  known.clear();
  guessed.clear();
  // One of each for certain.
  const std::size_t first = random.below(history.size());
  const std::size_t other = (first + 1 + random.below(history.size() - 1)) % history.size();
  for (std::size_t n = 0; n < history.size(); ++n) {
    const bool drawn = random.uniform() < options_.known;
    (n == first || (n != other && drawn) ? known : guessed).push_back(history[n]);
  }
}

void EmbeddingTrainer::choose_candidates(const Batch& batch,
                                         std::span<const std::uint32_t> negatives) {
  candidates_.clear();
  const auto take = [&](std::uint32_t item) {
    if (candidate_at_[item] != kNowhere) return;
    candidate_at_[item] = static_cast<std::uint32_t>(candidates_.size());
    candidates_.push_back(item);
  };
  for (const auto& items : batch.guessed) {
    for (const std::uint32_t item : items) take(item);
  }
  for (const std::uint32_t item : negatives) take(item);
  add_.assign(padded(candidates_.size()), -1e30f);
  for (std::size_t c = 0; c < candidates_.size(); ++c) add_[c] = -log_chance_[candidates_[c]];
}

void EmbeddingTrainer::forward(const Batch& batch) {
  const std::size_t d = model_.options_.dimensions;
  const std::size_t users = batch.known.size();
  vectors_.resize(users * d);
  lengths_.resize(users);
  in_parts(workers_, users, [&](std::size_t n) {
    float* v = &vectors_[n * d];
    std::fill_n(v, d, 0.0f);
    for (const std::uint32_t item : batch.known[n]) {
      kernel_.add_scaled(v, &model_.in_[std::size_t{item} * d], 1, d);
    }
    float square = 0;
    for (std::size_t j = 0; j < d; ++j) square += v[j] * v[j];
    lengths_[n] = std::max(1e-12f, std::sqrt(square));
    for (std::size_t j = 0; j < d; ++j) v[j] /= lengths_[n];
  });
  const std::size_t stride = add_.size();
  rows_.assign(stride * d, 0.0f);
  in_parts(workers_, candidates_.size(), [&](std::size_t c) {
    std::copy_n(&model_.out_[std::size_t{candidates_[c]} * d], d, &rows_[c * d]);
  });
  turned_.resize(d * stride);
  train::transpose(rows_.data(), stride, d, turned_.data());
  logits_.resize(users * stride);
  train::multiply({.rows = users,
                   .cols = stride,
                   .inner = d,
                   .a = vectors_.data(),
                   .a_row = d,
                   .b = turned_.data(),
                   .b_row = stride,
                   .c = logits_.data(),
                   .c_row = stride},
                  workers_, model_.level_);
}

// logits_ become their slopes: (share of the softmax - share of the guessed items) / users.
double EmbeddingTrainer::loss_and_slopes(const Batch& batch) {
  const std::size_t users = batch.known.size();
  const std::size_t stride = add_.size();
  std::vector<double> losses(users);
  in_parts(workers_, users, [&](std::size_t n) {
    float* row = &logits_[n * stride];
    const auto& guessed = batch.guessed[n];
    double sum = 0;
    for (const std::uint32_t item : guessed) {
      const std::uint32_t c = candidate_at_[item];
      sum += double{row[c]} + double{add_[c]};
    }
    const double each = 1 / static_cast<double>(guessed.size());
    losses[n] = kernel_.softmax(row, add_.data(), stride) - sum * each;
    const float scale = 1 / static_cast<float>(users);
    for (std::size_t c = 0; c < stride; ++c) row[c] *= scale;
    for (const std::uint32_t item : guessed) {
      row[candidate_at_[item]] -= scale * static_cast<float>(each);
    }
  });
  double loss = 0;
  for (const double one : losses) loss += one;
  return loss / static_cast<double>(users);
}

void EmbeddingTrainer::backward(const Batch& batch) {
  const std::size_t d = model_.options_.dimensions;
  const std::size_t users = batch.known.size();
  const std::size_t stride = add_.size();
  vector_grad_.resize(users * d);
  train::multiply({.rows = users,
                   .cols = d,
                   .inner = stride,
                   .a = logits_.data(),
                   .a_row = stride,
                   .b = rows_.data(),
                   .b_row = d,
                   .c = vector_grad_.data(),
                   .c_row = d},
                  workers_, model_.level_);
  out_grad_.resize(stride * d);
  train::multiply({.rows = stride,
                   .cols = d,
                   .inner = users,
                   .a = logits_.data(),
                   .a_row = 1,
                   .a_col = stride,
                   .b = vectors_.data(),
                   .b_row = d,
                   .c = out_grad_.data(),
                   .c_row = d},
                  workers_, model_.level_);
  // Through the division by the length: what points along the vector has no effect.
  in_parts(workers_, users, [&](std::size_t n) {
    float* g = &vector_grad_[n * d];
    const float* v = &vectors_[n * d];
    float along = 0;
    for (std::size_t j = 0; j < d; ++j) along += g[j] * v[j];
    for (std::size_t j = 0; j < d; ++j) g[j] = (g[j] - along * v[j]) / lengths_[n];
  });
  touched_.clear();
  for (const auto& items : batch.known) {
    for (const std::uint32_t item : items) {
      if (touched_at_[item] != kNowhere) continue;
      touched_at_[item] = static_cast<std::uint32_t>(touched_.size());
      touched_.push_back(item);
    }
  }
  in_grad_.assign(touched_.size() * d, 0.0f);
  for (std::size_t n = 0; n < users; ++n) {
    for (const std::uint32_t item : batch.known[n]) {
      kernel_.add_scaled(&in_grad_[touched_at_[item] * d], &vector_grad_[n * d], 1, d);
    }
  }
  for (const std::uint32_t item : touched_) touched_at_[item] = kNowhere;
  for (const std::uint32_t item : candidates_) candidate_at_[item] = kNowhere;
}

double EmbeddingTrainer::step(const Batch& batch, std::span<const std::uint32_t> negatives) {
  choose_candidates(batch, negatives);
  forward(batch);
  const double loss = loss_and_slopes(batch);
  backward(batch);
  return loss;
}

void EmbeddingTrainer::update() {
  ++steps_;
  const std::size_t d = model_.options_.dimensions;
  const auto n = static_cast<double>(steps_);
  const auto rate = static_cast<float>(options_.rate * std::sqrt(1 - std::pow(0.999, n)) /
                                       (1 - std::pow(0.9, n)));
  in_parts(workers_, touched_.size(), [&](std::size_t t) {
    const std::size_t at = std::size_t{touched_[t]} * d;
    kernel_.adam(&model_.in_[at], &in_mean_[at], &in_square_[at], &in_grad_[t * d], d, rate);
  });
  const auto out_rate = rate * static_cast<float>(model_.options_.sharpness);
  in_parts(workers_, candidates_.size(), [&](std::size_t c) {
    const std::size_t at = std::size_t{candidates_[c]} * d;
    kernel_.adam(&model_.out_[at], &out_mean_[at], &out_square_[at], &out_grad_[c * d], d,
                 out_rate);
  });
}

double EmbeddingTrainer::epoch(Progress& progress) {
  std::vector<std::uint32_t> order = users_;
  vec::Random random = random_of(model_.options_.seed, report_.epochs, kOrder);
  for (std::size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[random.below(n)]);
  vec::Random others = random_of(model_.options_.seed, report_.epochs, kNegatives);
  std::vector<std::uint32_t> negatives(options_.negatives);
  Batch batch;
  double loss = 0;
  for (std::size_t first = 0; first < order.size(); first += options_.batch) {
    const std::size_t users = std::min<std::size_t>(options_.batch, order.size() - first);
    batch.known.resize(users);
    batch.guessed.resize(users);
    in_parts(workers_, users,
             [&](std::size_t n) { split(order[first + n], batch.known[n], batch.guessed[n]); });
    for (std::uint32_t& item : negatives) {
      item = static_cast<std::uint32_t>(others.below(model_.items()));
    }
    loss += step(batch, negatives) * static_cast<double>(users);
    update();
    progress.update(first + users);
  }
  return loss / static_cast<double>(std::max<std::size_t>(1, order.size()));
}

// The model with the propagation applied.
Embedding EmbeddingTrainer::exported() const {
  Embedding out = model_;
  if (options_.hop == 0) return out;
  std::vector<float> hop(out.out_.size()), between;
  spectral::NormalisedGraph(data_, model_.level_)
      .apply(out.out_.data(), model_.options_.dimensions, hop.data(), between, workers_);
  kernel_.add_scaled(out.out_.data(), hop.data(), static_cast<float>(options_.hop), hop.size());
  return out;
}

void EmbeddingTrainer::validate_now(const std::function<double(const Embedding&)>& validate) {
  Embedding now = exported();
  const double measure = validate(now);
  report_.measures.push_back(measure);
  if (report_.measures.size() > 1 && measure <= report_.best) {
    ++stale_;
    return;
  }
  stale_ = 0;
  report_.best = measure;
  report_.best_epoch = report_.epochs;
  best_in_ = std::move(now.in_);
  best_out_ = std::move(now.out_);
}

Result<TrainReport> EmbeddingTrainer::run(const std::function<double(const Embedding&)>& validate,
                                          Progress& progress, const TrainHooks& hooks) {
  VITRINE_TRY(load_checkpoint());
  if (hooks.resume != nullptr) VITRINE_TRY(load_state(*hooks.resume, "a checkpoint"));
  if (validate && report_.measures.empty()) validate_now(validate);
  while (report_.epochs < options_.epochs_max && stale_ < options_.patience && !users_.empty()) {
    char said[64] = "";
    if (!report_.losses.empty()) {
      std::snprintf(said, sizeof said, " (loss %.4f, best %.4f)", report_.losses.back(),
                    report_.best);
    }
    progress.start("embedding, epoch " + std::to_string(report_.epochs + 1) + " of at most " +
                       std::to_string(options_.epochs_max) + said,
                   users_.size(), "users");
    const double loss = epoch(progress);
    progress.finish();
    report_.losses.push_back(loss);
    ++report_.epochs;
    const bool due =
        report_.epochs % options_.validate_every == 0 || report_.epochs == options_.epochs_max;
    if (validate && due) validate_now(validate);
    if (report_.epochs % options_.checkpoint_epochs == 0) VITRINE_TRY(save_checkpoint());
    report_.ended =
        hooks.after_epoch && !hooks.after_epoch(report_, [this](Sink& out) { save_state(out); });
    if (report_.ended) return report_;
  }
  if (validate) {
    model_.in_ = std::move(best_in_);
    model_.out_ = std::move(best_out_);
  } else {
    model_ = exported();
    report_.best_epoch = report_.epochs;
  }
  VITRINE_TRY(remove_checkpoint());
  return report_;
}

}  // namespace vitrine::embed
