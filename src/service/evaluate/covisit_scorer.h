// The live item-item state as a scorer: fed event by event as the applier feeds it, asked as the
// recommender asks it, filled up with popular items as the recommender's fallback does.
#pragma once

#include "engine/covisit/covisit.h"
#include "service/evaluate/baselines.h"

namespace vitrine::evaluate {

class CovisitScorer final : public Scorer {
 public:
  // How one visitor's history is taken.
  enum class Histories {
    kAsListed,  // each interaction counts, whatever it repeats: data set files
    // As the applier and the Recommender do: an item does not follow itself, each earlier one
    // counts once, and the question starts from the 12 newest different items, each with the
    // square root of its interaction's weight.
    kLive,
  };

  explicit CovisitScorer(const covisit::Options& options = {},
                         const covisit::ScoreOptions& ask = {},
                         Histories histories = Histories::kAsListed);
  std::string name() const override { return "item-item"; }
  void fit(std::span<const Interaction> train, std::uint32_t items) override;
  void rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) override;
  // Other settings of the question over the same state.
  void ask_with(const covisit::ScoreOptions& ask) { ask_ = ask; }
  const covisit::Covisit& state() const { return state_; }
  // Every item with a score above 0 for the case, in no order, its history's among them.
  void candidates(const Case& one, covisit::ScoreScratch& scratch,
                  std::vector<covisit::Candidate>& out);

 private:
  void collect_recent(const std::vector<ItemIndex>& history, ItemIndex item,
                      std::vector<ItemIndex>& recent) const;
  void ask_about(const Case& one);

  covisit::Covisit state_;
  covisit::ScoreOptions ask_;
  Histories histories_;
  Popularity popular_;
  covisit::ScoreScratch scratch_;
  std::vector<covisit::Candidate> found_;
  std::vector<covisit::HistoryItem> history_;
};

}  // namespace vitrine::evaluate
