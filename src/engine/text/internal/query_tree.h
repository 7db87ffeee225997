// A query prepared for all segments of a snapshot: leaves with weights, nodes in arrays.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/text/index.h"
#include "engine/text/internal/eval.h"
#include "engine/text/internal/segment_impl.h"
#include "engine/text/query.h"

namespace vitrine::text::internal {

struct QueryLeaf {
  bool prefix = false;
  std::string_view text;  // of the query
  float weight = 0;       // boost * idf; of a phrase's terms: of the phrase
  double idf = 0;
  bool scores = true;              // not below NOT or FILTER
  std::uint8_t field = kAnyField;  // of prefixes, which look for it themselves
  std::uint32_t node = 0;
  std::uint64_t frequency = 0;  // over all segments
};

struct QueryTree {
  std::vector<QueryLeaf> leaves;
  std::vector<Node> nodes;
  std::vector<std::uint32_t> children;
  std::vector<double> node_weight;       // of phrases
  std::vector<std::uint8_t> node_field;  // of phrases; kAnyField where any will do
  std::uint32_t root = 0;
  EvalMode mode = EvalMode::kTree;
  bool has_phrase = false;  // of several terms: needs positions
  bool verify = false;      // there are kPhrase nodes: masks say "perhaps"
  // What the dictionary of each segment says of each leaf's term: leaf * parts + part.
  std::size_t parts = 0;
  std::vector<TermEntry> entries;
  std::vector<std::uint64_t>
      blocks;  // of the dictionary, in the same order; scratch of make_tree()
};

// kInvalidArgument and kTooLarge as check_query() has them, for fields that the schema does not
// have, and for phrases without positions. The sum of weights is finite; idf follows the formula of
// schema.h over all segments. A term that must stand in one field of several becomes a kPhrase node
// of one leaf: what is known of a document's windows and codes is then an upper bound, too.
Status prepare_tree(const Snapshot& snapshot, const Query& query, QueryTree& tree);

}  // namespace vitrine::text::internal
