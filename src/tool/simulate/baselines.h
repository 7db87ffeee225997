// The policies that Vitrine is compared with. All run within the simulator, on the same events as
// Vitrine gets; none shows what is sold out, and all but random leave out what the visitor bought.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/counters/counters.h"
#include "tool/simulate/policy.h"

namespace vitrine::simulate {

// What they share: stock, and who bought and viewed what.
class LocalPolicy : public Policy {
 public:
  explicit LocalPolicy(const Shop& shop) : shop_(shop) {}
  Status begin(std::span<const int> stock, std::span<const ShopEvent> history) override;
  Status observe(std::span<const ShopEvent> events) override;
  Status set_stock(ItemNo item, int stock, TimeUs now) override;

 protected:
  virtual void learn(const ShopEvent&) {}
  // In stock, not what the page is about, not in the cart, not in `out`.
  bool may_show(const Question& question, ItemNo item, const std::vector<ItemNo>& out) const;
  bool bought(VisitorNo visitor, ItemNo item) const;

  const Shop& shop_;
  std::vector<int> stock_;
  std::vector<std::vector<ItemNo>> bought_;  // by visitor
};

// Any items.
class RandomPolicy final : public LocalPolicy {
 public:
  explicit RandomPolicy(const Shop& shop) : LocalPolicy(shop) {}
  std::string_view name() const override { return "random"; }
  Status show(const Question& question, std::vector<ItemNo>& out) override;

 private:
  std::uint64_t draws_ = 0;
};

// Bestsellers: views 1, carts 3, purchases 5, with a half-life of a week. On an item's page those
// of its category.
class PopularityPolicy : public LocalPolicy {
 public:
  explicit PopularityPolicy(const Shop& shop);
  std::string_view name() const override { return "popularity"; }
  Status show(const Question& question, std::vector<ItemNo>& out) override;

 protected:
  void learn(const ShopEvent& event) override;
  void fill_up(const Question& question, bool same_category, std::vector<ItemNo>& out) const;

 private:
  counters::Counters counts_;
};

// "Visitors who looked at this also looked at": cosine of the items' sets of visitors (Linden,
// Smith, York, "Amazon.com recommendations", 2003), at once from each event, over each visitor's
// last 20 items; asked for the visitor's last 10 items at home, for the item on its page, for the
// cart. Filled up with popularity.
class ItemItemPolicy final : public PopularityPolicy {
 public:
  explicit ItemItemPolicy(const Shop& shop);
  std::string_view name() const override { return "item-item"; }
  Status show(const Question& question, std::vector<ItemNo>& out) override;

 private:
  void learn(const ShopEvent& event) override;
  void meet(VisitorNo visitor, ItemNo item);

  std::vector<float> together_;              // items x items, symmetric
  std::vector<float> count_;                 // visitors of an item
  std::vector<std::vector<ItemNo>> met_;     // by visitor, in order of first meeting
  std::vector<std::vector<ItemNo>> latest_;  // by visitor, newest last, each once
  std::vector<std::pair<double, ItemNo>> scored_;
};

// Knows taste, need and what the visitor came for, and shows what is most likely to be clicked and
// bought at once: greedy, so a bound for each page, not quite for a whole visit.
class OraclePolicy final : public LocalPolicy {
 public:
  explicit OraclePolicy(const Shop& shop) : LocalPolicy(shop) {}
  std::string_view name() const override { return "oracle"; }
  Status show(const Question& question, std::vector<ItemNo>& out) override;

 private:
  std::vector<std::pair<double, ItemNo>> scored_;
};

}  // namespace vitrine::simulate
