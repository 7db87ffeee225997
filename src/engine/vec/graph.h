#pragma once
// A graph over the same vectors, for data whose clusters are weak: there, a fixed recall needs so
// many lists that walking from neighbour to neighbour touches fewer vectors.
//
// One record per slot, a multiple of 64 bytes: byte codes (as in quantize.h, of the whole rotated
// vector: 8 bits a dimension), scale, bias, then the neighbours' slots. So one fetch of a node
// brings its edges with its code, and a distance costs a few cache lines instead of a float row.
// Edges: of each node's nearest neighbours those that no kept neighbour is closer to (the relative
// neighbourhood rule of HNSW and Vamana), then reverse edges, pruned by the same rule. There are
// no levels and no long edges: a search enters at the middle vectors of the nearest lists.

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "engine/vec/lists.h"
#include "engine/vec/search.h"

namespace vitrine::vec {

struct GraphOptions {
  std::uint32_t candidates = 48;  ///< nearest neighbours that edges are chosen from
  std::uint32_t probes = 24;      ///< lists that are searched for them
  float slack = 1.1F;             ///< above 1 keeps more edges than the rule (Vamana's alpha)
};

/// Immutable; slots are those of the Lists it was built for.
class Graph {
 public:
  Graph() = default;
  /// Deterministic. Takes some 20 to 40 CPU seconds for a million vectors.
  static Graph build(const Lists& lists, const GraphOptions& options, const Workers& workers,
                     Progress& progress);

  bool empty() const { return records_.size() == 0; }
  std::uint32_t degree() const { return degree_; }
  std::size_t stride() const { return stride_; }
  std::size_t bytes() const { return records_.bytes() + entries_.bytes(); }
  const Column<std::uint8_t>& records() const { return records_; }
  const Column<std::uint32_t>& entries() const { return entries_; }
  /// From stored parts; the caller has checked sizes and that every edge is a slot or kNoId.
  Graph(Column<std::uint8_t> records, Column<std::uint32_t> entries, std::uint32_t dims);
  static std::size_t stride_for(std::uint32_t dims);

  const std::uint8_t* codes(std::uint32_t slot) const {
    return records_.data() + std::size_t{slot} * stride_;
  }
  const std::uint32_t* edges(std::uint32_t slot) const;
  float scale(std::uint32_t slot) const;
  float bias(std::uint32_t slot) const;
  std::uint32_t entry(std::uint32_t list) const { return entries_[list]; }

 private:
  Column<std::uint8_t> records_;
  Column<std::uint32_t> entries_;  // the vector nearest to each list's centroid, kNoId if empty
  std::size_t dims_ = 0;
  std::size_t stride_ = 0;
  std::uint32_t degree_ = 0;
};

/// Memory of one searching thread.
struct GraphScratch {
  SearchScratch lists;
  std::vector<std::uint64_t> visited;  // a bit a slot, all zero between searches
  std::vector<std::uint32_t> touched;
  struct Open {
    float score;
    std::uint32_t slot;  // top bit: already expanded
  };
  std::vector<Open> pool;
  std::uint64_t evaluations = 0;
  /// A slot that walks treat as absent: a vector that is used as a query must not lead the way.
  std::uint32_t avoid = kNoId;
};

/// The k best by walking the graph with a pool of plan.beam candidates, of which plan.exact are
/// compared with the float rows. `allowed` (may be null) says which slots may be answered; others
/// are walked through all the same. As ListSearch::search otherwise.
std::size_t search_graph(const Lists& lists, const Graph& graph, const float* query, std::size_t k,
                         const Plan& plan, const Filter* allowed, GraphScratch& scratch,
                         Neighbor* out);

}  // namespace vitrine::vec
