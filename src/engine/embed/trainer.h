// One training run of an embedding: splits, steps, Adam, checkpoints. Used by Embedding.
#pragma once

#include <string>
#include <vector>

#include "engine/embed/embedding.h"
#include "engine/embed/internal/embed_kernel.h"

namespace vitrine::embed {

EmbedKernel embed_kernel_for(simd::Level level);

class EmbeddingTrainer {
 public:
  EmbeddingTrainer(Embedding& model, const spectral::Interactions& data,
                   const TrainOptions& options, graph::Workers& workers);

  Result<TrainReport> run(const std::function<double(const Embedding&)>& validate,
                          Progress& progress, const TrainHooks& hooks);

  // For tests: a step's users, the histories' known and guessed parts, what goes into the softmax
  // besides the guessed items. step() returns the loss; gradients by row of touched items.
  struct Batch {
    std::vector<std::vector<std::uint32_t>> known, guessed;
  };
  double step(const Batch& batch, std::span<const std::uint32_t> negatives);
  std::span<const std::uint32_t> candidates() const { return candidates_; }
  std::span<const float> candidate_gradients() const { return out_grad_; }
  std::span<const std::uint32_t> touched() const { return touched_; }
  std::span<const float> touched_gradients() const { return in_grad_; }
  // What the logit of an item is lowered by: the logarithm of the chance to be in a step.
  double log_chance(std::uint32_t item) const { return log_chance_[item]; }

 private:
  double epoch(Progress& progress);
  void split(std::uint32_t user, std::vector<std::uint32_t>& known,
             std::vector<std::uint32_t>& guessed) const;
  void choose_candidates(const Batch& batch, std::span<const std::uint32_t> negatives);
  void forward(const Batch& batch);
  double loss_and_slopes(const Batch& batch);
  void backward(const Batch& batch);
  void update();
  Embedding exported() const;
  void validate_now(const std::function<double(const Embedding&)>& validate);
  void save_state(Sink& out) const;
  Status load_state(Source& in, const std::string& name);
  std::uint64_t fingerprint() const;
  Status save_checkpoint() const;
  Status load_checkpoint();
  Status remove_checkpoint() const;

  Embedding& model_;
  const spectral::Interactions& data_;
  TrainOptions options_;
  graph::Workers& workers_;
  EmbedKernel kernel_;
  std::vector<std::uint32_t> users_;  // with two items or more
  std::vector<float> log_chance_;

  // What a checkpoint holds.
  TrainReport report_;
  std::uint64_t steps_ = 0;
  std::uint32_t stale_ = 0;  // validations without a better value
  std::vector<float> in_mean_, in_square_, out_mean_, out_square_;
  std::vector<float> best_in_, best_out_;

  // Of a step.
  std::vector<std::uint32_t> candidates_, touched_;
  std::vector<std::uint32_t> candidate_at_, touched_at_;  // by item, or kNowhere
  std::vector<float> vectors_, lengths_, vector_grad_;
  std::vector<float> rows_, turned_, add_, logits_, out_grad_, in_grad_;
};

}  // namespace vitrine::embed
