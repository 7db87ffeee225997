#pragma once
// A graph over the same vectors, for data whose clusters are weak: there, a fixed recall needs so
// many lists that walking from neighbour to neighbour touches fewer vectors.
//
// One record per slot holds its edges, the slot's own vector in bytes and, beside them, the codes
// of the vectors that the edges lead to, as one block of a scan (coding.h; 2 bits a dimension, of
// the residual from this slot's vector). So a step of a walk reads one stretch of memory instead of
// one place for each neighbour, and scores them all together like a list of 32. Codes of so short
// residuals are exact enough to lead the way; what a walk steps on is ranked by its bytes, and the
// best of that are compared exactly.
//
// Edges: of each node's nearest neighbours those that no kept neighbour is closer to (the relative
// neighbourhood rule of HNSW and Vamana), then reverse edges, pruned by the same rule. There are
// no levels and no long edges: a search enters at the middle vectors of the nearest lists.

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "engine/vec/coding.h"
#include "engine/vec/lists.h"
#include "engine/vec/search.h"

namespace vitrine::vec {

struct GraphOptions {
  std::uint32_t candidates = 48;  ///< nearest neighbours that edges are chosen from
  std::uint32_t probes = 24;      ///< lists that are searched for them
  float slack = 1.1F;             ///< above 1 keeps more edges than the rule (Vamana's alpha)
  std::uint64_t seed = 1;
};

/// Immutable; slots are those of the Lists it was built for.
class Graph {
 public:
  /// Edges of a vector: one block.
  static constexpr std::uint32_t kDegree = static_cast<std::uint32_t>(kLanes);

  Graph() = default;
  /// Deterministic. Needs the vectors once more in memory while it works.
  static Graph build(const Lists& lists, const GraphOptions& options, const Workers& workers,
                     Progress& progress);
  /// From stored parts; the caller has checked sizes and that every edge is a slot or kNoId.
  Graph(Coding coding, Column<std::uint8_t> records, Column<std::uint32_t> entries);

  /// The codes beside edges.
  static CodeOptions code_options() { return {CodeFamily::kPq16, 2, false}; }
  static std::size_t stride_for(const Coding& coding);

  bool empty() const { return records_.size() == 0; }
  std::uint32_t degree() const { return kDegree; }
  std::size_t stride() const { return stride_; }
  std::size_t bytes() const {
    return records_.bytes() + entries_.bytes() + coding_.words().bytes();
  }
  const Coding& coding() const { return coding_; }
  const Column<std::uint8_t>& records() const { return records_; }
  const Column<std::uint32_t>& entries() const { return entries_; }

  const std::uint8_t* record(std::uint32_t slot) const {
    return records_.data() + std::size_t{slot} * stride_;
  }
  /// kDegree slots, nearest first; unused ones at the end hold kNoId.
  const std::uint32_t* edges(std::uint32_t slot) const {
    return reinterpret_cast<const std::uint32_t*>(record(slot));
  }
  struct Factors {
    ListFactors codes;  ///< of the block
    float scale = 0;    ///< of the slot's own bytes
    float minus = 0;    ///< half the squared length of the slot's own vector for L2, else 0
  };
  Factors factors(std::uint32_t slot) const;
  /// The slot's own rotated vector, as quantize_unsigned makes it.
  const std::uint8_t* bytes_of(std::uint32_t slot) const { return record(slot) + kBytesOffset; }
  const std::uint8_t* block(std::uint32_t slot) const { return record(slot) + block_offset_; }
  std::uint32_t entry(std::uint32_t list) const { return entries_[list]; }

 private:
  static constexpr std::size_t kFactorsOffset = kDegree * sizeof(std::uint32_t);
  static constexpr std::size_t kBytesOffset = kFactorsOffset + 32;
  static_assert(sizeof(Factors) <= 32);
  static std::size_t block_offset(const Coding& coding) {
    return (kBytesOffset + coding.dims() + 63) / 64 * 64;
  }
  Coding coding_;
  Column<std::uint8_t> records_;
  Column<std::uint32_t> entries_;  // the vector nearest to each list's centroid, kNoId if empty
  std::size_t block_offset_ = 0;
  std::size_t stride_ = 0;
};

/// Memory of one searching thread.
struct GraphScratch {
  SearchScratch lists;
  std::vector<std::uint64_t> visited;  // a bit a slot, all zero between searches
  std::vector<std::uint32_t> touched;
  struct Open {
    float score;
    std::uint32_t slot;  // top bit: already stepped on
  };
  std::vector<Open> pool;
  std::vector<Open> seen;  // stepped on, with the scores of their bytes
  std::uint64_t steps = 0;
  /// A slot that walks treat as absent: a vector that is used as a query must not lead the way.
  std::uint32_t avoid = kNoId;
};

/// The k best by walking the graph with a pool of plan.beam candidates, all of which are stepped
/// on; the plan.exact best are compared with the float rows. `allowed` (may be null) says which
/// slots may be answered; others are walked through all the same. As ListSearch::search otherwise.
std::size_t search_graph(const Lists& lists, const Graph& graph, const float* query, std::size_t k,
                         const Plan& plan, const Filter* allowed, GraphScratch& scratch,
                         Neighbor* out);

}  // namespace vitrine::vec
