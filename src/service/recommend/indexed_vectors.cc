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
  Parts parts{VectorRows(rows.dim), nullptr, nullptr, floor};
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

float IndexedVectors::likeness_of(float cosine) const {
  return cosine > parts_.floor ? std::min(1.0F, (cosine - parts_.floor) / (1 - parts_.floor)) : 0;
}

float IndexedVectors::likeness(const VectorQuery& aimed, ItemIndex item) const {
  return likeness_of(parts_.rows.cosine(aimed, item));
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

// Compares all of `items`, of which some may come twice, and keeps the best k of them in `out`.
void IndexedVectors::compare(std::span<const std::uint32_t> items, std::size_t k,
                             std::size_t twice_most, VectorScratch& scratch,
                             std::vector<NearItem>& out) const {
  scratch.cosines.resize(items.size());
  parts_.rows.cosines(scratch.aimed, items, scratch.cosines.data());
  Best best(k + twice_most, out);
  for (std::size_t i = 0; i < items.size(); ++i) {
    best.offer({ItemIndex{items[i]}, likeness_of(scratch.cosines[i])});
  }
  best.finish();
  // The same item has the same likeness, so it stands beside itself.
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > k) out.resize(k);
}

void IndexedVectors::nearest(const float* query, std::size_t k,
                             const std::shared_ptr<const filter::MatchSet>& matches,
                             VectorScratch& scratch, std::vector<NearItem>& out) const {
  out.clear();
  k = std::min(k, kNearMost);
  if (k == 0) return;
  aim(query, scratch.aimed);
  std::vector<std::uint32_t>& items = scratch.items;
  items.clear();
  if (matches != nullptr && matches->size() <= kMatchesCompared) {
    matches->bits().for_each([&](std::uint32_t item) {
      items.push_back(item);
      return true;
    });
    compare(items, k, 0, scratch, out);
    return;
  }
  const auto take = [&](std::uint32_t item) {
    if (matches == nullptr || matches->contains(ItemIndex{item})) items.push_back(item);
  };
  if (propose(query, k, matches, scratch)) {
    for (const vec::Neighbor& found : scratch.found) take(found.id);
  }
  const std::size_t proposed = items.size();
  if (parts_.fresh != nullptr) {
    const std::vector<std::uint32_t>& fresh = *parts_.fresh;
    const std::size_t first = fresh.size() - std::min(fresh.size(), kFreshCompared);
    if (matches == nullptr) {
      items.insert(items.end(), fresh.begin() + static_cast<std::ptrdiff_t>(first), fresh.end());
    } else {
      for (std::size_t i = first; i < fresh.size(); ++i) take(fresh[i]);
    }
  }
  compare(items, k, proposed, scratch, out);
}

}  // namespace vitrine::recommend
