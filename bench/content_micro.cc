// What do content neighbours cost: making vectors of a catalog, and asking for neighbours, without
// a filter and with filters of which few items pass? A shop without any event, in this process.
//
//   content_micro [items] [requests]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <time.h>

#include "base/clock.h"
#include "domain/query/query_log.h"
#include "service/recommend/recommender.h"
#include "service/search/content_index.h"

namespace {

using namespace vitrine;

constexpr std::uint32_t kBrands = 1'000;
constexpr std::uint32_t kCategories = 200;
constexpr std::uint32_t kWords = 60'000;

std::int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000ll + now.tv_nsec;
}

class Shop final : public search::StateSource {
 public:
  bool read(const std::function<void(const search::SearchState&)>& work) const override {
    work({view(), queries, settings, now});
    return true;
  }
  recommend::StateView view() const {
    return {catalog, profiles, showings, covisit, baskets, trending, popular, repeats, 1};
  }
  catalog::Catalog catalog;
  profile::Profiles profiles{profile::ProfilesOptions{}};
  profile::Showings showings;
  covisit::Covisit covisit, baskets;
  counters::Counters trending{kDayUs};
  counters::Counters popular{30 * kDayUs};
  repeat::Repeat repeats;
  query::QueryLog queries;
  query::SearchSettings settings;
  TimeUs now = 1'700'000'000 * kSecondUs;
};

void add_items(Shop& shop, std::uint32_t items, std::mt19937_64& random) {
  const auto skewed = [&](std::uint32_t count) {
    const double u = std::uniform_real_distribution<double>(0, 1)(random);
    return static_cast<std::uint64_t>(u * u * count);
  };
  for (std::uint32_t i = 0; i < items; ++i) {
    // Each category has words of its own.
    const std::uint64_t category = skewed(kCategories);
    std::string title;
    for (std::size_t n = 2 + random() % 5; n > 0; --n) {
      title += "word" + std::to_string(n % 2 == 0 ? category * 20 + skewed(20) : skewed(kWords));
      title += ' ';
    }
    std::string description;
    for (std::size_t n = 6 + random() % 12; n > 0; --n) {
      description += "word" + std::to_string(skewed(kWords)) + " ";
    }
    const catalog::Item item{
        "item-" + std::to_string(i),
        {{"brand", "Brand " + std::to_string(skewed(kBrands))},
         {"categories", std::vector<std::string>{"Category " + std::to_string(category)}},
         {"description", description},
         {"price", 1.0 + static_cast<double>(random() % 10'000) / 100},
         {"stock", random() % 20 == 0 ? 0.0 : 5.0},
         {"title", title}}};
    if (!shop.catalog.apply_upsert(item, shop.now += 1000).applied()) std::abort();
  }
}

// Filters on the price, `different` of them, that `percent` pass.
std::vector<std::string> price_filters(double percent, int different, std::mt19937_64& random) {
  std::vector<std::string> filters;
  for (int i = 0; i < different; ++i) {
    const double low = 1 + (100 - percent) * static_cast<double>(random() % 1000) / 1000;
    filters.push_back("price >= " + std::to_string(low) + " and price < " +
                      std::to_string(low + percent));
  }
  return filters;
}

double measure(const char* name, const Shop& shop, recommend::Recommender& recommender,
               std::uint32_t requests, const std::vector<std::string>& filters) {
  recommend::Scratch scratch;
  recommend::Answer answer;
  std::string record;
  std::mt19937_64 random(5);
  std::vector<double> us;
  double near = 0, bytes = 0, content_ns = 0;
  for (std::uint32_t i = 0; i < requests + 100; ++i) {
    const std::string id = "item-" + std::to_string(random() % shop.catalog.item_count());
    const std::string_view page[] = {id};
    recommend::Request request{
        .placement = "product-similar", .item_ids = page, .limit = 12, .now = shop.now};
    if (!filters.empty()) request.filter = filters[i % filters.size()];
    const std::int64_t begin = cpu_ns();
    if (!recommender
             .recommend(shop.view(), *policy::find_builtin("product-similar"), request, scratch,
                        answer)
             .ok()) {
      std::abort();
    }
    record.clear();
    recommender.record({1, 1}, TenantId{1}, request, answer, record);
    if (i < 100) continue;
    us.push_back(static_cast<double>(cpu_ns() - begin) / 1000);
    near += static_cast<double>(answer.near.size());
    bytes += static_cast<double>(record.size());
    content_ns += static_cast<double>(
        answer.stage_ns[static_cast<std::size_t>(recommend::Stage::kCandidates)]);
  }
  std::sort(us.begin(), us.end());
  const double n = static_cast<double>(us.size());
  double sum = 0;
  for (const double one : us) sum += one;
  std::printf(
      "%-24s mean %7.1f us  p50 %7.1f  p99 %8.1f   candidates stage %7.1f   near %5.1f  "
      "record %5.0f bytes\n",
      name, sum / n, us[us.size() / 2], us[us.size() * 99 / 100], content_ns / n / 1000, near / n,
      bytes / n);
  return sum / n;
}

}  // namespace

int main(int argc, char** argv) {
  const auto items = static_cast<std::uint32_t>(argc > 1 ? std::atoll(argv[1]) : 100'000);
  const auto requests = static_cast<std::uint32_t>(argc > 2 ? std::atoll(argv[2]) : 5'000);
  std::mt19937_64 random(1);
  Shop shop;
  add_items(shop, items, random);
  auto content = std::make_shared<search::ContentIndex>();
  const std::int64_t begin = cpu_ns();
  if (!content->refresh(shop).ok()) return 1;
  const double refresh_us = static_cast<double>(cpu_ns() - begin) / 1000;
  const auto stats = content->stats();
  std::printf("%llu vectors, %llu in the index, %.1f us each with the index, %.0f bytes each\n",
              static_cast<unsigned long long>(stats.vectors),
              static_cast<unsigned long long>(stats.indexed), refresh_us / items,
              static_cast<double>(stats.bytes) / items);
  recommend::RecommenderOptions options;
  options.content_vectors = content;
  recommend::Recommender recommender(options, system_clock(), nullptr);
  recommend::Recommender without({}, system_clock(), nullptr);
  measure("without content", shop, without, requests, {});
  const double plain = measure("content", shop, recommender, requests, {});
  measure("50 % pass", shop, recommender, requests, price_filters(50, 20, random));
  const double tenth =
      measure("10 % pass, 20 filters", shop, recommender, requests, price_filters(10, 20, random));
  measure("1 % pass, 20 filters", shop, recommender, requests, price_filters(1, 20, random));
  measure("0.1 % pass, 200 filters", shop, recommender, requests, price_filters(0.1, 200, random));
  std::printf("{\"make_us\":%.1f,\"content_cpu_us\":%.1f,\"filter10_cpu_us\":%.1f}\n",
              refresh_us / items, plain, tenth);
  return 0;
}
