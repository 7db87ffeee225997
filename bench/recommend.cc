// What does a personal answer take when a million visitors, a million items, filters and live
// events meet on one serving thread?
//
// A shop's 30 days are written straight into the event log (sessions of five events, items by
// popularity and by each visitor's tastes), then the real server starts, replays them and is
// asked for home windows at a fixed rate by random visitors, each request with one of 1,000
// filters, while events stream in. Latency counts from the moment a request was due.
// docs/benchmarks.md has the results. The last line is JSON.
//
// Environment: BENCH_ITEMS, BENCH_USERS, BENCH_EVENTS_PER_USER, BENCH_SECONDS, BENCH_RATE (requests
// per second), BENCH_DATA (a folder to keep the shop in: it is made there if absent, else used).
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/clock.h"
#include "bench/support/at_rest.h"
#include "bench/support/event_traffic.h"
#include "bench/support/report.h"
#include "bench/support/server_process.h"
#include "bench/support/shop_log.h"
#include "bench/support/stolen_time.h"
#include "bench/support/subprocess.h"
#include "platform/net/load_client.h"

using namespace vitrine;
using namespace vitrine::bench;

namespace {

constexpr std::uint32_t kFilters = 1000;
constexpr int kBatch = 100;  // windows of one batch request

struct Options {
  ShopSizes sizes;
  double seconds = 30;
  double rate = 1000;
  std::string data;
};

Options read_options() {
  Options o;
  o.sizes.items = static_cast<std::uint32_t>(number_from_environment("BENCH_ITEMS", 1e6));
  o.sizes.users = static_cast<std::uint32_t>(number_from_environment("BENCH_USERS", 1e6));
  o.sizes.events_per_user =
      static_cast<std::uint32_t>(number_from_environment("BENCH_EVENTS_PER_USER", 50));
  o.seconds = number_from_environment("BENCH_SECONDS", 30);
  o.rate = number_from_environment("BENCH_RATE", 1000);
  if (const char* data = std::getenv("BENCH_DATA"); data != nullptr) o.data = data;
  if (o.sizes.items < 1000 || o.sizes.items > 1'000'000 || o.sizes.users == 0 ||
      o.sizes.users > 10'000'000 || o.seconds < 1 || o.rate < 1) {
    give_up("BENCH_ITEMS must be 1,000 to 1,000,000, BENCH_USERS at most 10,000,000");
  }
  return o;
}

template <class T>
T must(Result<T> result) {
  if (!result.ok()) give_up(result.error().to_string());
  return std::move(result).value();
}

// The secret key, kept beside the data so that a kept shop can be used again.
std::string prepare(const Options& options, const std::string& binary, const std::string& data,
                    const Shop& shop) {
  const std::string key_file = data + ".key";
  std::string key;
  if (std::ifstream(key_file) >> key) return key;
  const TenantAccess access = must(create_tenant(binary, data, "bench"));
  must(run_and_read({binary, "tenant", "quotas", "bench", "--events-per-s", "0", "--requests-per-s",
                     "0", "--data", data}));
  const ShopLogReport report = must(
      write_shop_log(shop, options.sizes,
                     data + "/partition-" + std::to_string(access.partition) + "/log", access.id));
  std::printf("log: %.1f M records, %.2f GB, written in %.0f s\n",
              static_cast<double>(report.records) / 1e6, report.bytes / 1e9, report.seconds);
  std::fflush(stdout);
  std::ofstream(key_file) << access.secret_key << '\n';
  return access.secret_key;
}

net::LoadOptions load_options(const ServerProcess& server, const std::string& key, double rate,
                              double seconds) {
  net::LoadOptions load;
  load.port = server.port();
  load.connections = 64;
  load.header_lines = header_lines(key);
  load.requests_per_s = rate;
  load.duration = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  load.warm_up = std::chrono::seconds(3);
  return load;
}

struct Run {
  net::LoadResult answers;
  net::LoadResult events;
  double server_cpu_s = 0;
  double stolen = 0;           // share of the processors' time that the host kept
  std::uint64_t requests = 0;  // windows asked for, including the warm-up's
  std::uint64_t empty = 0;
  std::uint64_t faults = 0;
  std::string fault;  // the first
};

// One request for a home window, as a body of its own or an entry of a batch.
std::string window(const Options& options, const std::vector<std::string>& filters,
                   std::mt19937_64& random, bool entry) {
  return std::string("{") + (entry ? R"("placement":"home",)" : "") + R"("user":{"user_id":")" +
         user_name(static_cast<std::uint32_t>(random() % options.sizes.users)) +
         R"("},"limit":20,"filter":")" + filters[random() % filters.size()] + R"("})";
}

// Requests for home windows, unless `filters` is empty, beside events; `per_body` in each request.
Run measure(const ServerProcess& server, const Options& options, const std::string& key,
            const std::vector<std::string>& filters, std::uint64_t seed, int per_body = 1) {
  Run run;
  TrafficOptions traffic_options;
  traffic_options.id_prefix = "live" + std::to_string(system_clock().wall_us() / kSecondUs);
  traffic_options.users = options.sizes.users;
  traffic_options.items = options.sizes.items;
  traffic_options.events_per_body = 1;
  traffic_options.seed = seed;
  EventTraffic traffic(traffic_options);
  net::LoadOptions events = load_options(server, key, 1000, options.seconds);
  events.next = [&](std::uint64_t) {
    return net::LoadRequest{"POST", "/v1/events", traffic.next_body()};
  };
  std::mt19937_64 random(seed);
  std::string body;
  net::LoadOptions answers =
      load_options(server, key, options.rate / static_cast<double>(per_body), options.seconds);
  answers.next = [&](std::uint64_t) {
    if (per_body == 1) {
      body = window(options, filters, random, false);
      return net::LoadRequest{"POST", "/v1/recommend/home", body};
    }
    body = R"({"requests":[)";
    for (int i = 0; i < per_body; ++i) {
      if (i > 0) body += ',';
      body += window(options, filters, random, true);
    }
    body += "]}";
    return net::LoadRequest{"POST", "/v1/recommend:batch", body};
  };
  answers.on_answer = [&](std::uint64_t, int status, std::string_view text) {
    run.requests += static_cast<std::uint64_t>(per_body);
    if (status != 200 && run.faults++ == 0) run.fault = text;
    if (text.find(R"("items":[])") != std::string_view::npos) ++run.empty;
  };
  const StolenTime stolen;
  const double cpu_before = server.cpu_s();
  std::thread event_client([&] { run.events = must(net::run_load(events)); });
  if (!filters.empty()) run.answers = must(net::run_load(answers));
  event_client.join();
  run.server_cpu_s = server.cpu_s() - cpu_before;
  run.stolen = stolen.share();
  if (run.faults > 0) {
    give_up(std::to_string(run.faults) + " answers other than 200, the first: " + run.fault);
  }
  if (run.events.answers_2xx != run.events.answers) give_up("events were refused");
  return run;
}

std::vector<std::string> texts_of(const std::vector<ShopFilter>& filters) {
  std::vector<std::string> texts;
  for (const ShopFilter& filter : filters) texts.push_back(filter.text);
  return texts;
}

double mean_pass_rate(const Shop& shop, const std::vector<ShopFilter>& filters) {
  double sum = 0;
  for (const ShopFilter& filter : filters) sum += shop.pass_rate(filter);
  return sum / static_cast<double>(filters.size());
}

struct Figures {
  double p50, p99, p999, cpu_us;
};

Figures show(Table& table, const std::string& name, double pass_rate, const Run& run,
             const Run& events_only) {
  const net::LatencyHistogram& latency = run.answers.latency;
  const Figures f{
      latency.quantile_ms(0.5), latency.quantile_ms(0.99), latency.quantile_ms(0.999),
      (run.server_cpu_s - events_only.server_cpu_s) * 1e6 / static_cast<double>(run.requests)};
  table.add({name, fixed(pass_rate * 100, 2) + " %", fixed(run.answers.answers_per_s, 0),
             fixed(f.p50, 2), fixed(f.p99, 2), fixed(f.p999, 2), fixed(f.cpu_us, 0),
             std::to_string(run.empty), fixed(run.events.latency.quantile_ms(0.99), 2),
             std::to_string(run.answers.unsent + run.answers.unanswered + run.answers.broken),
             fixed(run.stolen * 100, 1) + " %"});
  return f;
}

}  // namespace

int main(int, char** argv) {
  const Options options = read_options();
  const std::string binary = must(find_vitrine(argv[0]));
  std::optional<ScratchDirectory> scratch;
  if (options.data.empty()) scratch.emplace("recommend");
  const std::string data = options.data.empty() ? scratch->path() + "/data" : options.data;
  std::filesystem::create_directories(data);
  std::printf(
      "%u items, %u visitors with %u events each; %.0f answers/s and 1000 events/s, %.0f s\n",
      options.sizes.items, options.sizes.users, options.sizes.events_per_user, options.rate,
      options.seconds);
  const Shop shop(options.sizes.items);
  const std::string key = prepare(options, binary, data, shop);
  const auto tenth = shop.make_filters(0.10, kFilters, 1);
  const auto hundredth = shop.make_filters(0.01, kFilters, 2);
  const auto thousandth = shop.make_filters(0.001, kFilters, 3);

  ServerOptions server_options;
  server_options.binary = binary;
  server_options.data = data;
  server_options.arguments = {"--server.threads",    "1", "--snapshot.records", "1000000000",
                              "--snapshot.interval", "1d"};
  const auto server = must(ServerProcess::start(server_options, std::chrono::minutes(60)));
  const double replay_rate =
      static_cast<double>(server->replayed_records()) / std::max(0.001, server->startup_seconds());
  std::printf("start-up: %.1f s, %llu records replayed, %.0f records/s, %.2f GiB resident\n",
              server->startup_seconds(),
              static_cast<unsigned long long>(server->replayed_records()), replay_rate,
              server->rss_bytes() / (1 << 30));
  std::fflush(stdout);

  std::printf("search index made and server at rest: %.0f s\n\n",
              wait_for_rest(*server, key).rest_s);
  std::fflush(stdout);
  const Run events_only = measure(*server, options, key, {}, 100);
  const Run ten = measure(*server, options, key, texts_of(tenth), 101);
  const Run one = measure(*server, options, key, texts_of(hundredth), 102);
  const Run rare = measure(*server, options, key, texts_of(thousandth), 103);
  const Run batches = measure(*server, options, key, texts_of(tenth), 104, kBatch);
  const double rss = server->rss_bytes() / (1 << 30);
  Table table({"filters that pass", "mean", "answers/s", "p50 ms", "p99 ms", "p99.9 ms",
               "cpu us/answer", "empty", "events p99 ms", "lost", "stolen"});
  const Figures at_ten = show(table, "about 10 %", mean_pass_rate(shop, tenth), ten, events_only);
  const Figures at_one =
      show(table, "about 1 %", mean_pass_rate(shop, hundredth), one, events_only);
  const Figures at_rare =
      show(table, "about 0.1 %", mean_pass_rate(shop, thousandth), rare, events_only);
  const Figures at_batch = show(table, "about 10 %, batches of " + std::to_string(kBatch),
                                mean_pass_rate(shop, tenth), batches, events_only);
  table.print();
  std::printf(
      "Server CPU per answer: all threads, less a run of the same length with events alone "
      "(%.0f us per event). %.2f GiB resident. Stolen: what the host of a virtual machine kept of "
      "the "
      "time asked for; it is in the latencies and in the CPU times.\n",
      events_only.server_cpu_s * 1e6 / std::max(1.0, 1000 * (options.seconds + 3)), rss);
  JsonLine json;
  json.add("p50_ms", at_ten.p50);
  json.add("p99_ms", at_ten.p99);
  json.add("p999_ms", at_ten.p999);
  json.add("cpu_us_per_request", at_ten.cpu_us);
  json.add("rss_gib", rss);
  json.add("p50_ms_filter1pct", at_one.p50);
  json.add("p99_ms_filter1pct", at_one.p99);
  json.add("cpu_us_per_request_filter1pct", at_one.cpu_us);
  json.add("p99_ratio_filter1pct", at_ten.p99 > 0 ? at_one.p99 / at_ten.p99 : 0);
  json.add("p50_ms_filter01pct", at_rare.p50);
  json.add("p99_ms_filter01pct", at_rare.p99);
  json.add("cpu_us_per_request_filter01pct", at_rare.cpu_us);
  json.add("batch_answers_per_s_core", 1e6 / at_batch.cpu_us);
  json.add("single_answers_per_s_core", 1e6 / at_ten.cpu_us);
  json.add("batch_gain", at_ten.cpu_us / at_batch.cpu_us);
  json.add("stolen_share", ten.stolen);
  json.add("empty_answers", static_cast<double>(ten.empty + one.empty + rare.empty));
  json.add("replay_records_per_s", replay_rate);
  json.add("startup_s", server->startup_seconds());
  json.print();
  if (!options.data.empty()) (void)server->terminate();
  return 0;
}
