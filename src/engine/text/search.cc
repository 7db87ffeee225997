#include "engine/text/search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/text/internal/search_state.h"

namespace vitrine::text {

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
      s.kernels->among(words.data(), words.size(), s.segment->ids + base,
                       std::min(kWindow, s.segment->meta.documents - base), mask);
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
  if (!s.score_document(document, sum)) return;
  ++s.plan.counted_scores;
  if (s.top.offer(sum, s.segment->id(document))) s.set_thresholds();
}

void offer_scored(EvalPlan& plan, std::uint32_t document, double score) {
  auto& s = *static_cast<Searcher::State*>(plan.owner);
  if (s.top.offer(score, s.segment->id(document))) s.set_thresholds();
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

// One term: the stored best list is the answer, if enough of it may be returned.
bool Searcher::State::answer_from_best(const SearchOptions& options, SearchResult& result) {
  if (!single_term() || (restricted() && (options.exact_count || options.k == 0))) return false;
  LeafData& d = data[0];
  d.entry = entry_of(0);
  if (d.entry.frequency <= kTinyMax || options.k > best_of(d.entry.frequency) ||
      !(tree.leaves[0].weight > 0))
    return false;
  if (!view_list(d.entry.postings, d.entry.frequency, segment->meta.documents, d.view) ||
      d.view.header.best_count < options.k)
    return false;
  d.long_list = true;
  d.weight = tree.leaves[0].weight;
  if (restricted() && !(kth_allowed(d, options.k) > 0)) return false;
  for (std::uint32_t i = 0, found = 0; i < d.view.header.best_count && found < options.k; ++i) {
    const std::uint32_t document = d.view.best_document(i);
    if (restricted() && !allowed(document)) continue;
    ++found;
    const std::uint32_t c = d.view.best_combination(i);
    const double score = double{d.weight} * double{segment->scoring.saturation(document, c)};
    // They stand in the order of the answer: with one segment they are it.
    if (tree.parts == 1) {
      result.hits.push_back({segment->id(document), static_cast<float>(score)});
      continue;
    }
    if (top.full() && score < top.threshold()) break;
    top.offer(score, segment->id(document));
  }
  return true;
}

// A lower bound of the k-th best saturation among the documents that may be returned, 0 if unknown.
double Searcher::State::kth_allowed(const LeafData& d, std::uint32_t k) const {
  if (!restricted()) return d.best_kth;
  if (!d.long_list || !d.view.has(kHasBest) || k == 0) return 0;
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; i < d.view.header.best_count; ++i) {
    const std::uint32_t document = d.view.best_document(i);
    if (allowed(document) && ++found == k)
      return double{segment->scoring.saturation(document, d.view.best_combination(i))};
  }
  return 0;
}

// One term without restriction and a short list: each posting that its bound does not rule out is
// scored; windows would only be in the way.
bool Searcher::State::answer_from_list(const SearchOptions& options, SearchResult& result) {
  if (restricted() || !single_term() || options.k == 0) return false;
  LeafData& d = data[0];
  d.entry = entry_of(0);
  if (d.entry.frequency == 0) return true;
  d.weight = tree.leaves[0].weight;
  if (!(d.weight > 0) || !d.decode_short(*segment, options.k, *kernels)) return false;
  // The product of two floats is exact in double: scores rise with saturations. So numbers order
  // the hits, the saturation above and the complement of the id below.
  keys.clear();
  d.for_each_above(*segment, *kernels, [&](std::uint32_t document, std::uint32_t combination) {
    const float saturation = segment->scoring.saturation(document, combination);
    if (tree.parts > 1)
      top.offer(double{d.weight} * double{saturation}, segment->id(document));
    else
      keys.push_back(std::uint64_t{std::bit_cast<std::uint32_t>(saturation)} << 32 |
                     (~segment->id(document) & 0xFFFFFFFFu));
  });
  if (keys.size() > options.k) {
    std::nth_element(keys.begin(), keys.begin() + options.k, keys.end(), std::greater<>());
    keys.resize(options.k);
  }
  std::sort(keys.begin(), keys.end(), std::greater<>());
  for (const std::uint64_t key : keys) {
    const auto saturation = std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32));
    result.hits.push_back({~static_cast<std::uint32_t>(key),
                           static_cast<float>(double{d.weight} * double{saturation})});
  }
  return true;
}

void Searcher::State::open_leaves(std::uint32_t k, SearchResult& result) {
  const std::size_t n = tree.leaves.size();
  leaves.assign(n, Leaf{});
  for (std::size_t l = 0; l < n; ++l) {
    const QueryLeaf& q = tree.leaves[l];
    LeafData& d = data[l];
    Leaf& leaf = leaves[l];
    d.weight = q.weight;
    if (q.prefix) {
      const std::uint64_t read = d.open_prefix(*segment, q.text, q.field, leaf);
      result.stats.postings_total += read;
      result.stats.postings_touched += read;
    } else {
      d.entry = entry_of(l);
      d.open_term(*segment, k, *kernels, tree.mode == EvalMode::kTree, leaf);
      result.stats.postings_total += d.entry.frequency;
      if (leaf.kind == LeafKind::kDecoded) result.stats.postings_touched += d.entry.frequency;
    }
    leaf.scores = q.scores;
  }
}

// In an OR each term alone already promises its k best documents.
void Searcher::State::prime(std::uint32_t k) {
  if (tree.mode != EvalMode::kAny) return;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l)
    if (!tree.leaves[l].prefix && data[l].present)
      top.raise_floor(double{data[l].weight} * kth_allowed(data[l], k));
}

void Searcher::State::set_units() {
  double sum = 0;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l)
    if (tree.leaves[l].scores) sum += double{data[l].weight} * double{data[l].highest};
  unit8 = sum > 0 ? sum / 200.0 : 1.0;
  unit16 = sum > 0 ? sum / 60000.0 : 1.0;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l)
    data[l].set_units(segment->scoring, *kernels, unit8, unit16, leaves[l]);
}

// Where a document's class and codes tell its exact score, kernels compute it.
void Searcher::State::set_products() {
  if (flat_ends.empty() || !segment->scoring.exact_classes) return;
  for (std::size_t l = 0; l < tree.leaves.size(); ++l) data[l].set_products(leaves[l]);
}

void Searcher::State::place_in_order() {
  if (flat_ends.empty() || !segment->scoring.exact_classes) return;
  in_order.clear();
  for (const std::uint32_t l : flat_leaves) in_order.push_back(leaf_at[l]);
  plan.in_order = in_order.data();
  plan.in_order_ends = flat_ends.data();
  plan.in_order_groups = static_cast<std::uint32_t>(flat_ends.size());
}

// Rounded down: a document at the threshold must pass.
void Searcher::State::set_thresholds() {
  const double theta = top.threshold();
  plan.theta = theta;
  plan.theta8 = std::max(1u, static_cast<std::uint32_t>(std::min(theta / unit8, 255.0)));
  plan.theta16 = static_cast<std::uint32_t>(std::min(theta / unit16, 65534.0));
}

// Leaves of an AND group by group, those of the rarest group first.
void Searcher::State::sort_groups() {
  const Node& root = tree.nodes[tree.root];
  struct Group {
    std::uint64_t frequency = 0;
    std::uint32_t begin = 0, end = 0;
  };
  std::vector<Group> groups(root.child_count);
  std::vector<std::uint32_t> members;
  for (std::uint32_t g = 0; g < root.child_count; ++g) {
    const std::uint32_t child = tree.children[root.child_begin + g];
    const Node& node = tree.nodes[child];
    groups[g].begin = static_cast<std::uint32_t>(members.size());
    const auto add = [&](std::uint32_t leaf) {
      groups[g].frequency += leaves[leaf].frequency;
      leaves[leaf].ends_group = false;
      members.push_back(leaf);
    };
    if (node.kind == NodeKind::kLeaf) add(node.leaf);
    for (std::uint32_t c = 0; node.kind == NodeKind::kOr && c < node.child_count; ++c)
      add(tree.nodes[tree.children[node.child_begin + c]].leaf);
    leaves[members.back()].ends_group = true;
    groups[g].end = static_cast<std::uint32_t>(members.size());
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.frequency < b.frequency; });
  leaf_order.clear();
  for (const Group& g : groups)
    leaf_order.insert(leaf_order.end(), members.begin() + g.begin, members.begin() + g.end);
}

// OR: the heaviest first, so that the rest can often be left unread. AND: the rarest first.
void Searcher::State::order_leaves() {
  const std::size_t n = leaves.size();
  leaf_order.resize(n);
  std::iota(leaf_order.begin(), leaf_order.end(), 0u);
  if (tree.mode == EvalMode::kGroups) {
    sort_groups();
  } else {
    std::stable_sort(leaf_order.begin(), leaf_order.end(),
                     [this](std::uint32_t a, std::uint32_t b) {
                       return double{data[a].weight} * data[a].highest >
                              double{data[b].weight} * data[b].highest;
                     });
    if (n > 0) leaves[leaf_order[n - 1]].ends_group = true;
  }
  sorted_leaves.resize(n);
  leaf_at.resize(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    sorted_leaves[i] = leaves[leaf_order[i]];
    leaf_at[leaf_order[i]] = i;
  }
  leaves.swap(sorted_leaves);
  nodes = tree.nodes;
  for (Node& node : nodes)
    if (node.kind == NodeKind::kLeaf) node.leaf = leaf_at[node.leaf];
}

void Searcher::State::make_room() {
  const std::size_t windows = round_up(plan.windows, 64) + 64;
  if (live.size() < windows) {
    live.resize(windows);
    ordered.resize(windows);
    live_bounds.resize(windows);
    ordered_bounds.resize(windows);
  }
  plan.live = live.data();
  plan.live_bounds = live_bounds.data();
  plan.ordered = ordered.data();
  plan.ordered_bounds = ordered_bounds.data();
}

// Windows of all documents, those with the highest bounds first.
void Searcher::State::run_windows(const SearchOptions& options, SearchResult& result) {
  open_leaves(tree.mode == EvalMode::kAny ? options.k : 0, result);
  prime(options.k);
  set_units();
  set_products();
  order_leaves();
  place_in_order();
  plan.leaves = leaves.data();
  plan.leaf_count = static_cast<std::uint32_t>(leaves.size());
  plan.nodes = nodes.data();
  make_room();
  set_thresholds();
  if (options.k > 0 || plan.count) kernels->run(plan);
  result.count += plan.counted;
  result.stats.windows_total += plan.windows;
  result.stats.windows_visited += plan.windows_visited;
  result.stats.postings_touched += plan.postings_touched;
  result.stats.documents_scored += plan.counted_scores;
}

void Searcher::State::search_part(const Snapshot& snapshot, std::size_t number,
                                  const SearchOptions& options, SearchResult& result) {
  const Snapshot::Part& part = snapshot.parts()[number];
  part_number = number;
  segment = &part.segment->impl();
  if (segment->meta.documents == 0) return;
  removed = part.removed_count > 0 ? part.removed.get() : nullptr;
  filter = options.filter;
  gathered = options.matches;
  if (data.size() < std::max<std::size_t>(1, tree.leaves.size()))
    data.resize(std::max<std::size_t>(1, tree.leaves.size()));
  // All matches are gathered window by window only.
  const bool only_best = gathered == nullptr;
  const bool best = only_best && answer_from_best(options, result);
  if (best || (only_best && answer_from_list(options, result))) {
    const std::uint32_t read = best ? options.k : data[0].entry.frequency;
    result.count += data[0].entry.frequency;
    result.stats.postings_total += data[0].entry.frequency;
    result.stats.postings_touched += read;
    result.stats.documents_scored += best ? options.k : 0;
    data[0].clear();
    return;
  }
  flatten();
  plan = EvalPlan{};
  plan.mode = tree.mode;
  plan.count = options.exact_count || gathered != nullptr;
  plan.verify = tree.verify;
  plan.documents = segment->meta.documents;
  plan.windows = (plan.documents + kWindow - 1) >> kWindowBits;
  plan.classes = segment->scoring.classes;
  plan.lengths = segment->scoring.lengths;
  plan.children = tree.children.data();
  plan.root = tree.root;
  plan.allowed = restricted() ? allowed_of : nullptr;
  plan.candidate = score_candidate;
  plan.scored = offer_scored;
  plan.matches = matches;
  plan.matched = gathered != nullptr ? note_matched : nullptr;
  plan.owner = this;
  if (only_best && choose_driver(options))
    run_driven(options, result);
  else
    run_windows(options, result);
  for (std::size_t l = 0; l < tree.leaves.size(); ++l) data[l].clear();
}

Status Searcher::search(const Snapshot& snapshot, const Query& query, const SearchOptions& options,
                        SearchResult& result) {
  State& s = *state_;
  VITRINE_TRY(prepare_tree(snapshot, query, s.tree));
  if (options.k > kResultsMax)
    return Error(ErrorCode::kTooLarge, "at most " + std::to_string(kResultsMax) + " results");
  s.kernels =
      options.level >= simd::Level::kAvx512Vnni && avx512_usable() ? &kEvalAvx512 : &kEvalScalar;
  result.hits.clear();
  result.count = 0;
  result.stats = {};
  s.top.reset(options.k, 0);
  for (std::size_t p = 0; p < snapshot.parts().size(); ++p)
    s.search_part(snapshot, p, options, result);
  for (const Scored& hit : s.top.sorted())
    result.hits.push_back({hit.id, static_cast<float>(hit.score)});
  result.count_exact = options.exact_count || options.matches != nullptr;
  if (!result.count_exact) result.count = result.hits.size();
  return ok_status();
}

Status Searcher::score_each(const Snapshot& snapshot, const Query& query,
                            std::span<const DocumentId> ids, std::vector<float>& scores) {
  State& s = *state_;
  VITRINE_TRY(prepare_tree(snapshot, query, s.tree));
  s.kernels = &kEvalScalar;
  scores.assign(ids.size(), kNoScore);
  if (s.data.size() < s.tree.leaves.size()) s.data.resize(s.tree.leaves.size());
  for (std::size_t p = 0; p < snapshot.parts().size(); ++p) {
    const Snapshot::Part& part = snapshot.parts()[p];
    s.part_number = p;
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
    for (std::size_t l = 0; l < s.tree.leaves.size(); ++l) s.data[l].clear();
  }
  return ok_status();
}

Result<std::vector<Searcher::Part>> Searcher::explain(const Snapshot& snapshot, const Query& query,
                                                      DocumentId id) {
  State& s = *state_;
  VITRINE_TRY(prepare_tree(snapshot, query, s.tree));
  s.kernels = &kEvalScalar;
  std::vector<Part> parts;
  if (s.data.size() < s.tree.leaves.size()) s.data.resize(s.tree.leaves.size());
  for (std::size_t p = 0; p < snapshot.parts().size(); ++p) {
    const Snapshot::Part& part = snapshot.parts()[p];
    s.part_number = p;
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
    for (std::size_t l = 0; l < s.tree.leaves.size(); ++l) s.data[l].clear();
  }
  return parts;
}

}  // namespace vitrine::text
