#include "domain/event/vocabulary.h"

#include <algorithm>
#include <array>

namespace vitrine::event {
namespace {

constexpr auto kSegment = Vocabulary::kSegment;
constexpr auto kGa4 = Vocabulary::kGa4;

constexpr std::array kTable{
    Synonym{kSegment, "Product Viewed", EventType::kDetailPageView},
    Synonym{kSegment, "Viewed Product", EventType::kDetailPageView},
    Synonym{kSegment, "Product Added", EventType::kAddToCart},
    Synonym{kSegment, "Added Product", EventType::kAddToCart},
    Synonym{kSegment, "Wishlist Product Added to Cart", EventType::kAddToCart},
    Synonym{kSegment, "Product Removed", EventType::kRemoveFromCart},
    Synonym{kSegment, "Removed Product", EventType::kRemoveFromCart},
    Synonym{kSegment, "Order Completed", EventType::kPurchaseComplete},
    Synonym{kSegment, "Completed Order", EventType::kPurchaseComplete},
    Synonym{kSegment, "Products Searched", EventType::kSearch},
    Synonym{kSegment, "Product List Viewed", EventType::kImpression},
    Synonym{kSegment, "Viewed Product Category", EventType::kImpression},
    Synonym{kSegment, "Product List Filtered", EventType::kImpression},
    Synonym{kSegment, "Product Clicked", EventType::kItemClick},
    Synonym{kSegment, "Clicked Product", EventType::kItemClick},
    Synonym{kSegment, "Order Refunded", EventType::kRefund},
    Synonym{kSegment, "Order Cancelled", EventType::kRefund},
    Synonym{kSegment, "Product Reviewed", EventType::kRating},
    Synonym{kSegment, "Email Sent", EventType::kMessageSent},
    Synonym{kSegment, "Email Delivered", EventType::kMessageDelivered},
    Synonym{kSegment, "Push Notification Received", EventType::kMessageDelivered},
    Synonym{kSegment, "Email Opened", EventType::kMessageOpen},
    Synonym{kSegment, "Email Link Clicked", EventType::kMessageClick},
    Synonym{kSegment, "Push Notification Tapped", EventType::kMessageClick},
    Synonym{kSegment, "Unsubscribed", EventType::kMessageUnsubscribe},
    Synonym{kGa4, "view_item", EventType::kDetailPageView},
    Synonym{kGa4, "add_to_cart", EventType::kAddToCart},
    Synonym{kGa4, "remove_from_cart", EventType::kRemoveFromCart},
    Synonym{kGa4, "purchase", EventType::kPurchaseComplete},
    Synonym{kGa4, "search", EventType::kSearch},
    Synonym{kGa4, "view_search_results", EventType::kSearch},
    Synonym{kGa4, "view_item_list", EventType::kImpression},
    Synonym{kGa4, "select_item", EventType::kItemClick},
    Synonym{kGa4, "refund", EventType::kRefund},
    Synonym{kGa4, "notification_receive", EventType::kMessageDelivered},
    Synonym{kGa4, "notification_open", EventType::kMessageOpen},
};

constexpr std::array<std::string_view, 7> kGa4Rest = {
    "add_payment_info", "add_shipping_info", "add_to_wishlist", "begin_checkout",
    "select_promotion", "view_cart",         "view_promotion"};

constexpr std::size_t kDeclaredBytesMax = 64;

}  // namespace

std::span<const Synonym> synonyms() { return kTable; }

std::span<const std::string_view> ga4_without_counterpart() { return kGa4Rest; }

bool is_ga4_without_counterpart(std::string_view name) {
  return std::ranges::find(kGa4Rest, name) != kGa4Rest.end();
}

std::string declared_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (out.size() == kDeclaredBytesMax) break;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out += c;
    } else if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  if (!out.empty() && (out.front() < 'a' || out.front() > 'z')) out.clear();
  return out;
}

}  // namespace vitrine::event
