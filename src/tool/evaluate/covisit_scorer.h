// The live item-item state as a scorer: fed event by event as the applier feeds it, asked as the
// recommender asks it, filled up with popular items as the recommender's fallback does.
#pragma once

#include "engine/covisit/covisit.h"
#include "tool/evaluate/baselines.h"

namespace vitrine::evaluate {

class CovisitScorer final : public Scorer {
 public:
  explicit CovisitScorer(const covisit::Options& options = {},
                         const covisit::ScoreOptions& ask = {});
  std::string name() const override { return "item-item"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  void rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) override;
  // Other settings of the question over the same state.
  void ask_with(const covisit::ScoreOptions& ask) { ask_ = ask; }
  const covisit::Covisit& state() const { return state_; }

 private:
  covisit::Covisit state_;
  covisit::ScoreOptions ask_;
  Popularity popular_;
  covisit::ScoreScratch scratch_;
  std::vector<covisit::Candidate> found_;
  std::vector<covisit::HistoryItem> history_;
};

}  // namespace vitrine::evaluate
