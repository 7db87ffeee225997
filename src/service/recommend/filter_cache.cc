#include "service/recommend/filter_cache.h"

namespace vitrine::recommend {

FilterCache::FilterCache(FilterCacheOptions options) : options_(options) {}

Result<filter::ParsedFilter> FilterCache::parse(std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(text); found != index_.end()) {
      ++hits_;
      order_.splice(order_.begin(), order_, found->second);
      return found->second->parsed;
    }
    ++misses_;
  }
  // Outside the lock: a hard filter must not hold up the others. Two threads may parse the
  // same one; the second to come finds it there.
  VITRINE_TRY(filter::ParsedFilter parsed, filter::parse(text));
  if (text.size() > options_.text_bytes_max || options_.entries_max == 0) return parsed;
  const std::lock_guard lock(mutex_);
  if (index_.contains(text)) return parsed;
  while (order_.size() >= options_.entries_max) {
    index_.erase(order_.back().text);
    order_.pop_back();
  }
  order_.push_front({std::string(text), parsed});
  index_.emplace(order_.front().text, order_.begin());
  return parsed;
}

FilterCache::Stats FilterCache::stats() const {
  const std::lock_guard lock(mutex_);
  return {hits_, misses_, order_.size()};
}

}  // namespace vitrine::recommend
