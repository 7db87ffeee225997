// Exact scores, and what they are made of.
#include "engine/text/internal/positions.h"
#include "engine/text/internal/search_state.h"

namespace vitrine::text {

int Searcher::State::code_of(std::uint32_t leaf, std::uint32_t document) {
  Leaf& l = leaves[leaf_at[leaf]];
  if (l.kind == LeafKind::kLazy) {
    LeafData& d = data[leaf];
    if (d.codes_by_origin.empty()) return d.seek(l, document);
    const std::uint8_t code = d.codes_by_origin[candidate_origin];
    return code == 255 ? -1 : code;
  }
  kernels->position(l, document >> kWindowBits);
  return kernels->locate(l, document & (kWindow - 1));
}

void Searcher::State::flatten() {
  flat_leaves.clear();
  flat_ends.clear();
  if (tree.mode == EvalMode::kTree) return;
  const auto add = [this](const Node& node) {
    if (node.kind == NodeKind::kLeaf) flat_leaves.push_back(node.leaf);
    for (std::uint32_t c = 0; node.kind == NodeKind::kOr && c < node.child_count; ++c)
      flat_leaves.push_back(tree.nodes[tree.children[node.child_begin + c]].leaf);
    flat_ends.push_back(static_cast<std::uint32_t>(flat_leaves.size()));
  };
  const Node& root = tree.nodes[tree.root];
  if (root.kind != NodeKind::kAnd) return add(root);
  for (std::uint32_t c = 0; c < root.child_count; ++c)
    add(tree.nodes[tree.children[root.child_begin + c]]);
}

// The same sums as score() makes, in the same order.
bool Searcher::State::score_flat(std::uint32_t document, double& sum) {
  const Scoring& scoring = segment->scoring;
  double total = 0;
  std::uint32_t at = 0;
  for (const std::uint32_t end : flat_ends) {
    double own = 0;
    bool matched = false;
    for (; at < end; ++at) {
      const std::uint32_t l = flat_leaves[at];
      const int code = code_of(l, document);
      if (code < 0) continue;
      matched = true;
      const LeafData& d = data[l];
      const Leaf& leaf = leaves[leaf_at[l]];
      if (leaf.kind == LeafKind::kBitmap)
        own += double{d.weight};
      else if (scoring.exact_classes && d.exact(leaf, code))
        own += double{d.weight} *
               double{d.bound(scoring.classes[document], leaf, static_cast<std::uint32_t>(code))};
      else
        own += double{d.weight} *
               double{scoring.saturation(document, d.combination(leaf, document, code))};
    }
    if (!matched) return false;
    total += own;
  }
  sum += total;
  return true;
}

// Exact: adds up in the order of the query, in double; so every level gives the same bits.
bool Searcher::State::score(std::uint32_t number, std::uint32_t document, double& sum) {
  const Node& node = tree.nodes[number];
  const std::uint32_t* children = tree.children.data() + node.child_begin;
  switch (node.kind) {
    case NodeKind::kLeaf: {
      const int code = code_of(node.leaf, document);
      if (code < 0) return false;
      const LeafData& d = data[node.leaf];
      if (tree.leaves[node.leaf].prefix) {
        sum += double{d.weight};
        return true;
      }
      const std::uint32_t c = d.combination(leaves[leaf_at[node.leaf]], document, code);
      sum += double{d.weight} * double{segment->scoring.saturation(document, c)};
      return true;
    }
    case NodeKind::kPhrase: return score_phrase(number, document, sum);
    case NodeKind::kAnd: {
      double own = 0;
      for (std::uint32_t c = 0; c < node.child_count; ++c)
        if (!score(children[c], document, own)) return false;
      sum += own;
      return true;
    }
    case NodeKind::kOr: {
      double own = 0;
      std::uint32_t matched = 0;
      for (std::uint32_t c = 0; c < node.child_count; ++c)
        matched += score(children[c], document, own) ? 1 : 0;
      if (matched < node.min_match) return false;
      sum += own;
      return true;
    }
    case NodeKind::kNot: {
      double none = 0;
      return !score(children[0], document, none);
    }
    case NodeKind::kFilter: {
      double none = 0;
      return score(children[0], document, none);
    }
    case NodeKind::kNothing: break;
  }
  return false;
}

bool Searcher::State::phrase_frequencies(const Node& node, std::uint32_t document,
                                         Frequencies& tf) {
  const std::uint8_t field = tree.node_field[static_cast<std::size_t>(&node - tree.nodes.data())];
  if (node.child_count == 1) {
    const std::uint32_t leaf = tree.nodes[tree.children[node.child_begin]].leaf;
    const int code = code_of(leaf, document);
    if (code < 0) return false;
    const std::uint32_t c = data[leaf].combination(leaves[leaf_at[leaf]], document, code);
    tf[field] = segment->scoring.frequencies(c)[field];
    return tf[field] > 0;
  }
  positions.resize(std::max<std::size_t>(positions.size(), node.child_count));
  for (std::uint32_t c = 0; c < node.child_count; ++c) {
    const std::uint32_t leaf = tree.nodes[tree.children[node.child_begin + c]].leaf;
    if (code_of(leaf, document) < 0) return false;
  }
  for (std::uint32_t c = 0; c < node.child_count; ++c) {
    const std::uint32_t leaf = tree.nodes[tree.children[node.child_begin + c]].leaf;
    LeafData& d = data[leaf];
    const Leaf& place = leaves[leaf_at[leaf]];
    const bool known = place.kind == LeafKind::kLazy && !d.ordinals_by_origin.empty();
    const std::uint32_t ordinal =
        known ? d.ordinals_by_origin[candidate_origin] : d.ordinal(place, document);
    read_positions(d.entry.positions, d.entry.frequency, ordinal, positions[c]);
  }
  // A pointer per term moves on with the starts, so each position is looked at once.
  bool any = false;
  std::vector<std::size_t>& at = position_at;
  at.assign(node.child_count, 0);
  for (const std::uint32_t start : positions[0]) {
    bool all = true;
    for (std::uint32_t c = 1; c < node.child_count && all; ++c) {
      while (at[c] < positions[c].size() && positions[c][at[c]] < start + c) ++at[c];
      all = at[c] < positions[c].size() && positions[c][at[c]] == start + c;
    }
    // Fields end far apart unless a position was cut at kPositionMax.
    if (!all || start / (kPositionMax + 1) != (start + node.child_count - 1) / (kPositionMax + 1))
      continue;
    if (field != kAnyField && start / (kPositionMax + 1) != field) continue;
    std::uint8_t& n = tf[start / (kPositionMax + 1)];
    if (n < kOccurrencesMax) ++n;
    any = true;
  }
  return any;
}

bool Searcher::State::score_phrase(std::uint32_t number, std::uint32_t document, double& sum) {
  Frequencies tf{};
  if (!phrase_frequencies(tree.nodes[number], document, tf)) return false;
  sum += tree.node_weight[number] * double{segment->scoring.saturation_of(document, tf)};
  return true;
}

void Searcher::State::explain_node(std::uint32_t number, std::uint32_t document,
                                   std::vector<Part>& parts) {
  const Node& node = tree.nodes[number];
  double own = 0;
  if (node.kind == NodeKind::kNot || node.kind == NodeKind::kFilter ||
      !score(number, document, own))
    return;
  if (node.kind != NodeKind::kLeaf && node.kind != NodeKind::kPhrase) {
    for (std::uint32_t c = 0; c < node.child_count; ++c)
      explain_node(tree.children[node.child_begin + c], document, parts);
    return;
  }
  Part part;
  part.score = own;
  double weight =
      node.kind == NodeKind::kPhrase ? tree.node_weight[number] : double{data[node.leaf].weight};
  part.saturation = weight > 0 ? own / weight : 0;
  if (node.kind == NodeKind::kLeaf) {
    const QueryLeaf& leaf = tree.leaves[node.leaf];
    part.what = (leaf.prefix ? "prefix " : "term ") + std::string(leaf.text);
    if (leaf.field != kAnyField) part.what += " in " + segment->meta.schema.fields[leaf.field].name;
    part.idf = leaf.idf;
  } else {
    part.what = node.child_count == 1 ? "term" : "phrase";
    for (std::uint32_t c = 0; c < node.child_count; ++c) {
      const QueryLeaf& leaf = tree.leaves[tree.nodes[tree.children[node.child_begin + c]].leaf];
      part.what += " " + std::string(leaf.text);
      part.idf += leaf.idf;
    }
    if (const std::uint8_t f = tree.node_field[number]; f != kAnyField)
      part.what += " in " + segment->meta.schema.fields[f].name;
  }
  parts.push_back(std::move(part));
}

}  // namespace vitrine::text
