// One training, from the log to a judged model in the store.
//
//   1. cut      the tenant's data up to a position (event_data.h)
//      search   where it is asked for: settings are tried on the parts of step 2 (search.h)
//   2. choose   fitted on what happened before the last 30 % of the data's interactions; the next
//               10 % decide when to stop and how much the model counts beside the live state
//   3. judge    fitted with that on the first 80 %; the last 20 % are asked about, once
//   4. final    fitted with that on everything, and stored, with the judgement in its manifest
//
// The parts are times, so nobody is judged by what came before what was learned. The live model is
// judged beside the candidate: the stored one where enough visitors came since its data was cut
// (the test part begins there then), else its settings, fitted on the same data.
//
// Deterministic: same log up to the position, recipe, parent and live model: the same bytes, on
// machines of one SIMD level.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/executor.h"
#include "base/progress.h"
#include "base/result.h"
#include "service/learn/event_data.h"
#include "service/learn/fit.h"
#include "service/learn/model_store.h"
#include "service/learn/parts.h"
#include "service/learn/recipe.h"
#include "service/learn/search.h"

namespace vitrine::learn {

struct TrainRequest {
  TenantId tenant;
  Recipe recipe;
  eventlog::Position until = ~eventlog::Position{0};  // the last record to learn from
  // Keys of visitors that are not to be learned from, in order (flagged.h).
  std::vector<Hash128> flagged;
  // Go on from the live model's vectors, with fewer epochs, where it is of the same kind and shape.
  bool warm = false;
  // Training that would need more is refused, after iALS has moved its users to files.
  std::uint64_t memory_bytes_max = std::uint64_t{4} << 30;
  std::optional<SearchRequest> search;
  bool learning_curve = false;  // also fit on shares of the data: costs about as much again
  std::uint32_t k = 10;
  // The live model, where the caller knows better than the log's records say (retention may have
  // dropped them).
  std::optional<std::string> live;
};

struct TrainPlace {
  io::FileSystem& files;
  std::string log_directory;
  ModelStore& store;
  std::string work_directory;  // for checkpoints and spilled users; created, and emptied at the end
  Executor& executor;
  unsigned threads = 1;
  const Clock& clock;
  std::string code_version;
};

// What of it is seen from outside while it runs.
struct TrainWatch {
  Progress* progress = nullptr;
  // "cut", "search", "choose", "judge", "final"
  std::function<void(std::string_view stage)> on_stage;
  std::function<void(std::uint32_t epoch, double loss, std::optional<double> measure)> on_epoch;
  const std::atomic<bool>* stop = nullptr;
  std::function<void(const model::Search& so_far)> on_trial{};
};

struct TrainOutcome {
  model::Manifest manifest;
  bool existed = false;  // the very same had been trained before
};

// kInvalidArgument "not_enough_data" with the numbers; kTooLarge "memory_budget" with what it would
// take; kUnavailable "training_stopped": with the same request it goes on where it was.
Result<TrainOutcome> train_model(const TrainRequest& request, const TrainPlace& place,
                                 const TrainWatch& watch);

}  // namespace vitrine::learn
