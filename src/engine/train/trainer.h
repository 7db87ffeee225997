// Trains a GraphSage on a graph and rows that may be larger than memory, with everything that can
// overlap overlapping:
//
//   preparer   sample and plan superbatch k+1 │ sample and plan superbatch k+2 │ ...
//   gatherer   rows of batch 1 │ batch 2 │ ... of superbatch k │ of superbatch k+1
//   trainer          │ step 1  │ step 2  │ ...                                       (caller)
//
// The result depends on the options, the graph and the rows only: not on the store, the sizes of
// superbatches, memory, threads, or on being stopped. With a checkpoint path the state is saved
// every `checkpoint_batches` batches, atomically; opening again goes on from there, and the end is
// the same, bit for bit, as without the interruption.
//
// Threads come from the executor: two while run() runs, and those of `threads`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/row_store.h"
#include "engine/graph/sampler.h"
#include "engine/graph/segment_store.h"
#include "engine/graph/snapshot.h"
#include "engine/train/graph_sage.h"

namespace vitrine::train {

struct TrainStats {
  std::uint64_t batches = 0;  // of this run()
  double loss = 0;            // mean of this run()
  double seconds = 0;
  double step_s = 0;           // of it, take_rows() and step()
  double gather_s = 0;         // on the gatherer
  double sample_s = 0;         // on the preparer
  double plan_s = 0;           // on the preparer, with packing
  double first_prepare_s = 0;  // of these, before anything could overlap
  std::uint32_t rows_max = 0;  // of a batch
  graph::StoreStats store;
};

struct TrainerOptions {
  io::FileSystem* files = nullptr;        // required
  graph::MemoryBudget* budget = nullptr;  // required
  Executor* executor = nullptr;           // required
  const Clock* clock = nullptr;           // required
  graph::SampleOptions sample;
  SageShape shape;
  AdamOptions adam;
  std::uint32_t superbatch = 128;  // batches
  unsigned threads = 2;            // of a step
  // Where the sampled structure of superbatches is spilled; empty: kept in memory.
  std::string spill_directory;
  std::uint64_t spill_bytes_max = std::uint64_t{1} << 30;  // for each of three files
  std::string checkpoint_path;                             // empty: none
  std::uint32_t checkpoint_batches = 100;
  // Called after each superbatch, when nothing else runs; false ends run() there. The store is then
  // a superbatch ahead: to go on, open both again.
  std::function<bool(const TrainStats& so_far)> on_superbatch{};
};

class Trainer {
 public:
  // Goes on from the checkpoint if there is one; kInvalidArgument where it was made with other
  // options, kCorrupt where it is damaged.
  static Result<std::unique_ptr<Trainer>> open(graph::Snapshot& graph, graph::RowStore& store,
                                               const TrainerOptions& options);
  ~Trainer();

  std::uint64_t batches_per_epoch() const;
  // Batches trained so far, over all runs and epochs.
  std::uint64_t position() const;
  // Trains until position() is `until`. `progress` counts batches, and after each superbatch notes
  // the loss, the hit ratio and the bytes moved (noted_progress.h). After an error open a new store
  // and trainer.
  Result<TrainStats> run(std::uint64_t until, Progress& progress);
  // Of all weights and the optimiser's state.
  Hash128 digest() const;
  GraphSage& model();

 private:
  class Impl;
  explicit Trainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::train
