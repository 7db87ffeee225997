// The fields of an event in our own form, and their names. Needed by everything that reads one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vitrine::event::internal {

enum Field : std::uint32_t {
  kEventId,
  kType,
  kEventTime,
  kUser,
  kItems,
  kValue,
  kCurrency,
  kTransaction,  // the first of the objects
  kSearch,
  kPage,
  kAttribution,
  kContext,
  kProperties,  // the last of them
  kUserId,
  kAnonymousId,
  kSessionId,
  kItemId,
  kVariantId,
  kQuantity,
  kPrice,
  kPosition,
  kListId,
  kParams,
  kNoField,
};

inline constexpr std::array<std::string_view, kNoField> kFieldNames = {
    "event_id",   "type",        "event_time",   "user",       "items",       "value",
    "currency",   "transaction", "search",       "page",       "attribution", "context",
    "properties", "user_id",     "anonymous_id", "session_id", "item_id",     "variant_id",
    "quantity",   "price",       "position",     "list_id",    "params"};

// The objects an event may have, kTransaction to kProperties, as an index from 0.
inline constexpr std::size_t kObjects = kProperties - kTransaction + 1;
constexpr std::size_t object_index(Field object) { return object - kTransaction; }

// Which of the fields first..last (inclusive) is called `key`. Names differ in length or soon
// after, so that this is a handful of comparisons of lengths and one of bytes.
inline Field find_field(std::string_view key, Field first, Field last) {
  for (std::uint32_t f = first; f <= last; ++f) {
    if (kFieldNames[f].size() == key.size() && kFieldNames[f] == key) return static_cast<Field>(f);
  }
  return kNoField;
}

}  // namespace vitrine::event::internal
