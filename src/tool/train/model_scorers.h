// The models of engine/spectral, engine/factor and engine/session as scorers: learned from a
// split's train part, asked with a case's history only. None keeps anything of a case's user.
#pragma once

#include <memory>
#include <optional>

#include "engine/factor/ials.h"
#include "engine/session/session_model.h"
#include "engine/spectral/ease.h"
#include "engine/spectral/item_filter.h"
#include "service/evaluate/covisit_scorer.h"
#include "tool/train/dense_scorer.h"

namespace vitrine::train_tool {

// What all of them work with. Lives longer than the scorers.
struct Means {
  graph::Workers& workers;
  Progress& progress;
};

// Who turned to what, each pair once.
spectral::Interactions interactions_of(std::span<const Interaction> train, std::uint32_t items);
// By user, in the order of the log; users without any are left out.
session::Sequences sequences_of(std::span<const Interaction> train);

// Errors of fitting (too large a catalog, say) end the program with their message: a benchmark has
// no other use for them.
class FilterScorer final : public DenseScorer {
 public:
  FilterScorer(const spectral::FilterOptions& options, const Means& means)
      : options_(options), means_(means) {}
  std::string name() const override { return "item filter"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  std::size_t batch() const override { return spectral::ItemFilter::kBatch; }
  void score(std::span<const Case> cases, DenseScores& out) override;

 private:
  spectral::FilterOptions options_;
  Means means_;
  spectral::Interactions data_;
  std::optional<spectral::ItemFilter> filter_;
  spectral::ItemFilter::Scratch scratch_;
};

class EaseScorer final : public DenseScorer {
 public:
  EaseScorer(const spectral::EaseOptions& options, const Means& means)
      : options_(options), means_(means) {}
  std::string name() const override { return "EASE"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  std::size_t batch() const override { return 1; }
  void score(std::span<const Case> cases, DenseScores& out) override;

 private:
  spectral::EaseOptions options_;
  Means means_;
  std::optional<spectral::Ease> ease_;
};

struct IalsSettings {
  factor::IalsOptions ials;
  std::uint32_t epochs = 10;
  // Weight of one hop over the item graph, added to the item vectors when they are exported: for
  // asking only, users are folded in with the trained ones.
  double hop = 0;
  // Exported item vectors are multiplied by this power of the item's number of users.
  double degree_power = 0;
};

class IalsScorer final : public DenseScorer {
 public:
  IalsScorer(const IalsSettings& options, const Means& means) : options_(options), means_(means) {}
  std::string name() const override { return "iALS"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  std::size_t batch() const override { return 64; }
  void score(std::span<const Case> cases, DenseScores& out) override;

 private:
  IalsSettings options_;
  Means means_;
  std::optional<factor::Ials> model_;
  std::vector<float> exported_;  // dimensions x items
};

class SessionScorer final : public DenseScorer {
 public:
  // `validation`: cases that decide when training stops, by their NDCG@10; lives until fit().
  SessionScorer(const session::Shape& shape, const session::TrainOptions& options,
                std::span<const Case> validation, const Means& means)
      : shape_(shape), options_(options), validation_(validation), means_(means) {}
  std::string name() const override { return "session"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  std::size_t batch() const override { return 64; }
  void score(std::span<const Case> cases, DenseScores& out) override;

  const session::SessionModel& model() const { return *model_; }
  const session::TrainReport& report() const { return report_; }

 private:
  void score_with(const session::SessionModel& model, std::span<const Case> cases,
                  std::vector<float>& scores);
  double ndcg_of(const session::SessionModel& model);

  session::Shape shape_;
  session::TrainOptions options_;
  std::span<const Case> validation_;
  Means means_;
  std::optional<session::SessionModel> model_;
  session::TrainReport report_;
  session::SessionModel::Scratch scratch_;
};

// score = log p_session(item) + weight * log(1 + sharpness * share of item-item's score)
struct BlendOptions {
  double weight = 1;
  double sharpness = 100;
};

class BlendScorer final : public DenseScorer {
 public:
  // Both fitted already; they outlive it.
  BlendScorer(SessionScorer& session, evaluate::CovisitScorer& item_item,
              const BlendOptions& options)
      : session_(session), item_item_(item_item), options_(options) {}
  std::string name() const override { return "blend"; }
  void fit(std::span<const Interaction>, std::uint32_t) override {}
  std::size_t batch() const override { return session_.batch(); }
  void score(std::span<const Case> cases, DenseScores& out) override;

 private:
  SessionScorer& session_;
  evaluate::CovisitScorer& item_item_;
  BlendOptions options_;
  covisit::ScoreScratch scratch_;
  std::vector<covisit::Candidate> found_;
};

// The settings, of a grid of 15, with the highest NDCG@10 of at most `cases_max` validation cases
// spread evenly.
BlendOptions choose_blend(SessionScorer& session, evaluate::CovisitScorer& item_item,
                          std::span<const Case> validation, std::size_t cases_max,
                          std::uint32_t items);

}  // namespace vitrine::train_tool
