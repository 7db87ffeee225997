// Bodies for POST /v1/events as shops send them, made at the price of a copy: texts of about 200
// bytes an event in which only the event id, user and item change, always at the same places.
//
// Views, carts and purchases about 17 : 2 : 1. Users are drawn evenly (the hardest for caches),
// items by popularity (Zipf, exponent 1). Every event id is new. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::bench {

struct TrafficOptions {
  std::string id_prefix = "a";          // of event ids: one for each source
  std::uint32_t users = 100'000;        // at most 10^7
  std::uint32_t items = 20'000;         // at most 10^6
  std::uint32_t events_per_body = 100;  // 1: a single object, else an array
  std::uint64_t seed = 1;
};

class EventTraffic {
 public:
  explicit EventTraffic(const TrafficOptions& options);

  // Valid until the next call.
  std::string_view next_body();
  // The same events one by one, for another receiver: id and JSON of each event of the last body.
  struct Part {
    std::string_view id;
    std::string_view json;
  };
  void parts_of_last_body(std::vector<Part>& out) const;

  std::uint64_t events_made() const { return made_; }
  double mean_event_bytes() const;

 private:
  struct Slot {
    std::size_t begin = 0, end = 0;          // of the event's JSON
    std::size_t id = 0, user = 0, item = 0;  // where the digits are
  };
  struct Body {
    std::string text;
    std::vector<Slot> slots;
  };
  void make_body(Body& body, std::uint64_t seed);
  std::uint32_t draw_user() { return user_draws_[(draw_ * 7) % user_draws_.size()]; }

  TrafficOptions options_;
  std::size_t id_bytes_;
  std::vector<Body> bodies_;
  std::vector<std::uint32_t> user_draws_;
  std::vector<std::uint32_t> item_draws_;
  std::uint64_t draw_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t made_ = 0;
};

// The n-th item's and user's id, as the traffic uses them.
std::string item_name(std::uint32_t item);
std::string user_name(std::uint32_t user);

// The first `"name":NUMBER` in a JSON text we know the shape of; 0 if absent.
std::uint64_t find_number(std::string_view json, std::string_view name);
// The position in the first "profile_version":"epoch-position"; 0 if absent.
std::uint64_t find_version_position(std::string_view json);
// The text of the first "profile_version"; empty if absent.
std::string_view find_version(std::string_view json);

}  // namespace vitrine::bench
