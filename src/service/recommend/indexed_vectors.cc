#include "service/recommend/indexed_vectors.h"

#include <algorithm>
#include <utility>

namespace vitrine::recommend {

namespace {

// A search that is repeated for every answer; what it misses is made up for by asking for more.
constexpr double kRecall = 0.9;
// More than are asked for: bytes order the last few differently, and rows may be newer.
constexpr std::size_t kSpare = 16;
// Where at least one in so many passes, asking for that many more is cheaper than looking for them.
constexpr std::size_t kPassOneIn = 4;
constexpr std::size_t kPrefetched = 12;
// Of matches that are all far from the query so many times more are looked at.
constexpr std::size_t kFarTimes = 3;

bool better(const NearItem& a, const NearItem& b) {
  return a.likeness != b.likeness ? a.likeness > b.likeness : a.item < b.item;
}

// Keeps the best few of many: a heap of them, the worst on top.
class Best {
 public:
  Best(std::size_t k, std::vector<NearItem>& out) : k_(k), out_(out) { out_.clear(); }
  void offer(NearItem near) {
    if (!(near.likeness > 0)) return;
    if (out_.size() == k_) {
      if (k_ == 0 || !better(near, out_.front())) return;
      std::pop_heap(out_.begin(), out_.end(), better);
      out_.back() = near;
    } else {
      out_.push_back(near);
    }
    std::push_heap(out_.begin(), out_.end(), better);
  }
  void finish() { std::sort_heap(out_.begin(), out_.end(), better); }

 private:
  std::size_t k_;
  std::vector<NearItem>& out_;
};

}  // namespace

Result<std::shared_ptr<const VectorBase>> VectorBase::build(const VectorRows& rows,
                                                            const vec::Workers& workers,
                                                            Progress& progress) {
  if (rows.size() == 0) return std::shared_ptr<const VectorBase>();
  std::vector<float> values(rows.size() * rows.dim());
  std::vector<std::uint32_t> ids;
  ids.reserve(rows.size());
  for (std::uint32_t item = 0; item < rows.end(); ++item) {
    if (rows.read(ItemIndex{item}, values.data() + ids.size() * rows.dim())) ids.push_back(item);
    if (ids.size() == rows.size()) break;
  }
  vec::BuildOptions options;
  options.metric = vec::Metric::kInnerProduct;
  options.graph = vec::GraphChoice::kNever;
  VITRINE_TRY(vec::Index index, vec::Index::build({values.data(), ids.size(), rows.dim()},
                                                  ids.data(), options, workers, progress));
  return std::shared_ptr<const VectorBase>(std::make_shared<VectorBase>(std::move(index)));
}

Result<std::shared_ptr<const IndexedVectors>> IndexedVectors::make(const vec::Rows& rows,
                                                                   std::span<const ItemIndex> items,
                                                                   float floor,
                                                                   const vec::Workers& workers,
                                                                   Progress& progress) {
  VITRINE_TRY(vec::check_finite(rows));
  Parts parts{VectorRows(rows.dim), nullptr, nullptr, floor, 1};
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (items[i] != kNoItem) parts.rows.put(items[i], rows.row(i));
  }
  if (parts.rows.size() >= kExhaustiveMost) {
    VITRINE_TRY(parts.base, VectorBase::build(parts.rows, workers, progress));
  } else {
    auto fresh = std::make_shared<std::vector<std::uint32_t>>();
    for (std::uint32_t item = 0; item < parts.rows.end(); ++item) {
      if (parts.rows.has(ItemIndex{item})) fresh->push_back(item);
    }
    parts.fresh = std::move(fresh);
  }
  return std::make_shared<const IndexedVectors>(std::move(parts));
}

float IndexedVectors::likeness(const VectorQuery& aimed, ItemIndex item) const {
  const float cosine = parts_.rows.cosine(aimed, item);
  if (!(cosine > parts_.floor)) return 0;
  return std::min(1.0F, (cosine - parts_.floor) / (parts_.same - parts_.floor));
}

// What the index has to propose, replacing scratch.items: of any items where most pass, else of
// matches alone.
void IndexedVectors::propose(const float* query, std::size_t k, const filter::MatchSet* matches,
                             VectorScratch& scratch) const {
  const vec::Index& index = parts_.base->index();
  std::size_t wanted = k + k / 4 + kSpare;
  if (matches != nullptr) {
    const std::size_t passing = std::max<std::size_t>(1, matches->size());
    if (passing * kPassOneIn < index.size()) {
      return propose_matches(query, wanted, *matches, scratch);
    }
    wanted = wanted * index.size() / passing + kSpare;
  }
  wanted = std::min<std::size_t>(wanted, vec::kNeighboursMax);
  vec::SearchOptions options;
  options.k = wanted;
  options.recall = kRecall;
  scratch.found.resize(wanted);
  const std::size_t found = vec::ListSearch(index.lists())
                                .search(query, wanted, index.plan(options, false), nullptr,
                                        scratch.lists, scratch.found.data());
  for (std::size_t i = 0; i < found; ++i) scratch.items.push_back(scratch.found[i].id);
}

// A filter in the index's order (vec::Filter) is for many searches: making one looks at every row.
// Requests bring filters by the thousand, so here only the lists that are visited are looked at.
void IndexedVectors::propose_matches(const float* query, std::size_t k,
                                     const filter::MatchSet& matches,
                                     VectorScratch& scratch) const {
  const vec::Index& index = parts_.base->index();
  const vec::Lists& lists = index.lists();
  const vec::ListSearch search(lists);
  vec::SearchOptions options;
  options.k = k;
  options.recall = kRecall;
  vec::Plan plan = index.plan(options, false);
  plan.volume = 0;  // as many lists as are asked for
  const std::size_t least = std::max<std::size_t>(1, plan.probes);
  std::size_t enough = k * kMatchesSeen;
  // Twice as many as are needed where matches lie evenly; all of them if that was too few.
  const std::size_t evenly = enough * lists.list_count() / std::max<std::size_t>(1, matches.size());
  bool far = false;
  std::size_t done = 0;
  for (std::size_t ranked = 2 * std::max(least, evenly) + 8;; ranked = lists.list_count()) {
    ranked = std::min(ranked, lists.list_count());
    plan.probes = static_cast<std::uint32_t>(ranked);
    search.rank_lists(query, plan, scratch.lists);
    for (; done < ranked; ++done) {
      if (done >= least && scratch.items.size() >= enough) {
        if (far || done <= 2 * std::max(least, evenly)) return;
        far = true;  // matches are rare near the query, and the order of lists says less
        enough *= kFarTimes;
      }
      const std::uint32_t list = scratch.lists.lists[done];
      const std::size_t end = std::size_t{lists.first_block[list + 1]} * vec::kLanes;
      for (std::size_t slot = std::size_t{lists.first_block[list]} * vec::kLanes; slot < end;
           ++slot) {
        const std::uint32_t id = lists.ids[slot];
        if (id != vec::kNoId && matches.contains(ItemIndex{id})) scratch.items.push_back(id);
      }
    }
    if (ranked == lists.list_count()) return;
  }
}

void IndexedVectors::nearest(const float* query, std::size_t k,
                             const std::shared_ptr<const filter::MatchSet>& matches,
                             VectorScratch& scratch, std::vector<NearItem>& out) const {
  k = std::min(k, kNearMost);
  Best best(k, out);
  aim(query, scratch.aimed);
  const auto offer = [&](std::uint32_t item) {
    best.offer({ItemIndex{item}, likeness(scratch.aimed, ItemIndex{item})});
  };
  // Rows of items that stand apart are fetched while others are compared.
  std::array<std::uint32_t, kPrefetched> pending{};
  std::size_t asked = 0;
  const auto offer_soon = [&](std::uint32_t item) {
    prefetch(ItemIndex{item});
    if (asked >= kPrefetched) offer(pending[asked % kPrefetched]);
    pending[asked++ % kPrefetched] = item;
  };
  const auto offer_pending = [&] {
    for (std::size_t i = asked < kPrefetched ? 0 : asked - kPrefetched; i < asked; ++i) {
      offer(pending[i % kPrefetched]);
    }
    asked = 0;
  };
  if (matches != nullptr && matches->size() <= kMatchesCompared) {
    matches->bits().for_each([&](std::uint32_t item) {
      offer_soon(item);
      return true;
    });
    offer_pending();
    best.finish();
    return;
  }
  const auto passes = [&](std::uint32_t item) {
    return matches == nullptr || matches->contains(ItemIndex{item});
  };
  std::vector<std::uint32_t>& proposed = scratch.items;
  proposed.clear();
  if (parts_.base != nullptr) propose(query, k, matches.get(), scratch);
  std::erase_if(proposed, [&](std::uint32_t item) { return !passes(item); });
  for (const std::uint32_t item : proposed) offer_soon(item);
  std::sort(proposed.begin(), proposed.end());
  if (parts_.fresh != nullptr) {
    const std::vector<std::uint32_t>& fresh = *parts_.fresh;
    for (std::size_t i = fresh.size() - std::min(fresh.size(), kFreshCompared); i < fresh.size();
         ++i) {
      if (!passes(fresh[i]) || std::binary_search(proposed.begin(), proposed.end(), fresh[i])) {
        continue;
      }
      offer_soon(fresh[i]);
    }
  }
  offer_pending();
  best.finish();
}

}  // namespace vitrine::recommend
