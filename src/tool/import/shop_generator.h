// A small made-up shop for demonstrations without data: a catalog, and visits of customers who have
// tastes that nobody wrote into their events.
//
// Each customer prefers two categories, one style and one price level, and comes back every
// few days. A visit looks at some items of one category, drawn by how well they fit the taste
// times a popularity that falls with the rank (Zipf); some of what fits best goes into the cart,
// and most carts are bought. So what is viewed and bought together has a structure to be found.
//
// Everything follows from the seed: the same options give the same bytes on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::importer {

struct ShopOptions {
  std::uint64_t seed = 1;
  std::uint32_t items = 600;      // 20 .. 100,000
  std::uint32_t customers = 400;  // 1 .. 1,000,000
  std::uint32_t days = 60;        // 1 .. 3,650
  TimeUs end_time = 0;            // the last event is at most a day before, none is after
};

struct GeneratedItem {
  std::string id;
  std::string title;
  std::string category;
  std::string style;
  std::string brand;
  double price = 0;  // EUR
  int stock = 0;     // one item in twenty is out of stock
};

struct GeneratedEvent {
  std::string event_id;
  std::string type;  // detail-page-view, add-to-cart, purchase-complete
  std::string user_id;
  TimeUs time = 0;
  std::vector<std::uint32_t> items;  // indexes; one for all but purchases
};

struct GeneratedShop {
  std::vector<GeneratedItem> items;
  std::vector<GeneratedEvent> events;  // by time
  std::string sample_customer;         // has the longest history
};

// kInvalidArgument for options out of range. Never without events.
Result<GeneratedShop> generate_shop(const ShopOptions& options);

std::string item_json(const GeneratedItem& item);
std::string event_json(const GeneratedShop& shop, std::size_t event);

}  // namespace vitrine::importer
