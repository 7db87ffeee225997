// Measures of ranked answers, per case and averaged, with bootstrap intervals.
//
// With k items asked for, targets T and the answer a_1 .. a_k:
//   HR      1 if any a_i is in T                      Recall  |answer and T| / |T|
//   NDCG    sum of 1/log2(i+1) over a_i in T, divided by that of the best possible answer
//   MRR     1 / (the first i with a_i in T), 0 if none
// Over all answers:
//   coverage    share of all items that appear in at least one answer
//   novelty     mean of -log2 of the share of `train` users' interactions that the item has, in
//   bits,
//               one interaction added to each item
//   popularity  mean training count of answered items / mean training count of the items in the
//               histories: above 1 the answers lean to what is popular anyway
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/ids.h"

namespace vitrine::evaluate {

struct CaseScore {
  float hr = 0;
  float ndcg = 0;
  float recall = 0;
  float mrr = 0;
};
CaseScore score_case(std::span<const ItemIndex> answer, std::span<const ItemIndex> targets,
                     std::size_t k);

struct Interval {
  double value = 0;
  double low = 0;   // 2.5 %
  double high = 0;  // 97.5 %
};

struct BootstrapOptions {
  std::uint32_t rounds = 1000;
  std::uint64_t seed = 1;
};

// The mean of `values` (one per case), with the percentile interval of means of resampled cases.
Interval bootstrap_mean(std::span<const float> values, const BootstrapOptions& options);

// mean(a) / mean(b) over the same cases, resampled in pairs. Rounds in which the mean of b is 0
// count as infinite.
Interval bootstrap_ratio(std::span<const float> a, std::span<const float> b,
                         const BootstrapOptions& options);

}  // namespace vitrine::evaluate
