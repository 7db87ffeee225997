// How fast does a search box answer over a catalog of a million items?
//
// A shop is made: titles of two to six words out of a vocabulary with steep frequencies, brands,
// categories, prices, and some visitors with histories. The real server takes it in by HTTP on one
// thread, then answers searches (one to three words, a filter, two facets, the visitor's taste
// blended in) and suggestions at a fixed rate; latency counts from the moment a request was due.
// At last items are added one by one, each searched for until it is found. The last line is JSON.
//
// Environment: BENCH_ITEMS, BENCH_SECONDS (of each part), BENCH_RATE (requests per second).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "bench/support/at_rest.h"
#include "bench/support/report.h"
#include "bench/support/server_process.h"
#include "bench/support/stolen_time.h"
#include "bench/support/subprocess.h"
#include "platform/net/load_client.h"
#include "platform/net/url.h"

using namespace vitrine;
using namespace vitrine::bench;

namespace {

constexpr std::uint32_t kWords = 60'000;
constexpr std::uint32_t kBrands = 1'000;
constexpr std::uint32_t kCategories = 200;
constexpr std::uint32_t kVisitors = 5'000;
constexpr std::uint32_t kItemsPerImport = 1'000;

struct Options {
  std::uint32_t items = 1'000'000;
  double seconds = 20;
  double rate = 500;
};

template <class T>
T must(Result<T> result) {
  if (!result.ok()) give_up(result.error().to_string());
  return std::move(result).value();
}

// Word n of the shop's language: syllables, so that words look and complete like words.
std::string word(std::uint32_t n) {
  static constexpr const char* kSyllables[] = {"ba", "ko",  "ri", "ten", "lu", "sha", "mo", "ver",
                                               "di", "pan", "se", "gra", "no", "fil", "zu", "har"};
  std::string out;
  for (n += 17; n > 0; n /= 16) out += kSyllables[n % 16];
  return out;
}

class MadeShop {
 public:
  explicit MadeShop(std::uint32_t items) : items_(items) {
    double sum = 0;
    for (std::uint32_t n = 0; n < kWords; ++n) steps_.push_back(sum += 1.0 / (n + 8.0));
  }
  std::uint32_t draw_word(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<double>(0, steps_.back())(random);
    return static_cast<std::uint32_t>(std::lower_bound(steps_.begin(), steps_.end(), at) -
                                      steps_.begin());
  }
  std::vector<std::uint32_t> words_of(std::uint32_t item) const {
    std::mt19937_64 random(item * 7919 + 1);
    std::vector<std::uint32_t> words;
    for (std::size_t n = 2 + random() % 5; n > 0; --n) words.push_back(draw_word(random));
    return words;
  }
  void append_item(std::uint32_t item, std::string& out) const {
    std::mt19937_64 random(item);
    std::string title;
    for (const std::uint32_t n : words_of(item)) title += (title.empty() ? "" : " ") + word(n);
    std::string description;
    for (std::size_t n = 6 + random() % 12; n > 0; --n)
      description += word(draw_word(random)) + " ";
    const double price = std::exp(3.2 + 0.9 * std::normal_distribution<double>()(random));
    out += "{\"item_id\":\"" + id(item) + "\",\"title\":\"" + title + "\",\"description\":\"" +
           description + "\",\"brand\":\"Brand " + std::to_string(skewed(random, kBrands)) +
           "\",\"categories\":[\"Category " + std::to_string(skewed(random, kCategories)) +
           "\"],\"price\":" + fixed(price, 2) + ",\"stock\":" + std::to_string(random() % 10) +
           "}\n";
  }
  static std::string id(std::uint32_t item) { return "item-" + std::to_string(item); }
  // One to three words that some item has in its title.
  std::string query(std::mt19937_64& random) const {
    const auto words = words_of(static_cast<std::uint32_t>(random() % items_));
    const std::size_t count = std::min<std::size_t>(words.size(), 1 + random() % 3);
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : " ") + word(words[i]);
    return out;
  }
  std::string filter(std::mt19937_64& random) const {
    switch (random() % 3) {
      case 0: return "in_stock and price < " + std::to_string(20 + random() % 5 * 20);
      case 1: return "price >= " + std::to_string(5 + random() % 4 * 5);
      default: return "in_stock";
    }
  }

 private:
  static std::uint64_t skewed(std::mt19937_64& random, std::uint32_t count) {
    const double u = std::uniform_real_distribution<double>(0, 1)(random);
    return static_cast<std::uint64_t>(u * u * count);
  }
  std::uint32_t items_;
  std::vector<double> steps_;
};

std::string visitor(std::uint64_t n) { return "visitor-" + std::to_string(n % kVisitors); }

void import_items(const MadeShop& shop, const Options& options, net::Client& client,
                  const std::string& key) {
  const std::string bearer = "Bearer " + key;
  const net::Header headers[] = {{"Authorization", bearer},
                                 {"Content-Type", "application/x-ndjson"}};
  std::string body;
  for (std::uint32_t item = 0; item < options.items;) {
    body.clear();
    for (std::uint32_t n = 0; n < kItemsPerImport && item < options.items; ++n, ++item) {
      shop.append_item(item, body);
    }
    const auto taken = must(client.request("POST", "/v1/items:import", headers, body));
    if (taken.status != 200) give_up("import: " + taken.body);
  }
}

void send_histories(const Options& options, net::Client& client, const std::string& key) {
  std::mt19937_64 random(5);
  std::uint64_t number = 0;
  for (std::uint32_t batch = 0; batch < kVisitors / 50; ++batch) {
    std::string body = "[";
    for (int n = 0; n < 500; ++n, ++number) {
      // Visitors of one group look at the same few hundred items: that is what a taste is.
      const std::uint64_t who = batch * 50 + static_cast<std::uint64_t>(n) % 50;
      const std::uint64_t item = (who % 100 * 997 + random() % 300) % options.items;
      body += (n == 0 ? "" : ",") + std::string("{\"event_id\":\"h-") + std::to_string(number) +
              "\",\"type\":\"detail-page-view\",\"user\":{\"user_id\":\"" + visitor(who) +
              "\"},\"items\":[{\"item_id\":\"" + MadeShop::id(static_cast<std::uint32_t>(item)) +
              "\"}]}";
    }
    (void)must(post_json(client, key, "/v1/events", body + "]"));
  }
}

net::LoadOptions load_options(const ServerProcess& server, const std::string& key,
                              const Options& options) {
  net::LoadOptions load;
  load.port = server.port();
  load.connections = 32;
  load.header_lines = header_lines(key);
  load.requests_per_s = options.rate;
  load.duration = std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
  load.warm_up = std::chrono::seconds(3);
  return load;
}

struct Load {
  net::LoadResult result;
  std::uint64_t answers = 0;
  std::uint64_t empty = 0;
};

Load run(net::LoadOptions load, std::string_view empty_mark) {
  Load out;
  std::string fault;
  load.on_answer = [&](std::uint64_t, int status, std::string_view text) {
    ++out.answers;
    if (status != 200 && fault.empty()) fault = text;
    if (text.find(empty_mark) != std::string_view::npos) ++out.empty;
  };
  out.result = must(net::run_load(load));
  if (!fault.empty()) give_up("an answer other than 200: " + fault);
  return out;
}

// Seconds from sending an item to the first search that finds it.
std::vector<double> measure_visibility(net::Client& client, const std::string& key, int count) {
  std::vector<double> seconds;
  const std::string bearer = "Bearer " + key;
  const net::Header headers[] = {{"Authorization", bearer}, {"Content-Type", "application/json"}};
  for (int n = 0; n < count; ++n) {
    const std::string name = "xylo" + std::to_string(100'000 + n);
    const auto begin = std::chrono::steady_clock::now();
    const auto put = must(client.request("PUT", "/v1/items/new-" + std::to_string(n), headers,
                                         R"({"title":")" + name + R"(","price":5})"));
    if (put.status != 200) give_up("put: " + put.body);
    while (true) {
      const auto answer = must(
          client.request("POST", "/v1/search/search", headers, R"({"query":")" + name + R"("})"));
      if (answer.body.find(R"("match":"exact")") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(30)) {
        give_up("an item was not found after 30 s");
      }
    }
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

void add_row(Table& table, const std::string& name, const Load& load, double cpu_us) {
  const auto& latency = load.result.latency;
  table.add({name, fixed(load.result.answers_per_s, 0), fixed(latency.quantile_ms(0.5), 2),
             fixed(latency.quantile_ms(0.99), 2), fixed(latency.quantile_ms(0.999), 2),
             fixed(cpu_us, 0), std::to_string(load.empty),
             std::to_string(load.result.unsent + load.result.unanswered + load.result.broken)});
}

}  // namespace

int main(int, char** argv) {
  Options options;
  options.items = static_cast<std::uint32_t>(number_from_environment("BENCH_ITEMS", 1e6));
  options.seconds = number_from_environment("BENCH_SECONDS", 20);
  options.rate = number_from_environment("BENCH_RATE", 500);
  if (options.items < 1000 || options.seconds < 1 || options.rate < 1) {
    give_up("BENCH_ITEMS must be at least 1,000, BENCH_SECONDS and BENCH_RATE at least 1");
  }
  const std::string binary = must(find_vitrine(argv[0]));
  const ScratchDirectory scratch("search");
  const std::string data = scratch.path() + "/data";
  std::filesystem::create_directories(data);
  const TenantAccess access = must(create_tenant(binary, data, "bench"));
  must(run_and_read({binary, "tenant", "quotas", "bench", "--events-per-s", "0", "--requests-per-s",
                     "0", "--data", data}));
  ServerOptions server_options;
  server_options.binary = binary;
  server_options.data = data;
  server_options.arguments = {"--server.threads",    "1", "--snapshot.records", "1000000000",
                              "--snapshot.interval", "1d"};
  const auto server = must(ServerProcess::start(server_options, std::chrono::minutes(5)));
  net::Client client = client_of(*server);
  const MadeShop shop(options.items);
  const std::string& key = access.secret_key;

  auto begin = std::chrono::steady_clock::now();
  import_items(shop, options, client, key);
  send_histories(options, client, key);
  const double import_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const RestReport rest = wait_for_rest(*server, key);
  std::printf(
      "%u items: taken in by HTTP in %.0f s, searchable %.1f s later, the server at rest after "
      "%.0f s; %.2f GiB resident\n",
      options.items, import_s, rest.index_s, rest.rest_s, server->rss_bytes() / (1 << 30));
  std::fflush(stdout);

  std::mt19937_64 random(1);
  std::string body, target;
  net::LoadOptions searches = load_options(*server, key, options);
  searches.next = [&](std::uint64_t) {
    body = R"({"query":")" + shop.query(random) + R"(","user":{"user_id":")" + visitor(random()) +
           R"("},"filter":")" + shop.filter(random) +
           R"(","facets":["brand","categories"],"limit":20})";
    return net::LoadRequest{"POST", "/v1/search/search", body};
  };
  const StolenTime stolen;
  double cpu = server->cpu_s();
  const Load found = run(searches, R"("total":0,)");
  const double search_cpu = (server->cpu_s() - cpu) * 1e6 / static_cast<double>(found.answers);

  net::LoadOptions suggestions = load_options(*server, key, options);
  suggestions.next = [&](std::uint64_t) {
    const std::string text = shop.query(random);
    target = "/v1/suggest?q=" + net::percent_encode(text.substr(0, 1 + random() % text.size()));
    return net::LoadRequest{"GET", target, {}};
  };
  cpu = server->cpu_s();
  const Load suggested = run(suggestions, R"("suggestions":[])");
  const double suggest_cpu = (server->cpu_s() - cpu) * 1e6 / static_cast<double>(suggested.answers);
  const std::vector<double> visible = measure_visibility(client, key, 100);
  const double visible_p99 = visible[visible.size() * 99 / 100];

  Table table({"", "answers/s", "p50 ms", "p99 ms", "p99.9 ms", "cpu us/answer", "empty", "lost"});
  add_row(table, "search", found, search_cpu);
  add_row(table, "suggest", suggested, suggest_cpu);
  table.print();
  std::printf("An item is found %.3f s after it was sent (median), %.3f s at the 99th of 100.\n",
              visible[visible.size() / 2], visible_p99);
  std::printf(
      "Of the processor time asked for, the host of this machine kept %.1f %% for others.\n",
      stolen.share() * 100);
  JsonLine json;
  json.add("p50_ms", found.result.latency.quantile_ms(0.5));
  json.add("p99_ms", found.result.latency.quantile_ms(0.99));
  json.add("suggest_p50_ms", suggested.result.latency.quantile_ms(0.5));
  json.add("suggest_p99_ms", suggested.result.latency.quantile_ms(0.99));
  json.add("visible_p99_s", visible_p99);
  json.add("cpu_us_per_search", search_cpu);
  json.add("items", options.items);
  json.add("index_lag_after_import_s", rest.index_s);
  json.add("at_rest_after_import_s", rest.rest_s);
  json.add("stolen_share", stolen.share());
  json.add("rss_gib", server->rss_bytes() / (1 << 30));
  json.print();
  return 0;
}
