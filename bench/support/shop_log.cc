#include "bench/support/shop_log.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <random>
#include <set>

#include "base/clock.h"
#include "base/executor.h"
#include "bench/support/event_traffic.h"
#include "domain/catalog/item_codec.h"
#include "domain/event/event_codec.h"
#include "domain/record/record.h"
#include "engine/eventlog/writer.h"

namespace vitrine::bench {
namespace {

constexpr std::uint32_t kCategories = 200;
constexpr std::uint32_t kBrands = 1000;
constexpr std::uint32_t kSessionEvents = 5;
constexpr TimeUs kSpan = 30 * kDayUs;

// Ranks from 0, rank r with probability about 1 / (r + head).
class Zipf {
 public:
  Zipf(std::uint32_t n, double head) : n_(n), head_(head), span_(std::log((n + head) / head)) {}
  std::uint32_t operator()(std::mt19937_64& random) const {
    const double u = static_cast<double>(random() >> 11) * 0x1p-53;
    return std::min(n_ - 1, static_cast<std::uint32_t>(head_ * std::exp(u * span_) - head_));
  }

 private:
  std::uint32_t n_;
  double head_, span_;
};

std::string category_name(std::uint32_t c) { return "category-" + std::to_string(c); }
std::string brand_name(std::uint32_t b) { return "brand-" + std::to_string(b); }

bool contains(const std::vector<std::uint32_t>& values, std::uint32_t value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool passes(const ShopFilter& filter, const Shop::Item& item) {
  if (filter.high > 0 && !(item.price >= filter.low && item.price < filter.high)) return false;
  if (!filter.categories.empty() && !contains(filter.categories, item.categories[0]) &&
      !contains(filter.categories, item.categories[1])) {
    return false;
  }
  return filter.brands.empty() || contains(filter.brands, item.brand);
}

std::string in_list(const char* name, const std::vector<std::uint32_t>& values,
                    std::string (*text_of)(std::uint32_t)) {
  std::string text = std::string(name) + " in (";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += (i == 0 ? "'" : ", '") + text_of(values[i]) + "'";
  }
  return text + ")";
}

void write_text(ShopFilter& filter) {
  const auto add = [&](const std::string& part) {
    filter.text += (filter.text.empty() ? "" : " and ") + part;
  };
  if (!filter.categories.empty()) add(in_list("category", filter.categories, category_name));
  if (!filter.brands.empty()) add(in_list("brand", filter.brands, brand_name));
  if (filter.high > 0) {
    add("price >= " + std::to_string(filter.low) + " and price < " + std::to_string(filter.high));
  }
}

// Time as the log is to see it.
class ShopClock final : public Clock {
 public:
  explicit ShopClock(TimeUs start) : now_(start) {}
  TimeUs wall_us() const override { return now_; }
  std::int64_t steady_ns() const override { return system_clock().steady_ns(); }
  void set(TimeUs now) { now_ = now; }

 private:
  std::atomic<TimeUs> now_;
};

// Records gathered into appends of about a MiB.
class LogFiller {
 public:
  LogFiller(eventlog::Writer& writer, TenantId tenant) : writer_(writer), tenant_(tenant) {}

  template <class Fn>
  Status add(record::RecordKind kind, Fn&& encode) {
    const std::size_t begin = bytes_.size();
    ByteWriter out(bytes_);
    record::write_tenant(out, tenant_);
    encode(out);
    parts_.push_back({kind, begin, bytes_.size()});
    if (bytes_.size() < (1u << 20)) return ok_status();
    return flush();
  }

  Status flush() {
    if (parts_.empty()) return ok_status();
    std::vector<eventlog::RecordRef> refs;
    for (const Part& part : parts_) {
      refs.push_back({static_cast<std::uint16_t>(part.kind), 0,
                      std::string_view(bytes_).substr(part.begin, part.end - part.begin)});
    }
    VITRINE_TRY(const auto range, writer_.append(refs, nullptr));
    // Two appends on their way: one fills while one is written.
    VITRINE_TRY(const bool durable, writer_.wait_durable(last_, 60 * kSecondUs));
    if (!durable) return Error(ErrorCode::kUnavailable, "the disk takes more than a minute");
    last_ = range.last;
    total_ += static_cast<double>(bytes_.size());
    parts_.clear();
    bytes_.clear();
    return ok_status();
  }
  eventlog::Position last() const { return last_; }
  double bytes() const { return total_; }

 private:
  struct Part {
    record::RecordKind kind;
    std::size_t begin, end;
  };
  eventlog::Writer& writer_;
  TenantId tenant_;
  std::string bytes_;
  std::vector<Part> parts_;
  eventlog::Position last_ = 0;
  double total_ = 0;
};

Status write_items(const Shop& shop, LogFiller& log) {
  const std::uint64_t count = shop.items().size();
  for (std::uint64_t n = 0; n < count; ++n) {
    // Low numbers are popular, but popular items may stand anywhere in the catalog.
    const auto i = static_cast<std::uint32_t>(n * 2'654'435'761ull % count);
    const Shop::Item& made = shop.items()[i];
    catalog::Item item;
    item.id = item_name(i);
    std::vector<std::string> categories{category_name(made.categories[0])};
    if (made.categories[1] != made.categories[0]) {
      categories.push_back(category_name(made.categories[1]));
    }
    item.attributes = {{"brand", brand_name(made.brand)},
                       {"categories", std::move(categories)},
                       {"price", made.price},
                       {"stock", made.in_stock ? 5.0 : 0.0},
                       {"title", "Item " + std::to_string(i) + " by " + brand_name(made.brand)}};
    VITRINE_TRY(log.add(record::RecordKind::kItemUpsert,
                        [&](ByteWriter& out) { catalog::encode_upsert(item, out); }));
  }
  return log.flush();
}

// Each visitor has three tastes (clusters, popular ones more often); 7 of 10 events are within
// one of them, and a session stays in its taste.
class Visits {
 public:
  explicit Visits(const Shop& shop)
      : shop_(shop),
        items_(static_cast<std::uint32_t>(shop.items().size())),
        of_all_(items_, 20),
        of_clusters_(shop.clusters(), 20),
        in_cluster_(std::max(1u, items_ / shop.clusters()), 5) {}

  std::uint32_t taste(std::uint32_t user, std::uint32_t session) const {
    std::mt19937_64 random(user * 3ull + session % 3);
    return of_clusters_(random);
  }
  std::uint32_t item(std::uint32_t taste, std::mt19937_64& random) const {
    if (random() % 10 < 7) return in_cluster_(random) * shop_.clusters() + taste;
    return of_all_(random);
  }

 private:
  const Shop& shop_;
  std::uint32_t items_;
  Zipf of_all_, of_clusters_, in_cluster_;
};

Status write_events(const Shop& shop, const ShopSizes& sizes, ShopClock& clock, TimeUs start,
                    LogFiller& log) {
  const Visits visits(shop);
  std::mt19937_64 random(3);
  const double total = static_cast<double>(sizes.users) * sizes.events_per_user;
  const std::uint32_t sessions = (sizes.events_per_user + kSessionEvents - 1) / kSessionEvents;
  std::vector<std::uint32_t> order(sizes.users);
  std::iota(order.begin(), order.end(), 0u);
  event::Event event;
  event.items.resize(1);
  std::string encoded;
  std::uint64_t made = 0;
  for (std::uint32_t s = 0; s < sessions; ++s) {
    std::shuffle(order.begin(), order.end(), random);
    const std::uint32_t events =
        std::min(kSessionEvents, sizes.events_per_user - s * kSessionEvents);
    for (const std::uint32_t user : order) {
      const std::string user_id = user_name(user);
      const std::uint32_t taste = visits.taste(user, s);
      for (std::uint32_t e = 0; e < events; ++e) {
        const std::uint64_t kind = random() % 20;
        const std::string event_id = "past-" + std::to_string(++made);
        const std::string item_id = item_name(visits.item(taste, random));
        event.event_id = event_id;
        event.type = kind == 0  ? event::EventType::kPurchaseComplete
                     : kind < 3 ? event::EventType::kAddToCart
                                : event::EventType::kDetailPageView;
        event.event_time = start + static_cast<TimeUs>(static_cast<double>(made) / total *
                                                       static_cast<double>(kSpan));
        event.user_id = user_id;
        event.items[0].item_id = item_id;
        clock.set(event.event_time);
        encoded.clear();
        event::encode_event(event, encoded);
        VITRINE_TRY(log.add(record::RecordKind::kImportedEvent,
                            [&](ByteWriter& out) { out.raw(encoded); }));
      }
    }
  }
  return log.flush();
}

}  // namespace

Shop::Shop(std::uint32_t items) : clusters_(std::max(1u, items / 200)), items_(items) {
  std::mt19937_64 random(11);
  const Zipf category(kCategories, 5);
  const Zipf brand(kBrands, 10);
  std::vector<std::uint16_t> cluster_category(clusters_);
  for (auto& c : cluster_category) c = static_cast<std::uint16_t>(category(random));
  std::lognormal_distribution<double> price(3.2, 0.9);
  for (std::uint32_t i = 0; i < items; ++i) {
    Item& item = items_[i];
    item.categories[0] = cluster_category[cluster_of(i)];
    item.categories[1] = static_cast<std::uint16_t>(category(random));
    item.brand = static_cast<std::uint16_t>(brand(random));
    item.price = std::max(0.5, std::round(price(random) * 100) / 100);
    item.in_stock = random() % 20 != 0;
  }
  const std::size_t step = std::max<std::size_t>(1, items / 100'000);
  for (std::size_t i = 0; i < items_.size(); i += step) prices_.push_back(items_[i].price);
  std::sort(prices_.begin(), prices_.end());
}

double Shop::pass_rate(const ShopFilter& filter) const {
  const std::size_t step = std::max<std::size_t>(1, items_.size() / 100'000);
  std::size_t passed = 0, tested = 0;
  for (std::size_t i = 0; i < items_.size(); i += step, ++tested)
    passed += passes(filter, items_[i]);
  return static_cast<double>(passed) / static_cast<double>(tested);
}

std::vector<ShopFilter> Shop::make_filters(double share, std::uint32_t count,
                                           std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  // How much of a sample has each category and brand.
  std::vector<double> of_category(kCategories), of_brand(kBrands);
  const double each = 1.0 / static_cast<double>(items_.size());
  for (const Item& item : items_) {
    of_category[item.categories[0]] += each;
    if (item.categories[1] != item.categories[0]) of_category[item.categories[1]] += each;
    of_brand[item.brand] += each;
  }
  // Values until about `part` of the items have one; none that overshoots by half.
  const auto pick = [&](const std::vector<double>& sizes, double part) {
    std::vector<std::uint32_t> values;
    double sum = 0;
    for (int tries = 0; tries < 10'000 && sum < part * 0.95; ++tries) {
      const auto value = static_cast<std::uint32_t>(random() % sizes.size());
      if (sizes[value] == 0 || sum + sizes[value] > part * 1.15 || contains(values, value))
        continue;
      values.push_back(value);
      sum += sizes[value];
    }
    return values;
  };
  const auto range = [&](ShopFilter& filter, double part) {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * (1 - part);
    const double n = static_cast<double>(prices_.size());
    filter.low = prices_[static_cast<std::size_t>(at * n)];
    filter.high = prices_[std::min(prices_.size() - 1, static_cast<std::size_t>((at + part) * n))];
    if (filter.high <= filter.low) filter.high = filter.low + 0.01;
  };
  std::vector<ShopFilter> filters;
  std::set<std::string> texts;
  // A kind that can't be made (no category is so rare) is passed over.
  std::uint32_t failed = 0, passed_over = 0;
  for (std::uint32_t tries = 0; filters.size() < count && tries < count * 50; ++tries) {
    if (++failed % 20 == 0) ++passed_over;
    ShopFilter filter;
    const double half = std::sqrt(share);
    switch ((filters.size() + passed_over) % 5) {
      case 0: filter.categories = pick(of_category, share); break;
      case 1: filter.brands = pick(of_brand, share); break;
      case 2: range(filter, share); break;
      case 3:
        filter.categories = pick(of_category, half);
        range(filter, half);
        break;
      case 4:
        filter.brands = pick(of_brand, half);
        range(filter, half);
        break;
    }
    write_text(filter);
    if (filter.text.empty()) continue;
    const double passed = pass_rate(filter);
    if (passed < share * 0.6 || passed > share * 1.5 || !texts.insert(filter.text).second) continue;
    filters.push_back(std::move(filter));
    failed = 0;
  }
  return filters;
}

Result<ShopLogReport> write_shop_log(const Shop& shop, const ShopSizes& sizes,
                                     const std::string& directory, TenantId tenant) {
  std::filesystem::create_directories(directory);
  const auto began = std::chrono::steady_clock::now();
  const TimeUs start = system_clock().wall_us() - kSpan;
  ShopClock clock(start);
  eventlog::WriterOptions options;
  options.directory = directory;
  options.files = &io::system_files();
  options.clock = &clock;
  options.executor = &thread_executor();
  VITRINE_TRY(auto writer, eventlog::Writer::open(options));
  LogFiller log(*writer, tenant);
  VITRINE_TRY(write_items(shop, log));
  VITRINE_TRY(write_events(shop, sizes, clock, start, log));
  ShopLogReport report;
  report.records = log.last();
  report.bytes = log.bytes();
  VITRINE_TRY(writer->close());
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return report;
}

}  // namespace vitrine::bench
