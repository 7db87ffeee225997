#include "domain/event/event_json.h"

#include <array>

#include <simdjson.h>

#include "domain/event/internal/event_fields.h"
#include "domain/event/internal/event_objects.h"
#include "domain/event/internal/ga4_names.h"
#include "domain/event/internal/ga4_parameters.h"
#include "domain/event/internal/item_reader.h"
#include "domain/event/internal/object_rules.h"
#include "domain/event/internal/rejecting.h"
#include "domain/event/internal/value_reader.h"
#include "domain/event/internal/whole_event.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/time_format.h"

namespace vitrine::event {

using namespace internal;  // NOLINT: the parts of this module
using simdjson::dom::element;

namespace {

constexpr std::array<std::string_view, kRejectCodes> kRejectNames = {
    "missing_field",  "unknown_field",    "duplicate_field", "wrong_type",        "unknown_type",
    "out_of_range",   "invalid_id",       "id_too_long",     "invalid_time",      "time_too_old",
    "time_in_future", "invalid_currency", "too_many_items",  "too_deep",          "too_large",
    "invalid_utf8",   "invalid_number",   "invalid_json",    "event_id_conflict", "users_limit",
    "invalid_url",    "invalid_locale",   "invalid_timezone"};

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

// One event being read: which field goes to which part. Every function returns false after it has
// filled why_.
struct EventReader::State {
  codec::JsonParser parser;

  bool run(const element& json, const EventRules& rules, Event& out, Rejection& why) {
    rules_ = &rules;
    out_ = &out;
    why_ = &why;
    seen_ = {};
    facts_ = {};
    objects_.clear();
    ga4_.clear();
    clear(out);
    simdjson::dom::object object;
    if (json.get(object) != simdjson::SUCCESS) {
      return reject(RejectCode::kWrongType,
                    "an event is a JSON object, this is " + std::string(type_name(json)), why);
    }
    for (const auto field : object) {
      if (!top_field(field.key, field.value)) return false;
    }
    return complete();
  }

 private:
  static void clear(Event& event) {
    std::vector<EventItem> items = std::move(event.items);
    items.clear();
    event = Event{};
    event.items = std::move(items);
  }

  bool top_field(std::string_view key, const element& value) {
    const Field field = find_field(key, kEventId, kProperties);
    return field != kNoField ? known_field(field, value) : ga4_field(key, value);
  }

  bool known_field(Field field, const element& value) {
    if (!seen_.once(field, *why_)) return false;
    if (value.is_null()) return true;
    switch (field) {
      case kEventId: return read_id(value, "event_id", kEventIdBytesMax, out_->event_id, *why_);
      case kType: return read_type(value, rules_->custom_types, *out_, *why_);
      case kEventTime:
        facts_.has_time = true;
        return read_time(value, *rules_, out_->event_time, *why_);
      case kUser: return user(value);
      case kItems: return read_items(value, out_->items, *why_);
      case kValue: return read_amount(value, "value", kMoneyMax, out_->value, *why_);
      case kCurrency: return read_currency(value, out_->currency, *why_);
      default: return object(field, value);
    }
  }

  // A field of an event that is none of ours.
  bool ga4_field(std::string_view key, const element& value) {
    if (key == "name") return known_field(kType, value);
    if (key == "params") return params(value);
    if (const Ga4Name* known = find_ga4(kGa4OfEvent, key)) return ga4_.take(*known, value, *why_);
    return reject(RejectCode::kUnknownField,
                  "an event has no field " + shown(key) + ": " + std::string(place_of(key)), *why_);
  }

  bool params(const element& value) {
    if (!seen_.once(kParams, *why_)) return false;
    if (value.is_null()) return true;
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) {
      return wrong_type("params", "an object", value, *why_);
    }
    for (const auto field : object) {
      if (!param(field.key, field.value)) return false;
    }
    return true;
  }

  bool param(std::string_view key, const element& value) {
    const Field ours = find_field(key, kItems, kCurrency);
    if (ours != kNoField) return known_field(ours, value);
    if (const Ga4Name* known = find_ga4(kGa4OfEvent, key)) return ga4_.take(*known, value, *why_);
    return ga4_.take_property(key, value, *why_);
  }

  bool user(const element& value) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) {
      return wrong_type("user", "an object", value, *why_);
    }
    for (const auto field : object) {
      const Field known = find_field(field.key, kUserId, kSessionId);
      if (known == kNoField) {
        return reject(RejectCode::kUnknownField,
                      "user has no field " + shown(field.key) +
                          ": it has user_id, anonymous_id, session_id; put your own data into "
                          "properties{}",
                      *why_);
      }
      if (!seen_.once(known, *why_)) return false;
      if (field.value.is_null()) continue;
      std::string_view& out = known == kUserId        ? out_->user_id
                              : known == kAnonymousId ? out_->anonymous_id
                                                      : out_->session_id;
      const std::string_view where = known == kUserId        ? "user.user_id"
                                     : known == kAnonymousId ? "user.anonymous_id"
                                                             : "user.session_id";
      if (!read_id(field.value, where, kIdBytesMax, out, *why_)) return false;
    }
    return true;
  }

  bool object(Field field, const element& value) {
    if (!objects_.copy(field, value, *why_)) return false;
    // Taken while the element is at hand.
    if (field == kSearch) facts_.has_query = has_text(value, "query");
    if (field == kAttribution) facts_.has_message_id = has_text(value, "message_id");
    return check_object(field, value, *why_);
  }

  // When all fields are read.
  bool complete() {
    if (!ga4_.merge(objects_, out_->items, *why_)) return false;
    if (ga4_.has_query()) facts_.has_query = true;
    objects_.show_in(*out_);
    facts_.object_bytes = objects_.bytes();
    return check_whole(*out_, *rules_, facts_, *why_);
  }

  const EventRules* rules_ = nullptr;
  Event* out_ = nullptr;
  Rejection* why_ = nullptr;
  SeenFields seen_;  // of the event, its user and its parameters
  ReadFacts facts_;
  EventObjects objects_;
  Ga4Parameters ga4_;
};

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
