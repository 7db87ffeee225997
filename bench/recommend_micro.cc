// What does one answer cost in processor time, where is it spent, and what do filters add?
//
// A shop is made in this process straight through the engines: items with a Zipf popularity
// that users visit in small neighbourhoods, so that rows fill up as in a real shop. Users and
// filters differ from request to request, because one repeated request would find everything in
// the cache. Default sizes are for a quick run; the promise is made for --items 1000000
// --users 1000000 --events 50.
//
//   recommend_micro [--items N] [--users N] [--events N] [--requests N] [--limit N]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <time.h>

#include "base/clock.h"
#include "domain/profile/interaction.h"
#include "service/recommend/recommender.h"

namespace {

using namespace vitrine;

struct Sizes {
  std::uint32_t items = 100'000;
  std::uint32_t users = 100'000;
  std::uint32_t events = 50;
  std::uint32_t requests = 20'000;
  std::uint32_t limit = 20;
};

constexpr std::uint32_t kBrands = 1000;  // 0.1 % of the items each
constexpr std::uint32_t kCategories = 200;

std::int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

struct Shop {
  catalog::Catalog catalog;
  profile::Profiles profiles{profile::ProfilesOptions{}};
  profile::Showings showings;
  covisit::Covisit covisit;
  covisit::Covisit baskets{covisit::Options{.backward = 1}};
  counters::Counters trending{kDayUs};
  counters::Counters popular{30 * kDayUs};
  repeat::Repeat repeats;
  TimeUs now = 1'700'000'000 * kSecondUs;

  recommend::StateView view() const {
    return {catalog, profiles, showings, covisit, baskets, trending, popular, repeats, 1};
  }
};

// Ranks from 0 with probability about 1 / (rank + 10).
class Zipf {
 public:
  explicit Zipf(std::uint32_t n) : span_(std::log((n + 10.0) / 10.0)) {}
  std::uint32_t operator()(std::mt19937_64& random) const {
    const double u = static_cast<double>(random() >> 11) * 0x1p-53;
    return static_cast<std::uint32_t>(10.0 * std::exp(u * span_) - 10.0);
  }

 private:
  double span_;
};

void add_items(Shop& shop, const Sizes& sizes, std::mt19937_64& random) {
  for (std::uint32_t i = 0; i < sizes.items; ++i) {
    const catalog::Item item{
        "item-" + std::to_string(i),
        {{"brand", "brand-" + std::to_string(random() % kBrands)},
         {"categories",
          std::vector<std::string>{"category-" + std::to_string(random() % kCategories)}},
         {"price", 1.0 + static_cast<double>(random() % 10'000) / 100},
         {"stock", random() % 20 == 0 ? 0.0 : 5.0}}};
    if (!shop.catalog.apply_upsert(item, shop.now).applied()) std::abort();
    shop.now += 1000;
  }
}

void add_events(Shop& shop, const Sizes& sizes, std::mt19937_64& random) {
  const Zipf zipf(sizes.items);
  std::vector<ItemIndex> recent, bought;
  for (std::uint32_t u = 0; u < sizes.users; ++u) {
    const UserIndex user =
        shop.profiles.intern_user(profile::user_key("user-" + std::to_string(u)));
    recent.clear();
    bought.clear();
    std::uint32_t at = zipf(random);
    for (std::uint32_t e = 0; e < sizes.events; ++e) {
      at = random() % 4 == 0 ? zipf(random)
                             : (at + static_cast<std::uint32_t>(random() % 20)) % sizes.items;
      // A popular item may stand anywhere in the catalog.
      const ItemIndex item{static_cast<std::uint32_t>(at * 2'654'435'761ull % sizes.items)};
      const bool buys = random() % 10 == 0;
      const auto type =
          buys ? event::EventType::kPurchaseComplete : event::EventType::kDetailPageView;
      shop.now += 20;
      shop.covisit.observe(recent, item, shop.now);
      if (buys) {
        shop.baskets.observe(bought, item, shop.now);
        bought.insert(bought.begin(), item);
      }
      recent.insert(recent.begin(), item);
      if (recent.size() > 10) recent.pop_back();
      const double weight = static_cast<double>(profile::classify(type).weight);
      shop.trending.add(item, weight, shop.now);
      shop.popular.add(item, weight, shop.now);
      if (!shop.profiles.append(user, profile::make_entry(item, shop.now, type)).ok()) std::abort();
    }
  }
}

// 1,000 different filters, each of `brands` brands out of 1,000.
std::vector<std::string> make_filters(std::uint32_t brands, std::mt19937_64& random) {
  std::vector<std::string> filters;
  for (int i = 0; i < 1000; ++i) {
    std::string filter = "in_stock and brand in (";
    const std::uint64_t first = random() % kBrands;
    for (std::uint32_t b = 0; b < brands; ++b) {
      filter += (b == 0 ? "'brand-" : ",'brand-") + std::to_string((first + b * 7) % kBrands) + "'";
    }
    filters.push_back(filter + ")");
  }
  return filters;
}

// About `percent` of the prices, all different.
std::vector<std::string> make_price_filters(double percent, std::mt19937_64& random) {
  std::vector<std::string> filters;
  for (int i = 0; i < 1000; ++i) {
    const double low = 1 + static_cast<double>(random() % 9000) / 100;
    filters.push_back("in_stock and price >= " + std::to_string(low) + " and price < " +
                      std::to_string(low + percent));
  }
  return filters;
}

struct Figures {
  double mean_us, p50_us, p99_us, items, tested;
};

Figures measure(const Shop& shop, const Sizes& sizes, std::string_view placement,
                const std::vector<std::string>& filters, std::uint64_t seed) {
  recommend::Recommender recommender({}, system_clock(), nullptr);
  recommend::Scratch scratch;
  recommend::Answer answer;
  std::mt19937_64 random(seed);
  std::vector<double> times;
  double total = 0, items = 0, tested = 0;
  std::array<double, recommend::kStages> stages{};
  std::string record;
  const policy::PlacementPolicy& policy = *policy::find_builtin(placement);
  for (std::uint32_t i = 0; i < sizes.requests + 1000; ++i) {
    const std::string user = "user-" + std::to_string(random() % sizes.users);
    recommend::Request request{
        .placement = placement, .user_id = user, .limit = sizes.limit, .now = shop.now};
    if (!filters.empty()) request.filter = filters[random() % filters.size()];
    const std::int64_t before = cpu_ns();
    const Status status = recommender.recommend(shop.view(), policy, request, scratch, answer);
    record.clear();
    recommender.record({random(), random()}, TenantId{1}, request, answer, record);
    const double us = static_cast<double>(cpu_ns() - before) / 1000;
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.error().to_string().c_str());
      std::exit(1);
    }
    if (i < 1000) continue;  // every filter parsed once, memory touched
    times.push_back(us);
    total += us;
    items += static_cast<double>(answer.items.size());
    tested += answer.tested;
    for (std::size_t s = 0; s < stages.size(); ++s)
      stages[s] += static_cast<double>(answer.stage_ns[s]);
  }
  std::sort(times.begin(), times.end());
  const double n = static_cast<double>(times.size());
  const Figures f{total / n, times[times.size() / 2], times[times.size() * 99 / 100], items / n,
                  tested / n};
  std::printf("%8.1f %8.1f %8.1f %7.1f %8.1f %7zu  ", f.mean_us, f.p50_us, f.p99_us, f.items,
              f.tested, record.size());
  for (std::size_t s = 0; s < stages.size(); ++s) {
    std::printf(" %s %.1f", std::string(stage_name(static_cast<recommend::Stage>(s))).c_str(),
                stages[s] / n / 1000);
  }
  std::printf("\n");
  return f;
}

std::uint32_t flag(int argc, char** argv, const char* name, std::uint32_t value) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return static_cast<std::uint32_t>(std::atoll(argv[i + 1]));
  }
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  Sizes sizes;
  sizes.items = std::max(1000u, flag(argc, argv, "--items", sizes.items));
  sizes.users = std::max(1u, flag(argc, argv, "--users", sizes.users));
  sizes.events = flag(argc, argv, "--events", sizes.events);
  sizes.requests = std::max(1u, flag(argc, argv, "--requests", sizes.requests));
  sizes.limit = flag(argc, argv, "--limit", sizes.limit);
  std::mt19937_64 random(1);
  Shop shop;
  const std::int64_t start = cpu_ns();
  add_items(shop, sizes, random);
  add_events(shop, sizes, random);
  std::printf("%u items, %u users, %u events each: made in %.1f s\n", sizes.items, sizes.users,
              sizes.events, static_cast<double>(cpu_ns() - start) / 1e9);
  std::printf("%-28s %8s %8s %8s %7s %8s %7s   %s\n", "", "mean us", "p50", "p99", "items",
              "tested", "record", "mean us by stage");
  struct Row {
    const char* name;
    const char* placement;
    std::vector<std::string> filters;
  };
  const Row rows[] = {
      {"home", "home", {}},
      {"home, 10 % by price", "home", make_price_filters(10, random)},
      {"home, 1 % by price", "home", make_price_filters(1, random)},
      {"home, 10 % by 100 brands", "home", make_filters(100, random)},
      {"home, 1 % by 10 brands", "home", make_filters(10, random)},
      {"home, 0.1 % by brand", "home", make_filters(1, random)},
      {"trending, 1 % by price", "trending", make_price_filters(1, random)},
  };
  std::vector<Figures> figures;
  for (const Row& row : rows) {
    std::printf("%-28s ", row.name);
    figures.push_back(measure(shop, sizes, row.placement, row.filters, 7));
  }
  std::printf(
      "{\"home_cpu_us\":%.1f,\"filter10_cpu_us\":%.1f,\"filter10_p50_us\":%.1f,"
      "\"filter10_p99_us\":%.1f,\"filter1_cpu_us\":%.1f,\"filter1_p99_us\":%.1f}\n",
      figures[0].mean_us, figures[1].mean_us, figures[1].p50_us, figures[1].p99_us,
      figures[2].mean_us, figures[2].p99_us);
  return 0;
}
