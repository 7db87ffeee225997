#include "domain/profile/interaction.h"

#include <algorithm>

namespace vitrine::profile {

using event::EventType;

namespace {

constexpr double kLowestPositiveRating = 3;
constexpr double kHighestRating = 5;

Interaction classify_rating(std::optional<double> value) {
  if (!value) return {1, kPositive};
  // Written so that NaN, which no comparison accepts, is not taken for praise.
  if (!(*value >= kLowestPositiveRating)) return {0, kNegative};
  return {static_cast<float>(std::min(*value, kHighestRating)), kPositive};
}

}  // namespace

Interaction classify(EventType type, std::optional<double> value) {
  switch (type) {
    case EventType::kDetailPageView:
    case EventType::kItemClick:
    case EventType::kMessageClick: return {1, kPositive};
    case EventType::kAddToCart: return {3, kPositive};
    case EventType::kPurchaseComplete: return {5, kPositive | kBought};
    case EventType::kRating: return classify_rating(value);
    case EventType::kDislike:
    case EventType::kRefund: return {0, kNegative};
    case EventType::kRemoveFromCart:
    case EventType::kSearch:
    case EventType::kCategoryPageView:
    case EventType::kHomePageView:
    case EventType::kImpression:
    case EventType::kMessageSent:
    case EventType::kMessageDelivered:
    case EventType::kMessageOpen:
    case EventType::kMessageUnsubscribe:
    case EventType::kCustom: break;
  }
  return {};
}

HistoryEntry make_entry(ItemIndex item, TimeUs event_time, EventType type,
                        std::optional<double> value, bool imported) {
  std::uint8_t flags = classify(type, value).flags;
  if (imported) flags |= kImported;
  return HistoryEntry::make(item, event_time, type, flags);
}

float entry_weight(const HistoryEntry& entry) {
  if (!entry.positive()) return 0;
  return entry.type == EventType::kRating ? 4 : classify(entry.type).weight;
}

}  // namespace vitrine::profile
