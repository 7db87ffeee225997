#include "edge/api/json_fields.h"

#include <cstdio>

namespace vitrine::api {

using simdjson::dom::element;

Error wrong_field(std::string_view field, std::string_view must) {
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": must be " + std::string(must))
      .with_reason("invalid_request");
}

Status take_string(const element& value, std::string_view field, std::size_t bytes_max,
                   std::string& out) {
  if (value.is_null()) return ok_status();
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return wrong_field(field, "a string");
  if (text.size() > bytes_max) {
    return wrong_field(field, "at most " + std::to_string(bytes_max) + " bytes, got " +
                                  std::to_string(text.size()));
  }
  out = text;
  return ok_status();
}

Status take_truth(const element& value, std::string_view field, bool& out) {
  if (value.is_null()) return ok_status();
  if (value.get(out) != simdjson::SUCCESS) return wrong_field(field, "true or false");
  return ok_status();
}

Status take_number(const element& value, std::string_view field, double min, double max,
                   double& out) {
  if (value.is_null()) return ok_status();
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS || !(number >= min) || !(number <= max)) {
    char range[80];
    std::snprintf(range, sizeof range, "a number from %g to %g", min, max);
    return wrong_field(field, range);
  }
  out = number;
  return ok_status();
}

Status take_count(const element& value, std::string_view field, std::uint64_t min,
                  std::uint64_t max, std::uint32_t& out) {
  if (value.is_null()) return ok_status();
  std::uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < min || number > max) {
    return wrong_field(field,
                       "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  out = static_cast<std::uint32_t>(number);
  return ok_status();
}

Status take_version(const element& value, std::string_view field,
                    std::optional<record::ProfileVersion>& out) {
  if (value.is_null()) return ok_status();
  std::string text;
  VITRINE_TRY(take_string(value, field, kNameBytesMax, text));
  auto version = record::parse_profile_version(text);
  if (!version.ok()) return std::move(version).error().context(field);
  out = *version;
  return ok_status();
}

Status take_user(const element& value, std::string& user_id, std::string& anonymous_id) {
  if (value.is_null()) return ok_status();
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return wrong_field("user", "an object");
  for (const auto [key, field] : object) {
    if (key == "user_id") {
      VITRINE_TRY(take_string(field, "user.user_id", kIdBytesMax, user_id));
    } else if (key == "anonymous_id") {
      VITRINE_TRY(take_string(field, "user.anonymous_id", kIdBytesMax, anonymous_id));
    } else if (key != "session_id") {
      return wrong_field("user." + std::string(key.substr(0, kNameBytesMax)),
                         "absent: user knows user_id, anonymous_id and session_id");
    }
  }
  return ok_status();
}

}  // namespace vitrine::api
