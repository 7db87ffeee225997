// The embedding of engine/embed as a scorer, alone and with vectors of content for items that
// nobody has turned to.
#pragma once

#include <optional>

#include "engine/embed/content_projection.h"
#include "engine/embed/embedding.h"
#include "tool/train/model_scorers.h"

namespace vitrine::train_tool {

struct EmbeddingSettings {
  embed::EmbeddingOptions start;
  embed::TrainOptions train;  // epochs_max 0: the start alone
  // Training stops by what is cut from the train part: a fifth of the items of every so many'th
  // user, which are not learned from.
  std::uint32_t validation_every = 15;
  std::size_t k = 20;  // of the NDCG that decides
};

class EmbeddingScorer final : public DenseScorer {
 public:
  EmbeddingScorer(const EmbeddingSettings& settings, const Means& means)
      : settings_(settings), means_(means) {}
  std::string name() const override { return "embedding"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  std::size_t batch() const override { return 64; }
  void score(std::span<const Case> cases, DenseScores& out) override;

  const embed::Embedding& model() const { return *model_; }
  const embed::TrainReport& report() const { return report_; }

 private:
  EmbeddingSettings settings_;
  Means means_;
  std::optional<embed::Embedding> model_;
  embed::TrainReport report_;
  std::vector<float> turned_;  // dimensions x items
};

// Ranks cold items alone, by the product of their content's vector with the visitor's.
class ContentScorer final : public DenseScorer {
 public:
  // `content` by item; what `cold` has a 1 for is ranked, and must not be in the train part.
  ContentScorer(const EmbeddingSettings& settings, double ridge, const embed::Features& content,
                std::uint32_t features, const Mask& cold, const Means& means)
      : settings_(settings),
        ridge_(ridge),
        content_(content),
        features_(features),
        cold_(cold),
        means_(means) {}
  std::string name() const override { return "content"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  std::size_t batch() const override { return 64; }
  void score(std::span<const Case> cases, DenseScores& out) override;

 private:
  EmbeddingSettings settings_;
  double ridge_;
  const embed::Features& content_;
  std::uint32_t features_;
  const Mask& cold_;
  Means means_;
  std::optional<EmbeddingScorer> warm_;
  std::vector<float> turned_;  // dimensions x items, zero for warm ones
};

}  // namespace vitrine::train_tool
