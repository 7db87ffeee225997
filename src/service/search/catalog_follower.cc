#include "service/search/catalog_follower.h"

#include <algorithm>

namespace vitrine::search {

namespace {
// Rows that need no look cost little, so many of them fit under one lock.
constexpr std::size_t kPassedPerLock = 16'384;
}  // namespace

void CatalogFollower::forget() {
  hashes_.clear();
  complete_ = false;
  remembered_ = false;
}

void CatalogFollower::doubt() {
  for (std::uint64_t& hash : hashes_) {
    if (hash != 0) hash = kNoTextHash;
  }
  complete_ = false;
}

void CatalogFollower::remember(std::vector<std::uint64_t> hashes) {
  forget();
  hashes_ = std::move(hashes);
  remembered_ = true;
}

bool CatalogFollower::plan(const SearchState& state) {
  const catalog::Catalog& catalog = state.catalog();
  const bool same = identity_ == catalog.identity();
  next_ = end_ = 0;
  anew_ = false;
  if (same && complete_ && version_ == catalog.version()) return false;
  if (!same && !remembered_) {
    anew_ = true;
    forget();
  }
  identity_ = catalog.identity();
  planned_ = catalog.version();
  position_ = state.shop.position;
  until_ = state.last_append_time;
  rows_.clear();
  all_ = false;
  if (complete_ && same && catalog.for_each_changed_since(version_, [&](ItemIndex item) {
        rows_.push_back(item.value);
      })) {
    std::sort(rows_.begin(), rows_.end());
    rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
    end_ = rows_.size();
    return true;
  }
  all_ = true;
  from_ = complete_ && same ? scanned_until_ : catalog::TimeColumn::kAbsent;
  rows_.clear();
  // Rows that only a file knows are no longer listed.
  end_ = std::max(catalog.item_count(), hashes_.size());
  return true;
}

bool CatalogFollower::read(const SearchState& state, std::vector<Change>& out) {
  const catalog::Catalog& catalog = state.catalog();
  out.clear();
  if (catalog.identity() != identity_) {
    next_ = end_;
    return false;
  }
  const ItemTextReader reader(catalog);
  std::size_t looked = 0;
  for (std::size_t passed = 0; next_ < end_ && looked < kRowsPerLock && passed < kPassedPerLock;
       ++passed) {
    const std::size_t at = next_++;
    const ItemIndex item{all_ ? static_cast<std::uint32_t>(at) : rows_[at]};
    const std::uint64_t known = item.value < hashes_.size() ? hashes_[item.value] : 0;
    const bool listed = item.value < catalog.item_count() && catalog.listed(item);
    if (!listed && known == 0) continue;
    if (listed && known != 0 && all_ && catalog.updated(item) < from_) continue;
    ++looked;
    const std::uint64_t hash = listed ? reader.hash(item, scratch_) : 0;
    if (hash == known) continue;
    out.push_back({item, hash, listed ? scratch_ : ItemText{}});
  }
  return true;
}

void CatalogFollower::took(std::span<const Change> changes) {
  for (const Change& change : changes) {
    if (change.item.value >= hashes_.size()) hashes_.resize(change.item.value + std::size_t{1}, 0);
    hashes_[change.item.value] = change.hash;
  }
}

void CatalogFollower::finish() {
  version_ = planned_;
  scanned_until_ = until_;
  complete_ = true;
  remembered_ = false;
}

}  // namespace vitrine::search
