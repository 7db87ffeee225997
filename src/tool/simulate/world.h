// One copy of the shop under one policy: its stock, its visitors' memories, its takings.
#pragma once

#include <memory>
#include <vector>

#include "tool/simulate/behaviour.h"
#include "tool/simulate/policy.h"
#include "tool/simulate/shop.h"

namespace vitrine::simulate {

struct Tally {
  std::uint32_t visits = 0;
  std::uint32_t orders = 0;  // a visit has at most one: orders / visits is the conversion
  std::uint32_t items = 0;   // sold
  std::uint32_t clicks = 0;  // on what the policy showed
  std::uint32_t shown = 0;   // places of the policy's lists that were looked at
  double revenue = 0;        // EUR

  Tally& operator+=(const Tally& other);
  double conversion() const { return visits > 0 ? static_cast<double>(orders) / visits : 0; }
};

class World {
 public:
  // `policy` may be null: then nothing is recommended anywhere (the history). Shop and behaviour
  // outlive the world.
  World(const Shop& shop, const Behaviour& behaviour, std::unique_ptr<Policy> policy);

  // One visit from its first page to the end. Times of events are those of the visit, a page each
  // half minute. Errors are the policy's.
  Result<Tally> run(const Visit& visit);
  // The morning's delivery: what is below half goes up to full.
  Status deliver(TimeUs now);

  // Another world's stock and memories, before the first visit.
  void take_over(const World& other);
  Status begin(std::span<const ShopEvent> history) { return policy_->begin(stock_, history); }
  std::string_view name() const { return policy_->name(); }
  const std::vector<int>& stock() const { return stock_; }
  // What happened, where there is no policy to tell.
  std::vector<ShopEvent>& events() { return kept_; }

 private:
  class Walk;

  const Shop& shop_;
  const Behaviour& behaviour_;
  std::unique_ptr<Policy> policy_;
  std::vector<int> stock_;
  std::vector<Memory> memory_;  // by visitor
  std::vector<ShopEvent> kept_;
};

}  // namespace vitrine::simulate
