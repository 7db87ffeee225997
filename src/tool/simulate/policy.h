// Who decides what is shown.
//
// A policy sees what a real shop's recommender sees: the catalog without tastes, and the events.
// Only the oracle also looks into the visitor's mind.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tool/simulate/behaviour.h"

namespace vitrine::simulate {

enum class Page { kHome, kItem, kCart };

enum class EventType { kHomeView, kCategoryView, kImpression, kView, kCart, kPurchase };

struct ShopEvent {
  EventType type;
  VisitorNo visitor;
  TimeUs time;
  std::vector<ItemNo> items;  // shown, viewed, put into the cart, bought
  Page page = Page::kHome;    // of an impression
};

struct Question {
  Page page;
  VisitorNo visitor;
  TimeUs now;
  ItemNo about = 0;              // of kItem
  std::span<const ItemNo> cart;  // what is in the cart now
  std::size_t limit;
  const Mind* mind;  // the oracle's alone
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;

  // Before the first question: the catalog with its stock, and the events of the history.
  virtual Status begin(std::span<const int> stock, std::span<const ShopEvent> history) = 0;
  // Up to `limit` different items, best first, none of them in the cart or what the page is about.
  virtual Status show(const Question& question, std::vector<ItemNo>& out) = 0;
  // What happened on the last page, in order of time; before the next question.
  virtual Status observe(std::span<const ShopEvent> events) = 0;
  virtual Status set_stock(ItemNo item, int stock, TimeUs now) = 0;
};

}  // namespace vitrine::simulate
