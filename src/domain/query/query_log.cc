#include "domain/query/query_log.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/decay.h"
#include "domain/query/query_text.h"

namespace vitrine::query {
namespace {

// What an amount of `weight` at `from` is together with `more` at `at`; `from` becomes the later.
void add_decayed(double& weight, TimeUs& from, double more, TimeUs at, TimeUs half_life) {
  if (at >= from) {
    weight = weight * decay_factor(at - from, half_life) + more;
    from = at;
  } else {
    weight += more * decay_factor(from - at, half_life);
  }
}

double decayed(double weight, TimeUs from, TimeUs now, TimeUs half_life) {
  return weight * decay_factor(now - from, half_life);
}

}  // namespace

double QueryLog::weight(const Query& query, TimeUs now) const {
  return decayed(query.weight, query.at, now, options_.half_life);
}

double QueryLog::weight(const Query::Item& item, TimeUs now) const {
  return decayed(item.weight, item.at, now, options_.half_life);
}

const QueryLog::Query* QueryLog::find(std::string_view text) const {
  const auto found = by_text_.find(std::string(text));
  return found == by_text_.end() ? nullptr : &queries_[found->second];
}

void QueryLog::index_texts() {
  by_text_.clear();
  for (std::uint32_t i = 0; i < queries_.size(); ++i) by_text_.emplace(queries_[i].text, i);
}

std::uint32_t QueryLog::ensure(std::string_view text, TimeUs at) {
  const std::string key(text);
  if (const auto found = by_text_.find(key); found != by_text_.end()) return found->second;
  if (queries_.size() >= options_.queries_max) drop_light_queries(at);
  const auto number = static_cast<std::uint32_t>(queries_.size());
  queries_.push_back({});
  queries_.back().text = key;
  queries_.back().at = at;
  by_text_.emplace(key, number);
  return number;
}

bool QueryLog::note_search(std::string_view text, UserIndex who, TimeUs at) {
  ++version_;
  const std::uint32_t number = ensure(text, at);
  Query& query = queries_[number];
  const bool counts = who == kNoUser || query.last_who != who || query.searches == 0;
  if (counts) {
    add_decayed(query.weight, query.at, 1, at, options_.half_life);
    if (query.searches < std::numeric_limits<std::uint32_t>::max()) ++query.searches;
  }
  query.last_who = who;
  if (who == kNoUser) return counts;
  if (visitors_.size() >= options_.visitors_max && !visitors_.contains(who.value)) {
    drop_old_visitors(at);
  }
  visitors_[who.value] = {number, at};
  return counts;
}

void QueryLog::retract_search(std::string_view text, UserIndex who, TimeUs at) {
  const auto found = by_text_.find(std::string(text));
  if (found == by_text_.end()) return;
  ++version_;
  Query& query = queries_[found->second];
  add_decayed(query.weight, query.at, -1, at, options_.half_life);
  query.weight = std::max(query.weight, 0.0);
  if (query.searches > 0) --query.searches;
  if (query.last_who == who) query.last_who = kNoUser;
}

void QueryLog::retract_interest(std::string_view text, ItemIndex item, double weight, TimeUs at) {
  const auto found = by_text_.find(std::string(text));
  if (found == by_text_.end() || !(weight > 0)) return;
  auto& items = queries_[found->second].items;
  const auto own = std::find_if(items.begin(), items.end(),
                                [item](const Query::Item& known) { return known.item == item; });
  if (own == items.end()) return;
  ++version_;
  add_decayed(own->weight, own->at, -weight, at, options_.half_life);
  constexpr double kNothing = 1e-6;
  if (own->weight < kNothing) items.erase(own);
}

void QueryLog::note_interest(std::string_view text, UserIndex who, ItemIndex item, double weight,
                             TimeUs at) {
  if (!(weight > 0)) return;
  if (!text.empty()) {
    ++version_;
    return add_item(queries_[ensure(text, at)], item, weight, at);
  }
  if (who == kNoUser) return;
  const auto last = visitors_.find(who.value);
  if (last == visitors_.end()) return;
  const TimeUs since = at - last->second.at;
  if (since < 0 || since > options_.session) return;
  ++version_;
  add_item(queries_[last->second.query], item, weight, at);
}

void QueryLog::add_item(Query& query, ItemIndex item, double weight, TimeUs at) {
  const auto found = std::find_if(query.items.begin(), query.items.end(),
                                  [item](const Query::Item& own) { return own.item == item; });
  if (found != query.items.end()) {
    return add_decayed(found->weight, found->at, weight, at, options_.half_life);
  }
  if (query.items.size() < options_.items_per_query) {
    query.items.push_back({item, weight, at});
    return;
  }
  // The lightest makes room, if it is lighter.
  const auto lightest = std::min_element(query.items.begin(), query.items.end(),
                                         [&](const Query::Item& a, const Query::Item& b) {
                                           return this->weight(a, at) < this->weight(b, at);
                                         });
  if (this->weight(*lightest, at) < weight) *lightest = {item, weight, at};
}

void QueryLog::drop_light_queries(TimeUs at) {
  struct Place {
    double weight;
    std::uint32_t number;
  };
  std::vector<Place> order;
  for (std::uint32_t i = 0; i < queries_.size(); ++i) {
    double sum = weight(queries_[i], at);
    for (const Query::Item& item : queries_[i].items) sum += weight(item, at);
    order.push_back({sum, i});
  }
  std::sort(order.begin(), order.end(), [](const Place& a, const Place& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.number < b.number;
  });
  order.resize(order.size() - std::max<std::size_t>(1, order.size() / 4));
  std::sort(order.begin(), order.end(),
            [](const Place& a, const Place& b) { return a.number < b.number; });
  std::vector<std::uint32_t> moved(queries_.size(), std::numeric_limits<std::uint32_t>::max());
  std::vector<Query> kept;
  kept.reserve(options_.queries_max);
  for (const Place& place : order) {
    moved[place.number] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(std::move(queries_[place.number]));
  }
  queries_ = std::move(kept);
  index_texts();
  for (auto visitor = visitors_.begin(); visitor != visitors_.end();) {
    visitor->second.query = moved[visitor->second.query];
    const bool gone = visitor->second.query == std::numeric_limits<std::uint32_t>::max();
    visitor = gone ? visitors_.erase(visitor) : std::next(visitor);
  }
}

// Those whose session is over, and where that makes too little room the older half of the rest.
void QueryLog::drop_old_visitors(TimeUs at) {
  std::erase_if(visitors_,
                [&](const auto& visitor) { return at - visitor.second.at > options_.session; });
  if (visitors_.size() < options_.visitors_max / 2) return;
  std::vector<std::pair<TimeUs, std::uint32_t>> order;
  for (const auto& [who, last] : visitors_) order.emplace_back(last.at, who);
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size() / 2 + 1 && i < order.size(); ++i) {
    visitors_.erase(order[i].second);
  }
}

void QueryLog::forget(UserIndex who) {
  ++version_;
  visitors_.erase(who.value);
  for (Query& query : queries_) {
    if (query.last_who == who) query.last_who = kNoUser;
  }
}

void QueryLog::clear() {
  queries_.clear();
  by_text_.clear();
  visitors_.clear();
}

void QueryLog::save(Sink& sink) const {
  sink.value<std::uint64_t>(queries_.size());
  for (const Query& query : queries_) {
    sink.string(query.text);
    sink.value(query.weight);
    sink.value(query.at);
    sink.value(query.searches);
    sink.value(query.last_who.value);
    sink.value<std::uint64_t>(query.items.size());
    for (const Query::Item& item : query.items) {
      sink.value(item.item.value);
      sink.value(item.weight);
      sink.value(item.at);
    }
  }
  std::vector<std::pair<std::uint32_t, Last>> sorted(visitors_.begin(), visitors_.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  sink.value<std::uint64_t>(sorted.size());
  for (const auto& [who, last] : sorted) {
    sink.value(who);
    sink.value(last.query);
    sink.value(last.at);
  }
}

Status QueryLog::load(Source& source) {
  clear();
  Status loaded = load_all(source);
  if (!loaded.ok()) clear();
  ++version_;
  return loaded;
}

Status QueryLog::load_all(Source& source) {
  const auto corrupt = [](const std::string& what) {
    return Error(ErrorCode::kCorrupt, "query log: " + what);
  };
  std::uint64_t count = 0;
  VITRINE_TRY(source.value(count));
  if (count > source.remaining()) return corrupt("more queries than bytes");
  for (std::uint64_t i = 0; i < count; ++i) {
    Query query;
    VITRINE_TRY(source.string(query.text));
    if (query.text.empty() || query.text.size() > kQueryBytesMax) return corrupt("a query's size");
    VITRINE_TRY(source.value(query.weight));
    VITRINE_TRY(source.value(query.at));
    VITRINE_TRY(source.value(query.searches));
    VITRINE_TRY(source.value(query.last_who.value));
    std::uint64_t items = 0;
    VITRINE_TRY(source.value(items));
    if (items > source.remaining()) return corrupt("more items than bytes");
    for (std::uint64_t n = 0; n < items; ++n) {
      Query::Item item;
      VITRINE_TRY(source.value(item.item.value));
      VITRINE_TRY(source.value(item.weight));
      VITRINE_TRY(source.value(item.at));
      if (!std::isfinite(item.weight) || item.weight < 0) return corrupt("an item's weight");
      query.items.push_back(item);
    }
    if (!std::isfinite(query.weight) || query.weight < 0) return corrupt("a query's weight");
    queries_.push_back(std::move(query));
  }
  index_texts();
  if (by_text_.size() != queries_.size()) return corrupt("a query stands twice");
  VITRINE_TRY(source.value(count));
  if (count > source.remaining()) return corrupt("more visitors than bytes");
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint32_t who = 0;
    Last last;
    VITRINE_TRY(source.value(who));
    VITRINE_TRY(source.value(last.query));
    VITRINE_TRY(source.value(last.at));
    if (last.query >= queries_.size()) return corrupt("a visitor of no query");
    visitors_[who] = last;
  }
  return ok_status();
}

std::uint64_t QueryLog::memory_bytes() const {
  std::uint64_t bytes = queries_.capacity() * sizeof(Query) + visitors_.size() * 40;
  for (const Query& query : queries_) {
    bytes += 2 * query.text.size() + 64 + query.items.capacity() * sizeof(Query::Item);
  }
  return bytes;
}

}  // namespace vitrine::query
