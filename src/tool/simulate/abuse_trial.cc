#include "tool/simulate/abuse_trial.h"

#include <algorithm>
#include <cmath>

#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "platform/codec/json_writer.h"
#include "service/apply/tenant_state.h"
#include "tool/import/text_table.h"

namespace vitrine::simulate {
namespace {

constexpr TenantId kTenant{1};
constexpr std::size_t kTop = 20;

// A tenant's state that is fed with what the crowd does.
class Fed {
 public:
  Status set(const conduct::Settings& settings) {
    std::string payload;
    ByteWriter out(payload);
    record::write_tenant(out, kTenant);
    payload += conduct::print_settings(settings);
    return apply(record::RecordKind::kAbuseSettings, payload, 0);
  }

  Status act(const Shop& shop, const Crowd& crowd, const Doing& doing) {
    const std::string id = std::to_string(position_);
    event_.event_id = id;
    event_.type = doing.type;
    event_.event_time = doing.at;
    event_.anonymous_id = crowd.ids[doing.who];
    event_.items.clear();
    for (const ItemNo item : doing.items) event_.items.push_back({.item_id = shop.items[item].id});
    payload_.clear();
    ByteWriter out(payload_);
    record::write_tenant(out, kTenant);
    event::encode_event(event_, payload_);
    return apply(record::RecordKind::kEvent, payload_, doing.at);
  }

  bool is_out(const std::string& id) const {
    const UserIndex user = state_.profiles().find_user(profile::anonymous_key(id));
    if (user == kNoUser) return false;
    const auto standing = state_.conduct().standing(user);
    return standing == conduct::Standing::kFlagged || standing == conduct::Standing::kWaiting;
  }

  std::vector<double> scores(const counters::Counters& counters, const Shop& shop,
                             TimeUs at) const {
    std::vector<double> out;
    for (const Item& item : shop.items) {
      const auto index = state_.catalog().find(item.id);
      out.push_back(index ? std::max(0.0, counters.score(*index, at)) : 0);
    }
    return out;
  }
  const apply::TenantState& state() const { return state_; }

 private:
  Status apply(record::RecordKind kind, std::string_view payload, TimeUs at) {
    VITRINE_TRY(const auto outcome,
                state_.apply({++position_, at, static_cast<std::uint16_t>(kind), 0, payload}));
    (void)outcome;
    return ok_status();
  }

  apply::TenantState state_{kTenant, {}, {}};
  eventlog::Position position_ = 0;
  event::Event event_;
  std::string payload_;
};

double difference(const std::vector<double>& a, const std::vector<double>& truth) {
  double off = 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    off += std::fabs(a[i] - truth[i]);
    sum += truth[i];
  }
  return sum > 0 ? off / sum : 0;
}

std::vector<ItemNo> top(const std::vector<double>& scores) {
  std::vector<ItemNo> order(scores.size());
  for (ItemNo i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](ItemNo a, ItemNo b) { return scores[a] > scores[b]; });
  order.resize(std::min(kTop, order.size()));
  std::ranges::sort(order);
  return order;
}

double top_in_common(const std::vector<double>& a, const std::vector<double>& truth) {
  std::vector<ItemNo> common;
  const auto wanted = top(truth);
  std::ranges::set_intersection(top(a), wanted, std::back_inserter(common));
  return static_cast<double>(common.size()) / static_cast<double>(wanted.size());
}

class Trial {
 public:
  Trial(const Shop& shop, const Crowd& crowd) : shop_(shop), crowd_(crowd) {
    caught_.resize(crowd.ids.size());
    events_.resize(crowd.ids.size());
  }

  Result<AbuseResult> run(const conduct::Settings& settings) {
    VITRINE_TRY(watched_.set(settings));
    conduct::Settings off = settings;
    off.detect = false;
    VITRINE_TRY(alone_.set(off));
    VITRINE_TRY(unwatched_.set(off));
    TimeUs day_end = crowd_.doings.empty() ? 0 : crowd_.doings.front().at + kDayUs;
    for (const Doing& doing : crowd_.doings) {
      for (; doing.at >= day_end; day_end += kDayUs) compare(day_end);
      VITRINE_TRY(act(doing));
    }
    if (days_ == 0) compare(day_end);
    for (double* sum :
         {&result_.top_kept, &result_.top_kept_unwatched, &result_.popular_off,
          &result_.popular_off_unwatched, &result_.trending_off, &result_.trending_off_unwatched}) {
      *sum /= days_;
    }
    count_crowd();
    return std::move(result_);
  }

 private:
  Status act(const Doing& doing) {
    const std::uint8_t kind = crowd_.kinds[doing.who];
    const bool robot = kind < kRobotKinds;
    if (!robot) VITRINE_TRY(alone_.act(shop_, crowd_, doing));
    VITRINE_TRY(unwatched_.act(shop_, crowd_, doing));
    VITRINE_TRY(watched_.act(shop_, crowd_, doing));
    ++events_[doing.who];
    ++(robot ? result_.robot_events : result_.people_events);
    const bool out = watched_.is_out(crowd_.ids[doing.who]);
    if (out && caught_[doing.who] == 0) caught_[doing.who] = events_[doing.who];
    if (robot && out) ++result_.kinds[kind].kept_out;
    return ok_status();
  }

  void compare(TimeUs at) {
    ++days_;
    const auto trending = [&](const Fed& fed) {
      return fed.scores(fed.state().trending(), shop_, at);
    };
    const auto popular = [&](const Fed& fed) {
      return fed.scores(fed.state().popular(), shop_, at);
    };
    const auto truth = trending(alone_);
    result_.top_kept += top_in_common(trending(watched_), truth);
    result_.top_kept_unwatched += top_in_common(trending(unwatched_), truth);
    result_.trending_off += difference(trending(watched_), truth);
    result_.trending_off_unwatched += difference(trending(unwatched_), truth);
    result_.popular_off += difference(popular(watched_), popular(alone_));
    result_.popular_off_unwatched += difference(popular(unwatched_), popular(alone_));
  }

  void count_crowd() {
    for (std::uint32_t who = 0; who < crowd_.ids.size(); ++who) {
      if (events_[who] == 0) continue;
      const std::uint8_t kind = crowd_.kinds[who];
      // A visitor of a farm waits as soon as the farm is known, also those that came before.
      const bool found = caught_[who] != 0 || watched_.is_out(crowd_.ids[who]);
      if (kind == kRobotKinds) {
        ++result_.people;
        if (who % 50 == 0) ++result_.hard_people;
        if (found) ++result_.people_flagged;
        continue;
      }
      KindResult& sum = result_.kinds[kind];
      ++sum.robots;
      sum.events += events_[who];
      if (!found) continue;
      ++sum.found;
      if (caught_[who] != 0) sum.until_found.push_back(caught_[who]);
    }
  }

  const Shop& shop_;
  const Crowd& crowd_;
  Fed alone_, watched_, unwatched_;
  AbuseResult result_;
  std::vector<std::uint32_t> events_;
  std::vector<std::uint32_t> caught_;  // at which of its events; 0: not yet
  double days_ = 0;
};

struct Totals {
  AbuseResult sum;
  std::uint32_t robots = 0;
  std::uint32_t found = 0;
  double precision() const {
    const double all = found + sum.people_flagged;
    return all > 0 ? found / all : 1;
  }
  double recall() const { return robots > 0 ? static_cast<double>(found) / robots : 1; }
};

Totals add_up(const std::vector<AbuseResult>& results) {
  Totals out;
  for (const AbuseResult& r : results) {
    for (std::size_t k = 0; k < kRobotKinds; ++k) {
      KindResult& to = out.sum.kinds[k];
      to.robots += r.kinds[k].robots;
      to.found += r.kinds[k].found;
      to.events += r.kinds[k].events;
      to.kept_out += r.kinds[k].kept_out;
      to.until_found.insert(to.until_found.end(), r.kinds[k].until_found.begin(),
                            r.kinds[k].until_found.end());
      out.robots += r.kinds[k].robots;
      out.found += r.kinds[k].found;
    }
    out.sum.people += r.people;
    out.sum.hard_people += r.hard_people;
    out.sum.people_flagged += r.people_flagged;
    out.sum.people_events += r.people_events;
    out.sum.robot_events += r.robot_events;
    const double share = 1.0 / static_cast<double>(results.size());
    out.sum.top_kept += r.top_kept * share;
    out.sum.top_kept_unwatched += r.top_kept_unwatched * share;
    out.sum.popular_off += r.popular_off * share;
    out.sum.popular_off_unwatched += r.popular_off_unwatched * share;
    out.sum.trending_off += r.trending_off * share;
    out.sum.trending_off_unwatched += r.trending_off_unwatched * share;
  }
  return out;
}

std::string percent(double share) { return importer::fixed(share * 100, 1) + " %"; }

std::uint32_t median(std::vector<std::uint32_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

void print(const Totals& totals, std::ostream& out) {
  using importer::TextTable;
  TextTable kinds({{"robots", TextTable::kLeft},
                   {"number", TextTable::kRight},
                   {"found", TextTable::kRight},
                   {"events", TextTable::kRight},
                   {"kept out at once", TextTable::kRight},
                   {"events until found", TextTable::kRight}});
  for (std::size_t k = 0; k < kRobotKinds; ++k) {
    const KindResult& kind = totals.sum.kinds[k];
    if (kind.robots == 0) continue;
    kinds.row({std::string(robot_kind_name(static_cast<RobotKind>(k))), std::to_string(kind.robots),
               percent(static_cast<double>(kind.found) / kind.robots),
               importer::group_digits(kind.events),
               percent(static_cast<double>(kind.kept_out) / static_cast<double>(kind.events)),
               kind.until_found.empty() ? "-" : std::to_string(median(kind.until_found))});
  }
  kinds.print(out);
  out << "\nPeople: " << importer::group_digits(totals.sum.people) << ", " << totals.sum.hard_people
      << " of them hard to tell; taken for robots: " << totals.sum.people_flagged << "\n\n";
  TextTable clean({{"against people alone", TextTable::kLeft},
                   {"with robots", TextTable::kRight},
                   {"nobody looks", TextTable::kRight}});
  clean.row({"top 20 of trending in common", percent(totals.sum.top_kept),
             percent(totals.sum.top_kept_unwatched)});
  clean.row({"trending differs by", percent(totals.sum.trending_off),
             percent(totals.sum.trending_off_unwatched)});
  clean.row({"popular differs by", percent(totals.sum.popular_off),
             percent(totals.sum.popular_off_unwatched)});
  clean.print(out);
}

std::string json_line(const Totals& totals, std::size_t seeds) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("seeds").number(seeds);
  json.key("people").number(totals.sum.people);
  json.key("people_flagged").number(totals.sum.people_flagged);
  json.key("people_events").number(totals.sum.people_events);
  json.key("robots").number(totals.robots);
  json.key("robot_events").number(totals.sum.robot_events);
  json.key("precision").number(totals.precision());
  json.key("recall").number(totals.recall());
  json.key("found").begin_object();
  for (std::size_t k = 0; k < kRobotKinds; ++k) {
    const KindResult& kind = totals.sum.kinds[k];
    if (kind.robots == 0) continue;
    json.key(robot_kind_name(static_cast<RobotKind>(k)))
        .number(static_cast<double>(kind.found) / kind.robots);
  }
  json.end_object();
  json.key("top_kept").number(totals.sum.top_kept);
  json.key("top_kept_unwatched").number(totals.sum.top_kept_unwatched);
  json.key("trending_off").number(totals.sum.trending_off);
  json.key("trending_off_unwatched").number(totals.sum.trending_off_unwatched);
  json.key("popular_off").number(totals.sum.popular_off);
  json.key("popular_off_unwatched").number(totals.sum.popular_off_unwatched);
  json.end_object();
  json.finish();
  return text;
}

}  // namespace

Result<AbuseResult> try_abuse(const AbuseOptions& options, std::uint64_t seed) {
  ShopOptions wanted = options.shop;
  wanted.seed = seed;
  VITRINE_TRY(const Shop shop, make_shop(wanted));
  VITRINE_TRY(const Crowd crowd, make_crowd(shop, options.percent));
  VITRINE_TRY(auto result, Trial(shop, crowd).run(options.settings));
  result.seed = seed;
  return result;
}

Status run_abuse_trial(const AbuseOptions& options, bool json_only, std::ostream& out,
                       Progress& progress) {
  std::vector<AbuseResult> results;
  progress.start("trying robots", options.seeds, "shops");
  for (std::uint32_t n = 0; n < options.seeds; ++n) {
    VITRINE_TRY(auto result, try_abuse(options, options.shop.seed + n));
    results.push_back(std::move(result));
    progress.update(n + 1);
  }
  progress.finish();
  const Totals totals = add_up(results);
  if (!json_only) print(totals, out);
  out << json_line(totals, results.size()) << "\n";
  return ok_status();
}

}  // namespace vitrine::simulate
