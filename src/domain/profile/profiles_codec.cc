// Snapshot and digest of Profiles.
//
// Layout: version (u32), max_entries (u32), users (u64); then the users in the order of their
// numbers, in blocks of up to 4096: one Record each, then for each of the block whose history
// is in memory its entries, oldest first, without anything between them.
#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "domain/profile/profiles.h"

namespace vitrine::profile {

using internal::entries_of;

struct Profiles::Record {
  Hash128 key;
  std::int64_t last_activity = 0;
  std::uint32_t events = 0;
  std::uint32_t purchases = 0;
  std::uint8_t count = 0;
  Place place = Place::kNone;
  std::uint8_t consents = 0;  // since version 2
  std::uint8_t zero = 0;      // until it means something
  std::uint32_t zeros = 0;
};

namespace {

constexpr std::uint32_t kVersion = 2;  // 2: consents and merged users
constexpr std::uint32_t kUsersPerBlock = 4096;
constexpr std::size_t kRecordBytes = 16 + 8 + 4 + 4 + 1 + 1 + 1 + 1 + 4;

Error corrupt(std::uint64_t user, const std::string& what) {
  return Error(ErrorCode::kCorrupt, "profiles: user " + std::to_string(user) + ": " + what);
}

bool in_time_order(const HistoryEntry* entries, std::size_t count) {
  return std::is_sorted(entries, entries + count, [](const HistoryEntry& a, const HistoryEntry& b) {
    return a.stored_time() < b.stored_time();
  });
}

}  // namespace

Profiles::Record Profiles::record_of(const User& user) const {
  static_assert(sizeof(Record) == kRecordBytes && std::has_unique_object_representations_v<Record>);
  if (user.place == Place::kMerged) {
    // Who it is now, not through whom it became that.
    return {.key = user.key, .events = follow(user.events), .place = Place::kMerged};
  }
  return {.key = user.key,
          .last_activity = user.last_activity,
          .events = user.events,
          .purchases = user.purchases,
          .count = user.count,
          .place = user.place,
          .consents = user.consents.byte()};
}

void Profiles::write_entries(Sink& sink, const User& user) const {
  const auto write = [&](std::uint32_t from, std::uint32_t to) {
    sink.write({reinterpret_cast<const char*>(entries_of(user.row) + from),
                (to - from) * sizeof(HistoryEntry)});
  };
  write(user.head, user.count);
  if (user.head > 0) write(0, user.head);
}

void Profiles::save(Sink& sink) const {
  sink.value(kVersion);
  sink.value(options_.max_entries);
  sink.value(std::uint64_t{user_count_});
  std::vector<Record> records;
  for (std::uint32_t first = 0; first < user_count_; first += kUsersPerBlock) {
    const std::uint32_t last = std::min(user_count_ - first, kUsersPerBlock) + first;
    records.clear();
    for (std::uint32_t i = first; i < last; ++i) records.push_back(record_of(at(i)));
    sink.write({reinterpret_cast<const char*>(records.data()), records.size() * sizeof(Record)});
    for (std::uint32_t i = first; i < last; ++i) {
      if (at(i).place == Place::kMemory) write_entries(sink, at(i));
    }
  }
}

Status Profiles::digest(Sink& sink) const {
  std::optional<kv::ColdCursor> cold;
  std::vector<HistoryEntry> entries;
  sink.value(std::uint64_t{user_count_});
  for (std::uint32_t i = 0; i < user_count_; ++i) {
    const User& user = at(i);
    Record record = record_of(user);
    // What is remembered, not where.
    if (record.place == Place::kCold) record.place = Place::kMemory;
    sink.value(record);
    if (user.place == Place::kMemory) write_entries(sink, user);
    if (user.place != Place::kCold) continue;
    // The cursor meets users in order too; stale rows of users in memory lie between.
    if (!cold) cold.emplace(options_.cold->scan(options_.cold_space));
    while (cold->valid() && cold->row() < i) cold->next();
    VITRINE_TRY(cold->status());
    if (!cold->valid() || cold->row() != i) return corrupt(i, "its cold history is missing");
    VITRINE_TRY(decode_cold(user, i, cold->value(), entries));
    sink.write(
        {reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(HistoryEntry)});
  }
  return ok_status();
}

void Profiles::clear() {
  table_.clear();
  pool_.clear();
  chunks_.clear();
  user_count_ = 0;
  cold_users_ = 0;
  merged_users_ = 0;
  hand_ = 0;
}

Status Profiles::load(Source& source) {
  clear();
  Status loaded = load_users(source);
  if (!loaded.ok()) clear();
  return loaded;
}

Status Profiles::load_users(Source& source) {
  std::uint32_t version = 0;
  std::uint32_t saved_max = 0;
  std::uint64_t users = 0;
  VITRINE_TRY(source.value(version));
  if (version < 1 || version > kVersion) {
    return Error(ErrorCode::kUnsupported, "profiles: version " + std::to_string(version) +
                                              ", this build knows 1 to " +
                                              std::to_string(kVersion));
  }
  VITRINE_TRY(source.value(saved_max));
  VITRINE_TRY(source.value(users));
  if (users >= kNoUser.value || users > source.remaining() / sizeof(Record)) {
    return Error(ErrorCode::kCorrupt,
                 "profiles: " + std::to_string(users) + " users are more than what is left");
  }
  table_.reserve(users);
  std::vector<Record> records;
  for (std::uint64_t first = 0; first < users; first += kUsersPerBlock) {
    records.resize(std::min<std::uint64_t>(users - first, kUsersPerBlock));
    VITRINE_TRY(
        source.read(reinterpret_cast<char*>(records.data()), records.size() * sizeof(Record)));
    for (const Record& record : records) {
      if (record.count > saved_max) return corrupt(user_count_, "its history is too long");
      VITRINE_TRY(load_user(source, record));
    }
  }
  return check_links();
}

// A merged user is one that is itself: following it takes one step and ends.
Status Profiles::check_links() const {
  for (std::uint32_t i = 0; merged_users_ > 0 && i < user_count_; ++i) {
    const User& user = at(i);
    if (user.place != Place::kMerged) continue;
    if (user.events >= user_count_ || at(user.events).place == Place::kMerged) {
      return corrupt(i, "it was merged into nobody");
    }
  }
  return ok_status();
}

Status Profiles::load_user(Source& source, const Record& record) {
  const std::uint32_t index = user_count_;
  const auto consents = event::Consents::from_byte(record.consents);
  if (record.place > Place::kMerged || !consents || record.zero != 0 || record.zeros != 0) {
    return corrupt(index, "its record has values this build does not know");
  }
  const bool merged = record.place == Place::kMerged;
  if (merged && (record.last_activity != 0 || record.purchases != 0 || consents->any())) {
    return corrupt(index, "it was merged and has something of its own");
  }
  if ((record.place == Place::kNone || merged) != (record.count == 0)) {
    return corrupt(index, "its history has no place");
  }
  if (record.place == Place::kCold && options_.cold == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 "profiles: histories are in a cold store and none was given");
  }
  if (table_.find(record.key, key_of()) != kNoUser) return corrupt(index, "its key came before");
  const UserIndex added = add_user(record.key);
  if (added == kNoUser) {
    return Error(ErrorCode::kExhausted, "profiles: the snapshot holds more users than users_max");
  }
  User& user = at(added.value);
  user.last_activity = record.last_activity;
  user.events = record.events;
  user.purchases = record.purchases;
  user.consents = *consents;
  if (record.place == Place::kMemory) return load_row(source, user, index, record.count);
  user.place = record.place;
  user.count =
      static_cast<std::uint8_t>(std::min<std::uint32_t>(record.count, options_.max_entries));
  if (user.place == Place::kCold) ++cold_users_;
  if (merged) ++merged_users_;
  return ok_status();
}

Status Profiles::load_row(Source& source, User& user, std::uint32_t index, std::uint32_t saved) {
  const std::uint32_t keep = std::min(saved, options_.max_entries);
  std::array<HistoryEntry, 255> older;  // what a smaller max_entries leaves out
  VITRINE_TRY(
      source.read(reinterpret_cast<char*>(older.data()), (saved - keep) * sizeof(HistoryEntry)));
  user.size = pool_.size_for(keep);
  user.row = pool_.allocate(user.size, index);
  user.place = Place::kMemory;
  user.count = static_cast<std::uint8_t>(keep);
  HistoryEntry* entries = entries_of(user.row);
  VITRINE_TRY(source.read(reinterpret_cast<char*>(entries), keep * sizeof(HistoryEntry)));
  if (!in_time_order(entries, keep))
    return corrupt(index, "its history is not in the order of time");
  return ok_status();
}

}  // namespace vitrine::profile
