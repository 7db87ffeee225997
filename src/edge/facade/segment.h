// Messages of Segment's HTTP tracking API as events.
//
//   {"type": "track", "event": "Product Added", "userId": "u1", "anonymousId": "a1",
//    "messageId": "m1", "timestamp": "2026-11-22T16:10:43.5Z",
//    "properties": {"product_id": "sku-1", "price": 18.99, "quantity": 1}, "context": {...}}
//
// - track: the name by the table of synonyms (domain/event/vocabulary.h), or as a type that the
//   tenant declared (declared_name()); any other name is ignored.
// - page: a home-page-view if its path is "/" or its name "Home", a category-page-view if it has a
//   category; else ignored. screen likewise.
// - identify, group and alias are changes of users: segment_people.h.
// - messageId becomes event_id, so that what a client library sends again counts once. Without one
//   the message gets an id of its own.
// - timestamp becomes event_time. Clocks are not corrected by sentAt: a repeated message
//   would then be another one.
// - Products: product_id, or sku where there is none, is item_id; variant, price, quantity as they
//   are; position counts from 1 there and from 0 here; the list's list_id is that of each product.
//   What describes a product (name, brand, url) is the catalog's business.
// - total, else value, else revenue is value. order_id, tax, shipping, discount, coupon and
//   the like are transaction{}. query, filters, sorts are search{}. email_id is message_id.
// - What is left of properties is kept in properties{}.
// Numbers may be strings. Whatever is then wrong is found by EventReader, message by message.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "edge/facade/translation.h"

namespace vitrine::facade {

enum class SegmentCall { kTrack, kPage, kScreen, kIdentify, kGroup, kAlias, kBatch };

inline constexpr std::size_t kSegmentMessagesMax = 1000;

// `call` says what the body is: one message, or {"batch": [...]} whose messages name their type. An
// error refuses the request: kInvalidArgument (no JSON, no object, no batch), kTooLarge (more than
// kSegmentMessagesMax messages).
Result<Translation> translate_segment(SegmentCall call, std::string_view body,
                                      std::size_t readable_behind,
                                      const TranslationContext& context);

}  // namespace vitrine::facade
