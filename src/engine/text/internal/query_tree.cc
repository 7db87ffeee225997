#include "engine/text/internal/query_tree.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace vitrine::text::internal {
namespace {

struct Maker {
  const Snapshot& snapshot;
  QueryTree& tree;
  double documents = 0;
  std::size_t next_block = 0;  // of tree.blocks

  // Looks for the blocks of all terms in the order in which make() will ask for them, and asks
  // memory for them: a query waits for memory more than it computes.
  void fetch_blocks(const Query& q) {
    if (q.kind == Query::Kind::kNothing) return;
    if (q.kind == Query::Kind::kTerm || q.kind == Query::Kind::kPhrase)
      for (const std::string& t : q.terms)
        for (const Snapshot::Part& part : snapshot.parts()) {
          const Segment::Impl& segment = part.segment->impl();
          tree.blocks.push_back(segment.meta.terms > 0 ? segment.block_of(t) : 0);
          if (segment.meta.terms > 0) segment.fetch_block(tree.blocks.back());
        }
    for (const Query& child : q.children) fetch_blocks(child);
  }

  double idf(std::uint64_t frequency) const {
    const auto df = static_cast<double>(frequency);
    return std::log(1.0 + (documents - df + 0.5) / (df + 0.5));
  }

  // kAnyField also where there is no other.
  std::uint8_t number_of(const std::string& field) const {
    const auto& fields = snapshot.schema().fields;
    if (field.empty() || fields.size() == 1) return kAnyField;
    const auto at = std::find_if(fields.begin(), fields.end(),
                                 [&](const FieldSpec& f) { return f.name == field; });
    return static_cast<std::uint8_t>(at - fields.begin());
  }

  std::uint32_t new_node(NodeKind kind) {
    Node node;
    node.kind = kind;
    tree.nodes.push_back(node);
    tree.node_weight.push_back(0);
    tree.node_field.push_back(kAnyField);
    return static_cast<std::uint32_t>(tree.nodes.size() - 1);
  }

  std::uint32_t new_leaf(std::string_view text, bool prefix, float boost, bool scores) {
    QueryLeaf leaf;
    leaf.prefix = prefix;
    leaf.text = text;
    leaf.scores = scores;
    for (const Snapshot::Part& part : snapshot.parts()) {
      TermEntry entry;
      if (!prefix && part.segment->impl().find_in(tree.blocks[next_block++], text, entry)) {
        leaf.frequency += entry.frequency;
        for (std::size_t i = 0; i < std::min<std::size_t>(entry.postings.size(), 256); i += 64)
          __builtin_prefetch(entry.postings.data() + i);
      }
      tree.entries.push_back(entry);
    }
    if (prefix) {
      leaf.weight = boost;
    } else {
      leaf.idf = idf(leaf.frequency);
      leaf.weight = static_cast<float>(boost * leaf.idf);
    }
    const std::uint32_t node = new_node(NodeKind::kLeaf);
    leaf.node = node;
    tree.nodes[node].leaf = static_cast<std::uint32_t>(tree.leaves.size());
    tree.leaves.push_back(leaf);
    return node;
  }

  void set_children(std::uint32_t node, const std::vector<std::uint32_t>& children) {
    tree.nodes[node].child_begin = static_cast<std::uint32_t>(tree.children.size());
    tree.nodes[node].child_count = static_cast<std::uint32_t>(children.size());
    tree.children.insert(tree.children.end(), children.begin(), children.end());
  }

  std::uint32_t make_phrase(const Query& q, bool scores) {
    const std::uint8_t field = number_of(q.field);
    if (q.terms.size() == 1 && field == kAnyField)
      return new_leaf(q.terms[0], false, q.boost, scores);
    const std::uint32_t node = new_node(NodeKind::kPhrase);
    std::vector<std::uint32_t> children;
    double sum = 0;
    for (const std::string& t : q.terms) {
      children.push_back(new_leaf(t, false, q.boost, false));
      sum += tree.leaves.back().idf;
    }
    // The rarest term stands for the phrase in bounds: the phrase occurs at most as often.
    std::uint32_t rarest = tree.nodes[children[0]].leaf;
    const auto weight = static_cast<float>(q.boost * sum);
    for (const std::uint32_t c : children) {
      QueryLeaf& leaf = tree.leaves[tree.nodes[c].leaf];
      if (leaf.frequency < tree.leaves[rarest].frequency) rarest = tree.nodes[c].leaf;
      leaf.weight = weight;
    }
    tree.leaves[rarest].scores = scores;
    tree.node_weight[node] = weight;
    tree.node_field[node] = field;
    tree.has_phrase = tree.has_phrase || q.terms.size() > 1;
    tree.verify = true;
    set_children(node, children);
    return node;
  }

  std::uint32_t make(const Query& q, bool scores) {
    switch (q.kind) {
      case Query::Kind::kPrefix: {
        const std::uint32_t node = new_leaf(q.terms[0], true, q.boost, scores);
        tree.leaves.back().field = number_of(q.field);
        return node;
      }
      case Query::Kind::kTerm:
      case Query::Kind::kPhrase: return make_phrase(q, scores);
      case Query::Kind::kNothing: return new_node(NodeKind::kNothing);
      case Query::Kind::kAnd:
      case Query::Kind::kOr:
        if (q.children.empty()) return new_node(NodeKind::kNothing);
        if (q.children.size() == 1 && q.min_match == 1) return make(q.children[0], scores);
        break;
      case Query::Kind::kNot:
      case Query::Kind::kFilter: scores = false; break;
    }
    const NodeKind kind = q.kind == Query::Kind::kAnd   ? NodeKind::kAnd
                          : q.kind == Query::Kind::kOr  ? NodeKind::kOr
                          : q.kind == Query::Kind::kNot ? NodeKind::kNot
                                                        : NodeKind::kFilter;
    const std::uint32_t node = new_node(kind);
    tree.nodes[node].min_match = kind == NodeKind::kOr ? q.min_match : 1;
    std::vector<std::uint32_t> children;
    for (const Query& child : q.children) children.push_back(make(child, scores));
    set_children(node, children);
    return node;
  }
};

EvalMode mode_of(const QueryTree& tree) {
  // Leaves, and ORs of leaves.
  const auto flat = [&tree](const Node& node) {
    if (node.kind == NodeKind::kLeaf) return true;
    if (node.kind != NodeKind::kOr || node.min_match != 1) return false;
    const auto children = std::span(tree.children).subspan(node.child_begin, node.child_count);
    return std::all_of(children.begin(), children.end(), [&tree](std::uint32_t child) {
      return tree.nodes[child].kind == NodeKind::kLeaf;
    });
  };
  const Node& root = tree.nodes[tree.root];
  if (flat(root)) return EvalMode::kAny;
  if (root.kind != NodeKind::kAnd) return EvalMode::kTree;
  for (std::uint32_t c = 0; c < root.child_count; ++c)
    if (!flat(tree.nodes[tree.children[root.child_begin + c]])) return EvalMode::kTree;
  return EvalMode::kGroups;
}

Status check_fields(const Schema& schema, const Query& q) {
  const auto has = [&](const FieldSpec& f) { return f.name == q.field; };
  if (!q.field.empty() && std::none_of(schema.fields.begin(), schema.fields.end(), has))
    return Error(ErrorCode::kInvalidArgument, "the index has no field '" + q.field + "'");
  for (const Query& child : q.children) VITRINE_TRY(check_fields(schema, child));
  return ok_status();
}

void make_tree(const Snapshot& snapshot, const Query& query, QueryTree& tree) {
  tree.leaves.clear();
  tree.nodes.clear();
  tree.children.clear();
  tree.node_weight.clear();
  tree.node_field.clear();
  tree.entries.clear();
  tree.has_phrase = tree.verify = false;
  tree.blocks.clear();
  tree.parts = snapshot.parts().size();
  Maker maker{snapshot, tree};
  for (const Snapshot::Part& part : snapshot.parts())
    maker.documents += static_cast<double>(part.segment->documents());
  maker.fetch_blocks(query);
  tree.root = maker.make(query, true);
  tree.mode = mode_of(tree);
}

}  // namespace

Status prepare_tree(const Snapshot& snapshot, const Query& query, QueryTree& tree) {
  VITRINE_TRY(check_query(query));
  VITRINE_TRY(check_fields(snapshot.schema(), query));
  make_tree(snapshot, query, tree);
  if (tree.has_phrase && !snapshot.schema().positions)
    return Error(ErrorCode::kInvalidArgument, "phrases need an index with positions");
  return ok_status();
}

}  // namespace vitrine::text::internal
