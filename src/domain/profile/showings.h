// What visitors were shown and did not open: so that a window can change instead of insisting.
//
// For each visitor at most kItemsMost items, each with its looks: the expected number of times it
// was looked at, where the n-th place of a list counts n^-0.5 (the first 1, the fourth a half) and
// an old look counts less: half of it is forgotten each kLooksHalfLife. Opening an item by any
// event that shows interest removes it.
//
// This is a memory of days, not a history: past `entries_max` the visitors who were shown nothing
// for longest are forgotten, in an order that is the log's, so that a replay forgets the same.
//
// Threads: const functions from any number of threads at a time; the others from one thread while
// no other is inside (the owner's read-write lock).
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"

namespace vitrine::profile {

// In units of 1/kLook of a look.
inline constexpr std::uint32_t kLook = 256;
inline constexpr std::uint32_t kLooksMost = 255 * kLook;
inline constexpr TimeUs kLooksHalfLife = kDayUs;

struct Showing {
  ItemIndex item;
  std::uint32_t time_s = 0;  // of the newest showing, seconds since 1970, within 0 .. 2^32-1
  std::uint32_t looks = 0;   // as of time_s, 1 .. kLooksMost

  // As of `now`, 0 .. kLooksMost.
  std::uint32_t looks_at(TimeUs now) const;
  friend bool operator==(const Showing&, const Showing&) = default;
};
static_assert(std::has_unique_object_representations_v<Showing>);

class Showings {
 public:
  static constexpr std::size_t kItemsMost = 96;

  // `entries_max`: of all visitors together, 12 bytes each and about 100 a visitor.
  explicit Showings(std::uint64_t entries_max = 2'000'000) : entries_max_(entries_max) {}

  // `place`: in the list, from 0; below 0 where it is not known, which counts as the first.
  // O(kItemsMost). When a visitor's row is full, what was shown longest ago makes room.
  void shown(UserIndex user, ItemIndex item, std::int32_t place, TimeUs at);
  void opened(UserIndex user, ItemIndex item);
  // What `from` was shown, `into` was shown.
  void merge(UserIndex from, UserIndex into);
  void forget(UserIndex user);

  // Valid until the next change. O(1).
  std::span<const Showing> of(UserIndex user) const;
  bool empty() const { return index_.empty(); }
  std::uint64_t entries() const { return entries_; }
  std::uint64_t users() const { return index_.size(); }

  // Canonical. `users`: a row of a user with this number or above is kCorrupt. After an error
  // empty.
  void save(Sink& sink) const;
  Status load(Source& source, std::uint32_t users);
  std::uint64_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kNoRow = 0xFFFFFFFFu;
  struct Row {
    UserIndex user = kNoUser;
    std::uint32_t older = kNoRow;  // neighbours in the order of the newest showing
    std::uint32_t newer = kNoRow;
    std::vector<Showing> items;
  };

  std::uint32_t find(UserIndex user) const;
  std::uint32_t ensure(UserIndex user);
  void link_newest(std::uint32_t at);
  void unlink(std::uint32_t at);
  void drop(std::uint32_t at);
  void add(Row& row, const Showing& showing);
  void shrink();

  std::uint64_t entries_max_;
  std::uint64_t entries_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> index_;  // user to row; never iterated
  std::vector<Row> rows_;
  std::vector<std::uint32_t> free_;
  std::uint32_t oldest_ = kNoRow;
  std::uint32_t newest_ = kNoRow;
};

}  // namespace vitrine::profile
