// The item vectors of a live model, as the source `vector` and a search's affinity ask them.
//
// Which items have one: those that the model was trained on, that the catalog lists when it is
// loaded, and that at least kKnownFrom visitors of the training turned to. Of fewer a vector says
// less than what is written about the item, and content vectors go on speaking for it; so they do
// for items that came later than the training's data. What was no longer listed would only take the
// places of what can be shown.
//
// Memory: a byte a dimension (in steps of 64) and 4 bytes an item, and from
// recommend::kExhaustiveMost items on the index beside it, some 5.2 bytes a dimension and item; as
// much as its exact rows once more while it is built.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/guarded.h"
#include "base/progress.h"
#include "base/result.h"
#include "service/learn/served_model.h"
#include "service/recommend/indexed_vectors.h"

namespace vitrine::learn {

class ModelVectors final : public recommend::ItemVectors {
 public:
  static constexpr float kKnownFrom = 5;  // visitors

  // Null where the model has no vectors, or none of its items is known well enough.
  // kInvalidArgument where one is not finite. Some 20 us an item where an index is built.
  static Result<std::shared_ptr<const ModelVectors>> make(std::shared_ptr<const ServedModel> model,
                                                          const vec::Workers& workers,
                                                          Progress& progress);
  // What make() would take for these vectors to serve, at most.
  static std::uint64_t bytes_needed(const ServedModel& model);

  std::uint32_t dim() const override { return vectors_->dim(); }
  bool vector(ItemIndex item, float* out) const override { return vectors_->vector(item, out); }
  // The model's own fold-in of the items that have a vector, oldest first; their weights do not
  // count.
  bool query(std::span<const covisit::HistoryItem> items, recommend::VectorScratch& scratch,
             float* out) const override;
  void aim(const float* query, recommend::VectorQuery& aimed) const override {
    vectors_->aim(query, aimed);
  }
  float likeness(const recommend::VectorQuery& aimed, ItemIndex item) const override {
    return vectors_->likeness(aimed, item);
  }
  void prefetch(ItemIndex item) const override { vectors_->prefetch(item); }
  void nearest(const float* query, std::size_t k,
               const std::shared_ptr<const filter::MatchSet>& matches,
               recommend::VectorScratch& scratch,
               std::vector<recommend::NearItem>& out) const override {
    vectors_->nearest(query, k, matches, scratch, out);
  }

  struct Stats {
    std::uint64_t items = 0;  // that have a vector
    std::uint32_t dimensions = 0;
    std::uint64_t indexed = 0;  // rows of the index; 0: all are compared
    std::uint64_t bytes = 0;
    float floor = 0, same = 1;  // what cosines mean (recommend/indexed_vectors.h)
  };
  const Stats& stats() const { return stats_; }

 private:
  ModelVectors() = default;

  std::shared_ptr<const ServedModel> model_;
  std::shared_ptr<const recommend::IndexedVectors> vectors_;
  Stats stats_;
};

// What serves a tenant now: set by the loader (live_models.h), asked by requests. Thread-safe; a
// lock is held for the copy of a pointer.
class ServingModel final : public recommend::ItemVectorsProvider {
 public:
  // Either may be null; vectors are of the model. Who asked before keeps what it has.
  void set(std::shared_ptr<const ServedModel> model, std::shared_ptr<const ModelVectors> vectors) {
    Pair pair{std::move(model), std::move(vectors)};
    pair_.with([&](Pair& held) { std::swap(held, pair); });
  }
  std::shared_ptr<const recommend::ItemVectors> current() const override { return vectors(); }
  std::shared_ptr<const ModelVectors> vectors() const {
    return pair_.with([](const Pair& held) { return held.vectors; });
  }
  std::shared_ptr<const ServedModel> model() const {
    return pair_.with([](const Pair& held) { return held.model; });
  }

 private:
  struct Pair {
    std::shared_ptr<const ServedModel> model;
    std::shared_ptr<const ModelVectors> vectors;
  };
  Guarded<Pair> pair_;
};

}  // namespace vitrine::learn
