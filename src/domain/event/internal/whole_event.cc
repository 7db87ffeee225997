#include "domain/event/internal/whole_event.h"

#include "domain/event/event_codec.h"
#include "domain/event/internal/rejecting.h"

namespace vitrine::event::internal {
namespace {

bool check_type_rules(const Event& event, const ReadFacts& facts, Rejection& why) {
  switch (event.type) {
    case EventType::kSearch:
      if (event.search.empty() || !facts.has_query) {
        return missing("search.query is missing: the text that was searched for", why);
      }
      return true;
    case EventType::kRating:
      if (!event.value) return missing("value is missing: the rating, 0 to 5", why);
      if (*event.value <= kRatingMax) return true;
      return reject(RejectCode::kOutOfRange, "value of a rating must be 0 to 5", why);
    case EventType::kMessageSent:
    case EventType::kMessageDelivered:
    case EventType::kMessageOpen:
    case EventType::kMessageClick:
    case EventType::kMessageUnsubscribe:
      if (event.attribution.empty() || !facts.has_message_id) {
        return missing("attribution.message_id is missing: the message this is about", why);
      }
      return true;
    default: return true;
  }
}

// Only items can make an event larger than its limit: each object has one of its own.
bool check_size(const Event& event, const ReadFacts& facts, Rejection& why) {
  std::size_t bytes = facts.object_bytes + 2048;
  for (const auto& item : event.items) {
    bytes += item.item_id.size() + item.variant_id.size() + item.list_id.size() + 32;
  }
  if (bytes <= kEventBytesMax) return true;
  std::string encoded;  // the sum above is a bound, near the limit only the truth will do
  encode_event(event, encoded);
  if (encoded.size() <= kEventBytesMax) return true;
  return reject(RejectCode::kTooLarge,
                "the event takes more than " + std::to_string(kEventBytesMax) +
                    " bytes: send fewer items or less properties",
                why);
}

}  // namespace

bool check_whole(Event& event, const EventRules& rules, const ReadFacts& facts, Rejection& why) {
  if (event.event_id.empty()) {
    return missing("event_id is missing: give each event an id of its own, it makes retries safe",
                   why);
  }
  if (event.type == EventType::kCustom && event.custom_type.empty()) {
    return missing("type is missing", why);
  }
  if (!facts.has_time) {
    event.event_time = rules.now;
    event.time_assigned = true;
  }
  if (event.user_id.empty() && event.anonymous_id.empty()) {
    return missing("user.user_id or user.anonymous_id is missing: at least one must be given", why);
  }
  if (event.items.empty() && needs_items(event.type)) {
    return missing("items is missing: an event of type " +
                       std::string(event_type_name(event.type)) + " is about at least one item",
                   why);
  }
  return check_type_rules(event, facts, why) && check_size(event, facts, why);
}

}  // namespace vitrine::event::internal
