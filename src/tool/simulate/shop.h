// A made-up shop and its visitors: what is for sale, who comes when and wants what. Everything
// here is fixed by the seed before anything is shown to anybody, and is the same for every policy.
// What visitors do with what they are shown is behaviour.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::simulate {

inline constexpr std::size_t kStyles = 4;  // dimensions of taste
using Style = std::array<double, kStyles>;
using ItemNo = std::uint32_t;     // index into Shop::items
using VisitorNo = std::uint32_t;  // index into Shop::visitors

struct ShopOptions {
  std::uint64_t seed = 1;
  std::uint32_t items = 800;        // 100 .. 5,000
  std::uint32_t categories = 24;    // 2 .. 100
  std::uint32_t visitors = 4000;    // 10 .. 1,000,000
  std::uint32_t days = 21;          // with a policy, 1 .. 365
  std::uint32_t history_days = 42;  // before, without any recommendations, 0 .. 365
  double visits_per_visitor_day = 0.14;
  TimeUs start = 0;  // of the first day with a policy
};

struct Item {
  std::string id;
  std::string title;
  std::uint32_t category;
  std::uint32_t brand;
  double price;        // EUR
  double price_level;  // ln(price / what is usual in the category)
  int stock_full;      // what a delivery fills up to
  double repeat_days;  // a consumable is used up after about so long; 0: it lasts
  // Nobody but visitors (and the oracle) knows these.
  Style style;     // standard normal in each dimension; brands have a style, too
  double quality;  // what everybody likes about it
  double listing;  // 0..1: where the shop's own order puts it in its category, 0 first
};

struct Category {
  std::string name;
  double price;   // usual, EUR
  double demand;  // share of interest over all visitors, sums to 1
  double season;  // phase of its season, 0..1
  bool consumable;
  std::vector<ItemNo> items;
};

struct Visitor {
  std::string id;
  std::vector<float> affinity;  // by category, sums to 1
  Style taste;
  double price_level;  // ln of what is paid by liking, over what is usual
};

struct Visit {
  TimeUs time;
  VisitorNo visitor;
  std::uint32_t number;  // index into Shop::visits
  std::uint32_t intent;  // the category that the visitor comes for
  std::uint32_t steps;   // pages the visitor has patience for
  bool starts_at_home;   // else at the category, from a search engine or a newsletter
};

struct Shop {
  ShopOptions options;
  std::vector<Category> categories;
  std::vector<std::string> brands;
  std::vector<Item> items;
  std::vector<Visitor> visitors;
  std::vector<Visit> visits;       // by time; history first
  std::size_t first_measured = 0;  // index of the first visit with a policy

  // Demand for a category at a time against its mean, ln.
  double season(std::uint32_t category, TimeUs time) const;
  int day(TimeUs time) const;  // since start; negative in the history
};

// kInvalidArgument for options out of range.
Result<Shop> make_shop(const ShopOptions& options);

// The item as the catalog gets it: no taste, no quality.
std::string item_json(const Shop& shop, const Item& item, int stock);

}  // namespace vitrine::simulate
