#include "engine/text/search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "engine/text/index.h"
#include "engine/text/internal/leaf_data.h"
#include "engine/text/internal/positions.h"
#include "engine/text/internal/query_tree.h"
#include "engine/text/internal/top_k.h"

namespace vitrine::text {

using namespace internal;  // NOLINT: the parts of this module

IdSet IdSet::of(std::span<const DocumentId> ids) {
  IdSet set;
  for (const DocumentId id : ids) set.add(id);
  return set;
}

void IdSet::add(DocumentId id) {
  if (id / 64 >= words_.size())
    words_.resize(std::max<std::size_t>(id / 64 + 1, words_.size() * 3 / 2));
  words_[id / 64] |= 1ull << (id % 64);
}

std::uint64_t IdSet::count() const {
  std::uint64_t n = 0;
  for (const std::uint64_t word : words_) n += static_cast<std::uint64_t>(std::popcount(word));
  return n;
}

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
  const std::vector<std::uint64_t>* removed = nullptr;
  const IdSet* filter = nullptr;
  IdSet* gathered = nullptr;
  // Working memory of phrases.
  std::vector<std::vector<std::uint32_t>> positions;

  void search_part(const Snapshot::Part& part, const SearchOptions& options, SearchResult& result);
  bool answer_from_best(const SearchOptions& options, bool restricted);
  bool answer_from_list(const SearchOptions& options, bool restricted);
  void open_leaves(std::uint32_t k, SearchResult& result);
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

Searcher::Searcher() : state_(std::make_unique<State>()) {}
Searcher::~Searcher() = default;
Searcher::Searcher(Searcher&&) noexcept = default;
Searcher& Searcher::operator=(Searcher&&) noexcept = default;

namespace {

// Documents of a window by the filter and by removals.
void allowed_of(EvalPlan& plan, std::uint32_t window, std::uint64_t mask[2]) {
  const auto& s = *static_cast<const Searcher::State*>(plan.owner);
  mask[0] = mask[1] = ~0ull;
  const std::uint32_t base = window * kWindow;
  if (s.filter != nullptr) {
    const auto words = s.filter->words();
    const auto word = [&](std::uint64_t i) { return i < words.size() ? words[i] : 0; };
    if (s.segment->ids == nullptr) {
      const std::uint64_t bit = std::uint64_t{s.segment->meta.id_base} + base;
      const auto shift = static_cast<int>(bit & 63);
      for (std::uint64_t half = 0; half < 2; ++half) {
        const std::uint64_t at = bit / 64 + half;
        mask[half] = shift == 0 ? word(at) : word(at) >> shift | word(at + 1) << (64 - shift);
      }
    } else {
      mask[0] = mask[1] = 0;
      const std::uint32_t end = std::min(kWindow, s.segment->meta.documents - base);
      for (std::uint32_t i = 0; i < end; ++i)
        mask[i >> 6] |= static_cast<std::uint64_t>(s.filter->contains(s.segment->ids[base + i]))
                        << (i & 63);
    }
  }
  if (s.removed != nullptr) {
    mask[0] &= ~(*s.removed)[2 * window];
    mask[1] &= ~(*s.removed)[2 * window + 1];
  }
}

void score_candidate(EvalPlan& plan, std::uint32_t document) {
  auto& s = *static_cast<Searcher::State*>(plan.owner);
  double sum = 0;
  if (!s.score(s.plan.root, document, sum)) return;
  ++s.plan.counted_scores;
  if (s.top.offer(sum, s.segment->id(document))) s.set_thresholds();
}

void note_matched(EvalPlan& plan, std::uint32_t window, const std::uint64_t mask[2]) {
  const auto& s = *static_cast<const Searcher::State*>(plan.owner);
  const std::uint32_t base = window * kWindow;
  for (std::uint32_t half = 0; half < 2; ++half) {
    if (mask[half] == 0) continue;
    if (s.segment->ids == nullptr) {
      s.gathered->add_word(s.segment->meta.id_base + base + 64 * half, mask[half]);
      continue;
    }
    for (std::uint64_t rest = mask[half]; rest != 0; rest &= rest - 1) {
      s.gathered->add(
          s.segment->id(base + 64 * half + static_cast<std::uint32_t>(std::countr_zero(rest))));
    }
  }
}

bool matches(EvalPlan& plan, std::uint32_t document) {
  auto& s = *static_cast<Searcher::State*>(plan.owner);
  double sum = 0;
  return s.score(s.plan.root, document, sum);
}

}  // namespace

int Searcher::State::code_of(std::uint32_t leaf, std::uint32_t document) {
  Leaf& l = leaves[leaf_at[leaf]];
  kernels->position(l, document >> kWindowBits);
  return kernels->locate(l, document & (kWindow - 1));
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
  positions.resize(std::max<std::size_t>(positions.size(), node.child_count));
  for (std::uint32_t c = 0; c < node.child_count; ++c) {
    const std::uint32_t leaf = tree.nodes[tree.children[node.child_begin + c]].leaf;
    if (code_of(leaf, document) < 0) return false;
  }
  for (std::uint32_t c = 0; c < node.child_count; ++c) {
    const std::uint32_t leaf = tree.nodes[tree.children[node.child_begin + c]].leaf;
    const LeafData& d = data[leaf];
    read_positions(d.entry.positions, d.entry.frequency, d.ordinal(leaves[leaf_at[leaf]], document),
                   positions[c]);
  }
  // A pointer per term moves on with the starts, so each position is looked at once.
  bool any = false;
  std::vector<std::size_t> at(node.child_count, 0);
  for (const std::uint32_t start : positions[0]) {
    bool all = true;
    for (std::uint32_t c = 1; c < node.child_count && all; ++c) {
      while (at[c] < positions[c].size() && positions[c][at[c]] < start + c) ++at[c];
      all = at[c] < positions[c].size() && positions[c][at[c]] == start + c;
    }
    // Fields end far apart unless a position was cut at kPositionMax.
    if (!all || start / (kPositionMax + 1) != (start + node.child_count - 1) / (kPositionMax + 1))
      continue;
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

// One term without restriction: the stored best list is the answer.
bool Searcher::State::answer_from_best(const SearchOptions& options, bool restricted) {
  if (tree.leaves.size() != 1 || tree.nodes[tree.root].kind != NodeKind::kLeaf || restricted)
    return false;
  if (tree.leaves[0].prefix) return false;
  LeafData& d = data[0];
  if (!segment->find(tree.leaves[0].text, d.entry) || d.entry.frequency <= kTinyMax) return false;
  if (!view_list(d.entry.postings, segment->meta.documents, d.view)) return false;
  if (options.k > d.view.header.best_count || !(tree.leaves[0].weight > 0)) return false;
  d.long_list = true;
  d.weight = tree.leaves[0].weight;
  for (std::uint32_t i = 0; i < options.k; ++i) {
    const std::uint32_t document = d.view.best_document(i);
    const std::uint32_t c = d.view.best_combination(i);
    const double score = double{d.weight} * double{segment->scoring.saturation(document, c)};
    if (top.full() && score < top.threshold()) break;
    top.offer(score, segment->id(document));
  }
  return true;
}

// One term without restriction and a short list: each posting that its bound does not rule out is
// scored; windows would only be in the way.
bool Searcher::State::answer_from_list(const SearchOptions& options, bool restricted) {
  if (tree.leaves.size() != 1 || tree.nodes[tree.root].kind != NodeKind::kLeaf || restricted)
    return false;
  if (tree.leaves[0].prefix || options.k == 0) return false;
  LeafData& d = data[0];
  if (!segment->find(tree.leaves[0].text, d.entry)) return true;
  d.weight = tree.leaves[0].weight;
  if (!(d.weight > 0) || !d.decode_short(*segment, options.k, *kernels)) return false;
  d.for_each_above(segment->scoring, [&](std::uint32_t document, std::uint32_t combination) {
    const double score =
        double{d.weight} * double{segment->scoring.saturation(document, combination)};
    top.offer(score, segment->id(document));
  });
  return true;
}

void Searcher::State::open_leaves(std::uint32_t k, SearchResult& result) {
  const std::size_t n = tree.leaves.size();
  if (data.size() < n) data.resize(n);
  leaves.assign(n, Leaf{});
  for (std::size_t l = 0; l < n; ++l) {
    const QueryLeaf& q = tree.leaves[l];
    LeafData& d = data[l];
    Leaf& leaf = leaves[l];
    d.weight = q.weight;
    if (q.prefix) {
      const std::uint64_t read = d.open_prefix(*segment, q.text, leaf);
      result.stats.postings_total += read;
      result.stats.postings_touched += read;
    } else {
      if (!segment->find(q.text, d.entry)) d.entry = {};
      d.open_term(*segment, k, *kernels, leaf);
      result.stats.postings_total += d.entry.frequency;
      if (leaf.kind == LeafKind::kDecoded) result.stats.postings_touched += d.entry.frequency;
    }
    leaf.scores = q.scores;
  }
}

// In an OR each term alone already promises its k best documents.
void Searcher::State::prime(bool restricted) {
  if (tree.mode != EvalMode::kAny || restricted) return;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l)
    if (!tree.leaves[l].prefix) top.raise_floor(double{data[l].weight} * data[l].best_kth);
}

void Searcher::State::set_units() {
  double sum = 0;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l)
    if (tree.leaves[l].scores) sum += double{data[l].weight} * double{data[l].highest};
  unit8 = sum > 0 ? sum / 200.0 : 1.0;
  unit16 = sum > 0 ? sum / 60000.0 : 1.0;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l)
    data[l].set_units(segment->scoring, unit8, unit16, leaves[l]);
}

// Rounded down: a document at the threshold must pass.
void Searcher::State::set_thresholds() {
  const double theta = top.threshold();
  plan.theta8 = std::max(1u, static_cast<std::uint32_t>(std::min(theta / unit8, 255.0)));
  plan.theta16 = static_cast<std::uint32_t>(std::min(theta / unit16, 65535.0));
}

// OR: the heaviest first, so that the rest can often be left unread. AND: the rarest first.
void Searcher::State::order_leaves() {
  const std::size_t n = leaves.size();
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    if (tree.mode == EvalMode::kAll) return leaves[a].frequency < leaves[b].frequency;
    return double{data[a].weight} * data[a].highest > double{data[b].weight} * data[b].highest;
  });
  std::vector<Leaf> sorted(n);
  leaf_at.resize(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    sorted[i] = leaves[order[i]];
    leaf_at[order[i]] = i;
  }
  leaves.swap(sorted);
  nodes = tree.nodes;
  for (Node& node : nodes)
    if (node.kind == NodeKind::kLeaf) node.leaf = leaf_at[node.leaf];
}

void Searcher::State::make_room() {
  const std::size_t windows = round_up(plan.windows, 64);
  if (live.size() >= windows) return;
  live.resize(windows);
  ordered.resize(windows);
  live_bounds.resize(windows);
  ordered_bounds.resize(windows);
}

void Searcher::State::search_part(const Snapshot::Part& part, const SearchOptions& options,
                                  SearchResult& result) {
  segment = &part.segment->impl();
  if (segment->meta.documents == 0) return;
  removed = part.removed_count > 0 ? part.removed.get() : nullptr;
  filter = options.filter;
  gathered = options.matches;
  const bool restricted = filter != nullptr || removed != nullptr;
  if (data.empty()) data.resize(1);
  const bool only_best = gathered == nullptr;
  if (only_best && answer_from_best(options, restricted)) {
    result.count += data[0].entry.frequency;
    result.stats.postings_total += data[0].entry.frequency;
    result.stats.postings_touched += options.k;
    result.stats.documents_scored += options.k;
    data[0].clear(0);
    return;
  }
  if (only_best && answer_from_list(options, restricted)) {
    result.count += data[0].entry.frequency;
    result.stats.postings_total += data[0].entry.frequency;
    result.stats.postings_touched += data[0].entry.frequency;
    data[0].clear(0);
    return;
  }
  open_leaves(tree.mode == EvalMode::kAny ? options.k : 0, result);
  prime(restricted);
  set_units();
  order_leaves();
  plan = EvalPlan{};
  plan.mode = tree.mode;
  plan.count = options.exact_count || gathered != nullptr;
  plan.verify = tree.has_phrase;
  plan.documents = segment->meta.documents;
  plan.windows = (plan.documents + kWindow - 1) >> kWindowBits;
  plan.classes = segment->scoring.classes;
  plan.leaves = leaves.data();
  plan.leaf_count = static_cast<std::uint32_t>(leaves.size());
  plan.nodes = nodes.data();
  plan.children = tree.children.data();
  plan.root = tree.root;
  make_room();
  plan.live = live.data();
  plan.live_bounds = live_bounds.data();
  plan.ordered = ordered.data();
  plan.ordered_bounds = ordered_bounds.data();
  plan.allowed = restricted ? allowed_of : nullptr;
  plan.candidate = score_candidate;
  plan.matches = matches;
  plan.matched = gathered != nullptr ? note_matched : nullptr;
  plan.owner = this;
  set_thresholds();
  if (options.k > 0 || plan.count) kernels->run(plan);
  result.count += plan.counted;
  result.stats.windows_total += plan.windows;
  result.stats.windows_visited += plan.windows_visited;
  result.stats.postings_touched += plan.postings_touched;
  result.stats.documents_scored += plan.counted_scores;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l) data[l].clear(0);
}

Status Searcher::search(const Snapshot& snapshot, const Query& query, const SearchOptions& options,
                        SearchResult& result) {
  State& s = *state_;
  VITRINE_TRY(check_query(query));
  if (options.k > kResultsMax)
    return Error(ErrorCode::kTooLarge, "at most " + std::to_string(kResultsMax) + " results");
  make_tree(snapshot, query, s.tree);
  if (s.tree.has_phrase && !snapshot.schema().positions)
    return Error(ErrorCode::kInvalidArgument, "phrases need an index with positions");
  s.kernels =
      options.level >= simd::Level::kAvx512Vnni && avx512_usable() ? &kEvalAvx512 : &kEvalScalar;
  result.hits.clear();
  result.count = 0;
  result.stats = {};
  s.top.reset(options.k, 0);
  for (const Snapshot::Part& part : snapshot.parts()) s.search_part(part, options, result);
  for (const Scored& hit : s.top.sorted())
    result.hits.push_back({hit.id, static_cast<float>(hit.score)});
  result.count_exact = options.exact_count || options.matches != nullptr;
  if (!result.count_exact) result.count = result.hits.size();
  return ok_status();
}

Status Searcher::score_each(const Snapshot& snapshot, const Query& query,
                            std::span<const DocumentId> ids, std::vector<float>& scores) {
  State& s = *state_;
  VITRINE_TRY(check_query(query));
  make_tree(snapshot, query, s.tree);
  if (s.tree.has_phrase && !snapshot.schema().positions)
    return Error(ErrorCode::kInvalidArgument, "phrases need an index with positions");
  s.kernels = &kEvalScalar;
  scores.assign(ids.size(), kNoScore);
  for (const Snapshot::Part& part : snapshot.parts()) {
    s.segment = &part.segment->impl();
    bool open = false;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::uint32_t local = part.segment->local_of(ids[i]);
      if (local == kNoDocument) continue;
      if (part.removed_count > 0 && ((*part.removed)[local / 64] >> (local % 64) & 1) != 0)
        continue;
      if (!open) {
        SearchResult unused;
        s.open_leaves(0, unused);
        s.leaf_at.resize(s.leaves.size());
        std::iota(s.leaf_at.begin(), s.leaf_at.end(), 0u);
        open = true;
      }
      double total = 0;
      if (s.score(s.tree.root, local, total)) scores[i] = static_cast<float>(total);
    }
    if (!open) continue;
    for (std::size_t l = 0; l < s.tree.leaves.size(); ++l) s.data[l].clear(0);
  }
  return ok_status();
}

Result<std::vector<Searcher::Part>> Searcher::explain(const Snapshot& snapshot, const Query& query,
                                                      DocumentId id) {
  State& s = *state_;
  VITRINE_TRY(check_query(query));
  make_tree(snapshot, query, s.tree);
  if (s.tree.has_phrase && !snapshot.schema().positions)
    return Error(ErrorCode::kInvalidArgument, "phrases need an index with positions");
  s.kernels = &kEvalScalar;
  std::vector<Part> parts;
  for (const Snapshot::Part& part : snapshot.parts()) {
    const std::uint32_t local = part.segment->local_of(id);
    if (local == kNoDocument) continue;
    if (part.removed_count > 0 && ((*part.removed)[local / 64] >> (local % 64) & 1) != 0) continue;
    s.segment = &part.segment->impl();
    SearchResult unused;
    s.open_leaves(0, unused);
    s.leaf_at.resize(s.leaves.size());
    std::iota(s.leaf_at.begin(), s.leaf_at.end(), 0u);
    double total = 0;
    if (s.score(s.tree.root, local, total)) s.explain_node(s.tree.root, local, parts);
    for (std::size_t l = 0; l < s.tree.leaves.size(); ++l) s.data[l].clear(0);
  }
  return parts;
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
    part.what = (tree.leaves[node.leaf].prefix ? "prefix " : "term ") +
                std::string(tree.leaves[node.leaf].text);
    part.idf = tree.leaves[node.leaf].idf;
  } else {
    part.what = "phrase";
    for (std::uint32_t c = 0; c < node.child_count; ++c) {
      const QueryLeaf& leaf = tree.leaves[tree.nodes[tree.children[node.child_begin + c]].leaf];
      part.what += " " + std::string(leaf.text);
      part.idf += leaf.idf;
    }
  }
  parts.push_back(std::move(part));
}

}  // namespace vitrine::text
