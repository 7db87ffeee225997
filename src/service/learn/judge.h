// Judges a model as it would serve: its evidence beside that of the live state, ranked over all
// items, for visitors of a time that it has not seen.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "domain/model/manifest.h"
#include "service/evaluate/baselines.h"
#include "service/evaluate/breakdown.h"
#include "service/evaluate/covisit_scorer.h"
#include "service/evaluate/evaluator.h"
#include "service/learn/fitted_model.h"

namespace vitrine::learn {

// A model and the data's numbers of its items; empty tables: the same numbers.
struct MappedModel {
  const FittedModel* model = nullptr;
  std::vector<std::uint32_t> to_data;    // by the model's number; kNoItem.value: not in the data
  std::vector<std::uint32_t> from_data;  // by the data's; kNoItem.value: not in the model
};
MappedModel map_model(const FittedModel& model, std::span<const std::string> model_items,
                      std::span<const std::string> data_items);

// The data's items that the model puts first for a case's history, best first.
void model_top(const MappedModel& mapped, const evaluate::Case& one, ModelScratch& scratch,
               std::vector<std::uint32_t>& history, std::vector<Scored>& scored,
               std::vector<ItemIndex>& out);

// The model alone, filled up with what is popular.
class AloneScorer final : public evaluate::Scorer {
 public:
  AloneScorer(std::string name, const MappedModel& mapped)
      : name_(std::move(name)), mapped_(mapped) {}
  std::string name() const override { return name_; }
  void fit(std::span<const evaluate::Interaction> train, std::uint32_t items) override;
  void rank(const evaluate::Case& one, const evaluate::Mask& mask, std::size_t k,
            std::vector<ItemIndex>& out) override;

 private:
  std::string name_;
  const MappedModel& mapped_;
  evaluate::Popularity popular_;
  ModelScratch scratch_;
  std::vector<std::uint32_t> history_;
  std::vector<Scored> scored_;
  std::vector<ItemIndex> top_;
};

// As the home placement mixes it: saturate(item-item) + weight * rank_evidence, then what is
// popular.
class MixScorer final : public evaluate::Scorer {
 public:
  // `item_item` is fitted on the same data, and outlives it.
  MixScorer(std::string name, const MappedModel& mapped, double weight,
            evaluate::CovisitScorer& item_item)
      : name_(std::move(name)), mapped_(mapped), weight_(weight), item_item_(item_item) {}
  std::string name() const override { return name_; }
  void fit(std::span<const evaluate::Interaction> train, std::uint32_t items) override;
  void rank(const evaluate::Case& one, const evaluate::Mask& mask, std::size_t k,
            std::vector<ItemIndex>& out) override;
  void set_weight(double weight) { weight_ = weight; }

 private:
  std::string name_;
  const MappedModel& mapped_;
  double weight_;
  evaluate::CovisitScorer& item_item_;
  evaluate::Popularity popular_;
  ModelScratch scratch_;
  covisit::ScoreScratch covisit_scratch_;
  std::vector<covisit::Candidate> found_;
  std::vector<std::uint32_t> history_;
  std::vector<Scored> scored_;
  std::vector<ItemIndex> top_;
  std::vector<double> sums_;  // zeros between calls
  std::vector<ItemIndex> touched_;
};

// Mean NDCG@k over the cases.
double mean_ndcg(evaluate::Scorer& scorer, std::span<const evaluate::Case> cases,
                 std::uint32_t items, std::size_t k);

// The weight, of a few up to recommend::kModelWeightMax, with the highest mean_ndcg of the mix.
double choose_weight(const MappedModel& mapped, const evaluate::Split& validation,
                     std::uint32_t items, std::size_t k);

// At most `most` cases, spread evenly.
void thin_out(std::vector<evaluate::Case>& cases, std::size_t most);

// The reports as a judgement's table.
std::vector<model::Judged> table_of(std::span<const evaluate::Report> reports);
std::vector<model::Breakdown> breakdown_of(std::span<const evaluate::Bucket> buckets);

// Paired by visitor: `candidate` minus `other`, of NDCG.
model::Comparison compare(const evaluate::Report& candidate, const evaluate::Report& other,
                          std::string with, std::string how,
                          const evaluate::BootstrapOptions& bootstrap);
// Fills promote and why from the comparisons.
void decide(model::Judgement& judgement);

}  // namespace vitrine::learn
