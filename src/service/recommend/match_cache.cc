#include "service/recommend/match_cache.h"

namespace vitrine::recommend {

MatchCache::MatchCache(MatchCacheOptions options) : options_(options) {}

MatchCache::Set MatchCache::find(std::string_view canonical, const catalog::Catalog& catalog) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(canonical);
  if (found == index_.end() || !found->second->set->is_current(catalog)) return nullptr;
  ++stats_.hits;
  order_.splice(order_.begin(), order_, found->second);
  return found->second->set;
}

// Removes the set from the cache if nobody else has it: then it may be changed in place.
std::shared_ptr<filter::MatchSet> MatchCache::take(std::string_view canonical) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(canonical);
  if (found == index_.end()) return nullptr;
  const Order::iterator entry = found->second;
  auto set = std::move(entry->set);
  forget(entry);
  // Whoever else has it asks about another catalog or has not let go yet.
  return set.use_count() == 1 ? set : std::make_shared<filter::MatchSet>(*set);
}

void MatchCache::forget(Order::iterator entry) {
  stats_.bytes -= entry->bytes;
  index_.erase(entry->canonical);
  order_.erase(entry);
  stats_.entries = order_.size();
}

void MatchCache::keep(const std::string& canonical, std::shared_ptr<filter::MatchSet> set) {
  const std::size_t bytes = set->memory_bytes() + canonical.size() + sizeof(Entry);
  const std::lock_guard lock(mutex_);
  if (bytes > options_.bytes_max || options_.entries_max == 0) return;
  if (const auto found = index_.find(canonical); found != index_.end()) forget(found->second);
  while (order_.size() >= options_.entries_max || stats_.bytes + bytes > options_.bytes_max) {
    forget(std::prev(order_.end()));
  }
  order_.push_front({canonical, std::move(set), bytes});
  index_.emplace(order_.front().canonical, order_.begin());
  stats_.bytes += bytes;
  stats_.entries = order_.size();
}

MatchCache::Set MatchCache::make(const std::string& canonical, const filter::BoundFilter& filter,
                                 const catalog::Catalog& catalog) {
  // Outside the lock: two threads may do the same work, the second to come stays.
  std::shared_ptr<filter::MatchSet> set = take(canonical);
  const bool refreshed = set != nullptr && set->refresh(filter, catalog);
  if (!refreshed) set = std::make_shared<filter::MatchSet>(filter, catalog);
  {
    const std::lock_guard lock(mutex_);
    ++(refreshed ? stats_.refreshed : stats_.made);
  }
  keep(canonical, set);
  return set;
}

MatchCache::Stats MatchCache::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace vitrine::recommend
