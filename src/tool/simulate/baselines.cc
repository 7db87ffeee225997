#include "tool/simulate/baselines.h"

#include <algorithm>
#include <cmath>

#include "tool/simulate/dice.h"

namespace vitrine::simulate {
namespace {

constexpr std::size_t kMetMost = 20;     // earlier items that a new one is paired with
constexpr std::size_t kAskedItems = 10;  // of the visitor, at home

double weight_of(EventType type) {
  switch (type) {
    case EventType::kView: return 1;
    case EventType::kCart: return 3;
    case EventType::kPurchase: return 5;
    case EventType::kHomeView:
    case EventType::kCategoryView:
    case EventType::kImpression: break;
  }
  return 0;
}

bool contains(std::span<const ItemNo> items, ItemNo item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

}  // namespace

Status LocalPolicy::begin(std::span<const int> stock, std::span<const ShopEvent> history) {
  stock_.assign(stock.begin(), stock.end());
  bought_.resize(shop_.visitors.size());
  return observe(history);
}

Status LocalPolicy::observe(std::span<const ShopEvent> events) {
  for (const ShopEvent& event : events) {
    if (event.type == EventType::kPurchase) {
      for (const ItemNo item : event.items) {
        if (!bought(event.visitor, item)) bought_[event.visitor].push_back(item);
      }
    }
    learn(event);
  }
  return ok_status();
}

Status LocalPolicy::set_stock(ItemNo item, int stock, TimeUs) {
  stock_[item] = stock;
  return ok_status();
}

bool LocalPolicy::may_show(const Question& question, ItemNo item,
                           const std::vector<ItemNo>& out) const {
  if (stock_[item] <= 0 || contains(question.cart, item) || contains(out, item)) return false;
  return question.page != Page::kItem || item != question.about;
}

bool LocalPolicy::bought(VisitorNo visitor, ItemNo item) const {
  return contains(bought_[visitor], item);
}

Status RandomPolicy::show(const Question& question, std::vector<ItemNo>& out) {
  out.clear();
  for (int tries = 0; out.size() < question.limit && tries < 10'000; ++tries) {
    const double u = unit_of(name_hash(shop_.options.seed, 7, ++draws_));
    const auto item = static_cast<ItemNo>(u * static_cast<double>(shop_.items.size()));
    if (may_show(question, item, out)) out.push_back(item);
  }
  return ok_status();
}

PopularityPolicy::PopularityPolicy(const Shop& shop) : LocalPolicy(shop), counts_(7 * kDayUs) {
  counts_.add(ItemIndex{static_cast<std::uint32_t>(shop.items.size() - 1)}, 0, 0);
}

void PopularityPolicy::learn(const ShopEvent& event) {
  const double weight = weight_of(event.type);
  if (weight == 0) return;
  for (const ItemNo item : event.items) counts_.add(ItemIndex{item}, weight, event.time);
}

void PopularityPolicy::fill_up(const Question& question, bool same_category,
                               std::vector<ItemNo>& out) const {
  counts_.for_each_from_top([&](ItemIndex index) {
    if (out.size() == question.limit) return false;
    const ItemNo item = index.value;
    const bool fits =
        !same_category || shop_.items[item].category == shop_.items[question.about].category;
    if (fits && may_show(question, item, out) && !bought(question.visitor, item))
      out.push_back(item);
    return true;
  });
}

Status PopularityPolicy::show(const Question& question, std::vector<ItemNo>& out) {
  out.clear();
  if (question.page == Page::kItem) fill_up(question, true, out);
  fill_up(question, false, out);
  return ok_status();
}

ItemItemPolicy::ItemItemPolicy(const Shop& shop)
    : PopularityPolicy(shop),
      together_(shop.items.size() * shop.items.size()),
      count_(shop.items.size()),
      met_(shop.visitors.size()),
      latest_(shop.visitors.size()) {}

void ItemItemPolicy::learn(const ShopEvent& event) {
  PopularityPolicy::learn(event);
  if (weight_of(event.type) == 0) return;
  for (const ItemNo item : event.items) meet(event.visitor, item);
}

void ItemItemPolicy::meet(VisitorNo visitor, ItemNo item) {
  auto& latest = latest_[visitor];
  std::erase(latest, item);
  latest.push_back(item);
  auto& met = met_[visitor];
  if (contains(met, item)) return;
  ++count_[item];
  const std::size_t n = shop_.items.size();
  for (std::size_t i = met.size() - std::min(met.size(), kMetMost); i < met.size(); ++i) {
    ++together_[item * n + met[i]];
    ++together_[met[i] * n + item];
  }
  met.push_back(item);
}

Status ItemItemPolicy::show(const Question& question, std::vector<ItemNo>& out) {
  std::vector<ItemNo> asked;
  if (question.page == Page::kItem) {
    asked = {question.about};
  } else if (question.page == Page::kCart) {
    asked.assign(question.cart.begin(), question.cart.end());
  } else {
    const auto& latest = latest_[question.visitor];
    const std::size_t from = latest.size() - std::min(latest.size(), kAskedItems);
    asked.assign(latest.begin() + static_cast<std::ptrdiff_t>(from), latest.end());
  }
  out.clear();
  scored_.clear();
  const std::size_t n = shop_.items.size();
  for (ItemNo item = 0; item < n; ++item) {
    double score = 0;
    for (const ItemNo one : asked) {
      const double together = static_cast<double>(together_[one * n + item]);
      if (together > 0)
        score += together / std::sqrt(static_cast<double>(count_[one] * count_[item]));
    }
    if (score > 0 && !contains(asked, item) && !bought(question.visitor, item) &&
        may_show(question, item, out)) {
      scored_.emplace_back(-score, item);
    }
  }
  const std::size_t k = std::min(question.limit, scored_.size());
  std::partial_sort(scored_.begin(), scored_.begin() + static_cast<std::ptrdiff_t>(k),
                    scored_.end());
  for (std::size_t i = 0; i < k; ++i) out.push_back(scored_[i].second);
  if (question.page == Page::kItem) fill_up(question, true, out);
  fill_up(question, false, out);
  return ok_status();
}

Status OraclePolicy::show(const Question& question, std::vector<ItemNo>& out) {
  out.clear();
  scored_.clear();
  for (ItemNo item = 0; item < shop_.items.size(); ++item) {
    if (!may_show(question, item, out)) continue;
    const double gain = sigmoid(question.mind->click_logit(item, question.now)) *
                        question.mind->buy_chance(item, question.now);
    scored_.emplace_back(-gain, item);
  }
  const std::size_t k = std::min(question.limit, scored_.size());
  std::partial_sort(scored_.begin(), scored_.begin() + static_cast<std::ptrdiff_t>(k),
                    scored_.end());
  for (std::size_t i = 0; i < k; ++i) out.push_back(scored_[i].second);
  return ok_status();
}

}  // namespace vitrine::simulate
