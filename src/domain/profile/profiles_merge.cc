// Two visitors that turn out to be one, and visitors who want to be forgotten.
#include <algorithm>
#include <limits>

#include "base/check.h"
#include "domain/profile/profiles.h"

namespace vitrine::profile {

using internal::entries_of;

namespace {

std::uint32_t add_up(std::uint32_t a, std::uint32_t b) {
  return a + std::min(b, std::numeric_limits<std::uint32_t>::max() - a);
}

}  // namespace

UserIndex Profiles::own_number(const Hash128& key) const { return table_.find(key, key_of()); }

Result<Profiles::Link> Profiles::link(const Hash128& from, UserIndex into) {
  UserIndex own = table_.find(from, key_of());
  if (own == kNoUser) own = add_user(from);
  if (own == kNoUser) return Link::kFull;
  // Only one that nobody else is part of moves, and only to one that is itself: no circle can
  // come of it.
  const std::uint32_t target = follow(into.value);
  if (follow(own.value) == target) return Link::kKnown;
  if (at(own.value).place == Place::kMerged) return Link::kElsewhere;
  VITRINE_TRY(merge(own.value, target));
  return Link::kMerged;
}

Status Profiles::merge(std::uint32_t from, std::uint32_t into) {
  User& source = at(from);
  User& target = at(into);
  if (source.count > 0) {
    std::vector<HistoryEntry> theirs;
    std::vector<HistoryEntry> own;
    std::vector<HistoryEntry> both;
    VITRINE_TRY(history(UserIndex{from}, theirs));
    VITRINE_TRY(history(UserIndex{into}, own));
    std::merge(own.begin(), own.end(), theirs.begin(), theirs.end(), std::back_inserter(both),
               [](const auto& a, const auto& b) { return a.stored_time() < b.stored_time(); });
    const std::size_t keep = std::min<std::size_t>(both.size(), options_.max_entries);
    drop_history(source);
    put_history(target, into, std::span(both).last(keep));
    target.used = true;
  }
  if (source.events > 0) {
    target.last_activity = target.events == 0
                               ? source.last_activity
                               : std::max(target.last_activity, source.last_activity);
    target.events = add_up(target.events, source.events);
    target.purchases = add_up(target.purchases, source.purchases);
  }
  event::Consents consents = source.consents;
  consents.update(target.consents);  // the user's own word goes first
  target.consents = consents;
  const Hash128 key = source.key;
  source = User{};
  source.key = key;
  source.place = Place::kMerged;
  source.events = into;
  ++merged_users_;
  return ok_status();
}

void Profiles::put_history(User& user, std::uint32_t index, std::span<const HistoryEntry> entries) {
  drop_history(user);
  user.size = pool_.size_for(static_cast<std::uint32_t>(entries.size()));
  user.row = pool_.allocate(user.size, index);
  user.place = Place::kMemory;
  user.count = static_cast<std::uint8_t>(entries.size());
  std::copy(entries.begin(), entries.end(), entries_of(user.row));
}

void Profiles::drop_history(User& user) {
  if (user.place == Place::kMemory) drop_row(user);
  if (user.place == Place::kCold) --cold_users_;
  user.place = Place::kNone;
  user.count = 0;
  user.head = 0;
}

std::uint32_t Profiles::append_merged_keys(UserIndex user, std::uint32_t first, std::uint32_t most,
                                           std::vector<Hash128>& out) const {
  const std::uint32_t end = first + std::min(most, user_count_ - std::min(first, user_count_));
  for (std::uint32_t i = first; i < end; ++i) {
    if (at(i).place == Place::kMerged && follow(i) == user.value) out.push_back(at(i).key);
  }
  return end;
}

void Profiles::forget(UserIndex index) {
  User& user = at(index.value);
  drop_history(user);
  user.last_activity = 0;
  user.events = 0;
  user.purchases = 0;
}

void Profiles::erase(UserIndex index) {
  forget(index);
  at(index.value).consents = {};
}

}  // namespace vitrine::profile
