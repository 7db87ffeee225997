#include "domain/policy/policy.h"

#include <algorithm>
#include <cmath>

namespace vitrine::policy {
namespace {

constexpr std::uint32_t kHour = 3600;
constexpr std::uint32_t kDay = 24 * kHour;
constexpr std::uint32_t kTenYears = 3650 * kDay;

constexpr BoolField kBoolFields[] = {
    {"exclude_seen", &PlacementPolicy::exclude_seen, "leave out what the visitor viewed recently"},
    {"exclude_bought", &PlacementPolicy::exclude_bought, "leave out what the visitor bought"},
    {"exclude_out_of_stock", &PlacementPolicy::exclude_out_of_stock, "leave out what is sold out"},
    {"exclude_query_items", &PlacementPolicy::exclude_query_items,
     "leave out the items the request is about"},
    {"exclude_cart", &PlacementPolicy::exclude_cart, "leave out what is in the cart"},
};

constexpr NumberField kNumberFields[] = {
    {"seen_window_s", &PlacementPolicy::seen_window_s, 1, kTenYears,
     "how long a viewed item counts as seen"},
    {"bought_window_s", &PlacementPolicy::bought_window_s, 1, kTenYears,
     "how long a bought item counts as bought"},
    {"category_max", &PlacementPolicy::category_max, 0, 1000,
     "most items of one category, 0 = any"},
    {"brand_max", &PlacementPolicy::brand_max, 0, 1000, "most items of one brand, 0 = any"},
    {"limit_default", &PlacementPolicy::limit_default, 1, 1000, "items when none are asked for"},
    {"limit_max", &PlacementPolicy::limit_max, 1, 1000, "most items one request may ask for"},
    {"age_min_s", &PlacementPolicy::age_min_s, 0, kTenYears, "youngest item, 0 = no bound"},
    {"rotation_percent", &PlacementPolicy::rotation_percent, 0, 10000,
     "how far a look without opening it takes an item back, 0 = not at all"},
    {"age_max_s", &PlacementPolicy::age_max_s, 0, kTenYears, "oldest item, 0 = no bound"},
};

Error invalid(const PlacementPolicy& policy, std::string_view what) {
  std::string message = "policy of placement '" + policy.placement.substr(0, 60) + "': ";
  message += what;
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

bool slug(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Status validate_weights(const PlacementPolicy& policy) {
  double sum = 0;
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    const double weight = policy.weights.by_source[i];
    if (!std::isfinite(weight) || weight < 0 || weight > kWeightMax) {
      return invalid(policy, "weights." + std::string(source_name(static_cast<Source>(i))) +
                                 " must be from 0 to 100, got " + std::to_string(weight));
    }
    sum += weight;
  }
  if (sum == 0) return invalid(policy, "all weights are 0: no source is left to answer from");
  return ok_status();
}

// Personal first; trending and the two behind it keep the window full for a visitor nobody knows
// yet. The model's weight is four times that of co_view: its evidence comes scaled by what its
// training chose, a quarter for as much as co_view's (service/recommend/trained_model.h). Nearness
// by its vectors would count the model twice, and more than it was judged with.
PlacementPolicy home() {
  PlacementPolicy p;
  p.placement = "home";
  p.exclude_seen = true;
  p.seen_window_s = 4 * kHour;
  p.exclude_bought = true;
  p.category_max = 3;
  p.limit_default = 12;
  p.rotation_percent = 50;
  p.weights[Source::kCoView] = 1;
  p.weights[Source::kCoBuy] = 0.5;
  p.weights[Source::kSecondHop] = 1;
  p.weights[Source::kRepeat] = 1;
  p.weights[Source::kSimilar] = 2;
  p.weights[Source::kContent] = 0.5;
  p.weights[Source::kTrending] = 0.1;
  p.weights[Source::kPopular] = 0.05;
  p.weights[Source::kNewArrivals] = 0.05;
  p.weights[Source::kModel] = 4;
  return p;
}

// The page is there already for what was looked at this week, and `recently-viewed` for going back:
// alternatives are what is new to the visitor. What was bought isn't needed twice soon.
PlacementPolicy product_similar() {
  PlacementPolicy p;
  p.placement = "product-similar";
  p.about = About::kItems;
  p.exclude_seen = true;
  p.seen_window_s = 7 * kDay;
  p.exclude_bought = true;
  p.bought_window_s = 30 * kDay;
  p.rotation_percent = 50;
  p.weights[Source::kCoView] = 1;
  p.weights[Source::kSimilar] = 1;
  p.weights[Source::kContent] = 1;
  p.weights[Source::kVector] = 0.3;
  p.weights[Source::kSecondHop] = 0.2;
  p.weights[Source::kPopular] = 0.02;
  return p;
}

// Complements come from other categories as well: at most 4 of one keeps spare parts apart.
PlacementPolicy product_also_bought() {
  PlacementPolicy p;
  p.placement = "product-also-bought";
  p.about = About::kItems;
  p.exclude_bought = true;
  p.bought_window_s = 30 * kDay;
  p.category_max = 4;
  p.limit_default = 6;
  p.rotation_percent = 50;
  p.weights[Source::kCoBuy] = 1;
  p.weights[Source::kCoView] = 0.15;
  p.weights[Source::kSecondHop] = 0.1;
  p.weights[Source::kContent] = 0.2;
  p.weights[Source::kPopular] = 0.01;
  return p;
}

// Bought before is no reason against: a cart is where refills are added.
PlacementPolicy cart() {
  PlacementPolicy p;
  p.placement = "cart";
  p.about = About::kCart;
  p.rotation_percent = 50;
  p.category_max = 3;
  p.limit_default = 6;
  p.weights[Source::kCoBuy] = 1;
  p.weights[Source::kRepeat] = 1;
  p.weights[Source::kCoView] = 0.2;
  p.weights[Source::kSecondHop] = 0.1;
  p.weights[Source::kContent] = 0.2;
  p.weights[Source::kPopular] = 0.02;
  return p;
}

PlacementPolicy recently_viewed() {
  PlacementPolicy p;
  p.placement = "recently-viewed";
  p.exclude_out_of_stock = false;  // it is a memory: the page says "sold out" itself
  p.exclude_cart = false;
  p.weights[Source::kHistory] = 1;
  return p;
}

PlacementPolicy ranked_for_all(std::string_view name, Source source, Source fallback) {
  PlacementPolicy p;
  p.placement = name;
  p.exclude_bought = true;
  p.category_max = 5;
  p.weights[source] = 1;
  p.weights[fallback] = 0.01;
  return p;
}

// Newest first and nothing else, so that the page says what it promises.
PlacementPolicy new_arrivals() {
  PlacementPolicy p;
  p.placement = "new-arrivals";
  p.exclude_bought = true;
  p.category_max = 5;
  p.weights[Source::kNewArrivals] = 1;
  return p;
}

// All of one category, so no limit per category. Who looks through a category page by page wants
// to find again what was seen. A model's first 200 items have few of any one category: its vectors
// know an order within it.
PlacementPolicy category() {
  PlacementPolicy p = home();
  p.placement = "category";
  p.needs_category = true;
  p.exclude_seen = false;
  p.bought_window_s = 30 * kDay;
  p.category_max = 0;
  p.limit_default = 24;
  p.weights[Source::kVector] = 0.5;
  p.weights[Source::kTrending] = 0.3;
  p.weights[Source::kPopular] = 0.2;
  return p;
}

// Read hours later by somebody who left: what was seen today is no reason against, and few
// items have to stand for the whole shop.
PlacementPolicy email() {
  PlacementPolicy p = home();
  p.placement = "email";
  p.exclude_seen = false;
  p.category_max = 2;
  p.brand_max = 3;
  p.limit_default = 6;
  return p;
}

}  // namespace

std::string_view about_name(About about) {
  switch (about) {
    case About::kVisitor: return "visitor";
    case About::kItems: return "items";
    case About::kCart: return "cart";
  }
  return "visitor";
}

std::string_view source_name(Source source) {
  switch (source) {
    case Source::kHistory: return "history";
    case Source::kCoView: return "co_view";
    case Source::kCoBuy: return "co_buy";
    case Source::kSecondHop: return "second_hop";
    case Source::kRepeat: return "repeat";
    case Source::kSimilar: return "similar";
    case Source::kTrending: return "trending";
    case Source::kPopular: return "popular";
    case Source::kNewArrivals: return "new_arrivals";
    case Source::kContent: return "content";
    case Source::kVector: return "vector";
    case Source::kModel: return "model";
  }
  return "unknown";
}

std::span<const BoolField> bool_fields() { return kBoolFields; }
std::span<const NumberField> number_fields() { return kNumberFields; }

Status validate(const PlacementPolicy& policy) {
  if (!slug(policy.placement)) {
    return invalid(policy, "a placement name has 1 to 40 small letters, digits and '-'");
  }
  for (const NumberField& field : kNumberFields) {
    const std::uint32_t value = policy.*field.member;
    if (value >= field.min && value <= field.max) continue;
    return invalid(policy, std::string(field.name) + " must be from " + std::to_string(field.min) +
                               " to " + std::to_string(field.max) + ", got " +
                               std::to_string(value));
  }
  if (policy.limit_default > policy.limit_max) {
    return invalid(policy, "limit_default " + std::to_string(policy.limit_default) +
                               " is above limit_max " + std::to_string(policy.limit_max));
  }
  if (policy.age_max_s != 0 && policy.age_min_s >= policy.age_max_s) {
    return invalid(policy, "age_min_s " + std::to_string(policy.age_min_s) +
                               " is not below age_max_s " + std::to_string(policy.age_max_s));
  }
  return validate_weights(policy);
}

const std::vector<PlacementPolicy>& builtin_policies() {
  static const std::vector<PlacementPolicy> policies = {
      home(),
      product_similar(),
      product_also_bought(),
      cart(),
      recently_viewed(),
      ranked_for_all("trending", Source::kTrending, Source::kPopular),
      ranked_for_all("popular", Source::kPopular, Source::kNewArrivals),
      new_arrivals(),
      category(),
      email(),
  };
  return policies;
}

const PlacementPolicy* find_builtin(std::string_view placement) {
  for (const PlacementPolicy& policy : builtin_policies()) {
    if (policy.placement == placement) return &policy;
  }
  return nullptr;
}

}  // namespace vitrine::policy
