#include "tool/simulate/shop.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "platform/codec/json_writer.h"
#include "tool/simulate/dice.h"

namespace vitrine::simulate {
namespace {

constexpr const char* kKinds[] = {"Shoes",   "Bags",  "Kitchen", "Garden",  "Lighting", "Textiles",
                                  "Toys",    "Paper", "Sport",   "Jackets", "Shirts",   "Watches",
                                  "Jewelry", "Tools", "Bikes",   "Games",   "Books",    "Audio",
                                  "Coffee",  "Tea",   "Care",    "Pets",    "Snacks",   "Vitamins"};
constexpr std::size_t kConsumableKinds = 6;  // the last ones
constexpr std::uint32_t kBrands = 16;
constexpr double kSeasonDays = 56;
constexpr double kSeasonStrength = 0.5;

// An index drawn with these weights.
template <class Weights>
std::uint32_t draw(const Weights& weights, double total, Random& random) {
  double left = random.unit() * total;
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= static_cast<double>(weights[i]);
    if (left < 0) return static_cast<std::uint32_t>(i);
  }
  return static_cast<std::uint32_t>(weights.size() - 1);
}

class Builder {
 public:
  explicit Builder(const ShopOptions& options) { shop_.options = options; }

  Shop build() {
    add_categories();
    add_items();
    for (VisitorNo v = 0; v < shop_.options.visitors; ++v) add_visitor(v);
    for (VisitorNo v = 0; v < shop_.options.visitors; ++v) add_visits(v);
    std::stable_sort(shop_.visits.begin(), shop_.visits.end(),
                     [](const Visit& a, const Visit& b) { return a.time < b.time; });
    for (std::uint32_t n = 0; n < shop_.visits.size(); ++n) shop_.visits[n].number = n;
    shop_.first_measured = static_cast<std::size_t>(
        std::find_if(shop_.visits.begin(), shop_.visits.end(),
                     [&](const Visit& v) { return v.time >= shop_.options.start; }) -
        shop_.visits.begin());
    return std::move(shop_);
  }

 private:
  Random stream(std::uint64_t what, std::uint64_t number = 0) const {
    return Random(name_hash(shop_.options.seed, what, number));
  }

  void add_categories() {
    Random random = stream(1);
    double total = 0;
    constexpr std::size_t kinds = std::size(kKinds);
    for (std::uint32_t c = 0; c < shop_.options.categories; ++c) {
      Category category;
      category.name = kKinds[c % kinds];
      if (c >= kinds) category.name += " " + std::to_string(c / kinds + 1);
      category.consumable = c % kinds >= kinds - kConsumableKinds;
      category.price = (category.consumable ? 12 : 45) * std::exp(0.5 * random.normal());
      category.demand = 1 / std::sqrt(1.0 + random.below(shop_.options.categories));
      category.season = random.unit();
      total += category.demand;
      shop_.categories.push_back(std::move(category));
    }
    for (Category& category : shop_.categories) category.demand /= total;
  }

  void add_items() {
    Random random = stream(2);
    std::vector<Style> brand_style(kBrands);
    for (std::uint32_t b = 0; b < kBrands; ++b) {
      shop_.brands.push_back("Brand " + std::string(1, static_cast<char>('A' + b)));
      for (double& s : brand_style[b]) s = random.normal();
    }
    std::vector<double> demand;
    for (const Category& category : shop_.categories) demand.push_back(category.demand);
    for (ItemNo i = 0; i < shop_.options.items; ++i) {
      Item item;
      // Every category has some items; the wanted ones have more.
      item.category =
          i < 2 * shop_.options.categories ? i % shop_.options.categories : draw(demand, 1, random);
      item.brand = random.below(kBrands);
      for (std::size_t s = 0; s < kStyles; ++s) {
        item.style[s] = std::sqrt(0.5) * (brand_style[item.brand][s] + random.normal());
      }
      item.quality = random.normal();
      item.listing = random.unit();
      item.price_level = 0.4 * random.normal();
      Category& category = shop_.categories[item.category];
      item.price = std::max(1.0, std::round(category.price * std::exp(item.price_level))) - 0.05;
      item.stock_full = static_cast<int>(4 + random.below(20));
      item.repeat_days = category.consumable ? 6 + 9 * random.unit() : 0;
      item.id = "sku-" + std::to_string(10001 + i);
      item.title = shop_.brands[item.brand] + " " + category.name + " " + std::to_string(i + 1);
      category.items.push_back(i);
      shop_.items.push_back(std::move(item));
    }
  }

  void add_visitor(VisitorNo v) {
    Random random = stream(3, v);
    Visitor visitor;
    visitor.id = "visitor-" + std::to_string(v + 1);
    visitor.affinity.resize(shop_.categories.size());
    // Everybody has a little interest in everything and a lot in three things.
    std::vector<double> demand;
    for (const Category& category : shop_.categories) demand.push_back(category.demand);
    for (std::size_t c = 0; c < demand.size(); ++c)
      visitor.affinity[c] = static_cast<float>(0.2 * demand[c]);
    for (const double share : {0.4, 0.25, 0.15})
      visitor.affinity[draw(demand, 1, random)] += static_cast<float>(share);
    for (double& t : visitor.taste) t = random.normal();
    visitor.price_level = 0.3 * random.normal();
    shop_.visitors.push_back(std::move(visitor));
  }

  void add_visits(VisitorNo v) {
    Random random = stream(4, v);
    const ShopOptions& o = shop_.options;
    const double day = static_cast<double>(kDayUs);
    const double from = -static_cast<double>(o.history_days);
    const double until = o.days;
    // Seven in ten knew the shop before; the others find it some day.
    double at = random.unit() < 0.7 ? from : from + random.unit() * (until - from);
    // Some come daily, most seldom: lognormal with mean 1.
    const double rate = o.visits_per_visitor_day * std::exp(0.8 * random.normal() - 0.32);
    std::vector<double> wanted(shop_.categories.size());
    for (at += random.exponential(1 / rate); at < until; at += random.exponential(1 / rate)) {
      const TimeUs time = o.start + static_cast<TimeUs>(at * day);
      double total = 0;
      for (std::uint32_t c = 0; c < wanted.size(); ++c) {
        wanted[c] =
            static_cast<double>(shop_.visitors[v].affinity[c]) * std::exp(shop_.season(c, time));
        total += wanted[c];
      }
      const std::uint32_t intent = draw(wanted, total, random);
      const auto steps = static_cast<std::uint32_t>(2 + random.exponential(4));
      shop_.visits.push_back({time, v, 0, intent, std::min(steps, 30u), random.unit() < 0.6});
    }
  }

  Shop shop_;
};

}  // namespace

double Shop::season(std::uint32_t category, TimeUs time) const {
  const double days = static_cast<double>(time - options.start) / static_cast<double>(kDayUs);
  const double turn = days / kSeasonDays + categories[category].season;
  return kSeasonStrength * std::sin(2 * std::numbers::pi * turn);
}

int Shop::day(TimeUs time) const {
  const TimeUs since = time - options.start;
  return static_cast<int>(since >= 0 ? since / kDayUs : -((-since + kDayUs - 1) / kDayUs));
}

Result<Shop> make_shop(const ShopOptions& o) {
  const bool fine = o.items >= 100 && o.items <= 5000 && o.categories >= 2 && o.categories <= 100 &&
                    2 * o.categories <= o.items && o.visitors >= 10 && o.visitors <= 1'000'000 &&
                    o.days >= 1 && o.days <= 365 && o.history_days <= 365 &&
                    o.visits_per_visitor_day > 0 && o.visits_per_visitor_day <= 10;
  if (!fine) {
    return Error(ErrorCode::kInvalidArgument,
                 "a simulated shop has 100 to 5,000 items in 2 to 100 categories, 10 to 1,000,000 "
                 "visitors, 1 to 365 days and at most 365 days of history");
  }
  return Builder(o).build();
}

std::string item_json(const Shop& shop, const Item& item, int stock) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("item_id").string(item.id);
  json.key("title").string(item.title);
  json.key("categories").begin_array().string(shop.categories[item.category].name).end_array();
  json.key("brand").string(shop.brands[item.brand]);
  json.key("price").number(item.price);
  json.key("stock").number(stock);
  json.end_object();
  json.finish();
  return out;
}

}  // namespace vitrine::simulate
