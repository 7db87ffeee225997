#pragma once
// Which plan reaches which recall: found by trying plans on vectors of the index that are used as
// queries and taken out of their own answers, or on queries the caller brings.

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "engine/vec/graph.h"
#include "engine/vec/lists.h"

namespace vitrine::vec {

/// Single searches and batches have plans of their own: a batch pays less for another list.
struct CalibratedPlan {
  float recall = 0;         ///< recall@10 that was asked for
  float single_recall = 0;  ///< what the plan reached on the calibration queries
  float batch_recall = 0;
  Plan single;
  Plan batch;
};

struct CalibrationOptions {
  std::uint32_t queries = 1000;
  std::uint64_t seed = 1;
  Rows own_queries;  ///< instead of vectors of the index, where not empty
  /// A plan must beat its goal by this much here: the error of a sample of 1,000 queries.
  float margin = 0.002F;
  /// Higher goals get no plan: the highest ones cost most to find, and an index that is always
  /// searched for one recall needs none above it.
  float goal_max = 1;
};

/// Rising in recall; goals out of reach end at the widest plan. Deterministic: plans are compared
/// by counted work, not by time. `graph` may be null or empty.
std::vector<CalibratedPlan> calibrate(const Lists& lists, const Graph* graph,
                                      const CalibrationOptions& options, const Workers& workers,
                                      Progress& progress);

/// Vectors scanned by a search with the plan, on average over lists: what decides about a graph.
double scanned_vectors(const Lists& lists, const std::vector<CalibratedPlan>& plans, float recall);

/// The plan of the smallest goal that is at least `recall`, widened for k above 10.
Plan plan_for(const std::vector<CalibratedPlan>& plans, double recall, std::size_t k, bool batch);

}  // namespace vitrine::vec
