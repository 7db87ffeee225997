// One JSON event, as a shop sends it, to an Event, checked. And back.
//
//   {"event_id": "01J...", "type": "add-to-cart", "event_time": "2026-11-22T16:10:43.5Z",
//    "user": {"user_id": "u1", "anonymous_id": "a1", "session_id": "s1"},
//    "items": [{"item_id": "sku-1", "variant_id": "red", "quantity": 2, "price": 9.5,
//               "position": 0, "list_id": "home"}],
//    "value": 19, "currency": "EUR", "transaction": {}, "search": {"query": "shoes"}, "page": {},
//    "attribution": {"request_id": "..."}, "context": {}, "properties": {}}
//
// Rules (limits in event.h):
// - event_id and type are required, and user_id or anonymous_id; items where needs_items(type);
//   search.query for search; value 0..5 for rating; attribution.message_id for message-*.
// - event_time is RFC 3339 or epoch seconds or milliseconds; absent means now.
// - Ids are text that is what it looks like (platform/codec/plain_text.h). They are compared byte
//   by byte, no normal form is made: a shop that writes an umlaut now in one way, now in
//   another has two items.
// - page.url, page.referrer, context.locale, context.timezone have their shape (shapes.h), where
//   they are not empty; the rest of the objects is not looked at.
// - null is the same as absent. A field given twice is an error, and so is a name given twice in
//   one of the objects, at any depth, or by a parameter of GA4 and in the object it goes into.
// - Unknown fields of the event, of user and of an item are errors, because a misspelt field that
//   is dropped silently costs a shop weeks of data. Own data goes into properties{}, which, like
//   transaction, search, page, attribution and context, is kept as it is.
// - GA4's names of parameters are taken where ours are not given (`name` and `params`, or beside
//   type): docs/api/events.md has the table of what each becomes.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/event/event.h"

namespace simdjson::dom {
class element;
}

namespace vitrine::codec {
class JsonWriter;
}

namespace vitrine::event {

// Why one event of a batch is not taken. The names (reject_code_name) are API: add, never rename.
enum class RejectCode : std::uint8_t {
  kMissingField,
  kUnknownField,
  kDuplicateField,
  kWrongType,    // of the value: a number where a string must be
  kUnknownType,  // of the event, neither built in nor declared by the tenant
  kOutOfRange,
  kInvalidId,  // empty, or with control or invisible characters, or markup
  kIdTooLong,
  kInvalidTime,
  kTimeTooOld,
  kTimeInFuture,
  kInvalidCurrency,
  kTooManyItems,
  kTooDeep,
  kTooLarge,
  kInvalidUtf8,
  kInvalidNumber,
  kInvalidJson,
  kEventIdConflict,  // the id was used for another event
  kUsersLimit,       // of somebody who is one user too many
  kInvalidUrl,       // page.url, page.referrer
  kInvalidLocale,    // context.locale
  kInvalidTimezone,  // context.timezone
};
inline constexpr std::size_t kRejectCodes = 23;

// "missing_field" and so on.
std::string_view reject_code_name(RejectCode code);

struct Rejection {
  RejectCode code = RejectCode::kInvalidJson;
  std::string detail;  // where, what is wrong, what to do: for the developer of the shop
};

// The names of the custom event types a tenant has declared.
using TypeNames = std::set<std::string, std::less<>>;

inline constexpr TimeUs kLiveAgeMax = 72 * kHourUs;
inline constexpr TimeUs kLiveAheadMax = 10 * kMinuteUs;

struct EventRules {
  TimeUs now = 0;     // event_time of an event without one
  TimeUs oldest = 0;  // inclusive bounds of event_time
  TimeUs newest = 0;
  const TypeNames* custom_types = nullptr;  // none if null; must outlive the use

  // At most 72 hours old and 10 minutes ahead.
  static EventRules live(TimeUs now, const TypeNames* custom_types = nullptr);
  // Any time of the years 1900 to 2200.
  static EventRules imported(TimeUs now, const TypeNames* custom_types = nullptr);
};

// Reads events. Not thread-safe; one per thread; keeps its buffers. About 0.5 us for 200 bytes.
class EventReader {
 public:
  EventReader();
  ~EventReader();
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // Reads one event from its JSON text. True: `out` holds it, with views that live until the next
  // read. False: `why` says why not. `readable_behind`: bytes behind `json` that may be read
  // (64 spare a copy).
  bool read(std::string_view json, std::size_t readable_behind, const EventRules& rules, Event& out,
            Rejection& why);

  // The same for an element of a document parsed elsewhere, which must outlive the views.
  bool read(const simdjson::dom::element& json, const EventRules& rules, Event& out,
            Rejection& why);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes `event` in the form EventReader reads (event_time always included), for `log dump` and
// exports.
void write_event_json(const Event& event, codec::JsonWriter& json);

}  // namespace vitrine::event
