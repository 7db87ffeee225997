// What a shop's visitors search for, and what they then turn to: the memory behind typeahead and
// behind a search that learns from clicks.
//
// A query counts once for each change of visitor: one person who searches the same thing again and
// again counts once. An item counts for a query if an event about it names the query, or if its
// visitor searched for the query within the last session; what counts is decayed.
//
// Bounds: `queries_max` queries of at most kQueryBytesMax bytes with `items_per_query` items each,
// `visitors_max` visitors whose last query is known. When they are full, the quarter that weighs
// least goes. No clock: time is what the caller says. Deterministic, and so part of the state.
//
// Not thread-safe; const functions from any number of threads at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"

namespace vitrine::query {

struct QueryLogOptions {
  std::uint32_t queries_max = 50'000;
  std::uint32_t items_per_query = 32;
  std::uint32_t visitors_max = 200'000;
  TimeUs half_life = 30 * kDayUs;
  TimeUs session = 30 * kMinuteUs;
};

class QueryLog {
 public:
  explicit QueryLog(QueryLogOptions options = {}) : options_(options) {}

  // `text` is normalised (query_text.h), not empty; `who` may be kNoUser: then it counts, but
  // what follows is not tied to it.
  // False: it was this visitor's search before, and does not count again.
  bool note_search(std::string_view text, UserIndex who, TimeUs at);
  // `who` turned to `item` with this weight > 0. `text`: the query that the event names,
  // normalised; empty: the visitor's last one. Nothing where neither is known.
  void note_interest(std::string_view text, UserIndex who, ItemIndex item, double weight,
                     TimeUs at);
  // Take back what a note_search() that counted, and what a note_interest(), added, with the decay
  // since then. What they displaced does not come back.
  void retract_search(std::string_view text, UserIndex who, TimeUs at);
  void retract_interest(std::string_view text, ItemIndex item, double weight, TimeUs at);
  // Nothing ties the visitor to a query any more; counts stay.
  void forget(UserIndex who);

  struct Query {
    std::string text;
    double weight = 0;           // searches, as of `at`
    TimeUs at = 0;               // of the newest search
    std::uint32_t searches = 0;  // undecayed, stops at its maximum
    UserIndex last_who = kNoUser;
    struct Item {
      ItemIndex item;
      double weight = 0;  // as of `at`
      TimeUs at = 0;
    };
    std::vector<Item> items;  // in order of first interest
  };
  const QueryLogOptions& options() const { return options_; }
  std::span<const Query> queries() const { return queries_; }
  const Query* find(std::string_view text) const;
  // Decayed to `now`.
  double weight(const Query& query, TimeUs now) const;
  double weight(const Query::Item& item, TimeUs now) const;
  // Counts changes; for caches.
  std::uint64_t version() const { return version_; }

  void save(Sink& sink) const;
  // After an error empty.
  Status load(Source& source);
  std::uint64_t memory_bytes() const;

 private:
  struct Last {
    std::uint32_t query = 0;
    TimeUs at = 0;
  };
  std::uint32_t ensure(std::string_view text, TimeUs at);
  void add_item(Query& query, ItemIndex item, double weight, TimeUs at);
  void drop_light_queries(TimeUs at);
  void drop_old_visitors(TimeUs at);
  void index_texts();
  Status load_all(Source& source);
  void clear();

  QueryLogOptions options_;
  std::vector<Query> queries_;
  std::unordered_map<std::string, std::uint32_t> by_text_;
  std::unordered_map<std::uint32_t, Last> visitors_;  // by UserIndex
  std::uint64_t version_ = 0;
};

}  // namespace vitrine::query
