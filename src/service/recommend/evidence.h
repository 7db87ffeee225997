// Candidate sources: each finds items that something speaks for, and knows of no other source.
//
// Evidence is a number in (0, 1]; what raw scores become it is written at each source and in
// docs/decisions/ranking-formula.md. It must be a function of state and context alone.
// Another source is a class here, its policy::Source, and a line in Recommender's list.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/covisit/covisit.h"
#include "service/recommend/context.h"
#include "service/recommend/item_table.h"
#include "service/recommend/item_vectors.h"
#include "service/recommend/trained_model.h"

namespace vitrine::recommend {

// Working memory that sources share one after the other.
struct SourceScratch {
  covisit::ScoreScratch covisit;
  std::vector<covisit::Candidate> candidates;
  VectorScratch vectors;
  std::vector<covisit::HistoryItem> needy;  // anchors, by how much content has to speak for them
  Source near_source = Source::kContent;    // out: whose evidence is at kNearEvidence
  bool near_found = false;                  // out: there is some
  std::unique_ptr<TrainedModelScratch> model;
  std::vector<ItemIndex> model_history, model_items;
};

class EvidenceSource {
 public:
  virtual ~EvidenceSource() = default;
  virtual std::string_view name() const = 0;
  // False if the policy gives it no weight: then gather() isn't called.
  virtual bool wanted(const policy::PlacementPolicy& policy) const = 0;
  // Adds to the evidence of its own Sources in `table`, and nothing else.
  virtual void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const = 0;
};

// What visitors look at after the anchors: directly (kCoView) and over one item between
// (kSecondHop). The engine's two sums d and s become one x = d + s * weight(kSecondHop) /
// weight(kCoView), so that the engine's own order stays; evidence is saturate(x), shared out
// in proportion.
class CoVisitSource final : public EvidenceSource {
 public:
  explicit CoVisitSource(const covisit::ScoreOptions& options) : options_(options) {}
  std::string_view name() const override { return "co_visit"; }
  bool wanted(const policy::PlacementPolicy& policy) const override;
  void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const override;

 private:
  covisit::ScoreOptions options_;
};

// What is bought together with the anchors (kCoBuy): saturate() of the engine's direct sum.
class BasketSource final : public EvidenceSource {
 public:
  explicit BasketSource(const covisit::ScoreOptions& options) : options_(options) {}
  std::string_view name() const override { return "baskets"; }
  bool wanted(const policy::PlacementPolicy& policy) const override;
  void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const override;

 private:
  covisit::ScoreOptions options_;
};

// What the visitor looked at (kHistory): the i-th newest different item gets 1 / (1 + i).
class HistorySource final : public EvidenceSource {
 public:
  std::string_view name() const override { return "history"; }
  bool wanted(const policy::PlacementPolicy& policy) const override;
  void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const override;
};

// What the visitor bought and is due to buy again (kRepeat): the square root of the probability, so
// that it stands beside saturated sums.
class RepeatSource final : public EvidenceSource {
 public:
  std::string_view name() const override { return "repeat"; }
  bool wanted(const policy::PlacementPolicy& policy) const override;
  void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const override;
};

// What the live trained model puts first for the visitor (kModel): rank_evidence() times the
// model's weight / kModelWeightMax. Nothing without a model.
class ModelSource final : public EvidenceSource {
 public:
  std::string_view name() const override { return "model"; }
  bool wanted(const policy::PlacementPolicy& policy) const override;
  void gather(const Context& context, SourceScratch& scratch, ItemTable& table) const override;
};
// The history that a trained model is asked with, oldest first: the visitor's positive events, then
// what the request names; for placements about items or the cart these alone.
void model_history(const Context& context, std::vector<ItemIndex>& out);

// x >= 0 to [0, 1): sqrt(x) / (1 + sqrt(x)). Rises everywhere, so it keeps a source's order; the
// root keeps single precision able to tell large x apart. Only exactly rounded operations.
double saturate(double x);

}  // namespace vitrine::recommend
