// A trained model as a candidate source: an interface, for the Recommender knows nothing of how
// models are made (service/learn).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace vitrine::recommend {

// What speaks for the `rank`-th item (from 0) of a model's own list: in (0, 1]. Of ranks and not of
// scores, for these mean something else in each kind of model; about half of the first's at the
// length of an answer.
constexpr double rank_evidence(std::size_t rank) {
  return 10.0 / (10.0 + static_cast<double>(rank));
}

// A model's weight is in units of that of co-visitation, at most this; the placements' policies
// give kModel this much, and a model's evidence is scaled down by weight / kModelWeightMax.
inline constexpr double kModelWeightMax = 4;

// Working memory of one thread, made by the model's own code and kept from request to request.
class TrainedModelScratch {
 public:
  virtual ~TrainedModelScratch() = default;
};

// Immutable, and safe to be asked by many threads, each with a scratch of its own.
class TrainedModel {
 public:
  virtual ~TrainedModel() = default;
  virtual std::string_view id() const = 0;
  // Of its evidence, in (0, kModelWeightMax].
  virtual double weight() const = 0;
  // Replaces `out` by the best items for who did this (oldest first), best first: a function of
  // history and model alone. At most some hundred, in bounded time.
  virtual void top(std::span<const ItemIndex> history,
                   std::unique_ptr<TrainedModelScratch>& scratch,
                   std::vector<ItemIndex>& out) const = 0;
};

}  // namespace vitrine::recommend
