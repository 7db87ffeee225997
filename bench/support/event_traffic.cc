#include "bench/support/event_traffic.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <random>

#include "base/clock.h"
#include "platform/codec/time_format.h"

namespace vitrine::bench {
namespace {

constexpr std::size_t kIdDigits = 12;
constexpr std::size_t kUserDigits = 7;
constexpr std::size_t kItemDigits = 6;
constexpr std::size_t kDraws = 1 << 20;
constexpr std::size_t kBodies = 64;

void write_digits(char* end, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = 0; i < digits; ++i, value /= 10)
    *--end = static_cast<char>('0' + value % 10);
}

std::string padded(std::string prefix, std::size_t digits, std::uint64_t value) {
  prefix.append(digits, '0');
  write_digits(prefix.data() + prefix.size(), digits, value);
  return prefix;
}

std::vector<std::uint32_t> draw_even(std::uint32_t n, std::mt19937_64& random) {
  std::vector<std::uint32_t> draws(kDraws);
  for (auto& draw : draws) draw = static_cast<std::uint32_t>(random() % n);
  return draws;
}

std::vector<std::uint32_t> draw_popular(std::uint32_t n, std::mt19937_64& random) {
  std::vector<double> sums(n);
  double sum = 0;
  for (std::uint32_t i = 0; i < n; ++i) sums[i] = sum += 1.0 / (i + 1);
  std::uniform_real_distribution<double> even(0, sum);
  std::vector<std::uint32_t> draws(kDraws);
  for (auto& draw : draws) {
    const auto at = std::lower_bound(sums.begin(), sums.end(), even(random));
    draw = std::min(n - 1, static_cast<std::uint32_t>(at - sums.begin()));
  }
  return draws;
}

}  // namespace

std::string item_name(std::uint32_t item) { return padded("sku-", kItemDigits, item); }
std::string user_name(std::uint32_t user) { return padded("u", kUserDigits, user); }

EventTraffic::EventTraffic(const TrafficOptions& options)
    : options_(options), id_bytes_(options.id_prefix.size() + 1 + kIdDigits) {
  std::mt19937_64 random(options_.seed);
  user_draws_ = draw_even(options_.users, random);
  item_draws_ = draw_popular(options_.items, random);
  bodies_.resize(kBodies);
  for (Body& body : bodies_) make_body(body, random());
}

void EventTraffic::make_body(Body& body, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::string time = codec::format_rfc3339(system_clock().wall_us());
  std::string& text = body.text;
  if (options_.events_per_body > 1) text += '[';
  for (std::uint32_t i = 0; i < options_.events_per_body; ++i) {
    if (i > 0) text += ',';
    Slot slot;
    slot.begin = text.size();
    text += R"({"event_id":")" + options_.id_prefix + '-';
    slot.id = text.size();
    const std::uint64_t kind = random() % 20;
    const char* type = kind == 0  ? "purchase-complete"
                       : kind < 3 ? "add-to-cart"
                                  : "detail-page-view";
    text += std::string(kIdDigits, '0') + R"(","type":")" + type + R"(","event_time":")" + time +
            R"(","user":{"user_id":"u)";
    slot.user = text.size();
    text += std::string(kUserDigits, '0') + R"(","session_id":"s-)" +
            std::to_string(random() % 1'000'000) + R"("},"items":[{"item_id":"sku-)";
    slot.item = text.size();
    text += std::string(kItemDigits, '0') + '"';
    const std::string price = std::to_string(random() % 200) + ".95";
    if (kind < 3) text += R"(,"quantity":)" + std::to_string(random() % 3 + 1);
    text += R"(,"price":)" + price + "}]";
    if (kind == 0) text += R"(,"value":)" + price;
    text += R"(,"currency":"EUR"})";
    slot.end = text.size();
    body.slots.push_back(slot);
  }
  if (options_.events_per_body > 1) text += ']';
}

std::string_view EventTraffic::next_body() {
  Body& body = bodies_[next_++ % bodies_.size()];
  char* const text = body.text.data();
  for (const Slot& slot : body.slots) {
    write_digits(text + slot.id + kIdDigits, kIdDigits, ++made_);
    write_digits(text + slot.user + kUserDigits, kUserDigits, draw_user());
    write_digits(text + slot.item + kItemDigits, kItemDigits,
                 item_draws_[draw_ % item_draws_.size()]);
    ++draw_;
  }
  return body.text;
}

void EventTraffic::parts_of_last_body(std::vector<Part>& out) const {
  out.clear();
  const Body& body = bodies_[(next_ - 1) % bodies_.size()];
  const std::string_view text = body.text;
  for (const Slot& slot : body.slots) {
    out.push_back({text.substr(slot.id - options_.id_prefix.size() - 1, id_bytes_),
                   text.substr(slot.begin, slot.end - slot.begin)});
  }
}

double EventTraffic::mean_event_bytes() const {
  double bytes = 0;
  for (const Body& body : bodies_) bytes += static_cast<double>(body.text.size());
  return bytes / static_cast<double>(bodies_.size() * options_.events_per_body);
}

std::uint64_t find_number(std::string_view json, std::string_view name) {
  const std::string key = '"' + std::string(name) + "\":";
  const std::size_t at = json.find(key);
  std::uint64_t value = 0;
  if (at != std::string_view::npos) {
    std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
  }
  return value;
}

std::string_view find_version(std::string_view json) {
  constexpr std::string_view kKey = "\"profile_version\":\"";
  const std::size_t at = json.find(kKey);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = json.substr(at + kKey.size());
  return rest.substr(0, rest.find('"'));
}

std::uint64_t find_version_position(std::string_view json) {
  const std::string_view version = find_version(json);
  const std::size_t dash = version.find('-');
  std::uint64_t value = 0;
  if (dash != std::string_view::npos) {
    std::from_chars(version.data() + dash + 1, version.data() + version.size(), value);
  }
  return value;
}

}  // namespace vitrine::bench
