// What training needs besides the rows: sizes of batches are measured on one, the rest follows.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "engine/graph/memory_plan.h"
#include "engine/train/trainer.h"

namespace vitrine::train {

struct TrainingNeeds {
  graph::SuperbatchSize superbatch;  // of options.superbatch batches
  std::uint64_t inner = 0;           // nodes of a batch
  std::uint64_t outer = 0;
  // Parts of what a trainer takes from the budget at the moment it takes most; the store's comes on
  // top (store_bytes), as does what the snapshot holds already.
  std::uint64_t gathered_bytes = 0;
  std::uint64_t model_bytes = 0;
  std::uint64_t trace_bytes = 0;     // of two superbatches
  std::uint64_t sampling_bytes = 0;  // with the buffers of spilled structures

  std::uint64_t bytes() const {
    return gathered_bytes + model_bytes + trace_bytes + sampling_bytes;
  }
};

// Samples the first batch and adds 3 % for larger ones.
Result<TrainingNeeds> measure_needs(graph::Snapshot& graph, const graph::RowFormat& format,
                                    const TrainerOptions& options);

}  // namespace vitrine::train
