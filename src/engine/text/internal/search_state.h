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

// Documents that the driver of a search has, in arrays: rising document, upper bound of the score
// in unit8, number among all the driver had. Arrays have room for 64 more.
struct Candidates {
  std::vector<std::uint32_t> documents, origins;
  std::vector<std::uint16_t> bounds;
  std::vector<std::uint8_t> marks;
  std::vector<std::uint32_t> order;
  std::uint32_t count = 0;

  void resize(std::uint32_t n) {
    documents.resize(n + std::size_t{64});
    origins.resize(n + std::size_t{64});
    bounds.resize(n + std::size_t{64});
    marks.resize(n + std::size_t{64});
  }
};

// How a search is driven: lists whose documents are the candidates, one list after the other, and
// groups of leaves looked up for them. Of each group one must match, if `required`.
struct Driven {
  std::vector<std::uint32_t> driver;
  std::vector<std::vector<std::uint32_t>> groups;
  std::vector<bool> joined;  // by leaf: in one of them
  bool required = false, phrase = false;
  bool late = false;  // bounds of sparse lists are added to what is left at the end
};

}  // namespace internal

using namespace internal;  // NOLINT: the parts of this module

struct Searcher::State {
  QueryTree tree;
  std::vector<LeafData> data;          // per leaf of the tree
  std::vector<Leaf> leaves;            // per leaf of the tree, in the order of visits
  std::vector<std::uint32_t> leaf_at;  // leaf of the tree -> place in leaves
  std::vector<Node> nodes;             // leaves renumbered
  // Of a tree that is flat or an AND of flat parts: its leaves in the order of the query, and where
  // the parts end. Empty where it is neither.
  std::vector<std::uint32_t> flat_leaves, flat_ends;
  std::vector<std::uint32_t> in_order;  // flat_leaves as places in leaves
  std::vector<std::uint32_t> live, ordered;
  std::vector<std::uint16_t> live_bounds, ordered_bounds;
  std::vector<Leaf> sorted_leaves;        // scratch of order_leaves()
  std::vector<std::uint32_t> leaf_order;  // the same
  std::vector<std::uint8_t> classes;
  std::vector<std::uint64_t> keys;  // scratch of answer_from_list()
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
  // Working memory of a search driven by short lists.
  Driven driven;
  Candidates candidates;
  std::uint32_t candidate_origin = 0;  // of the one being scored

  void search_part(const Snapshot& snapshot, std::size_t part, const SearchOptions& options,
                   SearchResult& result);
  const TermEntry& entry_of(std::size_t leaf) const {
    return tree.entries[leaf * tree.parts + part_number];
  }
  bool single_term() const {
    return tree.leaves.size() == 1 && tree.nodes[tree.root].kind == NodeKind::kLeaf &&
           !tree.leaves[0].prefix;
  }
  bool restricted() const { return filter != nullptr || removed != nullptr; }
  bool answer_from_best(const SearchOptions& options, SearchResult& result);
  bool answer_from_list(const SearchOptions& options, SearchResult& result);
  double kth_allowed(const LeafData& leaf, std::uint32_t k) const;
  void open_leaves(std::uint32_t k, SearchResult& result);
  void run_windows(const SearchOptions& options, SearchResult& result);

  // search_driven.cc
  std::vector<std::uint32_t> simple_leaves(std::uint32_t node) const;
  bool plan_conjunction();
  bool plan_disjunction(const SearchOptions& options);
  bool choose_driver(const SearchOptions& options);
  void run_driven(const SearchOptions& options, SearchResult& result);
  void open_driven(SearchResult& result);
  void gather_candidates(std::uint32_t driver);
  std::uint32_t most_of(std::uint32_t leaf) const;
  void join_leaf(std::uint32_t leaf, bool adds, std::uint8_t mark);
  void drop_candidates(std::size_t place);
  void add_late_bounds();
  void visit_candidates(const SearchOptions& options, SearchResult& result);
  bool allowed(std::uint32_t document) const;

  void prime(std::uint32_t k);
  void set_units();
  void set_thresholds();
  void set_products();
  void order_leaves();
  void place_in_order();
  void sort_groups();
  void make_room();
  // Whether the document matches; its score. The leaves stand on its window, or it is the candidate
  // of candidate_origin.
  bool score_document(std::uint32_t document, double& sum) {
    return flat_ends.empty() ? score(tree.root, document, sum) : score_flat(document, sum);
  }
  bool score_flat(std::uint32_t document, double& sum);
  void flatten();
  bool score(std::uint32_t node, std::uint32_t document, double& sum);
  bool score_phrase(std::uint32_t node, std::uint32_t document, double& sum);
  bool phrase_frequencies(const Node& node, std::uint32_t document, Frequencies& tf);
  int code_of(std::uint32_t leaf, std::uint32_t document);
  void explain_node(std::uint32_t node, std::uint32_t document, std::vector<Part>& parts);
};

}  // namespace vitrine::text
