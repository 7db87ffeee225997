// What a cache of a catalog's texts has to take over: the items whose texts are not those that it
// has, found piece by piece so that the tenant's lock is never held for long.
//
//   if (!follower.plan(state)) return;                       // under the lock
//   while (!follower.at_end()) { follower.read(state, out);  // under the lock
//                                ...take `out` over; follower.took(out); }
//   follower.finish();
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "service/search/item_text.h"
#include "service/search/search_state.h"

namespace vitrine::search {

inline constexpr std::size_t kRowsPerLock = 64;

class CatalogFollower {
 public:
  struct Change {
    ItemIndex item;
    std::uint64_t hash = 0;  // 0: no longer listed
    ItemText text;
  };

  // Whether there is anything to look at. If the catalog is another one than before everything of
  // before is forgotten, and anew() is true.
  bool plan(const SearchState& state);
  bool anew() const { return anew_; }
  // Appends what changed among the next rows to `out`, at most kRowsPerLock; cleared first. False,
  // and the plan is void, where the catalog is another one by now.
  bool read(const SearchState& state, std::vector<Change>& out);
  bool at_end() const { return next_ >= end_; }
  void took(std::span<const Change> changes);
  // Everything of the plan was taken over.
  void finish();

  // Nothing was taken over.
  void forget();
  // All items come again with the next plan, and those that are no longer listed.
  void doubt();
  // What a cache from a file has: hashes by row, 0 for what it has not. Every item is looked at
  // with the next plan, and those that have these texts don't come.
  void remember(std::vector<std::uint64_t> hashes);
  std::span<const std::uint64_t> hashes() const { return hashes_; }

  std::uint64_t identity() const { return identity_; }
  std::uint64_t version() const { return version_; }          // taken over
  std::uint64_t planned_version() const { return planned_; }  // of the plan
  std::uint64_t position() const { return position_; }        // of the log, of the plan
  bool complete() const { return complete_; }                 // some plan was finished

 private:
  std::uint64_t identity_ = 0;
  std::uint64_t version_ = 0;
  TimeUs scanned_until_ = 0;  // older changes are in
  bool complete_ = false;
  bool remembered_ = false;            // hashes_ are of a file: of any catalog
  std::vector<std::uint64_t> hashes_;  // by row, of what is taken over; 0: not
  // Of the plan.
  bool anew_ = false;
  std::uint64_t planned_ = 0;
  std::uint64_t position_ = 0;
  TimeUs until_ = 0;
  bool all_ = false;
  TimeUs from_ = 0;                  // with all_: older rows need no look
  std::vector<std::uint32_t> rows_;  // without all_
  std::size_t next_ = 0;
  std::size_t end_ = 0;
  ItemText scratch_;
};

}  // namespace vitrine::search
