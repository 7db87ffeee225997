// An AND whose rarest child has few documents: they are looked up in the other lists, which are
// read only where that happens. Documents with the highest bounds come first, as windows do in the
// other way.
#include <algorithm>

#include "engine/text/internal/search_state.h"

namespace vitrine::text {

namespace {

// Costs in nanoseconds on one core, as measured; only their proportions matter.
constexpr double kDecode = 1.0;        // a posting of a sparse list, read whole
constexpr double kFill = 2.5;          // the same, its window's maximum written too
constexpr double kLookAt = 3.0;        // a candidate's maximum in a dense list
constexpr double kSeek = 14.0;         // a candidate in a sparse list whose block is decoded
constexpr double kBlockDecode = 90.0;  // a block of it
constexpr double kBounds = 0.12;       // a window's bound, a leaf
constexpr double kVisit = 40.0;        // a window that may match: some are visited
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

// The leaves of which one must match where the node matches: sparse lists only, else empty.
std::vector<std::uint32_t> Searcher::State::driver_leaves(std::uint32_t number) const {
  const Node& node = tree.nodes[number];
  std::vector<std::uint32_t> found;
  const auto add = [&](std::uint32_t child) {
    const Node& n = tree.nodes[child];
    const bool good =
        n.kind == NodeKind::kLeaf && !tree.leaves[n.leaf].prefix && sparse(entry_of(n.leaf));
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

// The child with the fewest postings, if looking its documents up costs less than the windows do.
bool Searcher::State::choose_driver(const SearchOptions& options,
                                    std::vector<std::uint32_t>& driver) const {
  const Node& root = tree.nodes[tree.root];
  if (root.kind != NodeKind::kAnd && root.kind != NodeKind::kPhrase) return false;
  if (options.k == 0 && !options.exact_count) return false;
  const auto postings = [this](const std::vector<std::uint32_t>& of) {
    double sum = 0;
    for (const std::uint32_t l : of) sum += entry_of(l).frequency;
    return sum;
  };
  bool any = false;
  double least = 0;
  for (std::uint32_t c = 0; c < root.child_count; ++c) {
    const std::vector<std::uint32_t> own = driver_leaves(tree.children[root.child_begin + c]);
    if (own.empty()) continue;
    const double n = postings(own);
    if (any && n >= least) continue;
    any = true;
    least = n;
    driver = own;
  }
  if (!any) return false;
  double lookups = least * (kDecode + 2 * kLookAt), windows = 0;
  if (options.exact_count) lookups += least * kScore;
  for (std::uint32_t l = 0; l < tree.leaves.size(); ++l) {
    windows += plan.windows * kBounds;
    if (tree.leaves[l].prefix) continue;
    const bool drives = std::find(driver.begin(), driver.end(), l) != driver.end();
    const double n = entry_of(l).frequency;
    if (sparse(entry_of(l))) {
      windows += n * kFill;
      if (!drives) lookups += least * kSeek + std::min(n / kBlock, least) * kBlockDecode;
    } else {
      lookups += least * kLookAt;
    }
  }
  windows += std::min(least, plan.windows * 1.0) * kVisit / 8;
  return lookups < windows;
}

void Searcher::State::open_driven(const std::vector<std::uint32_t>& driver, SearchResult& result) {
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
      const std::uint64_t read = d.open_prefix(*segment, q.text, leaf);
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
  for (const std::uint32_t l : driver)
    if (data[l].long_list) result.stats.postings_touched += data[l].entry.frequency;
}

// Documents of the driver's lists by rising number, each once, with the sum of what they add.
void Searcher::State::gather_candidates(const std::vector<std::uint32_t>& driver) {
  candidates.clear();
  LeafData& own = driver_data;
  for (const std::uint32_t l : driver) {
    if (!data[l].present) continue;
    own.entry = data[l].entry;
    own.decode_all(*segment, *kernels);
    const auto n = own.entry.frequency;
    own.impacts.resize(n + 16);
    kernels->bounds_of(own.documents.data(), own.codes.data(), n, segment->scoring.classes,
                       leaves[l].code_bits, leaves[l].table, own.impacts.data());
    const auto middle = static_cast<std::ptrdiff_t>(candidates.size());
    for (std::uint32_t i = 0; i < n; ++i)
      candidates.push_back(
          {own.documents[i], leaves[l].scores ? std::uint32_t{own.impacts[i]} : 0u});
    own.clear();
    if (middle == 0) continue;
    std::inplace_merge(
        candidates.begin(), candidates.begin() + middle, candidates.end(),
        [](const Candidate& a, const Candidate& b) { return a.document < b.document; });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i) {
      if (candidates[i].document == candidates[kept].document)
        candidates[kept].bound += candidates[i].bound;
      else
        candidates[++kept] = candidates[i];
    }
    candidates.resize(kept + 1);
  }
  if (removed != nullptr || filter != nullptr)
    std::erase_if(candidates, [this](const Candidate& c) { return !allowed(c.document); });
}

// Adds what the other leaves can add, and drops documents that a required one does not have.
void Searcher::State::drop_candidates(const std::vector<std::uint32_t>& driver) {
  const Node& root = tree.nodes[tree.root];
  std::vector<std::uint32_t> sought, dense;
  std::vector<bool> required(tree.leaves.size(), false);
  for (std::uint32_t c = 0; c < root.child_count; ++c) {
    const Node& child = tree.nodes[tree.children[root.child_begin + c]];
    if (child.kind == NodeKind::kLeaf) required[child.leaf] = true;
  }
  std::uint32_t always = 0;
  for (std::uint32_t l = 0; l < leaves.size(); ++l) {
    if (std::find(driver.begin(), driver.end(), l) != driver.end()) continue;
    if (leaves[l].kind == LeafKind::kWindowed) {
      dense.push_back(l);
      continue;
    }
    if (leaves[l].scores) always += (255 * leaves[l].weight8 + 65535) >> 16;
    if (required[l] && leaves[l].kind == LeafKind::kLazy) sought.push_back(l);
  }
  std::sort(sought.begin(), sought.end(), [this](std::uint32_t a, std::uint32_t b) {
    return leaves[a].frequency < leaves[b].frequency;
  });
  for (const std::uint32_t l : sought)
    std::erase_if(candidates, [this, l](const Candidate& c) {
      return data[l].seek(leaves[l], c.document) < 0;
    });
  for (Candidate& c : candidates) c.bound += always;
  for (const std::uint32_t l : dense) {
    const Leaf& leaf = leaves[l];
    const ListView& view = data[l].view;
    const bool needed = required[l];
    std::erase_if(candidates, [&](Candidate& c) {
      const std::uint32_t at = (c.document >> kWindowBits) - leaf.first_window;
      const std::uint32_t m = at < leaf.windows ? view.maximum(at) : 0;
      if (leaf.scores) c.bound += (m * leaf.weight8 + 65535) >> 16;
      return needed && m == 0;
    });
  }
}

void Searcher::State::visit_candidates(const SearchOptions& options, SearchResult& result) {
  const std::vector<Candidate>* in_order = &candidates;
  if (!options.exact_count && candidates.size() > options.k) {
    // By falling bound, then by document: bounds are small numbers.
    std::uint32_t starts[258] = {};
    for (const Candidate& c : candidates) ++starts[256 - std::min(c.bound, 255u)];
    for (std::uint32_t s = 1; s < 258; ++s) starts[s] += starts[s - 1];
    ordered_candidates.resize(candidates.size());
    for (const Candidate& c : candidates)
      ordered_candidates[starts[255 - std::min(c.bound, 255u)]++] = c;
    in_order = &ordered_candidates;
  }
  for (const Candidate& c : *in_order) {
    if (!options.exact_count && std::min(c.bound, 255u) < plan.theta8) continue;
    double sum = 0;
    if (!score(tree.root, c.document, sum)) continue;
    ++result.stats.documents_scored;
    if (options.exact_count) ++result.count;
    if (options.k > 0 && top.offer(sum, segment->id(c.document))) set_thresholds();
  }
}

void Searcher::State::run_driven(const std::vector<std::uint32_t>& driver,
                                 const SearchOptions& options, SearchResult& result) {
  open_driven(driver, result);
  set_thresholds();
  gather_candidates(driver);
  drop_candidates(driver);
  visit_candidates(options, result);
  result.stats.windows_total += plan.windows;
  for (const LeafData& d : data) result.stats.postings_touched += d.sought;
}

}  // namespace vitrine::text
