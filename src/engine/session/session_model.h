// What comes next in a session: a small sequence model without attention, trained with a softmax
// over the catalog.
//
//   x = norm(E[item])                              one row for each event of the history
//   twice:  x = norm(x + mix(x)),  x = norm(x + gelu(x W + b) W' + b')
//   score of item i after the last event = x_last . E[i]
//
// mix is a learned filter for each of the `width` values along the history (a convolution with the
// past, as long as the history: the causal form of the filters of Zhou et al., "Filter-enhanced MLP
// is All You Need for Sequential Recommendation", WWW 2022). Because it looks back only, one pass
// trains every prefix of a sequence. Dropout after the first norm, mix and feed-forward.
//
// Loss: cross-entropy over all items, or over the batch's targets and a uniform sample of the
// others, each of which then stands for others / sample items (an unbiased estimate of the
// softmax's denominator). Adam. Backward is written by hand and checked against differences.
//
// Same data, options and seed: same bits, whatever the number of workers. Memory: 4 x parameters
// and (batch x (sample + targets)) floats while training; parameters and a transposed item table
// while serving. Nothing belongs to a user: a new visitor is served from the first event.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/graph/workers.h"
#include "engine/session/parameters.h"

namespace vitrine::vec {
class Random;
}

namespace vitrine::session {

class SessionTrainer;

using Sequences = std::vector<std::vector<std::uint32_t>>;  // of items, oldest first

struct TrainOptions {
  std::uint32_t batch = 512;    // targets of a step, about
  std::uint32_t negatives = 0;  // 0: the softmax goes over all items
  float dropout = 0.5f;
  float rate = 1e-3f;  // of Adam
  std::uint32_t epochs_max = 60;
  // Ends after so many epochs without a better value of `validate`; the best epoch's weights stay.
  std::uint32_t patience = 5;
  std::uint32_t validate_every = 1;  // epochs
  std::uint64_t seed = 1;
};

struct TrainReport {
  bool ended = false;  // by TrainHooks::after_epoch
  std::uint32_t epochs = 0;
  std::uint32_t best_epoch = 0;
  double best = 0;               // of validate
  std::vector<double> losses;    // by epoch
  std::vector<double> measures;  // by validation
};

// For whoever watches a training, and to go on with one that was ended.
struct TrainHooks {
  // After each epoch and its validation. `save` writes all that training goes on from: the same
  // sequences and options then give the same model as without an interruption. False ends it.
  std::function<bool(const TrainReport& so_far, const std::function<void(Sink&)>& save)>
      after_epoch;
  Source* resume = nullptr;  // what `save` wrote; null: from the start
};

class SessionModel {
 public:
  // Weights from `seed`, normal with deviation 0.02.
  // kInvalidArgument for a width, inner width or length that does not fit.
  static Result<SessionModel> create(const Shape& shape, std::uint64_t seed);

  // Learns to tell each event of a sequence from those before it. `validate` (larger is better)
  // decides when to stop. kInvalidArgument where no sequence has two events; kCorrupt where what is
  // to be resumed is another training's.
  Result<TrainReport> train(const Sequences& sequences, const TrainOptions& options,
                            const std::function<double(const SessionModel&)>& validate,
                            graph::Workers& workers, Progress& progress = no_progress(),
                            const TrainHooks& hooks = {});

  // Scratch of one thread that asks.
  struct Scratch {
    std::vector<float> x, mixed, inner, normal, slope;
    std::vector<std::uint32_t> before;
  };
  // The vector after the newest event; at most `length` newest ones count. An empty history gives
  // zeros.
  void encode(std::span<const std::uint32_t> history, std::span<float> out, Scratch& scratch,
              graph::Workers& workers) const;
  // scores[r * items + i] = vectors[r] . E[i], for `rows` vectors.
  void score(std::span<const float> vectors, std::size_t rows, std::vector<float>& scores,
             graph::Workers& workers) const;

  const Shape& shape() const { return shape_; }
  std::span<const float> item_vectors() const {
    return {weights_.data(), std::size_t{shape_.items} * shape_.width};
  }
  void save(Sink& out) const;
  static Result<SessionModel> load(Source& in);

  // For tests: the loss of one batch of sequences without dropout and over all items, and its
  // gradient by every parameter.
  double loss_and_gradient(const Sequences& sequences, std::vector<float>& gradient,
                           graph::Workers& workers) const;
  std::span<float> parameters() { return weights_; }

 private:
  friend class SessionTrainer;
  explicit SessionModel(const Shape& shape);
  void transpose_table();
  void save_training(Sink& out, const SessionTrainer& trainer, const vec::Random& shuffle,
                     const std::vector<std::uint32_t>& order, const std::vector<float>& best,
                     const TrainReport& report) const;
  Status load_training(Source& in, SessionTrainer& trainer, vec::Random& shuffle,
                       std::vector<std::uint32_t>& order, std::vector<float>& best,
                       TrainReport& report);

  Shape shape_;
  Layout layout_;
  std::vector<float> weights_;
  std::vector<float> table_transposed_;  // width x items
};

}  // namespace vitrine::session
