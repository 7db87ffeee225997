// What a Searcher keeps: the working memory of one search, and its steps.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/text/index.h"
#include "engine/text/internal/leaf_data.h"
#include "engine/text/internal/query_tree.h"
#include "engine/text/internal/top_k.h"
#include "engine/text/search.h"

namespace vitrine::text {

namespace internal {

// A document that the driver of a conjunction has, with an upper bound of its score in unit8.
struct Candidate {
  std::uint32_t document;
  std::uint32_t bound;
};

}  // namespace internal

using namespace internal;  // NOLINT: the parts of this module

struct Searcher::State {
  QueryTree tree;
  std::vector<LeafData> data;          // per leaf of the tree
  std::vector<Leaf> leaves;            // per leaf of the tree, in the order of visits
  std::vector<std::uint32_t> leaf_at;  // leaf of the tree -> place in leaves
  std::vector<Node> nodes;             // leaves renumbered
  std::vector<std::uint32_t> live, ordered;
  std::vector<std::uint16_t> live_bounds, ordered_bounds;
  std::vector<std::uint8_t> classes;
  TopK top;
  EvalPlan plan;
  double unit8 = 1, unit16 = 1;
  const EvalKernels* kernels = &kEvalScalar;

  // The segment being searched.
  const Segment::Impl* segment = nullptr;
  std::size_t part_number = 0;
  const std::vector<std::uint64_t>* removed = nullptr;
  const IdSet* filter = nullptr;
  IdSet* gathered = nullptr;
  // Working memory of phrases.
  std::vector<std::vector<std::uint32_t>> positions;
  std::vector<std::size_t> position_at;
  // Working memory of a conjunction driven by its rarest child.
  std::vector<Candidate> candidates, ordered_candidates;
  LeafData driver_data;

  void search_part(const Snapshot& snapshot, std::size_t part, const SearchOptions& options,
                   SearchResult& result);
  const TermEntry& entry_of(std::size_t leaf) const {
    return tree.entries[leaf * tree.parts + part_number];
  }
  bool single_term() const {
    return tree.leaves.size() == 1 && tree.nodes[tree.root].kind == NodeKind::kLeaf &&
           !tree.leaves[0].prefix;
  }
  bool answer_from_best(const SearchOptions& options, bool restricted);
  bool answer_from_list(const SearchOptions& options, bool restricted);
  void open_leaves(std::uint32_t k, SearchResult& result);
  void run_windows(const SearchOptions& options, bool restricted, SearchResult& result);

  // search_driven.cc: an AND whose rarest child is short enough to look its documents up.
  std::vector<std::uint32_t> driver_leaves(std::uint32_t node) const;
  bool choose_driver(const SearchOptions& options, std::vector<std::uint32_t>& driver) const;
  void run_driven(const std::vector<std::uint32_t>& driver, const SearchOptions& options,
                  SearchResult& result);
  void open_driven(const std::vector<std::uint32_t>& driver, SearchResult& result);
  void gather_candidates(const std::vector<std::uint32_t>& driver);
  void drop_candidates(const std::vector<std::uint32_t>& driver);
  void visit_candidates(const SearchOptions& options, SearchResult& result);
  bool allowed(std::uint32_t document) const;

  void prime(bool restricted);
  void set_units();
  void set_thresholds();
  void order_leaves();
  void make_room();
  bool score(std::uint32_t node, std::uint32_t document, double& sum);
  bool score_phrase(std::uint32_t node, std::uint32_t document, double& sum);
  bool phrase_frequencies(const Node& node, std::uint32_t document, Frequencies& tf);
  int code_of(std::uint32_t leaf, std::uint32_t document);
  void explain_node(std::uint32_t node, std::uint32_t document, std::vector<Part>& parts);
};

}  // namespace vitrine::text
