// Every user of one tenant and what each did lately.
//
// A history keeps the newest `max_entries` entries of a user, ordered by event time (to the
// millisecond); entries of the same millisecond stay in the order in which they were appended,
// which is log order. A late entry is put in its place; one that is older than all of a full
// history is not kept.
//
// Merging. An anonymous visitor who turns out to be a user becomes that user, for good: its
// history is put into the user's in order of time (of one millisecond the user's own entries
// first), its counts are added, and from then on its key finds the user. The first user to be
// linked stays: a browser that several people sign in on does not mix them.
//
// Memory: a user, also one that was merged, costs about 64 bytes for as long as the tenant lives; a
// history 4 bytes plus 12 for each entry, rounded up to the next 8 entries. When histories pass
// `row_budget_bytes`, those that have not been appended to for longest move to the cold store,
// 64 at a time; an append to such a user brings its history back, a read doesn't.
//
// Threads: const functions from any number of threads at a time, also those that read the cold
// store; the others from one thread while no other is inside (the owner's read-write lock).
//
// Errors: only the cold store fails, with its codes (kIo, kExhausted, kCorrupt). An append that
// returns an error has changed no history and may be tried again.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"
#include "domain/event/consent.h"
#include "domain/event/event.h"
#include "domain/profile/history_entry.h"
#include "domain/profile/internal/row_pool.h"
#include "domain/profile/internal/user_table.h"
#include "engine/kv/cold_rows.h"

namespace vitrine::profile {

// How users are known: by their own id, or before that by an anonymous one. The two never meet.
Hash128 user_key(std::string_view user_id);
Hash128 anonymous_key(std::string_view anonymous_id);

struct ProfilesOptions {
  std::uint32_t max_entries = 100;  // per user, 4..255
  // Keys that get a number. Part of the meaning of the state: a replay must use the same.
  std::uint32_t users_max = kNoUser.value;
  // Of histories in memory. Without a cold store there is no limit.
  std::uint64_t row_budget_bytes = std::numeric_limits<std::uint64_t>::max();
  kv::ColdRows* cold = nullptr;  // outlives the Profiles; may be shared, one space each
  std::uint32_t cold_space = 0;  // this tenant's number in the cold store
};

struct UserInfo {
  Hash128 key;
  TimeUs last_activity = 0;     // newest event time noted; 0 and events == 0: none yet
  std::uint32_t events = 0;     // noted in all, stays at its maximum
  std::uint32_t purchases = 0;  // purchase-complete events among them
  std::uint32_t entries = 0;    // in the history now
  event::Consents consents;
};

class Profiles {
 public:
  explicit Profiles(ProfilesOptions options);
  ~Profiles();
  Profiles(const Profiles&) = delete;
  Profiles& operator=(const Profiles&) = delete;

  // The number of the user with this key, given now if it is new; of a key that was merged, the
  // user's it was merged into. kNoUser when it is new and users_max are known. O(1).
  UserIndex intern_user(const Hash128& key);
  // kNoUser if it was never interned. O(1).
  UserIndex find_user(const Hash128& key) const;
  // The number that the key itself got, also if it was merged since. kNoUser as above. O(1).
  UserIndex own_number(const Hash128& key) const;
  std::uint32_t user_count() const { return user_count_; }  // keys, merged ones too
  std::uint32_t merged_count() const { return merged_users_; }
  UserInfo info(UserIndex user) const;

  // Merges whoever has the key `from` into `into`, which find_user() or intern_user() gave. Also
  // of a key that is new: what it does later is then the user's.
  enum class Link : std::uint8_t {
    kMerged,
    kKnown,      // it was this user before: nothing changed
    kElsewhere,  // it is another user, and stays that
    kFull,       // users_max
  };
  Result<Link> link(const Hash128& from, UserIndex into);
  // Appends the keys that were merged into `user`, of those with numbers from `first` on. Looks
  // at `most` numbers and gives where to go on; user_count() at the end.
  std::uint32_t append_merged_keys(UserIndex user, std::uint32_t first, std::uint32_t most,
                                   std::vector<Hash128>& out) const;

  event::Consents consents(UserIndex user) const { return at(user.value).consents; }
  // What `newer` speaks of is as it says from now on.
  void update_consents(UserIndex user, event::Consents newer) {
    at(user.value).consents.update(newer);
  }
  // Forgets history and counts; the key, its links and its consents stay.
  void forget(UserIndex user);
  // The same with the consents.
  void erase(UserIndex user);

  // Once for each event, whatever number of items it has.
  void note_event(UserIndex user, TimeUs event_time, event::EventType type);
  // Once for each item of an event. O(1) in time order, O(entries) for a late one.
  Status append(UserIndex user, const HistoryEntry& entry);
  // Replaces `out` by the history, oldest first, and returns its length.
  Result<std::size_t> history(UserIndex user, std::vector<HistoryEntry>& out) const;

  // Hints for loops over many users: fetch what intern_user(), then append() will touch, in
  // three steps with other work between them.
  void prefetch_key(const Hash128& key) const { table_.prefetch(key); }
  void prefetch_user(UserIndex user) const { __builtin_prefetch(&at(user.value)); }
  void prefetch_row(UserIndex user) const;
  // For loops that read histories: all of the history, after prefetch_user().
  void prefetch_history(UserIndex user) const;
  // Items of the newest entries, newest first, without reading the cold store: how many.
  std::size_t newest_items(UserIndex user, std::span<ItemIndex> out) const;

  // Moves histories to the cold store until those in memory take at most `row_bytes`.
  Status evict_to(std::uint64_t row_bytes);
  void set_row_budget(std::uint64_t bytes) { options_.row_budget_bytes = bytes; }
  std::uint64_t row_bytes() const { return pool_.live_bytes(); }
  std::uint64_t cold_users() const { return cold_users_; }
  std::uint64_t memory_bytes() const;

  // For a snapshot: everything but the cold histories, which stay in the cold store. Its
  // checkpoint must be taken between the same two appends as this call. Touches no file and
  // takes no lock, so that a forked child can do it. Equal states with equal sets of cold
  // users give equal bytes.
  void save(Sink& sink) const;
  // Reads what save() wrote, of a Profiles with any budget and any max_entries; the cold store
  // of the options must have been opened from the matching checkpoint. After an error empty.
  Status load(Source& source);
  // What the state means, user by user, wherever histories lie: equal for equal content.
  Status digest(Sink& sink) const;

 private:
  enum class Place : std::uint8_t {
    kNone = 0,  // no history yet
    kMemory = 1,
    kCold = 2,
    kMerged = 3,  // this user is another one now: the one whose number is in `events`
  };              // values are on disk

  // 48 bytes. A history in memory is a ring: the i-th oldest entry is at (head + i) % capacity,
  // and head is 0 as long as count < max_entries.
  struct User {
    Hash128 key;
    TimeUs last_activity = 0;
    internal::Row row = nullptr;  // set when place is kMemory
    std::uint32_t events = 0;
    std::uint32_t purchases = 0;
    std::uint8_t count = 0;
    std::uint8_t head = 0;
    std::uint8_t size = 0;  // of the row, in RowPool's numbering
    Place place = Place::kNone;
    bool used = false;  // appended to since the eviction last came by
    event::Consents consents;
  };
  static constexpr std::uint32_t kUsersPerChunk = 4096;
  // One eviction on the way of an append: so many histories, and so many users looked at.
  static constexpr std::uint64_t kEvictBatch = 64;
  static constexpr std::uint64_t kEvictSteps = 16 << 10;
  struct Record;  // of one user in a snapshot

  User& at(std::uint32_t user) { return chunks_[user / kUsersPerChunk][user % kUsersPerChunk]; }
  const User& at(std::uint32_t user) const {
    return chunks_[user / kUsersPerChunk][user % kUsersPerChunk];
  }
  auto key_of() const {
    return [this](std::uint32_t user) -> const Hash128& { return at(user).key; };
  }
  UserIndex add_user(const Hash128& key);
  // The user that `user` is now. A step for each time that one was merged further.
  std::uint32_t follow(std::uint32_t user) const {
    while (at(user).place == Place::kMerged) user = at(user).events;
    return user;
  }
  Status merge(std::uint32_t from, std::uint32_t into);
  void put_history(User& user, std::uint32_t index, std::span<const HistoryEntry> entries);
  void drop_history(User& user);
  void insert(User& user, std::uint32_t index, const HistoryEntry& entry);
  void insert_into_full(User& user, const HistoryEntry& entry);
  void grow(User& user, std::uint32_t index);
  void drop_row(User& user);
  void copy_history(const User& user, std::vector<HistoryEntry>& out) const;
  Status decode_cold(const User& user, std::uint32_t index, std::string_view bytes,
                     std::vector<HistoryEntry>& out) const;
  Status read_cold(const User& user, std::uint32_t index, std::vector<HistoryEntry>& out) const;
  Status bring_back(User& user, std::uint32_t index);
  Status evict_batch(std::uint64_t row_bytes, std::uint64_t steps);
  Record record_of(const User& user) const;
  Status check_links() const;
  void write_entries(Sink& sink, const User& user) const;
  Status load_users(Source& source);
  Status load_user(Source& source, const Record& record);
  Status load_row(Source& source, User& user, std::uint32_t index, std::uint32_t saved);
  void clear();

  ProfilesOptions options_;
  internal::UserTable table_;
  internal::RowPool pool_;
  std::vector<std::unique_ptr<User[]>> chunks_;
  std::uint32_t user_count_ = 0;
  std::uint32_t merged_users_ = 0;
  std::uint64_t cold_users_ = 0;
  std::uint32_t hand_ = 0;             // where the eviction goes on looking
  std::vector<HistoryEntry> scratch_;  // of evictions, returns and merges
};

}  // namespace vitrine::profile
