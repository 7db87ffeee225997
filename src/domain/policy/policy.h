// What each placement may show: the merchandising rules of a window as plain data.
//
// A policy says what to leave out, how mixed the slate must be and how much each source of
// candidates counts. It knows nothing of how candidates are made; service/recommend applies
// it. Built-in placements have defaults (builtin_policies); a tenant overrides fields by JSON
// (policy_json.h).
//
// When the exclusions leave nothing, the Recommender relaxes them in the order seen, bought,
// age, diversity; never out_of_stock, query items, cart or the request's own filter.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::policy {

// Where candidates come from. Names and order are part of the JSON and of answers.
enum class Source : std::uint8_t {
  kHistory,      // what the visitor looked at before
  kCoView,       // seen in the same visits as the visitor's recent items
  kCoBuy,        // bought together with them
  kSecondHop,    // co-visited with what is co-visited
  kRepeat,       // bought before and due again
  kSimilar,      // alike by attributes: category, brand, price
  kTrending,     // rising now
  kPopular,      // most wanted over weeks
  kNewArrivals,  // youngest in the catalog
  kContent,      // alike by what is written about it, where behaviour says little
  kVector,       // near by the vectors of a trained model
  kModel,        // what the live trained model puts first; nothing while there is none
};
inline constexpr std::size_t kSourceCount = 12;
std::string_view source_name(Source source);  // "history", "co_view", ...

// Weight of each source's score in the mix, 0..100; 0 switches a source off.
struct SourceWeights {
  std::array<double, kSourceCount> by_source{};
  double& operator[](Source s) { return by_source[static_cast<std::size_t>(s)]; }
  double operator[](Source s) const { return by_source[static_cast<std::size_t>(s)]; }
  friend bool operator==(const SourceWeights&, const SourceWeights&) = default;
};

// What a window is about: whose or which items' company it looks for.
enum class About : std::uint8_t {
  kVisitor,  // the visitor's history, after what the request names
  kItems,    // the request's item_ids, which must be there
  kCart,     // the request's cart; without one, what the history says is in it
};
std::string_view about_name(About about);  // "visitor", "items", "cart"

struct PlacementPolicy {
  std::string placement;  // [a-z0-9-]{1,40}
  About about = About::kVisitor;
  bool needs_category = false;  // a request must name a category, or filter for it itself

  // Items this visitor viewed within the last seen_window_s seconds (by event time).
  bool exclude_seen = false;
  std::uint32_t seen_window_s = 24 * 3600;

  // Items this visitor bought within the last bought_window_s seconds.
  bool exclude_bought = false;
  std::uint32_t bought_window_s = 90 * 24 * 3600;

  bool exclude_out_of_stock = true;
  bool exclude_query_items = true;  // the request's item_ids: what the page is about
  bool exclude_cart = true;         // the request's cart

  // Most items of one category (brand) in a slate, by the item's first category; 0 = any.
  std::uint32_t category_max = 0;
  std::uint32_t brand_max = 0;

  std::uint32_t limit_default = 10;  // items when the request names no limit; 1..limit_max
  std::uint32_t limit_max = 100;     // larger requests are refused; 1..1000

  // Age of an item since it entered the catalog, seconds; 0 = no bound.
  std::uint32_t age_min_s = 0;
  std::uint32_t age_max_s = 0;

  // What was shown to this visitor and not opened gives way: after n looks an item keeps
  // 1 / (1 + n * rotation_percent / 100) of its score; half of a look is forgotten each day.
  std::uint32_t rotation_percent = 0;  // 0: windows insist

  SourceWeights weights;

  friend bool operator==(const PlacementPolicy&, const PlacementPolicy&) = default;
};

// The fields above as a table: one row drives JSON, validation, errors and documentation.
struct BoolField {
  std::string_view name;
  bool PlacementPolicy::*member;
  std::string_view help;
};
struct NumberField {
  std::string_view name;
  std::uint32_t PlacementPolicy::*member;
  std::uint32_t min;
  std::uint32_t max;
  std::string_view help;
};
std::span<const BoolField> bool_fields();
std::span<const NumberField> number_fields();
inline constexpr double kWeightMax = 100;

// kInvalidArgument that names the placement, the field, its range and the value.
Status validate(const PlacementPolicy& policy);

// The policies of the built-in placements, in a fixed order; each passes validate(). They live
// as long as the process.
//
//   home                  personal, varied: unseen today, not bought, at most 3 of a category
//   product-similar       alternatives to the item on the page
//   product-also-bought   complements of the item on the page
//   cart                  complements of the cart; things seen before are welcome
//   recently-viewed       the visitor's own history, newest first, nothing else
//   trending, popular     the same for all, without what the visitor bought
//   new-arrivals          the newest of the catalog, the same for all
//   category              one category's page, in this visitor's order
//   email                 few and varied, for somebody who is not there now
const std::vector<PlacementPolicy>& builtin_policies();
const PlacementPolicy* find_builtin(std::string_view placement);  // null when unknown

}  // namespace vitrine::policy
