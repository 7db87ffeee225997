#include "service/collect/pending_ids.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace vitrine::collect {

PendingIds::PendingIds(std::size_t generation_ids) : generation_ids_(generation_ids) {
  open_generation();
}

void PendingIds::open_generation() {
  generations_.emplace_back();
  generations_.back().ids = std::exchange(spare_, Table());
  generations_.back().ids.reserve(generation_ids_);
}

std::optional<PendingIds::Entry> PendingIds::find(TenantId tenant, const Hash128& id) const {
  if (size_ == 0) return std::nullopt;
  const Key key{id, tenant.value};
  // The newest first.
  for (auto generation = generations_.rbegin(); generation != generations_.rend(); ++generation) {
    const auto found = generation->ids.find(key);
    if (found != generation->ids.end()) return found->second;
  }
  return std::nullopt;
}

void PendingIds::insert(TenantId tenant, const Hash128& id, Entry entry) {
  if (generations_.back().ids.size() >= std::max(generation_ids_, size_ / 2)) open_generation();
  Generation& generation = generations_.back();
  VITRINE_CHECK(entry.position > generation.last);
  generation.last = entry.position;
  size_ += generation.ids.insert_or_assign(Key{id, tenant.value}, entry).second;
}

void PendingIds::expire(eventlog::Position applied) {
  while (size_ > 0 && generations_.front().last <= applied) {
    Generation& oldest = generations_.front();
    // An empty generation in front of others can't be: one is opened only for an insert.
    size_ -= oldest.ids.size();
    forgotten_ = std::max(forgotten_, oldest.last);
    if (generations_.size() == 1) {
      oldest.ids.clear();
      oldest.last = 0;
      break;
    }
    oldest.ids.clear();
    // The memory of an unusually large generation goes back.
    if (oldest.ids.bucket_count() <= generation_ids_ * 4) spare_ = std::move(oldest.ids);
    generations_.pop_front();
  }
}

}  // namespace vitrine::collect
