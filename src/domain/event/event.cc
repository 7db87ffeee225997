#include "domain/event/event.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vitrine::event {
namespace {

struct Name {
  std::string_view name;
  EventType type;
};

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

// Segment's e-commerce and email specifications, then GA4's recommended events. Those of their
// names that have no counterpart here (checkout steps, promotions) can be declared as custom types.
constexpr std::array<Name, 25> kSynonyms = {{
    {"Product Viewed", EventType::kDetailPageView},
    {"Product Added", EventType::kAddToCart},
    {"Product Removed", EventType::kRemoveFromCart},
    {"Order Completed", EventType::kPurchaseComplete},
    {"Products Searched", EventType::kSearch},
    {"Product List Viewed", EventType::kImpression},
    {"Product Clicked", EventType::kItemClick},
    {"Order Refunded", EventType::kRefund},
    {"Product Reviewed", EventType::kRating},
    {"Email Sent", EventType::kMessageSent},
    {"Email Delivered", EventType::kMessageDelivered},
    {"Email Opened", EventType::kMessageOpen},
    {"Email Link Clicked", EventType::kMessageClick},
    {"Unsubscribed", EventType::kMessageUnsubscribe},
    {"Push Notification Received", EventType::kMessageDelivered},
    {"Push Notification Tapped", EventType::kMessageClick},
    {"view_item", EventType::kDetailPageView},
    {"add_to_cart", EventType::kAddToCart},
    {"remove_from_cart", EventType::kRemoveFromCart},
    {"purchase", EventType::kPurchaseComplete},
    {"view_search_results", EventType::kSearch},
    {"view_item_list", EventType::kImpression},
    {"select_item", EventType::kItemClick},
    {"notification_receive", EventType::kMessageDelivered},
    {"notification_open", EventType::kMessageOpen},
}};

}  // namespace

std::string_view event_type_name(EventType type) {
  const auto value = static_cast<std::size_t>(type);
  return value < kNames.size() ? kNames[value] : std::string_view{};
}

std::optional<EventType> find_event_type(std::string_view name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<EventType>(i);
  }
  const auto* synonym = std::ranges::find(kSynonyms, name, &Name::name);
  if (synonym == kSynonyms.end()) return std::nullopt;
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
