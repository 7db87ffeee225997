// What happened in a shop: one visitor, one moment, some items.
//
// An Event owns nothing: its strings are views into the parser that read it (event_json.h) or
// into the log record it was decoded from (event_codec.h), and live as long as those.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace vitrine::event {

// Values are on disk: add, never renumber.
enum class EventType : std::uint8_t {
  kDetailPageView = 1,
  kAddToCart = 2,
  kRemoveFromCart = 3,
  kPurchaseComplete = 4,
  kSearch = 5,
  kCategoryPageView = 6,
  kHomePageView = 7,
  kImpression = 8,
  kItemClick = 9,
  kRefund = 10,
  kRating = 11,
  kDislike = 12,
  kMessageSent = 13,
  kMessageDelivered = 14,
  kMessageOpen = 15,
  kMessageClick = 16,
  kMessageUnsubscribe = 17,
  kCustom = 255,  // a type the tenant declared; its name is in Event::custom_type
};

// "detail-page-view" and so on; empty for kCustom.
std::string_view event_type_name(EventType type);
// By the names above, or by the name the same happening has in another vocabulary (vocabulary.h):
// "Product Viewed", "view_item".
std::optional<EventType> find_event_type(std::string_view name);
// True for the values of EventType, kCustom included: a byte from a log may be anything.
bool is_event_type(std::uint8_t value);
// Does an event of this type mean nothing without an item?
bool needs_items(EventType type);

// Limits of one event, the same for every sender.
inline constexpr std::size_t kEventIdBytesMax = 128;
inline constexpr std::size_t kIdBytesMax = 256;  // users, items, variants, lists, sessions
inline constexpr std::size_t kItemsMax = 100;
inline constexpr std::size_t kObjectBytesMax = 8 << 10;  // each of transaction ... properties
inline constexpr std::size_t kObjectDepthMax = 8;  // brackets inside each other, its own included
inline constexpr std::size_t kEventBytesMax = 64 << 10;  // as stored (event_codec.h)
inline constexpr double kMoneyMax = 1e12;
inline constexpr double kQuantityMax = 1e6;
inline constexpr std::int32_t kListPositionMax = 1'000'000;
inline constexpr double kRatingMax = 5;

struct EventItem {
  std::string_view item_id{};     // 1..256 bytes of UTF-8 without control characters
  std::string_view variant_id{};  // may be empty
  std::optional<double> price{};  // of one unit, >= 0, in Event::currency
  double quantity = 1;            // > 0, <= 1e6
  std::int32_t position = -1;     // rank in the list it was seen in, from 0; -1 unknown
  std::string_view list_id{};     // may be empty

  friend bool operator==(const EventItem&, const EventItem&) = default;
};

struct Event {
  std::string_view event_id;  // 1..128 bytes; given by the sender, makes a retry harmless
  EventType type = EventType::kCustom;
  std::string_view custom_type;  // only with kCustom
  TimeUs event_time = 0;
  bool time_assigned = false;  // the sender gave no time, event_time is when it arrived
  std::string_view user_id;    // at least one of user_id, anonymous_id is not empty
  std::string_view anonymous_id;
  std::string_view session_id;
  std::vector<EventItem> items;
  std::optional<double> value;  // of the whole event: order total, rating 0..5 for kRating
  std::string_view currency;    // ISO 4217, three capitals, or empty
  // JSON objects without blanks between tokens, otherwise as sent: checked for depth and size but
  // not interpreted here; empty if absent.
  std::string_view transaction;
  std::string_view search;
  std::string_view page;
  std::string_view attribution;
  std::string_view context;
  std::string_view properties;

  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace vitrine::event
