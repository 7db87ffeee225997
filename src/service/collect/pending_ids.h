// The ids of events that are in the log but not yet in the state.
//
// Between an append and its application a retry of the same event finds nothing in the state; it
// is found here. Entries are dropped in generations: a generation goes at once when everything in
// it has been applied, so that forgetting costs nothing per id. An entry may thus stay longer than
// it must, never shorter.
//
// Not thread-safe: the collector holds its lock around it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/hash.h"
#include "base/ids.h"
#include "engine/eventlog/types.h"

namespace vitrine::collect {

class PendingIds {
 public:
  struct Entry {
    eventlog::Position position = 0;
    std::uint64_t body_hash = 0;
  };

  // A generation is closed when it holds `generation_ids`, or half of all there are.
  explicit PendingIds(std::size_t generation_ids = 16384);

  std::optional<Entry> find(TenantId tenant, const Hash128& id) const;

  // `entry.position` above that of every entry before.
  void insert(TenantId tenant, const Hash128& id, Entry entry);

  // Everything up to `applied` is in the state.
  void expire(eventlog::Position applied);

  std::size_t size() const { return size_; }
  // The largest position whose entry may be gone; 0 while none is.
  eventlog::Position forgotten() const { return forgotten_; }

 private:
  struct Key {
    Hash128 id;
    std::uint32_t tenant = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    using is_avalanching = void;  // the id is a hash, and the multiplier spreads the tenant
    std::size_t operator()(const Key& key) const noexcept {
      return key.id.low ^ (key.tenant * 0x9E3779B97F4A7C15u);
    }
  };
  using Table = boost::unordered_flat_map<Key, Entry, KeyHash>;
  struct Generation {
    Table ids;
    eventlog::Position last = 0;  // largest position in it
  };

  void open_generation();

  std::size_t generation_ids_;
  // Oldest first, never empty; positions of one are all below those of the next. A handful: each
  // holds at least as much as half of what was there when it was closed.
  std::deque<Generation> generations_;
  Table spare_;  // an emptied table, kept for its memory
  std::size_t size_ = 0;
  eventlog::Position forgotten_ = 0;
};

}  // namespace vitrine::collect
