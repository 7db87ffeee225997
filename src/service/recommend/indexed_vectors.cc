#include "service/recommend/indexed_vectors.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace vitrine::recommend {

namespace {

// A search that is repeated for every answer; what it misses is made up for by asking for more.
constexpr double kRecall = 0.9;
// More than are asked for: bytes order the last few differently, and rows may be newer.
constexpr std::size_t kSpare = 16;
// Where at least one in so many passes, asking for that many more is cheaper than a filter.
constexpr std::size_t kPassOneIn = 4;
constexpr std::size_t kPrefetched = 12;

std::int64_t steady_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

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

std::shared_ptr<const vec::Filter> VectorBase::filter(
    const std::shared_ptr<const filter::MatchSet>& matches) const {
  const std::int64_t now = steady_ns();
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
      // The same object, not one that came to lie where it lay.
      return !kept.matches.owner_before(matches) && !matches.owner_before(kept.matches);
    });
    if (found != kept_.end()) {
      if (found->version == matches->version() || now - found->made_ns < kStaleNs) {
        std::rotate(found, found + 1, kept_.end());
        return kept_.back().filter;
      }
      kept_.erase(found);
    }
  }
  // Outside the lock: two threads may do the same work.
  auto made = std::make_shared<const vec::Filter>(index_.lists(), matches->bits().words());
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [](const Kept& kept) { return kept.matches.expired(); });
  if (kept_.size() >= kFiltersKept) kept_.erase(kept_.begin());
  kept_.push_back({matches, matches->version(), now, made});
  return made;
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

// What the index has to propose, in scratch.found; false where there is no index.
bool IndexedVectors::propose(const float* query, std::size_t k,
                             const std::shared_ptr<const filter::MatchSet>& matches,
                             VectorScratch& scratch) const {
  if (parts_.base == nullptr) return false;
  const vec::Index& index = parts_.base->index();
  std::size_t wanted = k + k / 4 + kSpare;
  std::shared_ptr<const vec::Filter> filter;
  if (matches != nullptr) {
    const std::size_t passing = std::max<std::size_t>(1, matches->size());
    if (passing * kPassOneIn >= index.size()) {
      wanted = wanted * index.size() / passing + kSpare;
    } else {
      filter = parts_.base->filter(matches);
    }
  }
  wanted = std::min<std::size_t>(wanted, vec::kNeighboursMax);
  vec::SearchOptions options;
  options.k = wanted;
  options.recall = kRecall;
  scratch.found.resize(wanted);
  const std::size_t found = vec::ListSearch(index.lists())
                                .search(query, wanted, index.plan(options, false), filter.get(),
                                        scratch.lists, scratch.found.data());
  scratch.found.resize(found);
  return true;
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
  if (propose(query, k, matches, scratch)) {
    for (const vec::Neighbor& found : scratch.found) {
      if (!passes(found.id)) continue;
      proposed.push_back(found.id);
      offer_soon(found.id);
    }
    std::sort(proposed.begin(), proposed.end());
  }
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
