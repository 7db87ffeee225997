// Histories on their way to the cold store and back.
//
// A cold row is the entries as they lie in memory, oldest first. When a history comes back its
// cold row stays behind, stale, until the next eviction writes over it: erasing it would cost a
// write per return, and where a history is to be found is known from User::place alone.
#include <algorithm>

#include "base/check.h"
#include "domain/profile/profiles.h"

namespace vitrine::profile {

using internal::entries_of;

Status Profiles::decode_cold(const User& user, std::uint32_t index, std::string_view bytes,
                             std::vector<HistoryEntry>& out) const {
  const std::size_t entries = bytes.size() / sizeof(HistoryEntry);
  // More than the user's count is right where max_entries was larger when the row was written.
  if (bytes.size() % sizeof(HistoryEntry) != 0 || entries < user.count) {
    return Error(ErrorCode::kCorrupt,
                 "the cold history of user " + std::to_string(index) + " in space " +
                     std::to_string(options_.cold_space) + " has " + std::to_string(bytes.size()) +
                     " bytes, expected " + std::to_string(user.count * sizeof(HistoryEntry)));
  }
  out.resize(user.count);
  std::memcpy(out.data(), bytes.data() + (entries - user.count) * sizeof(HistoryEntry),
              user.count * sizeof(HistoryEntry));
  return ok_status();
}

Status Profiles::read_cold(const User& user, std::uint32_t index,
                           std::vector<HistoryEntry>& out) const {
  thread_local std::string bytes;
  VITRINE_TRY(const bool found, options_.cold->get({options_.cold_space, index}, bytes));
  if (!found) {
    return Error(ErrorCode::kCorrupt, "the cold history of user " + std::to_string(index) +
                                          " in space " + std::to_string(options_.cold_space) +
                                          " is missing");
  }
  return decode_cold(user, index, bytes, out);
}

Status Profiles::bring_back(User& user, std::uint32_t index) {
  VITRINE_TRY(read_cold(user, index, scratch_));
  user.size = pool_.size_for(user.count);
  user.row = pool_.allocate(user.size, index);
  user.head = 0;
  user.place = Place::kMemory;
  std::memcpy(entries_of(user.row), scratch_.data(), scratch_.size() * sizeof(HistoryEntry));
  --cold_users_;
  return ok_status();
}

// Second chance: the hand goes round the users; one that was appended to since it last came by
// is let off once.
Status Profiles::evict_batch(std::uint64_t row_bytes, std::uint64_t steps) {
  kv::ColdBatch batch;
  std::vector<std::uint32_t> chosen;
  std::uint64_t left = pool_.live_bytes();
  for (; steps > 0 && left > row_bytes && chosen.size() < kEvictBatch; --steps) {
    if (hand_ >= user_count_) hand_ = 0;
    const std::uint32_t index = hand_++;
    User& user = at(index);
    if (user.place != Place::kMemory) continue;
    if (user.used) {
      user.used = false;
      continue;
    }
    copy_history(user, scratch_);
    batch.put({options_.cold_space, index}, {reinterpret_cast<const char*>(scratch_.data()),
                                             scratch_.size() * sizeof(HistoryEntry)});
    left -= pool_.row_bytes(user.size);
    user.place = Place::kCold;  // now, so that a second turn doesn't choose it again
    chosen.push_back(index);
  }
  if (chosen.empty()) return ok_status();
  if (Status written = options_.cold->write(batch); !written.ok()) {
    for (const std::uint32_t index : chosen) at(index).place = Place::kMemory;
    return written;
  }
  for (const std::uint32_t index : chosen) drop_row(at(index));
  cold_users_ += chosen.size();
  return ok_status();
}

Status Profiles::evict_to(std::uint64_t row_bytes) {
  VITRINE_CHECK(options_.cold != nullptr);
  while (pool_.live_bytes() > row_bytes) {
    // Two turns find a row even if every user was used since the hand last came by.
    VITRINE_TRY(evict_batch(row_bytes, 2 * std::uint64_t{user_count_}));
  }
  return ok_status();
}

}  // namespace vitrine::profile
