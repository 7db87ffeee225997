// What the runs say about the policies, with intervals.
#pragma once

#include <string>
#include <vector>

#include "service/evaluate/metrics.h"
#include "tool/simulate/simulation.h"

namespace vitrine::simulate {

using evaluate::Interval;

struct PolicyFigures {
  std::string name;
  Interval conversion;         // visits that end with an order
  Interval revenue_per_visit;  // EUR
  Interval click_rate;         // of places that were looked at
  Interval conversion_lift;    // over popularity; 0 where it did not run
  Interval revenue_lift;
};

struct Comparison {
  std::vector<PolicyFigures> policies;  // in the order of the runs
  // Of Vitrine's conversion; 0 where one of the two did not run.
  Interval lift_over_popularity, lift_over_random, lift_over_item_item;
  // Share of the oracle's orders that Vitrine did not get: 1 - Vitrine's / the oracle's.
  Interval regret_share;
};

struct ComparisonOptions {
  std::uint32_t rounds = 1000;
  std::uint64_t seed = 1;
};

// 95 % percentile bootstrap: shops (where there are several) are drawn again, and within each its
// visitors, with all policies of a visitor together, for they meet the same visits. All runs have
// the same policies.
Comparison compare(const std::vector<SimulationResult>& runs, const ComparisonOptions& options);

}  // namespace vitrine::simulate
