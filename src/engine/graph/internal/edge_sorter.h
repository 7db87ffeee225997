// External merge sort of directed edges: sorted runs of what fits in memory go to a file; next()
// merges them. Order: node, neighbour, time, type, weight (as bits): total, so that the same edges
// in any order of arrival give the same snapshot, byte for byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/graph/memory_budget.h"
#include "platform/io/file_system.h"

namespace vitrine::graph {

// As it lies in run files: 24 bytes without padding.
struct DirectedEdge {
  std::uint32_t neighbour = 0;
  std::uint32_t node = 0;
  std::int64_t time_us = 0;
  std::uint32_t weight_bits = 0;
  std::uint32_t type = 0;
};
static_assert(sizeof(DirectedEdge) == 24);

class EdgeSorter {
 public:
  // Uses `memory_bytes` (at least a few MiB) of the budget and the file at `path`, removed at the
  // end. Not thread-safe.
  static Result<std::unique_ptr<EdgeSorter>> create(io::FileSystem& files, std::string path,
                                                    std::uint64_t memory_bytes,
                                                    MemoryBudget& budget);
  ~EdgeSorter();

  Status add(const DirectedEdge& edge);
  // No more adds.
  Status finish();
  // False at the end.
  Result<bool> next(DirectedEdge& edge);

 private:
  struct Run {
    std::uint64_t next_offset = 0;  // in the file, of what is not in the buffer yet
    std::uint64_t left = 0;         // edges not in the buffer yet
    std::vector<DirectedEdge> buffer;
    std::size_t at = 0;
  };

  EdgeSorter(io::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  Status write_run();
  Status refill(Run& run);
  void build_tree();
  void replay(std::size_t run);
  bool before(std::size_t a, std::size_t b) const;

  io::FileSystem& files_;
  std::string path_;
  Reservation held_;
  std::unique_ptr<io::File> file_;
  std::uint64_t edges_max_ = 0;  // in memory
  std::uint64_t written_ = 0;
  std::vector<DirectedEdge> edges_;
  std::vector<Run> runs_;
  std::vector<std::size_t> losers_;  // tournament tree: losers_[0] is the winner
};

}  // namespace vitrine::graph
