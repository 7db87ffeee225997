// Searches driven by short lists: each document of theirs is a candidate, and the other lists are
// read only where candidates are.
//
// An AND is driven by its rarest child. An OR is driven by the heavy lists: the threshold starts at
// a stored k-th best score, and documents that only the light ones have can't reach it. Candidates
// go through the other lists one list at a time, in arrays; those whose bounds can't reach the
// threshold, or that miss a required list, drop out. What is left is scored exactly, those with the
// highest bounds first.
#include <algorithm>
#include <numeric>

#include "engine/text/internal/search_state.h"

namespace vitrine::text {

namespace {

// Costs in nanoseconds on one core, as measured; only their proportions matter.
constexpr double kDecode = 1.0;        // a posting of a sparse list
constexpr double kFill = 1.5;          // its window's maximum
constexpr double kCandidate = 2.0;     // a candidate made of it
constexpr double kLookAt = 2.0;        // a candidate's maximum in a dense list
constexpr double kSeek = 4.0;          // a candidate in a sparse list
constexpr double kBlockDecode = 70.0;  // a block of it
constexpr double kBounds = 0.1;        // a window's bound, a leaf
constexpr double kVisit = 60.0;        // a window that may match: some are visited
constexpr double kScore = 60.0;        // an exact score

bool sparse(const TermEntry& entry) {
  return entry.frequency <= kTinyMax ||
         (static_cast<std::uint8_t>(entry.postings[0]) & kWindowed) == 0;
}

}  // namespace

bool Searcher::State::allowed(std::uint32_t document) const {
  if (removed != nullptr && ((*removed)[document / 64] >> (document % 64) & 1) != 0) return false;
  return filter == nullptr || filter->contains(segment->id(document));
}

// The leaves of which one must match where the node matches, if they are plain terms; else none.
std::vector<std::uint32_t> Searcher::State::simple_leaves(std::uint32_t number) const {
  const Node& node = tree.nodes[number];
  std::vector<std::uint32_t> found;
  const auto add = [&](std::uint32_t child) {
    const Node& n = tree.nodes[child];
    const bool good = n.kind == NodeKind::kLeaf && !tree.leaves[n.leaf].prefix;
    if (good) found.push_back(n.leaf);
    return good;
  };
  if (node.kind == NodeKind::kLeaf) {
    add(number);
  } else if (node.kind == NodeKind::kOr && node.min_match == 1) {
    for (std::uint32_t c = 0; c < node.child_count; ++c)
      if (!add(tree.children[node.child_begin + c])) return {};
  }
  return found;
}

// Of an AND: its children that are plain terms, or ORs of them; the rarest drives.
bool Searcher::State::plan_conjunction() {
  const Node& root = tree.nodes[tree.root];
  driven.groups.clear();
  driven.driver.clear();
  double least = 0;
  std::size_t rarest = 0;
  for (std::uint32_t c = 0; c < root.child_count; ++c) {
    const std::vector<std::uint32_t> own = simple_leaves(tree.children[root.child_begin + c]);
    if (own.empty()) continue;
    driven.groups.push_back(own);
    if (!std::all_of(own.begin(), own.end(),
                     [this](std::uint32_t l) { return sparse(entry_of(l)); }))
      continue;
    double n = 0;
    for (const std::uint32_t l : own) n += entry_of(l).frequency;
    if (!driven.driver.empty() && n >= least) continue;
    least = n;
    rarest = driven.groups.size() - 1;
    driven.driver = own;
  }
  if (driven.driver.empty()) return false;
  driven.groups.erase(driven.groups.begin() + static_cast<std::ptrdiff_t>(rarest));
  // Groups that drop most candidates come first.
  const auto postings = [this](const std::vector<std::uint32_t>& group) {
    std::uint64_t sum = 0;
    for (const std::uint32_t l : group) sum += entry_of(l).frequency;
    return sum;
  };
  std::stable_sort(driven.groups.begin(), driven.groups.end(),
                   [&](const auto& a, const auto& b) { return postings(a) < postings(b); });
  driven.required = true;
  return true;
}

// Of an OR: the light lists together stay below what k documents are known to score.
bool Searcher::State::plan_disjunction(const SearchOptions& options) {
  if (options.exact_count) return false;
  driven.groups.clear();
  driven.driver.clear();
  std::vector<std::uint32_t> order;
  for (std::uint32_t l = 0; l < tree.leaves.size(); ++l) {
    if (tree.leaves[l].prefix) return false;
    LeafData& d = data[l];
    d.entry = entry_of(l);
    d.weight = tree.leaves[l].weight;
    d.peek(*segment, options.k, *kernels);
    top.raise_floor(double{d.weight} * kth_allowed(d, options.k));
    if (d.entry.frequency > 0) order.push_back(l);
  }
  const double floor = top.threshold();
  if (!(floor > 0)) return false;
  const auto most = [this](std::uint32_t l) { return double{data[l].weight} * data[l].highest; };
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return most(a) < most(b); });
  double light = 0;
  for (const std::uint32_t l : order) {
    // Rounded up: the sums of exact scores may be a little larger.
    if (driven.driver.empty() && (light + most(l)) * (1 + 1e-5) < floor) {
      light += most(l);
      driven.groups.push_back({l});
      continue;
    }
    if (!sparse(entry_of(l))) return false;
    driven.driver.push_back(l);
  }
  // The heaviest first: what it finds raises the threshold for the others.
  std::reverse(driven.driver.begin(), driven.driver.end());
  std::reverse(driven.groups.begin(), driven.groups.end());
  driven.required = false;
  return !driven.driver.empty();
}

// Whether looking the documents of short lists up costs less than the windows do.
bool Searcher::State::choose_driver(const SearchOptions& options) {
  const Node& root = tree.nodes[tree.root];
  if (options.k == 0 && !options.exact_count) return false;
  if (tree.leaves.size() > 64) return false;
  driven.phrase = root.kind == NodeKind::kPhrase;
  if (root.kind == NodeKind::kAnd || root.kind == NodeKind::kPhrase) {
    if (!plan_conjunction()) return false;
  } else if (tree.mode != EvalMode::kAny || root.kind != NodeKind::kOr ||
             !plan_disjunction(options)) {
    return false;
  }
  driven.joined.assign(tree.leaves.size(), false);
  for (const std::uint32_t l : driven.driver) driven.joined[l] = true;
  for (const auto& group : driven.groups)
    for (const std::uint32_t l : group) driven.joined[l] = true;
  double least = 0;
  for (const std::uint32_t l : driven.driver) least += entry_of(l).frequency;
  double lookups = least * (kDecode + kCandidate), windows = 0;
  if (options.exact_count) lookups += least * kScore;
  for (std::uint32_t l = 0; l < tree.leaves.size(); ++l) {
    windows += plan.windows * kBounds;
    if (tree.leaves[l].prefix) continue;
    const bool drives =
        std::find(driven.driver.begin(), driven.driver.end(), l) != driven.driver.end();
    const double n = entry_of(l).frequency;
    if (sparse(entry_of(l))) {
      windows += n * (kDecode + kFill);
      if (!drives) lookups += least * kSeek + std::min(n / kBlock, least) * kBlockDecode;
    } else {
      lookups += least * kLookAt;
    }
  }
  windows += std::min(least, plan.windows * 1.0) * kVisit / 8;
  return lookups < windows;
}

void Searcher::State::open_driven(SearchResult& result) {
  const std::size_t n = tree.leaves.size();
  leaves.assign(n, Leaf{});
  leaf_at.resize(n);
  for (std::uint32_t l = 0; l < n; ++l) {
    const QueryLeaf& q = tree.leaves[l];
    LeafData& d = data[l];
    Leaf& leaf = leaves[l];
    leaf_at[l] = l;
    d.weight = q.weight;
    if (q.prefix) {
      const std::uint64_t read = d.open_prefix(*segment, q.text, q.field, leaf);
      result.stats.postings_total += read;
      result.stats.postings_touched += read;
    } else {
      d.entry = entry_of(l);
      d.open_lazily(*segment, *kernels, leaf);
      result.stats.postings_total += d.entry.frequency;
      if (!d.long_list) result.stats.postings_touched += d.entry.frequency;
    }
    leaf.scores = q.scores;
  }
  set_units();
}

// The documents of one list, with the bounds of what it adds itself.
void Searcher::State::gather_candidates(std::uint32_t driver) {
  Candidates& c = candidates;
  LeafData& d = data[driver];
  const Leaf& leaf = leaves[driver];
  d.make_whole();
  const std::uint32_t n = d.present ? d.entry.frequency : 0;
  c.count = n;
  c.resize(n);
  std::copy_n(d.documents.begin(), n, c.documents.begin());
  std::iota(c.origins.begin(), c.origins.begin() + n, 0u);
  const auto asked = [this](std::uint32_t l) {
    return driven.joined[l] && leaves[l].kind == LeafKind::kLazy;
  };
  for (std::uint32_t l = 0; l < leaves.size(); ++l)
    if (asked(l)) data[l].codes_by_origin.assign(std::max(1u, n), 255);
  std::copy_n(d.codes.begin(), n, d.codes_by_origin.begin());
  if (tree.has_phrase) {
    for (std::uint32_t l = 0; l < leaves.size(); ++l)
      if (asked(l)) data[l].ordinals_by_origin.assign(std::max(1u, n), 0);
    std::iota(d.ordinals_by_origin.begin(), d.ordinals_by_origin.begin() + n, 0u);
  }
  if (!driven.late && (leaf.scores || driven.phrase)) {
    d.impacts.resize(n + std::size_t{16});
    d.codes.resize(n + std::size_t{16});
    kernels->bounds_of(d.documents.data(), d.codes.data(), n, segment->scoring.classes,
                       leaf.code_bits, leaf.table, d.impacts.data());
    std::copy_n(d.impacts.begin(), n, c.bounds.begin());
  } else {
    std::fill_n(c.bounds.begin(), n, std::uint16_t{0});
  }
  if (!restricted()) return;
  for (std::uint32_t i = 0; i < n; ++i) c.marks[i] = allowed(c.documents[i]) ? 1 : 0;
  c.count = kernels->keep(c.documents.data(), c.bounds.data(), c.origins.data(), c.marks.data(), n,
                          true, 0);
}

// What a leaf adds to a document's bound at most.
std::uint32_t Searcher::State::most_of(std::uint32_t l) const {
  return leaves[l].scores ? (255 * leaves[l].weight8 + 65535) >> 16 : 0;
}

// Looks all candidates up in one leaf: adds its bounds, and marks those it has.
void Searcher::State::join_leaf(std::uint32_t l, bool adds, std::uint8_t mark) {
  Candidates& c = candidates;
  const Leaf& leaf = leaves[l];
  LeafData& d = data[l];
  if (leaf.kind == LeafKind::kWindowed) {
    kernels->add_maxima(c.documents.data(), c.count, leaf, adds ? leaf.weight8 : 0, driven.phrase,
                        c.bounds.data(), c.marks.data());
    return;
  }
  d.seek_all(c.documents.data(), c.count);
  const std::uint32_t n = d.found_count;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t at = d.found[i];
    c.marks[at] = mark;
    d.codes_by_origin[c.origins[at]] = d.found_codes[i];
  }
  if (tree.has_phrase)
    for (std::uint32_t i = 0; i < n; ++i)
      d.ordinals_by_origin[c.origins[d.found[i]]] = d.found_ordinals[i];
  if (!adds) return;
  // Bounds of those found, side by side.
  kernels->bounds_of(d.found_documents.data(), d.found_codes.data(), n, segment->scoring.classes,
                     leaf.code_bits, leaf.table, d.impacts.data());
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint16_t& bound = c.bounds[d.found[i]];
    bound = driven.phrase ? std::min<std::uint16_t>(bound, d.impacts[i])
                          : static_cast<std::uint16_t>(bound + d.impacts[i]);
  }
}

// Takes the candidates of driver `place` through the other lists. Documents that an earlier driver
// has were its candidates.
void Searcher::State::drop_candidates(std::size_t place) {
  Candidates& c = candidates;
  // What is still to come can add so much at most: candidates that can't reach the threshold with
  // it go. Leaves that are not looked up stay to come.
  std::uint32_t rest = 0;
  if (!driven.phrase) {
    for (std::size_t i = place + 1; i < driven.driver.size(); ++i)
      rest += most_of(driven.driver[i]);
    for (const auto& group : driven.groups)
      for (const std::uint32_t l : group) rest += most_of(l);
  }
  std::uint32_t always = 0;
  for (std::uint32_t l = 0; l < leaves.size(); ++l)
    if (!driven.joined[l]) always += most_of(l);
  if (always > 0)
    for (std::uint32_t i = 0; i < c.count; ++i)
      c.bounds[i] = static_cast<std::uint16_t>(c.bounds[i] + always);
  const bool by_bound = plan.theta8 > 1 && !plan.count;
  const auto keep = [&](bool marked) {
    const std::uint32_t least = by_bound && plan.theta8 > rest ? plan.theta8 - rest : 0;
    c.count = kernels->keep(c.documents.data(), c.bounds.data(), c.origins.data(), c.marks.data(),
                            c.count, marked, least);
  };
  const auto joins = [&](std::uint32_t l) {
    const bool now = !driven.late || leaves[l].kind == LeafKind::kWindowed;
    return now && (leaves[l].scores || driven.phrase);
  };
  if (by_bound) keep(false);
  for (std::size_t i = place + 1; i < driven.driver.size() && c.count > 0; ++i) {
    join_leaf(driven.driver[i], joins(driven.driver[i]), 1);
    rest -= most_of(driven.driver[i]);
    if (by_bound) keep(false);
  }
  for (const auto& group : driven.groups) {
    if (c.count == 0) return;
    std::fill_n(c.marks.begin(), c.count, std::uint8_t{0});
    for (const std::uint32_t l : group) join_leaf(l, joins(l), 1);
    if (!driven.phrase)
      for (const std::uint32_t l : group) rest -= most_of(l);
    keep(driven.required);
  }
  for (std::size_t i = 0; i < place && c.count > 0; ++i) {
    std::fill_n(c.marks.begin(), c.count, std::uint8_t{1});
    join_leaf(driven.driver[i], false, 0);
    keep(true);
  }
  if (driven.late) add_late_bounds();
}

// What the sparse lists add to the bounds of the candidates that are left.
void Searcher::State::add_late_bounds() {
  Candidates& c = candidates;
  for (std::uint32_t l = 0; l < leaves.size(); ++l) {
    const Leaf& leaf = leaves[l];
    if (!leaf.scores || !driven.joined[l] || leaf.kind != LeafKind::kLazy) continue;
    const std::uint8_t* codes = data[l].codes_by_origin.data();
    for (std::uint32_t i = 0; i < c.count; ++i) {
      const std::uint32_t code = codes[c.origins[i]];
      if (code == 255) continue;
      const std::uint32_t cls = segment->scoring.classes[c.documents[i]];
      c.bounds[i] =
          static_cast<std::uint16_t>(c.bounds[i] + leaf.table[cls << leaf.code_bits | code]);
    }
  }
}

void Searcher::State::visit_candidates(const SearchOptions& options, SearchResult& result) {
  Candidates& c = candidates;
  constexpr std::uint32_t kDirectoryAhead = 10, kPayloadAhead = 4;
  plan.leaves = leaves.data();
  plan.leaf_count = static_cast<std::uint32_t>(leaves.size());
  c.order.resize(c.count + 64);
  std::uint32_t highest = 0;
  for (std::uint32_t i = 0; i < c.count; ++i)
    highest = std::max<std::uint32_t>(highest, c.bounds[i]);
  const auto wanted = [&](std::uint32_t at) {
    return options.exact_count || std::min<std::uint32_t>(c.bounds[at], 255) >= plan.theta8 ||
           plan.theta8 <= 1;
  };
  const std::uint32_t step = std::max(1u, highest / 24);
  for (std::uint32_t below = highest + 1; below > 0;) {
    const std::uint32_t from = below > step ? below - step : 0;
    const std::uint32_t n = kernels->collect(c.bounds.data(), c.count, from, below, c.order.data());
    const std::uint32_t* order = c.order.data();
    for (std::uint32_t i = 0; i < n; ++i) {
      if (i + kDirectoryAhead < n && wanted(order[i + kDirectoryAhead]))
        kernels->fetch_directory(plan, c.documents[order[i + kDirectoryAhead]] >> kWindowBits);
      if (i + kPayloadAhead < n && wanted(order[i + kPayloadAhead]))
        kernels->fetch_payload(plan, c.documents[order[i + kPayloadAhead]] >> kWindowBits);
      if (!wanted(order[i])) continue;
      const std::uint32_t document = c.documents[order[i]];
      candidate_origin = c.origins[order[i]];
      double sum = 0;
      if (!score_document(document, sum)) continue;
      ++result.stats.documents_scored;
      if (options.exact_count) ++result.count;
      if (options.k > 0 && top.offer(sum, segment->id(document))) set_thresholds();
    }
    below = from;
    if (!options.exact_count && plan.theta8 > 1 && below <= plan.theta8 && below <= 255) return;
  }
}

void Searcher::State::run_driven(const SearchOptions& options, SearchResult& result) {
  open_driven(result);
  set_thresholds();
  for (std::size_t place = 0; place < driven.driver.size(); ++place) {
    // What only the drivers to come have may be below the threshold by now.
    std::uint32_t rest = 0;
    for (std::uint32_t l = 0; l < leaves.size(); ++l) rest += most_of(l);
    for (std::size_t i = 0; i < place; ++i) rest -= most_of(driven.driver[i]);
    if (!driven.phrase && !plan.count && plan.theta8 > 1 && rest < plan.theta8) break;
    const LeafData& d = data[driven.driver[place]];
    if (d.long_list) result.stats.postings_touched += d.entry.frequency;
    // Without a threshold bounds drop nothing: those of candidates that every list has will do.
    driven.late = driven.required && !driven.phrase && (plan.theta8 <= 1 || plan.count);
    gather_candidates(driven.driver[place]);
    drop_candidates(place);
    visit_candidates(options, result);
  }
  result.stats.windows_total += plan.windows;
  for (const LeafData& d : data) result.stats.postings_touched += d.sought;
}

}  // namespace vitrine::text
