#include "domain/event/internal/object_rules.h"

#include <simdjson.h>

#include "domain/event/consent.h"
#include "domain/event/internal/rejecting.h"
#include "domain/event/shapes.h"

namespace vitrine::event::internal {

using simdjson::dom::element;

namespace {

// What a member must be: text for which `holds`, or else it is rejected with `code`.
struct Shape {
  bool (*holds)(std::string_view);
  RejectCode code;
  std::string_view must;
};

constexpr Shape kUrl{
    is_url, RejectCode::kInvalidUrl,
    "an http or https address (or android-app, ios-app) or a path that begins with /, of at "
    "most 4096 bytes, without blanks, quotes and angle brackets"};
constexpr Shape kLocale{is_locale, RejectCode::kInvalidLocale, "a language tag like de or en-GB"};
constexpr Shape kTimezone{is_timezone, RejectCode::kInvalidTimezone,
                          "a name like Europe/Berlin or an offset like +02:00"};

// A string that is there and not empty must have the shape; what is no string is refused.
bool shaped(const element& object, std::string_view where, std::string_view key, const Shape& shape,
            Rejection& why) {
  element value;
  if (object[key].get(value) != simdjson::SUCCESS || value.is_null()) return true;
  const std::string name = std::string(where) + "." + std::string(key);
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong_type(name, "a string", value, why);
  if (text.empty() || shape.holds(text)) return true;
  return reject(shape.code,
                name + " must be " + std::string(shape.must) + ", this is " + shown(text), why);
}

// The one part of the context that is acted on. What is misspelt here would be done without
// leave; objects are let through, other vocabularies have their own in it.
bool check_consent(const element& context, Rejection& why) {
  element given;
  if (context["consent"].get(given) != simdjson::SUCCESS || given.is_null()) return true;
  simdjson::dom::object purposes;
  if (given.get(purposes) != simdjson::SUCCESS) {
    return wrong_type("context.consent", "an object", given, why);
  }
  for (const auto [name, value] : purposes) {
    if (value.is_object()) continue;
    if (!find_purpose(name)) {
      return reject(RejectCode::kUnknownField,
                    "context.consent has no purpose " + shown(name) +
                        ": it has analytics, personalization and marketing",
                    why);
    }
    if (!value.is_bool() && !value.is_null()) {
      return wrong_type("context.consent." + std::string(name), "true or false", value, why);
    }
  }
  return true;
}

}  // namespace

bool check_object(Field field, const element& object, Rejection& why) {
  if (field == kPage) {
    return shaped(object, "page", "url", kUrl, why) &&
           shaped(object, "page", "referrer", kUrl, why);
  }
  if (field == kContext) {
    return check_consent(object, why) && shaped(object, "context", "locale", kLocale, why) &&
           shaped(object, "context", "timezone", kTimezone, why);
  }
  return true;
}

bool has_text(const element& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS && !text.empty();
}

}  // namespace vitrine::event::internal
