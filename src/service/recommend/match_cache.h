// The items that pass a filter, kept from request to request by the filter's canonical form.
//
// A kept set is brought up to date before it is given out (domain/filter/match_set.h), so it
// changes the time of an answer and nothing else. Bounded by entries and bytes; what was not asked
// for the longest is forgotten first.
//
// Thread-safe. Sets are of one catalog at one version: they are valid while the tenant's shared
// lock is held.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "domain/filter/match_set.h"

namespace vitrine::recommend {

struct MatchCacheOptions {
  std::size_t entries_max = 4096;
  // A set takes a bit an item: a thousand of them at a million items.
  std::size_t bytes_max = std::size_t{128} << 20;
};

class MatchCache {
 public:
  using Set = std::shared_ptr<const filter::MatchSet>;

  explicit MatchCache(MatchCacheOptions options = {});

  // The set of the catalog as it is now, null if it has to be made or brought up to date.
  Set find(std::string_view canonical, const catalog::Catalog& catalog);
  // Makes it, or tests what changed since. `filter` is `canonical` bound to `catalog`, and does not
  // use now().
  Set make(const std::string& canonical, const filter::BoundFilter& filter,
           const catalog::Catalog& catalog);

  struct Stats {
    std::uint64_t hits = 0;       // found as they were
    std::uint64_t refreshed = 0;  // found, with changes since
    std::uint64_t made = 0;
    std::size_t entries = 0;
    std::size_t bytes = 0;
  };
  Stats stats() const;

 private:
  struct Entry {
    std::string canonical;
    std::shared_ptr<filter::MatchSet> set;
    std::size_t bytes = 0;
  };
  using Order = std::list<Entry>;  // last used first

  std::shared_ptr<filter::MatchSet> take(std::string_view canonical);
  void keep(const std::string& canonical, std::shared_ptr<filter::MatchSet> set);
  void forget(Order::iterator entry);

  MatchCacheOptions options_;
  mutable std::mutex mutex_;
  Order order_;  // guarded by mutex_
  // Keys point into order_'s texts, which never move.
  boost::unordered_flat_map<std::string_view, Order::iterator> index_;  // guarded by mutex_
  Stats stats_;                                                         // guarded by mutex_
};

}  // namespace vitrine::recommend
