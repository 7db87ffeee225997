// Vitrine as the policy, over its HTTP API like any shop: items and history by the import routes,
// then each page's events by POST /v1/events, each list by POST /v1/recommend/{placement} with the
// version of the last events, so that what was just clicked counts. Home asks `home`, an
// item's page `product-similar`, the cart `cart`.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "tool/import/api_client.h"
#include "tool/simulate/policy.h"

namespace vitrine::simulate {

// The time of the simulated shop: wall time stands still between calls of advance_to(), durations
// are the machine's. Thread-safe.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(TimeUs start) : now_us_(start) {}
  TimeUs wall_us() const override { return now_us_.load(); }
  std::int64_t steady_ns() const override { return system_clock().steady_ns(); }
  // Never goes back.
  void advance_to(TimeUs time) {
    if (time > now_us_.load()) now_us_.store(time);
  }

 private:
  std::atomic<TimeUs> now_us_;
};

// A server for one simulation, with a clock that the simulation moves, and an empty tenant.
class ShopServer {
 public:
  virtual ~ShopServer() = default;
  virtual SimulatedClock& clock() = 0;
  virtual importer::ApiTarget target() const = 0;
};

struct ApiUse {
  std::uint64_t recommend_calls = 0;
  std::uint64_t event_calls = 0;
  double recommend_ms = 0;  // of all
  double event_ms = 0;
};

class VitrinePolicy final : public Policy {
 public:
  static Result<std::unique_ptr<VitrinePolicy>> open(const Shop& shop, ShopServer& server);
  std::string_view name() const override { return "vitrine"; }
  Status begin(std::span<const int> stock, std::span<const ShopEvent> history) override;
  Status show(const Question& question, std::vector<ItemNo>& out) override;
  Status observe(std::span<const ShopEvent> events) override;
  Status set_stock(ItemNo item, int stock, TimeUs now) override;
  const ApiUse& use() const { return use_; }

 private:
  VitrinePolicy(const Shop& shop, ShopServer& server, importer::ApiClient client);
  std::string event_json(const ShopEvent& event);
  Result<importer::ApiAnswer> post(const std::string& path, const std::string& body);

  const Shop& shop_;
  ShopServer& server_;
  importer::ApiClient client_;
  std::unordered_map<std::string, ItemNo> numbers_;
  std::string version_;     // of the last events
  std::string request_id_;  // of the last list
  std::uint64_t events_ = 0;
  ApiUse use_;
};

}  // namespace vitrine::simulate
