// What does it cost to take an event, durably, and how soon does it change an answer?
//
//   bench_collect [NAME...]       all of: batch postgres applied single ack answer
//
// Every server is the real one in a process of its own with fresh data; every event has its own
// id; an event counts when its 202 came. BENCH_SECONDS (default 60) is the length of `applied`;
// the other runs are as long, but at most 10 s each, and repeated. The last line is JSON.
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/progress.h"
#include "bench/support/event_traffic.h"
#include "bench/support/postgres.h"
#include "bench/support/report.h"
#include "bench/support/server_process.h"
#include "bench/support/stolen_time.h"
#include "bench/support/subprocess.h"
#include "platform/net/bare_server.h"
#include "platform/net/latency_histogram.h"
#include "platform/net/load_client.h"

using namespace vitrine;
using namespace vitrine::bench;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kBatch = 100;
constexpr int kRounds = 3;

std::chrono::milliseconds ms_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

struct Bench {
  std::string binary;
  double seconds = 60;                                              // of the sustained run
  double short_seconds() const { return std::min(seconds, 10.0); }  // of the others
  JsonLine json;
};

// A fresh server with one tenant, and its data.
struct Shop {
  explicit Shop(const Bench& bench, int cpu = -1) {
    ServerOptions options;
    options.binary = bench.binary;
    options.data = scratch.path() + "/data";
    options.arguments = {"--server.threads", "1"};
    options.cpu = cpu;
    auto made = create_tenant(bench.binary, options.data, "bench");
    if (!made.ok()) give_up(made.error().to_string());
    tenant = std::move(made).value();
    auto started = ServerProcess::start(options);
    if (!started.ok()) give_up(started.error().to_string());
    server = std::move(started).value();
  }
  ScratchDirectory scratch{"collect"};
  std::unique_ptr<ServerProcess> server;
  TenantAccess tenant;
};

// What the 202s of a run said.
struct Counted {
  std::uint64_t accepted = 0;
  std::uint64_t position = 0;  // the largest they named
};

struct EventRun {
  net::LoadResult load;
  double accepted_per_s = 0;
  double cpu_us_per_event = 0;
};

// Events to `shop`; anything but 202 with every event accepted ends the benchmark.
EventRun send_events(Shop& shop, net::LoadOptions load, EventTraffic& traffic,
                     std::uint32_t events_per_body) {
  Counted counted;
  load.port = shop.server->port();
  load.header_lines = header_lines(shop.tenant.publishable_key);
  load.next = [&](std::uint64_t) {
    return net::LoadRequest{"POST", "/v1/events", traffic.next_body()};
  };
  load.on_answer = [&](std::uint64_t, int status, std::string_view body) {
    const std::uint64_t accepted = find_number(body, "accepted");
    if (status != 202 || accepted != events_per_body) {
      give_up("POST /v1/events answered " + std::to_string(status) + ": " +
              std::string(body.substr(0, 500)));
    }
    counted.accepted += accepted;
  };
  const double cpu_before = shop.server->cpu_s();
  auto result = net::run_load(load);
  if (!result.ok()) give_up(result.error().to_string());
  if (result->broken + result->unanswered > 0)
    give_up("connections broke:\n" + shop.server->log_tail());
  EventRun run;
  run.load = std::move(result).value();
  // Answers of the counted part; each was checked to have accepted all of its events.
  run.accepted_per_s = run.load.answers_per_s * events_per_body;
  run.cpu_us_per_event = (shop.server->cpu_s() - cpu_before) * 1e6 /
                         static_cast<double>(std::max<std::uint64_t>(1, counted.accepted));
  return run;
}

TrafficOptions traffic_of(const std::string& prefix, std::uint32_t events_per_body) {
  static std::uint64_t number = 0;
  TrafficOptions options;
  options.id_prefix = prefix + std::to_string(++number);
  options.seed = number;
  options.events_per_body = events_per_body;
  return options;
}

// --- batch, postgres -----------------------------------------------------------------------

EventRun run_batches(const Bench& bench, double& rss) {
  Shop shop(bench);
  EventTraffic traffic(traffic_of("b", kBatch));
  net::LoadOptions load;
  load.connections = 32;
  load.duration = ms_of(bench.short_seconds());
  EventRun run = send_events(shop, load, traffic, kBatch);
  rss = shop.server->rss_bytes();
  return run;
}

int best_connections(const Bench& bench, PostgresServer& postgres) {
  int best = 1;
  double best_rate = 0;
  for (const int connections : {1, 2, 4, 8}) {
    auto rate = postgres.insert_events(connections, kBatch, std::min(3.0, bench.seconds));
    if (!rate.ok()) give_up(rate.error().to_string());
    std::printf("  PostgreSQL, %d connections: %.0f events/s\n", connections, *rate);
    if (*rate > best_rate) best = connections;
    best_rate = std::max(best_rate, *rate);
  }
  std::puts("");
  return best;
}

void bench_batches(Bench& bench, bool with_postgres) {
  std::unique_ptr<PostgresServer> postgres;
  int connections = 0;
  if (with_postgres) {
    auto started = PostgresServer::start();
    if (started.ok()) {
      postgres = std::move(started).value();
      connections = best_connections(bench, *postgres);
    } else if (started.error().code() == ErrorCode::kUnsupported) {
      std::printf("no comparison with PostgreSQL: %s\n", started.error().message().c_str());
    } else {
      give_up(started.error().to_string());
    }
  }
  std::vector<double> ours, cpu, rss, p50, p99, theirs, over;
  for (int round = 0; round < kRounds; ++round) {
    double memory = 0;
    const EventRun run = run_batches(bench, memory);
    ours.push_back(run.accepted_per_s);
    cpu.push_back(run.cpu_us_per_event);
    rss.push_back(memory / (1 << 20));
    p50.push_back(run.load.latency.quantile_ms(0.5));
    p99.push_back(run.load.latency.quantile_ms(0.99));
    if (!postgres) continue;
    auto rate = postgres->insert_events(connections, kBatch, bench.short_seconds());
    if (!rate.ok()) give_up(rate.error().to_string());
    theirs.push_back(*rate);
    over.push_back(ours.back() / theirs.back());
  }
  std::printf("batches of %u events of %.0f bytes, durable before the answer\n\n", kBatch,
              EventTraffic(traffic_of("s", kBatch)).mean_event_bytes());
  Table table({"receiver", "events/s", "server CPU us/event", "ack p50 ms", "ack p99 ms", "MiB"});
  table.add({"vitrine, 1 server thread", median_and_range(ours, 0), median_and_range(cpu, 2),
             median_and_range(p50, 2), median_and_range(p99, 2), median_and_range(rss, 0)});
  if (postgres) {
    table.add({"PostgreSQL " + postgres->version() + ", " + std::to_string(connections) + " conn.",
               median_and_range(theirs, 0), "", "", "", ""});
    table.add({"ratio", median_and_range(over, 2), "", "", "", ""});
  }
  table.print();
  bench.json.add("batch100_events_per_s", median_of(ours));
  bench.json.add("batch100_cpu_us_per_event", median_of(cpu));
  bench.json.add("batch100_p99_ack_ms", median_of(p99));
  if (postgres) bench.json.add("over_postgres", median_of(over));
}

// --- applied -------------------------------------------------------------------------------

// Follows how far the state is, by asking for an answer; itself on a thread of its own.
class AppliedWatch {
 public:
  explicit AppliedWatch(const Shop& shop)
      : client_(client_of(*shop.server)), key_(shop.tenant.publishable_key) {
    thread_ = std::thread([this] {
      while (!stop_) {
        look();
        std::this_thread::sleep_for(20ms);
      }
    });
  }
  ~AppliedWatch() { finish(); }
  void finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint64_t applied() const { return applied_; }
  // Before the thread or after finish() only.
  void look() {
    auto answer = post_json(client_, key_, "/v1/recommend/popular", R"({"limit":1})");
    if (!answer.ok()) give_up(answer.error().to_string());
    applied_ = find_version_position(*answer);
  }

 private:
  net::Client client_;
  const std::string key_;
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

void bench_applied(Bench& bench) {
  const long processors = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (processors < 2)
    give_up("`applied` needs two processors: one for the server, one for the load");
  Shop shop(bench, 0);
  std::thread([&] {
    pin_thread(1);
    AppliedWatch watch(shop);
    EventTraffic traffic(traffic_of("p", kBatch));
    // As fast as it takes them, but never more than this ahead of the state: half a second's worth
    // of the rate that is asked for. So the rate found is one that could go on for ever.
    constexpr std::uint64_t kAheadMax = 75'000;
    std::uint64_t position = 0;
    std::uint64_t ahead_max = 0;
    net::LoadOptions load;
    load.connections = 16;
    load.warm_up = 0ms;
    load.duration = ms_of(bench.seconds);
    load.port = shop.server->port();
    load.header_lines = header_lines(shop.tenant.publishable_key);
    load.next = [&](std::uint64_t) {
      while (position > watch.applied() + kAheadMax) std::this_thread::sleep_for(1ms);
      return net::LoadRequest{"POST", "/v1/events", traffic.next_body()};
    };
    load.on_answer = [&](std::uint64_t, int status, std::string_view body) {
      if (status != 202 || find_number(body, "accepted") != kBatch) {
        give_up("POST /v1/events answered " + std::to_string(status) + ": " + std::string(body));
      }
      position = std::max(position, find_version_position(body));
      ahead_max = std::max(ahead_max, position - std::min(position, watch.applied()));
    };
    const double cpu_before = shop.server->cpu_s();
    const auto started = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    };
    auto result = net::run_load(load);
    if (!result.ok()) give_up(result.error().to_string());
    const double sent_s = elapsed();
    watch.finish();
    watch.look();
    const std::uint64_t applied = watch.applied();  // all are events: the tenant has no catalog
    const double rate = static_cast<double>(applied) / elapsed();
    while (watch.applied() < position) watch.look();
    const double lag_s = elapsed() - sent_s;
    const double cpu_us = (shop.server->cpu_s() - cpu_before) * 1e6 / static_cast<double>(position);
    const double rss = shop.server->rss_bytes();

    std::printf("applied to the state, whole server on one core, batches of %u, %.0f s\n\n", kBatch,
                bench.seconds);
    Table table({"applied events/s", "accepted events", "final lag s", "ahead at most",
                 "CPU us/event", "MiB"});
    table.add({fixed(rate, 0), std::to_string(position), fixed(lag_s, 3), std::to_string(ahead_max),
               fixed(cpu_us, 2), fixed(rss / (1 << 20), 0)});
    table.print();
    bench.json.add("applied_events_per_s", rate);
    bench.json.add("applied_seconds", bench.seconds);
    bench.json.add("applied_final_lag_s", lag_s);
    bench.json.add("applied_cpu_us_per_event", cpu_us);
  }).join();
}

// --- single --------------------------------------------------------------------------------

// The yardstick, as a process of its own.
class BareProcess {
 public:
  BareProcess() {
    int ends[2];
    if (::pipe(ends) != 0) give_up("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      static auto server = net::start_bare_server(0);
      if (!server.ok()) ::_exit(1);
      const std::uint16_t port = (*server)->port();
      if (::write(ends[1], &port, sizeof port) != sizeof port) ::_exit(1);
      ::close(ends[1]);
      while (true) ::pause();
    }
    ::close(ends[1]);
    if (::read(ends[0], &port_, sizeof port_) != sizeof port_) give_up("no bare server");
    ::close(ends[0]);
  }
  ~BareProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

net::LoadResult load_bare(const BareProcess& bare, net::LoadOptions load, EventTraffic& traffic) {
  load.port = bare.port();
  load.header_lines = header_lines(std::string(40, 'k'));
  load.next = [&](std::uint64_t) {
    return net::LoadRequest{"POST", "/v1/events", traffic.next_body()};
  };
  auto result = net::run_load(load);
  if (!result.ok()) give_up(result.error().to_string());
  if (result->answers == 0 || result->answers_2xx != result->answers) give_up("bare server failed");
  return std::move(result).value();
}

void bench_single(Bench& bench) {
  const BareProcess bare;
  Shop shop(bench);
  EventTraffic traffic(traffic_of("o", 1));
  net::LoadOptions load;
  load.connections = 64;
  load.duration = ms_of(bench.short_seconds());
  std::vector<double> ours, theirs, ratio, cpu, bare_cpu, p99, bare_p99;
  for (int round = 0; round < kRounds; ++round) {
    const double before = process_cpu_s(bare.pid());
    const net::LoadResult nothing = load_bare(bare, load, traffic);
    bare_cpu.push_back((process_cpu_s(bare.pid()) - before) * 1e6 /
                       static_cast<double>(nothing.answers));
    theirs.push_back(nothing.answers_per_s);
    bare_p99.push_back(nothing.latency.quantile_ms(0.99));
    const EventRun run = send_events(shop, load, traffic, 1);
    ours.push_back(run.accepted_per_s);
    cpu.push_back(run.cpu_us_per_event);
    p99.push_back(run.load.latency.quantile_ms(0.99));
    ratio.push_back(ours.back() / theirs.back());
  }
  std::printf("single events of %.0f bytes over 64 connections, %d rounds in turn\n\n",
              traffic.mean_event_bytes(), kRounds);
  Table table({"server", "requests/s", "CPU us/request", "p99 ms"});
  table.add({"bare Beast, no parsing, no disk", median_and_range(theirs, 0),
             median_and_range(bare_cpu, 1), median_and_range(bare_p99, 2)});
  table.add({"vitrine, durable", median_and_range(ours, 0), median_and_range(cpu, 1),
             median_and_range(p99, 2)});
  table.add({"ratio", median_and_range(ratio, 3), "", ""});
  table.print();
  bench.json.add("single_over_bare_http", median_of(ratio));
  bench.json.add("single_events_per_s", median_of(ours));
  bench.json.add("single_cpu_us_per_event", median_of(cpu));
}

// --- ack -----------------------------------------------------------------------------------

void bench_ack(Bench& bench) {
  Shop shop(bench);
  EventTraffic traffic(traffic_of("k", 1));
  net::LoadOptions load;
  load.connections = 64;
  load.requests_per_s = 1000;
  load.duration = ms_of(bench.short_seconds());
  std::vector<double> p50, p99, cpu;
  for (int round = 0; round < kRounds; ++round) {
    const EventRun run = send_events(shop, load, traffic, 1);
    if (run.load.unsent > 0) give_up("the server could not take 1,000 events a second");
    p50.push_back(run.load.latency.quantile_ms(0.5));
    p99.push_back(run.load.latency.quantile_ms(0.99));
    cpu.push_back(run.cpu_us_per_event);
  }
  std::printf(
      "acknowledgement of single events, open loop at 1,000 a second, from the due time\n\n");
  Table table({"p50 ms", "p99 ms", "CPU us/event", "MiB"});
  table.add({median_and_range(p50, 3), median_and_range(p99, 3), median_and_range(cpu, 1),
             fixed(shop.server->rss_bytes() / (1 << 20), 0)});
  table.print();
  bench.json.add("p50_ack_ms_at_1000rps", median_of(p50));
  bench.json.add("p99_ack_ms_at_1000rps", median_of(p99));
}

// --- answer --------------------------------------------------------------------------------

constexpr std::uint32_t kShopItems = 20'000;

void import_items(Shop& shop) {
  net::Client client = client_of(*shop.server);
  for (std::uint32_t first = 0; first < kShopItems; first += 1000) {
    std::string lines;
    for (std::uint32_t i = first; i < first + 1000; ++i) {
      lines += R"({"item_id":")" + item_name(i) + R"(","title":"Item )" + std::to_string(i) +
               R"(","price":)" + std::to_string(i % 200 + 1) + R"(,"categories":["c)" +
               std::to_string(i % 50) + "\"]}\n";
    }
    const std::string credential = "Bearer " + shop.tenant.secret_key;
    const net::Header headers[] = {{"Authorization", credential},
                                   {"Content-Type", "application/x-ndjson"}};
    auto answer = client.request("POST", "/v1/items:import", headers, lines);
    if (!answer.ok()) give_up(answer.error().to_string());
    if (answer->status / 100 != 2 || find_number(answer->body, "accepted") != 1000) {
      give_up("items:import answered " + std::to_string(answer->status) + ": " + answer->body);
    }
  }
}

struct Probes {
  net::LatencyHistogram from_ack;    // 202 received to answer received
  net::LatencyHistogram from_event;  // event sent to answer received
  std::uint64_t stale = 0;
  std::uint64_t missing = 0;
};

// A visitor who looks at an item, and asks at once for what he has just seen.
void probe(net::Client& client, const Shop& shop, std::uint64_t n, Probes& probes) {
  using Clock = std::chrono::steady_clock;
  const std::string user = "visitor-" + std::to_string(n % 500);
  const std::string item = item_name(static_cast<std::uint32_t>(n * 7919 % kShopItems));
  const auto sent = Clock::now();
  auto accepted = post_json(client, shop.tenant.publishable_key, "/v1/events",
                            R"({"event_id":"probe-)" + std::to_string(n) +
                                R"(","type":"detail-page-view","user":{"user_id":")" + user +
                                R"("},"items":[{"item_id":")" + item + R"("}]})");
  const auto acknowledged = Clock::now();
  if (!accepted.ok()) give_up(accepted.error().to_string());
  auto answer =
      post_json(client, shop.tenant.publishable_key, "/v1/recommend/recently-viewed",
                R"({"user":{"user_id":")" + user + R"("},"limit":5,"min_profile_version":")" +
                    std::string(find_version(*accepted)) + "\"}");
  const auto answered = Clock::now();
  if (!answer.ok()) give_up(answer.error().to_string());
  const auto ns = [](Clock::duration d) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
  };
  probes.from_ack.record(ns(answered - acknowledged));
  probes.from_event.record(ns(answered - sent));
  if (answer->find("\"stale\":true") != std::string::npos) ++probes.stale;
  if (answer->find("\"item_id\":\"" + item + '"') == std::string::npos) ++probes.missing;
}

void run_background(const net::LoadOptions& load, const char* what, std::atomic<double>& rate) {
  auto result = net::run_load(load);
  if (!result.ok()) give_up(result.error().to_string());
  if (result->answers_2xx != result->answers || result->broken > 0) {
    give_up(std::string(what) + ": not every request was answered with 2xx");
  }
  rate = result->answers_per_s;
}

void bench_answer(Bench& bench) {
  Shop shop(bench);
  import_items(shop);
  const double seconds = std::min(2 * bench.short_seconds(), std::max(bench.seconds, 1.0));
  TrafficOptions options = traffic_of("e", 1);
  options.items = kShopItems;
  EventTraffic traffic(options);
  std::string wanted;
  std::uint64_t drawn = 0;

  net::LoadOptions events;
  events.port = shop.server->port();
  events.header_lines = header_lines(shop.tenant.publishable_key);
  events.connections = 32;
  events.requests_per_s = 5000;
  events.duration = ms_of(seconds + 1);
  events.next = [&](std::uint64_t) {
    return net::LoadRequest{"POST", "/v1/events", traffic.next_body()};
  };
  net::LoadOptions windows = events;
  windows.connections = 16;
  windows.requests_per_s = 500;
  windows.next = [&](std::uint64_t) {
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    wanted = R"({"user":{"user_id":")" +
             user_name(static_cast<std::uint32_t>(drawn >> 33) % 100'000) + R"("},"limit":20})";
    return net::LoadRequest{"POST", "/v1/recommend/home", wanted};
  };

  std::atomic<double> events_per_s{0};
  std::atomic<double> windows_per_s{0};
  const double cpu_before = shop.server->cpu_s();
  std::thread event_load([&] { run_background(events, "events", events_per_s); });
  std::thread window_load([&] { run_background(windows, "windows", windows_per_s); });
  std::this_thread::sleep_for(500ms);
  Probes probes;
  net::Client client = client_of(*shop.server);
  const auto until = std::chrono::steady_clock::now() + ms_of(seconds);
  for (std::uint64_t n = 0; std::chrono::steady_clock::now() < until; ++n) {
    probe(client, shop, n, probes);
    std::this_thread::sleep_for(std::chrono::microseconds(3000 + n * 37 % 4000));
  }
  event_load.join();
  window_load.join();
  const double cpu = (shop.server->cpu_s() - cpu_before) / (seconds + 1.5);

  std::printf("from an event's 202 to an answer that contains it, %llu probes over %.0f s\n\n",
              static_cast<unsigned long long>(probes.from_ack.count()), seconds);
  Table table({"beside", "p50 ms", "p99 ms", "worst ms", "event sent to answer p99 ms", "stale",
               "missing", "server cores", "MiB"});
  table.add({fixed(events_per_s, 0) + " events/s, " + fixed(windows_per_s, 0) + " windows/s",
             fixed(probes.from_ack.quantile_ms(0.5), 3),
             fixed(probes.from_ack.quantile_ms(0.99), 3),
             fixed(static_cast<double>(probes.from_ack.max_ns()) / 1e6, 2),
             fixed(probes.from_event.quantile_ms(0.99), 3), std::to_string(probes.stale),
             std::to_string(probes.missing), fixed(cpu, 2),
             fixed(shop.server->rss_bytes() / (1 << 20), 0)});
  table.print();
  bench.json.add("event_to_answer_p50_ms", probes.from_ack.quantile_ms(0.5));
  bench.json.add("event_to_answer_p99_ms", probes.from_ack.quantile_ms(0.99));
  bench.json.add("event_to_answer_stale", static_cast<double>(probes.stale));
  bench.json.add("event_to_answer_missing", static_cast<double>(probes.missing));
}

}  // namespace

int main(int argc, char** argv) {
  const std::set<std::string> known = {"batch", "postgres", "applied", "single", "ack", "answer"};
  std::set<std::string> wanted(argv + 1, argv + argc);
  for (const std::string& name : wanted) {
    if (!known.contains(name)) {
      std::fprintf(stderr,
                   "usage: bench_collect [batch] [postgres] [applied] [single] [ack] [answer]\n");
      return name == "--help" ? 0 : 2;
    }
  }
  if (wanted.empty()) wanted = known;
  const StolenTime stolen;
  Bench bench;
  auto binary = find_vitrine(argv[0]);
  if (!binary.ok()) give_up(binary.error().to_string());
  bench.binary = std::move(binary).value();
  bench.seconds = std::max(1.0, number_from_environment("BENCH_SECONDS", 60));
  // Processes before threads: a forked yardstick must not inherit anybody's lock.
  if (wanted.contains("single")) bench_single(bench);
  if (wanted.contains("ack")) bench_ack(bench);
  if (wanted.contains("batch") || wanted.contains("postgres")) {
    bench_batches(bench, wanted.contains("postgres"));
  }
  if (wanted.contains("answer")) bench_answer(bench);
  if (wanted.contains("applied")) bench_applied(bench);
  std::printf(
      "Of the processor time asked for, the host of this machine kept %.1f %% for others.\n",
      stolen.share() * 100);
  bench.json.add("stolen_share", stolen.share());
  bench.json.print();
  return 0;
}
