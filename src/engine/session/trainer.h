// One training run of a session model: batches, forward, backward, Adam. Used by SessionModel.
#pragma once

#include <vector>

#include "engine/session/session_model.h"
#include "engine/vec/random.h"

namespace vitrine::session {

// Sequences laid end to end. Token n is item inputs[n], preceded by before[n] of its sequence, and
// is to be followed by targets[n].
struct Batch {
  std::vector<std::uint32_t> inputs, before, targets;
  std::size_t size() const { return inputs.size(); }
  void add(std::span<const std::uint32_t> sequence, std::size_t length_max);
  void clear();
};

class SessionTrainer {
 public:
  SessionTrainer(SessionModel& model, const TrainOptions& options, graph::Workers& workers);
  // Forward and backward of one batch; the loss. Gradients are set to zero first.
  double step(const Batch& batch);
  void update();  // one step of Adam on the gradients
  std::vector<float>& gradients() { return gradients_; }
  // What the next step depends on beside the model's weights.
  void save(Sink& out) const;
  Status load(Source& in);

 private:
  struct LayerState {
    std::vector<float> input, mix_mask, mix_normal, mix_inverse, middle, inner, slope, out_mask,
        normal, inverse;
  };
  void forward(const Batch& batch);
  void layer_forward(const Batch& batch, std::size_t layer);
  void choose_candidates(const Batch& batch);
  double output(const Batch& batch);  // loss; leaves the gradient of the last rows in grad_
  void layer_backward(const Batch& batch, std::size_t layer);
  void backward(const Batch& batch);
  const float* weight(std::size_t at) const { return model_.weights_.data() + at; }
  float* gradient(std::size_t at) { return gradients_.data() + at; }

  SessionModel& model_;
  TrainOptions options_;
  graph::Workers& workers_;
  vec::Random random_;
  std::vector<float> gradients_, moment1_, moment2_;
  std::uint64_t steps_ = 0;

  std::vector<float> x_, grad_, other_, wide_, small_, turned_;
  std::vector<float> first_normal_, first_inverse_, first_mask_;
  std::vector<LayerState> layers_;
  std::vector<std::uint32_t> candidates_, place_, wanted_;
  std::size_t certain_ = 0;  // candidates that are there for sure: the batch's targets
  std::vector<float> rows_, rows_turned_, logits_, rows_grad_;
};

}  // namespace vitrine::session
