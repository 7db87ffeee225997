#include "domain/event/internal/value_reader.h"

#include "domain/event/internal/rejecting.h"
#include "domain/event/shapes.h"
#include "domain/event/vocabulary.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/plain_text.h"
#include "platform/codec/time_format.h"

namespace vitrine::event::internal {

using simdjson::dom::element;

namespace {

// A name of GA4 that means nothing here is kept under the name the tenant declared for it.
bool ga4_type(std::string_view name, const TypeNames* custom, Event& out, Rejection& why) {
  const std::string declared = declared_name(name);
  if (custom != nullptr) {
    const auto found = custom->find(declared);
    if (found != custom->end()) {
      out.type = EventType::kCustom;
      out.custom_type = *found;
      return true;
    }
  }
  return reject(RejectCode::kUnknownType,
                "type " + shown(name) + " of GA4 has no counterpart here; declare '" + declared +
                    "' as an event type to keep it",
                why);
}

bool time_in_range(TimeUs time, const EventRules& rules, Rejection& why) {
  if (time < rules.oldest) {
    return reject(RejectCode::kTimeTooOld,
                  "event_time " + codec::format_rfc3339(time) + " is before " +
                      codec::format_rfc3339(rules.oldest) +
                      ", the oldest taken here; use an import for history",
                  why);
  }
  if (time > rules.newest) {
    return reject(RejectCode::kTimeInFuture,
                  "event_time " + codec::format_rfc3339(time) + " is after " +
                      codec::format_rfc3339(rules.newest) +
                      ", the latest taken here; check the clock",
                  why);
  }
  return true;
}

}  // namespace

bool read_id(const element& value, std::string_view where, std::size_t bytes_max,
             std::string_view& out, Rejection& why) {
  if (value.get(out) != simdjson::SUCCESS) {
    const bool is_number = value.is_number();
    return wrong_type(where, is_number ? "a string (put it in quotes)" : "a string", value, why);
  }
  if (out.empty()) return reject(RejectCode::kInvalidId, std::string(where) + " is empty", why);
  if (out.size() > bytes_max) {
    return reject(RejectCode::kIdTooLong,
                  std::string(where) + " has " + std::to_string(out.size()) + " bytes, at most " +
                      std::to_string(bytes_max) + " are allowed",
                  why);
  }
  const codec::TextFault fault = codec::find_text_fault(out);
  if (fault == codec::TextFault::kNone) return true;
  const bool bytes = fault == codec::TextFault::kNotUtf8;
  return reject(bytes ? RejectCode::kInvalidUtf8 : RejectCode::kInvalidId,
                std::string(where) + " " + std::string(codec::text_fault_name(fault)), why);
}

bool read_type(const element& value, const TypeNames* custom, Event& out, Rejection& why) {
  std::string_view name;
  if (value.get(name) != simdjson::SUCCESS) return wrong_type("type", "a string", value, why);
  if (const auto known = find_event_type(name)) {
    out.type = *known;
    return true;
  }
  // The view goes into the tenant's own set, whose strings are checked when declared.
  if (custom != nullptr && custom->contains(name)) {
    out.type = EventType::kCustom;
    out.custom_type = name;
    return true;
  }
  if (is_ga4_without_counterpart(name)) return ga4_type(name, custom, out, why);
  return reject(RejectCode::kUnknownType,
                "type " + shown(name) +
                    " is neither built in (detail-page-view, add-to-cart, purchase-complete, "
                    "search, ...) nor declared by this tenant",
                why);
}

bool read_time(const element& value, const EventRules& rules, TimeUs& out, Rejection& why) {
  if (std::string_view text; value.get(text) == simdjson::SUCCESS) {
    auto parsed = codec::parse_rfc3339(text);
    if (!parsed.ok()) {
      return reject(RejectCode::kInvalidTime, "event_time: " + parsed.error().message(), why);
    }
    out = parsed.value();
    return time_in_range(out, rules, why);
  }
  if (double number = 0; value.get(number) == simdjson::SUCCESS) {
    const auto parsed = codec::time_from_epoch_number(number);
    if (!parsed) {
      return reject(RejectCode::kInvalidTime,
                    "event_time: as a number it is seconds or milliseconds since 1970", why);
    }
    out = *parsed;
    return time_in_range(out, rules, why);
  }
  return wrong_type("event_time", "a string like \"2026-11-22T16:10:43Z\" or a number", value, why);
}

bool read_currency(const element& value, std::string_view& out, Rejection& why) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong_type("currency", "a string", value, why);
  if (!is_currency(text)) {
    return reject(RejectCode::kInvalidCurrency,
                  "currency must be three capital letters of ISO 4217, like EUR", why);
  }
  out = text;
  return true;
}

bool read_position(const element& value, std::string_view where, std::int32_t& out,
                   Rejection& why) {
  std::int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS) {
    return wrong_type(where, "an integer from 0", value, why);
  }
  if (number < 0 || number > kListPositionMax) {
    return reject(RejectCode::kOutOfRange,
                  std::string(where) + " must be 0 to " + std::to_string(kListPositionMax), why);
  }
  out = static_cast<std::int32_t>(number);
  return true;
}

bool read_amount(const element& value, std::string_view where, double maximum, double& out,
                 Rejection& why) {
  if (value.get(out) != simdjson::SUCCESS) return wrong_type(where, "a number", value, why);
  if (!(out >= 0 && out <= maximum)) {
    std::string limit;
    codec::JsonWriter(limit).number(maximum).finish();
    return reject(RejectCode::kOutOfRange, std::string(where) + " must be 0 to " + limit, why);
  }
  out += 0.0;  // -0 becomes 0: equal events must have equal bytes
  return true;
}

bool read_amount(const element& value, std::string_view where, double maximum,
                 std::optional<double>& out, Rejection& why) {
  double number = 0;
  if (!read_amount(value, where, maximum, number, why)) return false;
  out = number;
  return true;
}

}  // namespace vitrine::event::internal
