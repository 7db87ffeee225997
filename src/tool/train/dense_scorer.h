// A scorer that gives every item a score, several cases at a time.
#pragma once

#include <vector>

#include "service/evaluate/scorer.h"

namespace vitrine::train_tool {

using evaluate::Case;
using evaluate::Interaction;
using evaluate::Mask;

// Scores of some cases: that of item i for case n is values[n * case_stride + i * item_stride].
struct DenseScores {
  std::vector<float> values;
  std::size_t case_stride = 0;
  std::size_t item_stride = 1;
};

class DenseScorer : public evaluate::Scorer {
 public:
  void prepare(std::span<const Case> cases) final;
  // Equal scores: the smaller ItemIndex first.
  void rank(const Case& one, const Mask& mask, std::size_t k, std::vector<ItemIndex>& out) final;

  // How many cases score() is given at once, at most.
  virtual std::size_t batch() const = 0;
  virtual void score(std::span<const Case> cases, DenseScores& out) = 0;

 private:
  std::span<const Case> cases_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;  // scores_ holds cases_[first_, last_)
  DenseScores scores_;
  std::vector<std::pair<float, std::uint32_t>> best_;
};

// The items of a history, each once, in rising order.
std::vector<std::uint32_t> distinct_items(const Case& one);

}  // namespace vitrine::train_tool
