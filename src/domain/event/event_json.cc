#include "domain/event/event_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <simdjson.h>

#include "base/check.h"
#include "domain/event/consent.h"
#include "domain/event/event_codec.h"
#include "domain/event/shapes.h"
#include "domain/event/vocabulary.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/plain_text.h"
#include "platform/codec/time_format.h"
#include "platform/codec/utf8.h"

namespace vitrine::event {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::array<std::string_view, kRejectCodes> kRejectNames = {
    "missing_field",  "unknown_field",    "duplicate_field", "wrong_type",        "unknown_type",
    "out_of_range",   "invalid_id",       "id_too_long",     "invalid_time",      "time_too_old",
    "time_in_future", "invalid_currency", "too_many_items",  "too_deep",          "too_large",
    "invalid_utf8",   "invalid_number",   "invalid_json",    "event_id_conflict", "users_limit",
    "invalid_url",    "invalid_locale",   "invalid_timezone"};

enum Field : std::uint32_t {
  kEventId,
  kType,
  kEventTime,
  kUser,
  kItems,
  kValue,
  kCurrency,
  kTransaction,
  kSearch,
  kPage,
  kAttribution,
  kContext,
  kProperties,
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

constexpr std::array<std::string_view, kNoField> kFieldNames = {
    "event_id",   "type",        "event_time",   "user",       "items",       "value",
    "currency",   "transaction", "search",       "page",       "attribution", "context",
    "properties", "user_id",     "anonymous_id", "session_id", "item_id",     "variant_id",
    "quantity",   "price",       "position",     "list_id",    "params"};

// Which of the fields first..last (inclusive) is called `key`. Names differ in length or soon
// after, so that this is a handful of comparisons of lengths and one of bytes.
Field find_field(std::string_view key, Field first, Field last) {
  for (std::uint32_t f = first; f <= last; ++f) {
    if (kFieldNames[f].size() == key.size() && kFieldNames[f] == key) return static_cast<Field>(f);
  }
  return kNoField;
}

// What GA4 calls a thing, and the place it has here. Looked at only where a name is none of ours.
struct Ga4Name {
  std::string_view name;
  Field place;
  std::string_view key{};  // within an object
};

// Parameters of an event. The rest of `params` goes into properties as well, but beside `type` only
// these are taken, so that a misspelt field is noticed.
constexpr std::array kGa4OfEvent{
    Ga4Name{"transaction_id", kTransaction, "order_id"},
    Ga4Name{"tax", kTransaction, "tax"},
    Ga4Name{"shipping", kTransaction, "shipping"},
    Ga4Name{"coupon", kTransaction, "coupon"},
    Ga4Name{"affiliation", kTransaction, "affiliation"},
    Ga4Name{"payment_type", kTransaction, "payment_type"},
    Ga4Name{"shipping_tier", kTransaction, "shipping_tier"},
    Ga4Name{"customer_type", kTransaction, "customer_type"},
    Ga4Name{"search_term", kSearch, "query"},
    Ga4Name{"item_list_id", kListId},
    Ga4Name{"item_list_name", kProperties, "item_list_name"},
    Ga4Name{"promotion_id", kProperties, "promotion_id"},
    Ga4Name{"promotion_name", kProperties, "promotion_name"},
    Ga4Name{"creative_name", kProperties, "creative_name"},
    Ga4Name{"creative_slot", kProperties, "creative_slot"},
};

// Parameters of an item. kNoField: the catalog describes the item, what the event says is dropped.
constexpr std::array kGa4OfItem{
    Ga4Name{"index", kPosition},         Ga4Name{"item_variant", kVariantId},
    Ga4Name{"item_list_id", kListId},    Ga4Name{"item_name", kNoField},
    Ga4Name{"item_brand", kNoField},     Ga4Name{"item_category", kNoField},
    Ga4Name{"item_category2", kNoField}, Ga4Name{"item_category3", kNoField},
    Ga4Name{"item_category4", kNoField}, Ga4Name{"item_category5", kNoField},
    Ga4Name{"item_list_name", kNoField}, Ga4Name{"affiliation", kNoField},
    Ga4Name{"coupon", kNoField},         Ga4Name{"discount", kNoField},
    Ga4Name{"location_id", kNoField},    Ga4Name{"promotion_id", kNoField},
    Ga4Name{"promotion_name", kNoField}, Ga4Name{"creative_name", kNoField},
    Ga4Name{"creative_slot", kNoField},  Ga4Name{"google_business_vertical", kNoField},
};

// Tags fill in what they don't know as "".
bool is_blank(const element& value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS && text.empty();
}

std::string_view type_name(element_type type) {
  switch (type) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

// Text a stranger sent, short enough for an answer.
std::string shown(std::string_view text) {
  constexpr std::size_t kShownBytes = 48;
  if (text.size() <= kShownBytes) return "'" + std::string(text) + "'";
  std::size_t end = kShownBytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return "'" + std::string(text.substr(0, end)) + "...'";
}

// Where a developer who wrote this field at the top meant it to be; empty if we can't guess.
std::string_view place_of(std::string_view key) {
  if (key == "user_id" || key == "anonymous_id" || key == "session_id")
    return "it belongs into user{}";
  if (key == "item_id" || key == "quantity" || key == "price") return "it belongs into items[]";
  if (key == "timestamp" || key == "time") return "the time of an event is event_time";
  if (key == "event" || key == "event_type") return "what happened is type";
  if (key == "id") return "the id of an event is event_id";
  if (key == "query") return "it belongs into search{}";
  if (key == "request_id" || key == "placement") return "it belongs into attribution{}";
  return "put your own data into properties{}";
}

}  // namespace

std::string_view reject_code_name(RejectCode code) {
  return kRejectNames[static_cast<std::size_t>(code)];
}

EventRules EventRules::live(TimeUs now, const TypeNames* custom_types) {
  return {now, now - kLiveAgeMax, now + kLiveAheadMax, custom_types};
}

EventRules EventRules::imported(TimeUs now, const TypeNames* custom_types) {
  return {now, codec::days_from_civil(1900, 1, 1) * kDayUs,
          codec::days_from_civil(2201, 1, 1) * kDayUs - 1, custom_types};
}

// One event being read. Every function returns false after it has filled why_.
struct EventReader::State {
  codec::JsonParser parser;

  bool run(const element& json, const EventRules& rules, Event& out, Rejection& why) {
    rules_ = &rules;
    out_ = &out;
    why_ = &why;
    seen_ = 0;
    has_time_ = has_query_ = has_message_id_ = false;
    scratch_.clear();
    objects_ = {};
    clear(out);
    if (has_ga4_) forget_ga4();
    simdjson::dom::object object;
    if (json.get(object) != simdjson::SUCCESS) {
      return reject(RejectCode::kWrongType,
                    "an event is a JSON object, this is " + std::string(type_name(json.type())));
    }
    for (const auto field : object) {
      if (!top_field(field.key, field.value)) return false;
    }
    if (has_ga4_ && !merge_ga4()) return false;
    point_at_objects();
    return check_whole();
  }

 private:
  static void clear(Event& event) {
    std::vector<EventItem> items = std::move(event.items);
    items.clear();
    event = Event{};
    event.items = std::move(items);
  }

  bool reject(RejectCode code, std::string detail) {
    why_->code = code;
    why_->detail = std::move(detail);
    return false;
  }
  bool wrong_type(std::string_view where, std::string_view wanted, const element& got) {
    return reject(RejectCode::kWrongType, std::string(where) + " must be " + std::string(wanted) +
                                              ", this is " + std::string(type_name(got.type())));
  }
  // Marks a field as seen; false if it was before.
  bool once(Field field, std::uint32_t& seen) {
    const std::uint32_t bit = 1u << field;
    if ((seen & bit) != 0) {
      return reject(RejectCode::kDuplicateField,
                    std::string(kFieldNames[field]) + " is given twice");
    }
    seen |= bit;
    return true;
  }

  bool top_field(std::string_view key, const element& value) {
    const Field field = find_field(key, kEventId, kProperties);
    return field != kNoField ? known_field(field, value) : ga4_field(key, value);
  }

  bool known_field(Field field, const element& value) {
    if (!once(field, seen_)) return false;
    if (value.is_null()) return true;
    switch (field) {
      case kEventId: return id(value, "event_id", kEventIdBytesMax, out_->event_id);
      case kType: return type(value);
      case kEventTime: return time(value);
      case kUser: return user(value);
      case kItems: return items(value);
      case kValue: return optional_amount(value, "value", kMoneyMax, out_->value);
      case kCurrency: return currency(value);
      default: return object(field, value);
    }
  }

  // A field of an event that is none of ours.
  bool ga4_field(std::string_view key, const element& value) {
    if (key == "name") return known_field(kType, value);
    if (key == "params") return params(value);
    const auto known = std::ranges::find(kGa4OfEvent, key, &Ga4Name::name);
    if (known != kGa4OfEvent.end()) return parameter(*known, value);
    return reject(RejectCode::kUnknownField,
                  "an event has no field " + shown(key) + ": " + std::string(place_of(key)));
  }

  bool params(const element& value) {
    if (!once(kParams, seen_)) return false;
    if (value.is_null()) return true;
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return wrong_type("params", "an object", value);
    for (const auto field : object) {
      const Field ours = find_field(field.key, kItems, kCurrency);
      const auto known = std::ranges::find(kGa4OfEvent, field.key, &Ga4Name::name);
      const bool good = ours != kNoField             ? known_field(ours, field.value)
                        : known != kGa4OfEvent.end() ? parameter(*known, field.value)
                                                     : add(kProperties, field.key, field.value);
      if (!good) return false;
    }
    return true;
  }

  bool parameter(const Ga4Name& known, const element& value) {
    has_ga4_ = true;
    const std::uint32_t bit = 1u << (&known - kGa4OfEvent.data());
    if ((ga4_seen_ & bit) != 0) {
      return reject(RejectCode::kDuplicateField, std::string(known.name) + " is given twice");
    }
    ga4_seen_ |= bit;
    if (value.is_null()) return true;
    if (known.place == kListId) {
      return is_blank(value) || id(value, known.name, kIdBytesMax, ga4_list_id_);
    }
    if (known.place == kSearch) {
      if (!value.is_string()) return wrong_type(known.name, "a string", value);
      if (is_blank(value)) return true;
    }
    return add(known.place, known.key, value);
  }

  // Keeps a member for one of the objects until all of the event is read.
  bool add(Field place, std::string_view key, const element& value) {
    has_ga4_ = true;
    object_field_ = place;
    std::string member;
    {
      codec::JsonWriter json(member);
      json.begin_object();
      if (!copy_text(key, json, true) || !copy(value, json, 2)) return false;
      json.end_object();
    }
    std::string& members = ga4_members_[place - kTransaction];
    if (members.size() + member.size() > kObjectBytesMax + 2) return too_large();
    if (!members.empty()) members += ',';
    members.append(member, 1, member.size() - 2);  // without braces
    return true;
  }

  void forget_ga4() {
    has_ga4_ = false;
    ga4_seen_ = 0;
    ga4_list_id_ = {};
    for (auto& members : ga4_members_) members.clear();
  }

  // Puts what GA4's names said behind what our own objects said.
  bool merge_ga4() {
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      if (ga4_members_[i].empty()) continue;
      const Span own = objects_[i];
      object_field_ = static_cast<Field>(kTransaction + i);
      if (object_field_ == kSearch) {
        if (own.size > 0) {
          return reject(RejectCode::kDuplicateField,
                        "search and search_term are both given: what was searched for is one text");
        }
        has_query_ = true;
      }
      std::string whole = "{";
      if (own.size > 2) whole.append(scratch_, own.start + 1, own.size - 2) += ',';
      whole += ga4_members_[i];
      whole += '}';
      if (whole.size() > kObjectBytesMax) return too_large();
      objects_[i] = {scratch_.size(), whole.size()};
      scratch_ += whole;
    }
    if (ga4_list_id_.empty()) return true;
    for (EventItem& item : out_->items) {
      if (item.list_id.empty()) item.list_id = ga4_list_id_;
    }
    return true;
  }

  bool id(const element& value, std::string_view where, std::size_t bytes_max,
          std::string_view& out) {
    if (value.get(out) != simdjson::SUCCESS) {
      const bool is_number = value.is_number();
      return wrong_type(where, is_number ? "a string (put it in quotes)" : "a string", value);
    }
    if (out.empty()) return reject(RejectCode::kInvalidId, std::string(where) + " is empty");
    if (out.size() > bytes_max) {
      return reject(RejectCode::kIdTooLong, std::string(where) + " has " +
                                                std::to_string(out.size()) + " bytes, at most " +
                                                std::to_string(bytes_max) + " are allowed");
    }
    const codec::TextFault fault = codec::find_text_fault(out);
    if (fault == codec::TextFault::kNone) return true;
    const bool bytes = fault == codec::TextFault::kNotUtf8;
    return reject(bytes ? RejectCode::kInvalidUtf8 : RejectCode::kInvalidId,
                  std::string(where) + " " + std::string(codec::text_fault_name(fault)));
  }

  bool type(const element& value) {
    std::string_view name;
    if (value.get(name) != simdjson::SUCCESS) return wrong_type("type", "a string", value);
    if (const auto known = find_event_type(name)) {
      out_->type = *known;
      return true;
    }
    // The view goes into the tenant's own set, whose strings are checked when declared.
    if (rules_->custom_types != nullptr && rules_->custom_types->contains(name)) {
      out_->type = EventType::kCustom;
      out_->custom_type = name;
      return true;
    }
    if (is_ga4_without_counterpart(name)) return ga4_type(name);
    return reject(RejectCode::kUnknownType,
                  "type " + shown(name) +
                      " is neither built in (detail-page-view, add-to-cart, purchase-complete, "
                      "search, ...) nor declared by this tenant");
  }

  bool ga4_type(std::string_view name) {
    const std::string declared = declared_name(name);
    if (rules_->custom_types != nullptr) {
      const auto found = rules_->custom_types->find(declared);
      if (found != rules_->custom_types->end()) {
        out_->type = EventType::kCustom;
        out_->custom_type = *found;
        return true;
      }
    }
    return reject(RejectCode::kUnknownType, "type " + shown(name) +
                                                " of GA4 has no counterpart here; declare '" +
                                                declared + "' as an event type to keep it");
  }

  bool time(const element& value) {
    if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
      auto parsed = codec::parse_rfc3339(text);
      if (!parsed.ok()) {
        return reject(RejectCode::kInvalidTime, "event_time: " + parsed.error().message());
      }
      out_->event_time = parsed.value();
      return time_in_range();
    }
    if (double number = 0; value.get(number) == simdjson::SUCCESS) {
      const auto parsed = codec::time_from_epoch_number(number);
      if (!parsed) {
        return reject(RejectCode::kInvalidTime,
                      "event_time: as a number it is seconds or milliseconds since 1970");
      }
      out_->event_time = *parsed;
      return time_in_range();
    }
    return wrong_type("event_time", "a string like \"2026-11-22T16:10:43Z\" or a number", value);
  }

  bool time_in_range() {
    has_time_ = true;
    const TimeUs time = out_->event_time;
    if (time < rules_->oldest) {
      return reject(RejectCode::kTimeTooOld,
                    "event_time " + codec::format_rfc3339(time) + " is before " +
                        codec::format_rfc3339(rules_->oldest) +
                        ", the oldest taken here; use an import for history");
    }
    if (time > rules_->newest) {
      return reject(RejectCode::kTimeInFuture, "event_time " + codec::format_rfc3339(time) +
                                                   " is after " +
                                                   codec::format_rfc3339(rules_->newest) +
                                                   ", the latest taken here; check the clock");
    }
    return true;
  }

  bool user(const element& value) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) return wrong_type("user", "an object", value);
    for (const auto field : object) {
      const Field known = find_field(field.key, kUserId, kSessionId);
      if (known == kNoField) {
        return reject(RejectCode::kUnknownField,
                      "user has no field " + shown(field.key) +
                          ": it has user_id, anonymous_id, session_id; put your own data into "
                          "properties{}");
      }
      if (!once(known, seen_)) return false;
      if (field.value.is_null()) continue;
      std::string_view& out = known == kUserId        ? out_->user_id
                              : known == kAnonymousId ? out_->anonymous_id
                                                      : out_->session_id;
      const std::string_view where = known == kUserId        ? "user.user_id"
                                     : known == kAnonymousId ? "user.anonymous_id"
                                                             : "user.session_id";
      if (!id(field.value, where, kIdBytesMax, out)) return false;
    }
    return true;
  }

  bool items(const element& value) {
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return wrong_type("items", "an array", value);
    for (const auto json : array) {
      if (out_->items.size() == kItemsMax) {
        return reject(RejectCode::kTooManyItems,
                      "items has more than " + std::to_string(kItemsMax) + " entries");
      }
      if (!item(json)) {
        // Items are named when something is wrong, not before.
        why_->detail.insert(0, "items[" + std::to_string(out_->items.size() - 1) + "]: ");
        return false;
      }
    }
    return true;
  }

  bool item(const element& json) {
    EventItem& out = out_->items.emplace_back();
    simdjson::dom::object object;
    if (json.get(object) != simdjson::SUCCESS) return wrong_type("an item", "an object", json);
    std::uint32_t seen = 0;
    for (const auto field : object) {
      const Field known = find_field(field.key, kItemId, kListId);
      if (known == kNoField) {
        if (!ga4_item_field(field.key, field.value, seen, out)) return false;
        continue;
      }
      if (!once(known, seen)) return false;
      if (field.value.is_null()) continue;
      if (!item_field(known, field.value, out)) return false;
    }
    if (out.item_id.empty()) return reject(RejectCode::kMissingField, "item_id is missing");
    return true;
  }

  bool item_field(Field field, const element& value, EventItem& out) {
    switch (field) {
      case kItemId: return id(value, "item_id", kIdBytesMax, out.item_id);
      case kVariantId: return id(value, "variant_id", kIdBytesMax, out.variant_id);
      case kListId: return id(value, "list_id", kIdBytesMax, out.list_id);
      case kPrice: return optional_amount(value, "price", kMoneyMax, out.price);
      case kQuantity:
        if (!amount(value, "quantity", kQuantityMax, out.quantity)) return false;
        if (out.quantity > 0) return true;
        return reject(RejectCode::kOutOfRange, "quantity must be above 0");
      default: return position(value, "position", out.position);
    }
  }

  bool ga4_item_field(std::string_view key, const element& value, std::uint32_t& seen,
                      EventItem& out) {
    const auto known = std::ranges::find(kGa4OfItem, key, &Ga4Name::name);
    if (known == kGa4OfItem.end()) {
      return reject(RejectCode::kUnknownField,
                    "an item of an event has no field " + shown(key) +
                        ": what describes the item belongs into the catalog");
    }
    if (known->place == kNoField) return true;
    if (!once(known->place, seen)) return false;
    if (value.is_null() || is_blank(value)) return true;
    switch (known->place) {
      case kVariantId: return id(value, key, kIdBytesMax, out.variant_id);
      case kListId: return id(value, key, kIdBytesMax, out.list_id);
      default: return position(value, key, out.position);
    }
  }

  bool position(const element& value, std::string_view where, std::int32_t& out) {
    std::int64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS) {
      return wrong_type(where, "an integer from 0", value);
    }
    if (number < 0 || number > kListPositionMax) {
      return reject(RejectCode::kOutOfRange,
                    std::string(where) + " must be 0 to " + std::to_string(kListPositionMax));
    }
    out = static_cast<std::int32_t>(number);
    return true;
  }

  bool amount(const element& value, std::string_view where, double maximum, double& out) {
    if (value.get(out) != simdjson::SUCCESS) return wrong_type(where, "a number", value);
    if (!(out >= 0 && out <= maximum)) {
      std::string limit;
      codec::JsonWriter(limit).number(maximum).finish();
      return reject(RejectCode::kOutOfRange, std::string(where) + " must be 0 to " + limit);
    }
    out += 0.0;  // -0 becomes 0: equal events must have equal bytes
    return true;
  }

  bool optional_amount(const element& value, std::string_view where, double maximum,
                       std::optional<double>& out) {
    double number = 0;
    if (!amount(value, where, maximum, number)) return false;
    out = number;
    return true;
  }

  bool currency(const element& value) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong_type("currency", "a string", value);
    if (!is_currency(text)) {
      return reject(RejectCode::kInvalidCurrency,
                    "currency must be three capital letters of ISO 4217, like EUR");
    }
    out_->currency = text;
    return true;
  }

  // Copies an object into scratch_. The views into it are set at the end, when it grows no more.
  bool object(Field field, const element& value) {
    if (!value.is_object()) return wrong_type(kFieldNames[field], "an object", value);
    const std::size_t start = scratch_.size();
    object_field_ = field;
    codec::JsonWriter json(scratch_);
    if (!copy(value, json, 1)) return false;
    json.finish();
    objects_[field - kTransaction] = {start, scratch_.size() - start};
    if (field == kPage) return page(value);
    if (field == kContext) return consent(value) && place_and_time(value);
    return field != kSearch && field != kAttribution ? true : remember_required(field, value);
  }

  // A string that is there and not empty must have the shape; what is no string is refused.
  bool shaped(const element& object, std::string_view where, std::string_view key,
              bool (*has_shape)(std::string_view), RejectCode code, std::string_view must) {
    element value;
    if (object[key].get(value) != simdjson::SUCCESS || value.is_null()) return true;
    const std::string name = std::string(where) + "." + std::string(key);
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return wrong_type(name, "a string", value);
    if (text.empty() || has_shape(text)) return true;
    return reject(code, name + " must be " + std::string(must) + ", this is " + shown(text));
  }

  bool page(const element& value) {
    constexpr std::string_view kMust =
        "an http or https address (or android-app, ios-app) or a path that begins with /, of at "
        "most 4096 bytes, without blanks, quotes and angle brackets";
    return shaped(value, "page", "url", is_url, RejectCode::kInvalidUrl, kMust) &&
           shaped(value, "page", "referrer", is_url, RejectCode::kInvalidUrl, kMust);
  }

  bool place_and_time(const element& value) {
    return shaped(value, "context", "locale", is_locale, RejectCode::kInvalidLocale,
                  "a language tag like de or en-GB") &&
           shaped(value, "context", "timezone", is_timezone, RejectCode::kInvalidTimezone,
                  "a name like Europe/Berlin or an offset like +02:00");
  }

  // The one part of the context that is acted on. What is misspelt here would be done without
  // leave; objects are let through, other vocabularies have their own in it.
  bool consent(const element& context) {
    element given;
    if (context["consent"].get(given) != simdjson::SUCCESS || given.is_null()) return true;
    simdjson::dom::object purposes;
    if (given.get(purposes) != simdjson::SUCCESS) {
      return wrong_type("context.consent", "an object", given);
    }
    for (const auto [name, value] : purposes) {
      if (value.is_object()) continue;
      if (!find_purpose(name)) {
        return reject(RejectCode::kUnknownField,
                      "context.consent has no purpose " + shown(name) +
                          ": it has analytics, personalization and marketing");
      }
      if (!value.is_bool() && !value.is_null()) {
        return wrong_type("context.consent." + std::string(name), "true or false", value);
      }
    }
    return true;
  }

  bool too_large() {
    return reject(RejectCode::kTooLarge, std::string(kFieldNames[object_field_]) +
                                             " has more than " + std::to_string(kObjectBytesMax) +
                                             " bytes");
  }

  bool copy_text(std::string_view text, codec::JsonWriter& json, bool is_key) {
    if (text.size() > kObjectBytesMax) return too_large();
    // Escaped surrogates pass the parser alone; in our own text they would be invalid.
    if (!codec::is_valid_utf8(text)) {
      return reject(RejectCode::kInvalidUtf8,
                    std::string(kFieldNames[object_field_]) + " contains half of a surrogate pair");
    }
    if (is_key) {
      json.escaped_key(text);
    } else {
      json.string(text);
    }
    return true;
  }

  // Bounded by kObjectDepthMax.
  bool copy(const element& value, codec::JsonWriter& json, std::size_t depth) {  // NOLINT
    if (json.size() > kObjectBytesMax) return too_large();
    switch (value.type()) {
      case element_type::OBJECT: {
        if (depth > kObjectDepthMax) return too_deep();
        json.begin_object();
        const simdjson::dom::object object = value.get_object().value_unsafe();
        for (const auto field : object) {
          if (!copy_text(field.key, json, true)) return false;
          if (!copy(field.value, json, depth + 1)) return false;
        }
        json.end_object();
        break;
      }
      case element_type::ARRAY: {
        if (depth > kObjectDepthMax) return too_deep();
        json.begin_array();
        const simdjson::dom::array array = value.get_array().value_unsafe();
        for (const auto entry : array) {
          if (!copy(entry, json, depth + 1)) return false;
        }
        json.end_array();
        break;
      }
      case element_type::STRING:
        if (!copy_text(value.get_string().value_unsafe(), json, false)) return false;
        break;
      case element_type::INT64: json.number(value.get_int64().value_unsafe()); break;
      case element_type::UINT64: json.number(value.get_uint64().value_unsafe()); break;
      case element_type::DOUBLE: json.number(value.get_double().value_unsafe() + 0.0); break;
      case element_type::BOOL: json.boolean(value.get_bool().value_unsafe()); break;
      case element_type::NULL_VALUE: json.null(); break;
    }
    return json.size() <= kObjectBytesMax || too_large();
  }

  bool too_deep() {
    return reject(RejectCode::kTooDeep, std::string(kFieldNames[object_field_]) +
                                            " is nested more than " +
                                            std::to_string(kObjectDepthMax) + " levels deep");
  }

  // What check_whole() wants to know of an object, taken while its element is at hand.
  bool remember_required(Field field, const element& value) {
    std::string_view text;
    const std::string_view key = field == kSearch ? "query" : "message_id";
    const bool given = value[key].get(text) == simdjson::SUCCESS && !text.empty();
    (field == kSearch ? has_query_ : has_message_id_) = given;
    return true;
  }

  void point_at_objects() {
    const std::array<std::string_view*, 6> views = {&out_->transaction, &out_->search,
                                                    &out_->page,        &out_->attribution,
                                                    &out_->context,     &out_->properties};
    for (std::size_t i = 0; i < views.size(); ++i) {
      *views[i] = std::string_view(scratch_).substr(objects_[i].start, objects_[i].size);
    }
  }

  bool missing(std::string_view what) {
    return reject(RejectCode::kMissingField, std::string(what));
  }

  // Rules that concern more than one field.
  bool check_whole() {
    if (out_->event_id.empty()) {
      return missing(
          "event_id is missing: give each event an id of its own, it makes retries safe");
    }
    if (out_->type == EventType::kCustom && out_->custom_type.empty()) {
      return missing("type is missing");
    }
    if (!has_time_) {
      out_->event_time = rules_->now;
      out_->time_assigned = true;
    }
    if (out_->user_id.empty() && out_->anonymous_id.empty()) {
      return missing("user.user_id or user.anonymous_id is missing: at least one must be given");
    }
    if (out_->items.empty() && needs_items(out_->type)) {
      return missing("items is missing: an event of type " +
                     std::string(event_type_name(out_->type)) + " is about at least one item");
    }
    return check_type_rules() && check_size();
  }

  bool check_type_rules() {
    switch (out_->type) {
      case EventType::kSearch:
        if (out_->search.empty() || !has_query_) {
          return missing("search.query is missing: the text that was searched for");
        }
        return true;
      case EventType::kRating:
        if (!out_->value) return missing("value is missing: the rating, 0 to 5");
        if (*out_->value <= kRatingMax) return true;
        return reject(RejectCode::kOutOfRange, "value of a rating must be 0 to 5");
      case EventType::kMessageSent:
      case EventType::kMessageDelivered:
      case EventType::kMessageOpen:
      case EventType::kMessageClick:
      case EventType::kMessageUnsubscribe:
        if (out_->attribution.empty() || !has_message_id_) {
          return missing("attribution.message_id is missing: the message this is about");
        }
        return true;
      default: return true;
    }
  }

  // Only items can make an event larger than its limit: each object has one of its own.
  bool check_size() {
    std::size_t bytes = scratch_.size() + 2048;
    for (const auto& item : out_->items) {
      bytes += item.item_id.size() + item.variant_id.size() + item.list_id.size() + 32;
    }
    if (bytes <= kEventBytesMax) return true;
    std::string encoded;  // the sum above is a bound, near the limit only the truth will do
    encode_event(*out_, encoded);
    if (encoded.size() <= kEventBytesMax) return true;
    return reject(RejectCode::kTooLarge, "the event takes more than " +
                                             std::to_string(kEventBytesMax) +
                                             " bytes: send fewer items or less properties");
  }

  struct Span {
    std::size_t start = 0;
    std::size_t size = 0;
  };
  const EventRules* rules_ = nullptr;
  Event* out_ = nullptr;
  Rejection* why_ = nullptr;
  std::uint32_t seen_ = 0;  // bit f: field f has been read
  std::string scratch_;     // the objects, one after the other
  std::array<Span, 6> objects_;
  Field object_field_ = kNoField;
  bool has_time_ = false;
  bool has_query_ = false;
  bool has_message_id_ = false;
  bool has_ga4_ = false;          // something of what follows is to be merged, or to be forgotten
  std::uint32_t ga4_seen_ = 0;    // bit i: kGa4OfEvent[i] has been read
  std::string_view ga4_list_id_;  // of the items that name none
  std::array<std::string, 6> ga4_members_;  // for each object, without braces
};
static_assert(kGa4OfEvent.size() <= 32);

EventReader::EventReader() : state_(std::make_unique<State>()) {}
EventReader::~EventReader() = default;

bool EventReader::read(const element& json, const EventRules& rules, Event& out, Rejection& why) {
  return state_->run(json, rules, out, why);
}

bool EventReader::read(std::string_view json, std::size_t readable_behind, const EventRules& rules,
                       Event& out, Rejection& why) {
  element parsed;
  if (state_->parser.try_parse(json, readable_behind, parsed)) {
    return state_->run(parsed, rules, out, why);
  }
  codec::JsonError error = codec::diagnose_json(json);
  switch (error.fault) {
    case codec::JsonFault::kInvalidJson: why.code = RejectCode::kInvalidJson; break;
    case codec::JsonFault::kInvalidUtf8: why.code = RejectCode::kInvalidUtf8; break;
    case codec::JsonFault::kInvalidNumber: why.code = RejectCode::kInvalidNumber; break;
    case codec::JsonFault::kTooDeep: why.code = RejectCode::kTooDeep; break;
  }
  why.detail = std::move(error.text);
  return false;
}

}  // namespace vitrine::event
