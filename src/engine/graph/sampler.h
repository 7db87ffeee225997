// Samples all batches of a superbatch before the first is trained, by reading the graph in order.
//
// Drawing neighbours batch by batch would read the lists at random; a superbatch asks for nearly
// all of them anyway. So the sampler goes hop by hop: one sequential scan of the neighbour blocks
// serves every batch of the superbatch at once, each walking along its own sorted list of nodes.
//
//   examples  entry of a permutation of all list entries -> user and item; another item at random
//   hop 1     up to fanout_outer neighbours of users and items
//   hop 2     up to fanout_inner neighbours of these and of hop 1
//
// What is drawn is a function of (seed, epoch, batch, hop, node) alone: the same in whatever
// superbatch, from memory or disk, before or after a restart. Without replacement; the whole list
// where it is not longer than the fan-out.
//
// Memory: 2 bytes or so for each node asked for, and an extent for each batch in each of two
// segment stores. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/graph/access_trace.h"
#include "engine/graph/mini_batch.h"
#include "engine/graph/random.h"
#include "engine/graph/segment_store.h"
#include "engine/graph/snapshot.h"

namespace vitrine::graph {

struct SampleOptions {
  std::uint64_t seed = 1;
  std::uint32_t batch_examples = 1024;
  std::uint32_t fanout_outer = 10;  // 1 .. kFanoutMax
  std::uint32_t fanout_inner = 5;
};

inline constexpr std::uint32_t kFanoutMax = 64;

// Positions of `fanout` of `degree` neighbours, ascending, distinct; all where there are no more.
void draw_neighbours(const RandomStream& random, std::uint32_t degree, std::uint32_t fanout,
                     std::vector<std::uint32_t>& out);

class Sampler {
 public:
  // `scratch` holds what a hop found, for a moment.
  Sampler(Snapshot& graph, const SampleOptions& options, SegmentStore& scratch,
          MemoryBudget& budget)
      : graph_(graph), options_(options), scratch_(scratch), budget_(budget) {}

  // Batches in an epoch: every list entry is an example once (each edge from both its ends), the
  // last incomplete batch is left out.
  std::uint64_t batches_per_epoch() const {
    return graph_.info().entries / options_.batch_examples;
  }

  // What sample() reserves while it runs, without the segment stores.
  static std::uint64_t bytes_for(const SampleOptions& options, std::uint32_t batches);

  // Batches [first, first + count) of `epoch`, first + count <= batches_per_epoch(). The rows go to
  // `trace` (an empty one), the rest of batch first + i to segment i of `structures`.
  Status sample(std::uint64_t epoch, std::uint64_t first, std::uint32_t count, AccessTrace& trace,
                SegmentStore& structures);

 private:
  struct Example {
    std::uint64_t entry;
    std::uint32_t batch;  // of this superbatch
    std::uint32_t place;  // in the batch
  };
  Status find_examples();
  Status resolve_examples(std::span<const Example> examples);
  Status hop(std::uint32_t number, std::uint32_t fanout, const std::vector<IdList>& frontiers);
  Status serve(std::uint32_t batch, std::uint32_t number, std::uint32_t fanout,
               const BlockView& view, IdList::Cursor& cursor);
  std::vector<std::uint32_t> needed_blocks(const std::vector<IdList>& frontiers) const;
  Status finish_outer(std::uint32_t batch, SegmentStore& structures);
  Status finish_inner(std::uint32_t batch, AccessTrace& trace, SegmentStore& structures);

  Snapshot& graph_;
  SampleOptions options_;
  SegmentStore& scratch_;
  MemoryBudget& budget_;

  std::uint64_t epoch_ = 0;
  std::uint64_t first_ = 0;
  std::uint32_t count_ = 0;
  std::vector<NodeId> triples_;  // of all batches
  std::vector<IdList> outer_;    // distinct nodes of the triples, for each batch
  std::vector<IdList> inner_;    // these and what hop 1 found
  std::vector<std::uint32_t> picks_;
  std::vector<NodeId> found_;
  std::string bytes_;
};

}  // namespace vitrine::graph
