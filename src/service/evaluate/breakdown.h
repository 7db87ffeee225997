// Where the figures come from: by how much is known of a visitor, by how popular the right item
// is, and by how much of the log was learned from.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "service/evaluate/evaluator.h"

namespace vitrine::evaluate {

// One row of a breakdown: the measure of each report, in their order.
struct Bucket {
  std::string name;
  std::size_t size = 0;  // cases, or targets
  std::vector<Interval> values;
};

// HR by the length of the case's history, buckets without a case left out.
std::vector<Bucket> by_activity(const Split& split, std::span<const Report> reports,
                                const BootstrapOptions& bootstrap);

// Share of the targets that were found, by how often a target occurs in `train`; buckets without a
// target left out. A case with several targets counts in the bucket of each.
std::vector<Bucket> by_popularity(const Split& split, std::span<const Report> reports,
                                  const BootstrapOptions& bootstrap);

// HR of each group, a bucket a group without a value; then one scorer after the other adds its own.
// Scorers are fitted already.
std::vector<Bucket> buckets_of(std::span<const CaseGroup> groups);
void add_values(Scorer& scorer, std::span<const CaseGroup> groups, std::uint32_t items,
                std::size_t k, const BootstrapOptions& bootstrap, std::vector<Bucket>& buckets);

using Scorers = std::vector<std::unique_ptr<Scorer>>;
struct LearningOptions {
  std::vector<double> shares = {0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1};  // of train, rising
  std::size_t cases_max = 2000;  // spread evenly over the cases
  EvaluatorOptions evaluator;
};
// HR of the same cases after learning from the first share of `train` only. Fresh scorers each
// time; one bucket a share, whose size is the number of interactions learned from.
std::vector<Bucket> learning_curve(const Split& split, std::uint32_t items,
                                   const std::function<Scorers()>& make_scorers,
                                   const LearningOptions& options);

}  // namespace vitrine::evaluate
