#include "domain/profile/profiles.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace vitrine::profile {

using internal::entries_of;
using internal::owner_of;

namespace {

Hash128 prefixed_key(char kind, std::string_view id) {
  std::string bytes;
  bytes.reserve(2 + id.size());
  bytes.push_back(kind);
  bytes.push_back(':');
  bytes.append(id);
  return hash128(bytes);
}

}  // namespace

Hash128 user_key(std::string_view user_id) { return prefixed_key('u', user_id); }
Hash128 anonymous_key(std::string_view anonymous_id) { return prefixed_key('a', anonymous_id); }

Profiles::Profiles(ProfilesOptions options) : options_(options), pool_(options_.max_entries) {}

Profiles::~Profiles() = default;

UserIndex Profiles::intern_user(const Hash128& key) {
  const UserIndex known = table_.find(key, key_of());
  return known == kNoUser ? add_user(key) : UserIndex{follow(known.value)};
}

UserIndex Profiles::find_user(const Hash128& key) const {
  const UserIndex known = table_.find(key, key_of());
  return known == kNoUser ? kNoUser : UserIndex{follow(known.value)};
}

UserIndex Profiles::add_user(const Hash128& key) {
  if (user_count_ >= options_.users_max) return kNoUser;
  if (user_count_ == chunks_.size() * kUsersPerChunk) {
    chunks_.push_back(std::make_unique<User[]>(kUsersPerChunk));
  }
  const UserIndex user{user_count_++};
  at(user.value).key = key;
  table_.insert(key, user);
  return user;
}

UserInfo Profiles::info(UserIndex index) const {
  const User& user = at(index.value);
  const bool merged = user.place == Place::kMerged;
  return {user.key,       user.last_activity, merged ? 0 : user.events,
          user.purchases, user.count,         user.consents};
}

void Profiles::note_event(UserIndex index, TimeUs event_time, event::EventType type) {
  constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
  User& user = at(index.value);
  user.last_activity = user.events == 0 ? event_time : std::max(user.last_activity, event_time);
  if (user.events < kMax) ++user.events;
  if (type == event::EventType::kPurchaseComplete && user.purchases < kMax) ++user.purchases;
}

Status Profiles::append(UserIndex index, const HistoryEntry& entry) {
  // Eviction first: if the cold store refuses, nothing has been changed yet.
  if (options_.cold != nullptr && pool_.live_bytes() > options_.row_budget_bytes) {
    VITRINE_TRY(
        evict_batch(options_.row_budget_bytes - options_.row_budget_bytes / 16, kEvictSteps));
  }
  User& user = at(index.value);
  if (user.place == Place::kCold) VITRINE_TRY(bring_back(user, index.value));
  insert(user, index.value, entry);
  user.used = true;
  return ok_status();
}

void Profiles::insert(User& user, std::uint32_t index, const HistoryEntry& entry) {
  if (user.count == options_.max_entries) return insert_into_full(user, entry);
  if (user.place == Place::kNone) {
    user.size = pool_.size_for(1);
    user.row = pool_.allocate(user.size, index);
    user.place = Place::kMemory;
  } else if (user.count == pool_.capacity(user.size)) {
    grow(user, index);
  }
  HistoryEntry* entries = entries_of(user.row);
  std::uint32_t to = user.count++;
  for (; to > 0 && entries[to - 1].stored_time() > entry.stored_time(); --to) {
    entries[to] = entries[to - 1];
  }
  entries[to] = entry;
}

// The slot of the oldest becomes that of the newest; a late entry then moves the younger ones
// up by one until it has reached its place.
void Profiles::insert_into_full(User& user, const HistoryEntry& entry) {
  HistoryEntry* entries = entries_of(user.row);
  const std::uint32_t capacity = options_.max_entries;
  if (entry.stored_time() < entries[user.head].stored_time()) return;  // older than all
  std::uint32_t to = user.head;
  user.head = static_cast<std::uint8_t>(to + 1 == capacity ? 0 : to + 1);
  for (std::uint32_t moves = capacity - 1; moves > 0; --moves) {
    const std::uint32_t before = to == 0 ? capacity - 1 : to - 1;
    if (entries[before].stored_time() <= entry.stored_time()) break;
    entries[to] = entries[before];
    to = before;
  }
  entries[to] = entry;
}

void Profiles::grow(User& user, std::uint32_t index) {
  const std::uint8_t size = pool_.size_for(user.count + 1u);
  internal::Row row = pool_.allocate(size, index);
  std::memcpy(entries_of(row), entries_of(user.row), user.count * sizeof(HistoryEntry));
  drop_row(user);
  user.row = row;
  user.size = size;
}

void Profiles::drop_row(User& user) {
  if (internal::Row moved = pool_.release(user.size, user.row)) at(owner_of(moved)).row = moved;
  user.row = nullptr;
}

void Profiles::prefetch_row(UserIndex index) const {
  const User& user = at(index.value);
  if (user.place != Place::kMemory) return;
  const std::uint32_t next = user.count == options_.max_entries ? user.head : user.count;
  const HistoryEntry* slot = entries_of(user.row) + next;
  __builtin_prefetch(slot, 1);
  if (next > 0) __builtin_prefetch(slot - 1);  // the newest, which the time is compared with
}

void Profiles::prefetch_history(UserIndex index) const {
  const User& user = at(index.value);
  if (user.place != Place::kMemory) return;
  constexpr std::uint32_t kPerLine = 64 / sizeof(HistoryEntry);
  const HistoryEntry* entries = entries_of(user.row);
  for (std::uint32_t i = 0; i < user.count; i += kPerLine) __builtin_prefetch(entries + i);
}

std::size_t Profiles::newest_items(UserIndex index, std::span<ItemIndex> out) const {
  const User& user = at(index.value);
  if (user.place != Place::kMemory) return 0;
  const HistoryEntry* entries = entries_of(user.row);
  const std::size_t wanted = std::min<std::size_t>(out.size(), user.count);
  std::uint32_t next = user.head;
  for (std::size_t i = 0; i < wanted; ++i) {
    next = next == 0 ? user.count - 1u : next - 1;
    out[i] = entries[next].item;
  }
  return wanted;
}

void Profiles::copy_history(const User& user, std::vector<HistoryEntry>& out) const {
  const HistoryEntry* entries = entries_of(user.row);
  out.assign(entries + user.head, entries + user.count);
  out.insert(out.end(), entries, entries + user.head);
}

Result<std::size_t> Profiles::history(UserIndex index, std::vector<HistoryEntry>& out) const {
  out.clear();
  const User& user = at(index.value);
  if (user.place == Place::kMemory) {
    copy_history(user, out);
  } else if (user.place == Place::kCold) {
    VITRINE_TRY(read_cold(user, index.value, out));
  }
  return out.size();
}

std::uint64_t Profiles::memory_bytes() const {
  return sizeof(*this) + table_.memory_bytes() + pool_.reserved_bytes() +
         chunks_.size() * kUsersPerChunk * sizeof(User);
}

}  // namespace vitrine::profile
