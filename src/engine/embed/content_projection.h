// Vectors for items that nobody has turned to yet, from what is known of their content: the linear
// map from features to vectors that fits the items which have both (ridge regression).
//
//   W = argmin sum over items weight |x W - vector|^2 + ridge |W|^2     vector of a new item: x W
//
// x: 1 for a constant, 1 for each feature that the item has. Exact, no randomness; the same bits
// for any number of workers. Time features^3 multiplications, memory features^2 floats twice.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/stream.h"
#include "engine/graph/workers.h"

namespace vitrine::embed {

inline constexpr std::uint32_t kFeaturesMax = 16'384;

// By item: numbers of its features, each once, in any order. Empty for an item without content.
using Features = std::vector<std::vector<std::uint32_t>>;

class ContentProjection {
 public:
  // `vectors` is items x dimensions, `weights` by item (0: not learned from; an item with many
  // events has a vector that is worth more). kInvalidArgument for a feature of `features` or above,
  // more than kFeaturesMax, sizes that do not agree, a ridge not above 0.
  static Result<ContentProjection> fit(std::span<const float> vectors, std::uint32_t dimensions,
                                       const Features& content, std::uint32_t features,
                                       std::span<const float> weights, double ridge,
                                       graph::Workers& workers, Progress& progress = no_progress());

  // Features it has not learned are ignored. Thread-safe.
  void project(std::span<const std::uint32_t> content, std::span<float> out) const;

  std::uint32_t dimensions() const { return dimensions_; }
  std::uint32_t features() const { return features_; }
  void save(Sink& out) const;
  static Result<ContentProjection> load(Source& in);

 private:
  std::uint32_t dimensions_ = 0;
  std::uint32_t features_ = 0;
  std::vector<float> map_;  // (features + 1) x dimensions; the last row is the constant's
};

}  // namespace vitrine::embed
