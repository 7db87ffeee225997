// Does the search for abnormal visitors leave customers alone, and what does it cost?
//
// Real customers: the UCI Online Retail data (`BENCH_RETAIL`, a path; left out where it is not
// given), every invoice as live events at its own time, once with up to 100 lines an event and once
// with an event for each line. Nobody may be flagged: among them are wholesalers with hundreds of
// lines an invoice.
//
// Robots: five simulated shops in which 20 % of all events are theirs (docs/simulate.md), seeds 1
// to 5
// (`BENCH_SEED`, `BENCH_SEEDS`, `BENCH_PERCENT`); the table and JSON of `vitrine simulate
// --robots`.
//
// Cost: 2 M events of 500,000 users (17 views, 2 carts, 1 purchase) are applied to a tenant's
// state; then the same conduct alone. CPU time of the thread, least of three rounds. And what it
// costs to check an event at the door (ingest_check.h).
//
// BENCH_ONLY=ingest measures that last thing alone. The last line is JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <time.h>

#include "bench/ingest_check.h"
#include "bench/support/report.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "platform/codec/byte_input.h"
#include "service/apply/tenant_state.h"
#include "tool/import/online_retail.h"
#include "tool/simulate/abuse_trial.h"

namespace {

using namespace vitrine;
using namespace vitrine::bench;

constexpr TenantId kTenant{1};
constexpr std::uint32_t kEvents = 2'000'000;
constexpr std::uint32_t kUsers = 500'000;
constexpr std::uint32_t kItems = 100'000;

double now_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  return x ^ x >> 31;
}

class Fed {
 public:
  // A record's payload; each gets an event id of its own.
  std::string encode(event::Event& event, TimeUs at) {
    const std::string id = "e" + std::to_string(encoded_++);
    event.event_id = id;
    event.event_time = at;
    std::string payload;
    ByteWriter out(payload);
    record::write_tenant(out, kTenant);
    event::encode_event(event, payload);
    return payload;
  }
  void apply(const std::string& payload, TimeUs at) {
    const auto kind = static_cast<std::uint16_t>(record::RecordKind::kEvent);
    const auto outcome = state_.apply({++position_, at, kind, 0, payload});
    if (!outcome.ok()) give_up(outcome.error().to_string());
  }
  const apply::TenantState& state() const { return state_; }

 private:
  apply::TenantState state_{kTenant, {}, {}};
  eventlog::Position position_ = 0;
  std::uint64_t encoded_ = 0;
};

struct RetailResult {
  std::uint32_t customers = 0;
  std::uint64_t events = 0;
  std::uint64_t flagged = 0;
};

RetailResult try_retail(const importer::RetailYear& year, bool event_a_line) {
  Fed fed;
  RetailResult result;
  event::Event event;
  for (const importer::Invoice& invoice : year.invoices) {
    const std::string guest = "invoice-" + invoice.number;
    event.type =
        invoice.cancelled ? event::EventType::kRefund : event::EventType::kPurchaseComplete;
    event.user_id = invoice.customer;
    event.anonymous_id = invoice.customer.empty() ? std::string_view(guest) : std::string_view{};
    const std::size_t lines = event_a_line ? 1 : importer::kLinesPerEvent;
    for (std::size_t from = 0; from < invoice.lines.size(); from += lines) {
      event.items.clear();
      const std::size_t to = std::min(from + lines, invoice.lines.size());
      for (std::size_t i = from; i < to; ++i)
        event.items.push_back({.item_id = year.codes[invoice.lines[i].item]});
      fed.apply(fed.encode(event, invoice.time), invoice.time);
      ++result.events;
    }
  }
  result.customers = fed.state().profiles().user_count();
  result.flagged = fed.state().conduct().counts().flagged;
  for (const auto& kept : fed.state().conduct().kept(0, 10)) {
    std::printf("  flagged: %s %s %u\n", kept.flag->id.c_str(),
                std::string(conduct::reason_name(kept.flag->reason)).c_str(), kept.flag->found);
  }
  return result;
}

event::EventType type_of(std::uint64_t dice) {
  if (dice % 20 < 17) return event::EventType::kDetailPageView;
  return dice % 20 < 19 ? event::EventType::kAddToCart : event::EventType::kPurchaseComplete;
}

TimeUs time_of(std::uint32_t event) { return 20'000 * kDayUs + event * kSecondUs / 50; }

double apply_ns() {
  Fed fed;
  event::Event event;
  event.items.resize(1);
  std::vector<std::string> measured;  // the first half only fills the state
  for (std::uint32_t n = 0; n < kEvents; ++n) {
    const std::uint64_t dice = mix(n);
    const std::string user = "user-" + std::to_string(dice % kUsers);
    const std::string item = "sku-" + std::to_string(mix(dice) % kItems);
    event.type = type_of(dice >> 32);
    event.user_id = user;
    event.items[0].item_id = item;
    std::string payload = fed.encode(event, time_of(n));
    if (n < kEvents / 2) {
      fed.apply(payload, time_of(n));
    } else {
      measured.push_back(std::move(payload));
    }
  }
  const double start = now_s();
  for (std::uint32_t n = 0; n < measured.size(); ++n) {
    fed.apply(measured[n], time_of(kEvents / 2 + n));
  }
  return (now_s() - start) * 1e9 / static_cast<double>(measured.size());
}

double conduct_ns() {
  conduct::Conduct conduct;
  double spent = 0;
  for (std::uint32_t n = 0; n < kEvents; ++n) {
    const std::uint64_t dice = mix(n);
    const UserIndex user{static_cast<std::uint32_t>(dice % kUsers)};
    const ItemIndex item{static_cast<std::uint32_t>(mix(dice) % kItems)};
    const TimeUs at = time_of(n);
    if (n == kEvents / 2) spent = now_s();
    const auto type = type_of(dice >> 32);
    conduct.note(user, false, {type, at, at, std::span(&item, 1)});
    conduct.add(user, {.at = at, .item = item, .change = 1, .type = type});
  }
  return (now_s() - spent) * 1e9 / (kEvents / 2);
}

double least_of_three(double (*measure)()) { return std::min({measure(), measure(), measure()}); }

}  // namespace

int main() {
  JsonLine json;
  if (const char* only = std::getenv("BENCH_ONLY"); only != nullptr && *only != 0) {
    if (std::string_view(only) != "ingest") give_up("BENCH_ONLY may be 'ingest', nothing else");
    measure_ingest_check(json);
    json.print();
    return 0;
  }
  if (const char* path = std::getenv("BENCH_RETAIL"); path != nullptr && *path != 0) {
    auto input = codec::open_input_file(path);
    if (!input.ok()) give_up(input.error().to_string());
    const auto year = importer::read_online_retail(std::move(input).value(), no_progress());
    if (!year.ok()) give_up(year.error().to_string());
    Table table({"Online Retail", "customers", "events", "flagged"});
    for (const bool lines : {false, true}) {
      const RetailResult result = try_retail(*year, lines);
      table.add({lines ? "an event for each line" : "an event for each invoice",
                 std::to_string(result.customers), std::to_string(result.events),
                 std::to_string(result.flagged)});
      json.add(lines ? "retail_lines_flagged" : "retail_flagged",
               static_cast<double>(result.flagged));
    }
    table.print();
  }
  simulate::AbuseOptions trial;
  trial.shop.start = 20'458 * kDayUs;  // a Monday
  trial.shop.seed = static_cast<std::uint64_t>(number_from_environment("BENCH_SEED", 1));
  trial.seeds = static_cast<std::uint32_t>(number_from_environment("BENCH_SEEDS", 5));
  trial.percent = static_cast<std::uint32_t>(number_from_environment("BENCH_PERCENT", 20));
  const Status tried = simulate::run_abuse_trial(trial, false, std::cout, no_progress());
  if (!tried.ok()) give_up(tried.error().to_string());
  std::cout << std::endl;

  const double all = least_of_three(apply_ns);
  const double conduct = least_of_three(conduct_ns);
  Table table({"", "ns an event"});
  table.add({"apply: decode, ids, history, pairs, counters, conduct", fixed(all, 0)});
  table.add({"of that, note() and add() of conduct alone", fixed(conduct, 0)});
  table.print();
  json.add("apply_ns", all);
  json.add("conduct_ns", conduct);
  json.add("conduct_share", conduct / all);
  measure_ingest_check(json);
  json.print();
  return 0;
}
