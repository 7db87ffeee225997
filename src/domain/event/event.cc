#include "domain/event/event.h"

#include <algorithm>
#include <array>
#include <utility>

#include "domain/event/vocabulary.h"

namespace vitrine::event {
namespace {

// Index = value of the type.
constexpr std::array<std::string_view, 18> kNames = {
    "",
    "detail-page-view",
    "add-to-cart",
    "remove-from-cart",
    "purchase-complete",
    "search",
    "category-page-view",
    "home-page-view",
    "impression",
    "item-click",
    "refund",
    "rating",
    "dislike",
    "message-sent",
    "message-delivered",
    "message-open",
    "message-click",
    "message-unsubscribe",
};

}  // namespace

std::string_view event_type_name(EventType type) {
  const auto value = static_cast<std::size_t>(type);
  return value < kNames.size() ? kNames[value] : std::string_view{};
}

std::optional<EventType> find_event_type(std::string_view name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<EventType>(i);
  }
  const auto table = synonyms();
  const auto synonym = std::ranges::find(table, name, &Synonym::name);
  if (synonym == table.end()) return std::nullopt;
  return synonym->type;
}

bool is_event_type(std::uint8_t value) {
  return (value >= 1 && value < kNames.size()) ||
         value == static_cast<std::uint8_t>(EventType::kCustom);
}

bool needs_items(EventType type) {
  switch (type) {
    case EventType::kDetailPageView:
    case EventType::kAddToCart:
    case EventType::kRemoveFromCart:
    case EventType::kPurchaseComplete:
    case EventType::kImpression:
    case EventType::kItemClick:
    case EventType::kRefund:
    case EventType::kRating:
    case EventType::kDislike: return true;
    default: return false;
  }
}

}  // namespace vitrine::event
