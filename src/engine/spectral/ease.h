// EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019): the item-to-item
// weights B, zero on the diagonal, that best rebuild every history from itself.
//
//   B = argmin |R - R B|^2 + ridge |B|^2 = I - P / diag(P),   P = (R^T R + ridge I)^-1
//
// Exact, no randomness. Time items^3 multiplications, memory 4 items^2 bytes: for catalogs up to
// some ten thousand items.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/workers.h"
#include "engine/spectral/interactions.h"

namespace vitrine::spectral {

struct EaseOptions {
  double ridge = 200;  // more: nearer to plain co-occurrence
  // Powers of an item's number of users that history and scores are multiplied by, as in
  // ItemFilter: above 0 popular items gain.
  double degree_power = 0;
  std::uint64_t bytes_max = std::uint64_t{4} << 30;
};

class Ease {
 public:
  // kTooLarge where the weights need more than bytes_max, with the number that would do.
  static Result<Ease> fit(const Interactions& data, const EaseOptions& options,
                          graph::Workers& workers, Progress& progress = no_progress());

  std::uint32_t items() const { return items_; }
  // What item `from` in a history adds to the score of each item. One row of B.
  std::span<const float> row(std::uint32_t from) const {
    return {weights_.data() + std::size_t{from} * items_, items_};
  }
  // out[i]: the sum of row(h)[i] over the history, each with its weight.
  void score(std::span<const std::uint32_t> history, std::span<const float> weights,
             std::vector<float>& out) const;

 private:
  std::uint32_t items_ = 0;
  std::vector<float> weights_;
};

}  // namespace vitrine::spectral
