#include "tool/import/shop_generator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"

namespace vitrine::importer {
namespace {

struct Category {
  std::string_view name;
  std::array<std::string_view, 6> things;
  double price;  // typical
};

constexpr Category kCategories[] = {
    {"shoes", {"Boot", "Sneaker", "Sandal", "Loafer", "Slipper", "Trail Shoe"}, 80},
    {"bags", {"Backpack", "Tote", "Shoulder Bag", "Weekender", "Purse", "Belt Bag"}, 60},
    {"kitchen", {"Mug", "Teapot", "Cutting Board", "Pan", "Bowl", "Carafe"}, 30},
    {"garden", {"Planter", "Lantern", "Watering Can", "Bench", "Bird Feeder", "Trowel"}, 40},
    {"lighting", {"Table Lamp", "Pendant", "Floor Lamp", "Wall Light", "Desk Lamp", "Spot"}, 90},
    {"textiles", {"Throw", "Cushion", "Rug", "Curtain", "Quilt", "Towel"}, 45},
    {"toys", {"Puzzle", "Train Set", "Kite", "Doll", "Board Game", "Building Set"}, 25},
    {"stationery", {"Notebook", "Fountain Pen", "Calendar", "Desk Tray", "Sketchbook", "Ink"}, 15},
};
constexpr std::string_view kStyles[] = {"Nordic", "Vintage", "Modern", "Rustic", "Playful"};
constexpr std::string_view kMaterials[] = {"Oak",  "Linen", "Leather", "Steel", "Ceramic",
                                           "Wool", "Brass", "Canvas",  "Glass", "Cork"};
constexpr std::string_view kBrands[] = {"Alder & Finch", "Hovland",  "Maison Rive", "Kobo Works",
                                        "Tern",          "Old Quay", "Lumen & Co",  "Pip"};

// splitmix64 (Steele, Lea, Flood 2014). The distributions of the standard library differ between
// implementations, so everything is made from next() here.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // 0 <= u < 1
  std::uint32_t below(std::size_t n) {
    return static_cast<std::uint32_t>(unit() * static_cast<double>(n));
  }

 private:
  std::uint64_t state_;
};

struct Traits {
  std::uint32_t category;
  std::uint32_t style;
  double price_level;  // 0.3 .. 1.7 of what is typical for the category
};

struct Taste {
  std::array<std::uint32_t, 2> categories;
  std::uint32_t style;
  double price_level;
};

class ShopBuilder {
 public:
  explicit ShopBuilder(const ShopOptions& options) : options_(options), random_(options.seed) {}

  GeneratedShop build() {
    for (std::uint32_t i = 0; i < options_.items; ++i) add_item(i);
    std::size_t longest = 0;
    for (std::uint32_t c = 0; c < options_.customers; ++c) {
      const std::size_t before = shop_.events.size();
      add_customer(c);
      const std::size_t history = shop_.events.size() - before;
      if (history > longest) {
        longest = history;
        shop_.sample_customer = customer_id(c);
      }
    }
    std::stable_sort(shop_.events.begin(), shop_.events.end(),
                     [](const auto& a, const auto& b) { return a.time < b.time; });
    return std::move(shop_);
  }

 private:
  static std::string customer_id(std::uint32_t c) { return "customer-" + std::to_string(c + 1); }

  void add_item(std::uint32_t i) {
    const std::uint32_t c = i % std::size(kCategories);
    const Category& category = kCategories[c];
    const std::uint32_t style = random_.below(std::size(kStyles));
    const double level = 0.3 + 1.4 * random_.unit();
    GeneratedItem item;
    item.id = "sku-" + std::to_string(1001 + i);
    item.title = std::string(kStyles[style]) + " " +
                 std::string(kMaterials[random_.below(std::size(kMaterials))]) + " " +
                 std::string(category.things[random_.below(category.things.size())]);
    item.category = category.name;
    item.style = kStyles[style];
    item.brand = kBrands[random_.below(std::size(kBrands))];
    item.price = std::round(category.price * level) - 0.1;
    item.stock = random_.below(20) == 0 ? 0 : static_cast<int>(1 + random_.below(80));
    shop_.items.push_back(std::move(item));
    traits_.push_back({c, style, level});
    in_category_[c].push_back(i);
  }

  void add_customer(std::uint32_t c) {
    const std::uint32_t first = random_.below(std::size(kCategories));
    const std::uint32_t second = random_.below(std::size(kCategories));
    const Taste taste{{first, second}, random_.below(std::size(kStyles)), 0.5 + random_.unit()};
    const TimeUs begin = options_.end_time - options_.days * kDayUs;
    // The first visit is somewhere in the first week, so that everybody comes at least once.
    TimeUs time =
        begin + static_cast<TimeUs>(random_.unit() *
                                    static_cast<double>(std::min(options_.days, 7u) * kDayUs));
    const double pause_days = 2 + 12 * random_.unit();
    std::uint32_t visit = 0;
    while (time < options_.end_time - kHourUs || visit == 0) {
      add_visit(c, visit++, taste, std::min(time, options_.end_time - kHourUs));
      time += static_cast<TimeUs>((0.3 + 1.4 * random_.unit()) * pause_days *
                                  static_cast<double>(kDayUs));
    }
  }

  // 2 to 8 views two minutes apart at most: less than an hour.
  void add_visit(std::uint32_t c, std::uint32_t visit, const Taste& taste, TimeUs time) {
    const bool strolls = random_.below(8) == 0;  // looks at something else for once
    const std::uint32_t category =
        strolls ? random_.below(std::size(kCategories)) : taste.categories[random_.below(2)];
    const std::string prefix = "shop-" + std::to_string(options_.seed) + "-" + std::to_string(c) +
                               "-" + std::to_string(visit) + "-";
    std::uint32_t number = 0;
    const auto add = [&](std::string_view type, std::vector<std::uint32_t> items) {
      shop_.events.push_back({prefix + std::to_string(number++), std::string(type), customer_id(c),
                              time, std::move(items)});
      time += static_cast<TimeUs>((10 + 110 * random_.unit()) * static_cast<double>(kSecondUs));
    };
    std::vector<std::uint32_t> cart;
    const std::uint32_t views = 2 + random_.below(7);
    for (std::uint32_t i = 0; i < views; ++i) {
      const std::uint32_t item = draw_item(category, taste);
      add("detail-page-view", {item});
      const bool fits = fit(item, taste) > 0.6;
      if (random_.unit() < (fits ? 0.4 : 0.08) &&
          std::find(cart.begin(), cart.end(), item) == cart.end()) {
        add("add-to-cart", {item});
        cart.push_back(item);
      }
    }
    if (!cart.empty() && random_.unit() < 0.7) add("purchase-complete", cart);
  }

  // 0 .. 1
  double fit(std::uint32_t item, const Taste& taste) const {
    const Traits& traits = traits_[item];
    const double distance = std::fabs(traits.price_level - taste.price_level);
    return (traits.style == taste.style ? 0.7 : 0.1) + 0.3 * std::max(0.0, 1 - distance);
  }

  // Rejection sampling: proposals follow the popularity, the fit decides.
  std::uint32_t draw_item(std::uint32_t category, const Taste& taste) {
    const auto& items = in_category_[category];
    for (int attempt = 0; attempt < 64; ++attempt) {
      // u^2 puts half of the proposals into the first quarter.
      const double u = random_.unit();
      const std::uint32_t item =
          items[static_cast<std::size_t>(u * u * static_cast<double>(items.size()))];
      if (random_.unit() < fit(item, taste)) return item;
    }
    return items[random_.below(items.size())];
  }

  const ShopOptions& options_;
  Random random_;
  GeneratedShop shop_;
  std::vector<Traits> traits_;
  std::array<std::vector<std::uint32_t>, std::size(kCategories)> in_category_;
};

}  // namespace

Result<GeneratedShop> generate_shop(const ShopOptions& options) {
  if (options.items < 20 || options.items > 100'000 || options.customers < 1 ||
      options.customers > 1'000'000 || options.days < 1 || options.days > 3650) {
    return Error(
        ErrorCode::kInvalidArgument,
        "a generated shop has 20 to 100,000 items, 1 to 1,000,000 customers and 1 to 3,650 "
        "days");
  }
  return ShopBuilder(options).build();
}

std::string item_json(const GeneratedItem& item) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("item_id").string(item.id);
  json.key("title").string(item.title);
  json.key("categories").begin_array().string(item.category).end_array();
  json.key("brand").string(item.brand);
  json.key("style").string(item.style);
  json.key("price").number(item.price);
  json.key("stock").number(item.stock);
  json.end_object();
  json.finish();
  return out;
}

std::string event_json(const GeneratedShop& shop, std::size_t event) {
  const GeneratedEvent& one = shop.events[event];
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("event_id").string(one.event_id);
  json.key("type").string(one.type);
  json.key("event_time").string(codec::format_rfc3339(one.time));
  json.key("user").begin_object().key("user_id").string(one.user_id).end_object();
  json.key("items").begin_array();
  for (const std::uint32_t item : one.items) {
    json.begin_object();
    json.key("item_id").string(shop.items[item].id);
    json.key("price").number(shop.items[item].price);
    json.end_object();
  }
  json.end_array();
  json.key("currency").string("EUR");
  json.end_object();
  json.finish();
  return out;
}

}  // namespace vitrine::importer
