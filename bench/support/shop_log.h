// A made shop of any size, written straight into an event log: what a server would hold after
// 30 days, without sending it all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace vitrine::bench {

struct ShopSizes {
  std::uint32_t items = 1'000'000;  // at most 10^6
  std::uint32_t users = 1'000'000;
  std::uint32_t events_per_user = 50;
};

// category in (...) and brand in (...) and low <= price < high; an empty list and 0..0 leave a
// part out.
struct ShopFilter {
  std::vector<std::uint32_t> categories, brands;
  double low = 0, high = 0;
  std::string text;  // in the filter language, without double quotes
};

// Items with a title, two of 200 categories and one of 1,000 brands (both of Zipf sizes), a
// lognormal price and a stock, in clusters of about 200 that share the first category: what a
// taste is about.
class Shop {
 public:
  explicit Shop(std::uint32_t items);

  struct Item {
    std::uint16_t categories[2];
    std::uint16_t brand;
    bool in_stock;
    double price;
  };
  const std::vector<Item>& items() const { return items_; }
  std::uint32_t clusters() const { return clusters_; }
  std::uint32_t cluster_of(std::uint32_t item) const { return item % clusters_; }

  // `count` different filters that pass about `share` of the items: by category, brand, price, and
  // pairs of them.
  std::vector<ShopFilter> make_filters(double share, std::uint32_t count, std::uint64_t seed) const;
  // Of up to 100,000 items.
  double pass_rate(const ShopFilter& filter) const;

 private:
  std::uint32_t clusters_;
  std::vector<Item> items_;
  std::vector<double> prices_;  // ascending, of a sample
};

struct ShopLogReport {
  std::uint64_t records = 0;
  double bytes = 0;
  double seconds = 0;
};

// Writes the items, then the events in order of time, with append times over the last 30 days.
// Ids are item_name() and user_name() of event_traffic.h.
Result<ShopLogReport> write_shop_log(const Shop& shop, const ShopSizes& sizes,
                                     const std::string& directory, TenantId tenant);

}  // namespace vitrine::bench
