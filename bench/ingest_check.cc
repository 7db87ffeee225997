#include "bench/ingest_check.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "platform/codec/json_writer.h"
#include "service/collect/event_batch.h"

namespace vitrine::bench {
namespace {

constexpr TimeUs kNow = 1'795'363'200'000'000;  // 2026-11-22T16:00:00Z
constexpr std::size_t kEvents = 200'000;
constexpr std::size_t kBatch = 100;

std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  return x ^ x >> 31;
}

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// An event as a shop's tag sends it, with all that it has to say: 17 of 20 are views, 2 carts, one
// an order of 1 to 8 lines. No two are alike: repeating one would train the branch predictor.
std::string make_event(std::uint64_t number) {
  const std::uint64_t dice = mix(number);
  const std::uint64_t kind = dice % 20;
  const std::size_t lines = kind < 19 ? 1 : 1 + (dice >> 40) % 8;
  const auto number_in = [&](std::uint64_t salt, std::uint64_t below) {
    return mix(dice + salt) % below;
  };
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  json.key("event_id").string("01J9-" + std::to_string(mix(number + 1)));
  json.key("type").string(kind < 17   ? "detail-page-view"
                          : kind < 19 ? "add-to-cart"
                                      : "purchase-complete");
  json.key("event_time").string("2026-11-22T15:5" + std::to_string(number_in(2, 10)) + ":07.123Z");
  json.key("user").begin_object();
  json.key("user_id").string("customer-" + std::to_string(number_in(3, 1'000'000)));
  json.key("anonymous_id")
      .string("d2b8c4f0-77aa-4d1e-9c55-" + std::to_string(number_in(4, 1u << 31)));
  json.key("session_id").string("s-" + std::to_string(number_in(5, 10'000'000)));
  json.end_object();
  json.key("items").begin_array();
  for (std::size_t i = 0; i < lines; ++i) {
    json.begin_object();
    json.key("item_id").string("sku-" + std::to_string(number_in(10 + i, 100'000)));
    json.key("variant_id").string("größe-" + std::to_string(number_in(30 + i, 48)));
    json.key("quantity").number(1 + number_in(50 + i, 3));
    json.key("price").number(static_cast<double>(number_in(70 + i, 10'000)) / 100);
    json.end_object();
  }
  json.end_array();
  json.key("currency").string("EUR");
  if (kind == 19) {
    json.key("value").number(static_cast<double>(number_in(6, 50'000)) / 100);
    json.key("transaction").begin_object();
    json.key("order_id").string("o-" + std::to_string(number_in(7, 1'000'000)));
    json.key("tax").number(3.8);
    json.end_object();
  }
  json.key("page").begin_object();
  json.key("url").string("https://shop.example/p/" + std::to_string(number_in(8, 100'000)) +
                         "?utm_source=newsletter&utm_medium=email");
  json.key("referrer").string("https://shop.example/category/shoes");
  json.end_object();
  json.key("context").begin_object();
  json.key("locale").string("de-AT");
  json.key("timezone").string("Europe/Vienna");
  json.key("consent").begin_object().key("analytics").boolean(true).end_object();
  json.end_object();
  json.key("properties").begin_object();
  json.key("campaign").string("Späte Ernte " + std::to_string(number_in(9, 100)));
  json.key("scrolled").number(static_cast<double>(number_in(11, 100)) / 100);
  json.end_object();
  json.end_object();
  json.finish();
  return out;
}

// The same event with one thing wrong that is found late.
std::string spoilt(std::string event, std::uint64_t number) {
  static constexpr std::array<std::string_view, 4> kTails = {
      R"(,"currency":"euros"})", R"(,"surprise":1})", R"(,"value":-1e999})",
      ",\"search\":{\"query\":\"\\u0007\"},\"event_time\":\"soon\"}"};
  event.pop_back();
  return event += kTails[number % kTails.size()];
}

class Checker {
 public:
  // Of one body; false where nothing of it was good.
  bool check(const std::string& text) {
    const collect::Body body{text, codec::kJsonPaddingBytes, collect::BodyFormat::kJson,
                             collect::BodyEncoding::kIdentity};
    const Status read = batch_.read(body, {}, TenantId{1}, event::EventRules::live(kNow));
    return read.ok() && !batch_.events().empty() && batch_.rejected().empty();
  }

 private:
  collect::EventBatch batch_;
};

struct Cost {
  double p50_us = 0;
  double p99_us = 0;
  double mean_cpu_us = 0;
};

// Per event, of bodies that hold `events` each.
Cost measure(const std::vector<std::string>& bodies, std::size_t events, bool good) {
  Checker checker;
  std::vector<double> took;
  took.reserve(bodies.size());
  double cpu = 0;
  for (const int round : {0, 1}) {  // the first one warms up
    took.clear();
    const double start_us = cpu_us();
    for (const auto& body : bodies) {
      const auto before = std::chrono::steady_clock::now();
      const bool is_good = checker.check(body);
      const std::chrono::duration<double, std::micro> spent =
          std::chrono::steady_clock::now() - before;
      if (is_good != good) give_up("an event was judged wrongly in round " + std::to_string(round));
      took.push_back(spent.count() / static_cast<double>(events));
    }
    cpu = (cpu_us() - start_us) / static_cast<double>(bodies.size() * events);
  }
  std::ranges::sort(took);
  return {took[took.size() / 2], took[took.size() * 99 / 100], cpu};
}

std::string with_padding(std::string text) {
  text.reserve(text.size() + codec::kJsonPaddingBytes);
  return text;
}

}  // namespace

void measure_ingest_check(JsonLine& json) {
  std::vector<std::string> singles, batches, bad;
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    std::string event = make_event(i);
    bytes += event.size();
    if (i % kBatch == 0) batches.push_back("[");
    batches.back() += (i % kBatch == 0 ? "" : ",") + event;
    if (i % kBatch == kBatch - 1) batches.back() = with_padding(batches.back() + "]");
    if (i % 4 == 0) bad.push_back(with_padding(spoilt(event, i / 4)));
    singles.push_back(with_padding(std::move(event)));
  }
  const Cost single = measure(singles, 1, true);
  const Cost batch = measure(batches, kBatch, true);
  const Cost refused = measure(bad, 1, false);
  Table table(
      {"an event of " + std::to_string(bytes / kEvents) + " bytes, us", "p50", "p99", "mean CPU"});
  const auto row = [&](const char* name, const Cost& cost) {
    table.add({name, fixed(cost.p50_us, 2), fixed(cost.p99_us, 2), fixed(cost.mean_cpu_us, 2)});
  };
  row("parse, check, encode: by itself", single);
  row("the same in a batch of 100", batch);
  row("by itself, breaking a rule", refused);
  table.print();
  json.add("ingest_check_us", single.mean_cpu_us);
  json.add("ingest_check_us_p50", single.p50_us);
  json.add("ingest_check_us_p99", single.p99_us);
  json.add("ingest_check_batch_us_p50", batch.p50_us);
  json.add("ingest_check_batch_us_p99", batch.p99_us);
  json.add("ingest_refuse_us_p50", refused.p50_us);
  json.add("ingest_refuse_us_p99", refused.p99_us);
}

}  // namespace vitrine::bench
