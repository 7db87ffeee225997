// Reading the fields of a body: what is wrong is said with the field and what it must be.
//
// A null is as good as an absent field: `out` stays as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/record/profile_version.h"
#include "platform/codec/json_parse.h"

namespace vitrine::api {

inline constexpr std::size_t kIdBytesMax = 256;
inline constexpr std::size_t kNameBytesMax = 64;  // of a field's name, as far as errors repeat it

// "FIELD: must be MUST", as kInvalidArgument with the reason invalid_request.
Error wrong_field(std::string_view field, std::string_view must);

Status take_string(const simdjson::dom::element& value, std::string_view field,
                   std::size_t bytes_max, std::string& out);
Status take_truth(const simdjson::dom::element& value, std::string_view field, bool& out);
Status take_number(const simdjson::dom::element& value, std::string_view field, double min,
                   double max, double& out);
Status take_count(const simdjson::dom::element& value, std::string_view field, std::uint64_t min,
                  std::uint64_t max, std::uint32_t& out);
Status take_version(const simdjson::dom::element& value, std::string_view field,
                    std::optional<record::ProfileVersion>& out);
// {"user_id", "anonymous_id", "session_id"}: whose answer it is to be.
Status take_user(const simdjson::dom::element& value, std::string& user_id,
                 std::string& anonymous_id);

// Calls take(key, value) for each field of the body's object until one fails; an empty body has
// none.
template <class Take>
Status take_fields(std::string_view body, std::size_t readable_behind, Take&& take) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return ok_status();
  thread_local codec::JsonParser parser;
  auto document = parser.parse(body, readable_behind);
  if (!document.ok()) return std::move(document).error().with_reason("invalid_json");
  simdjson::dom::object object;
  if (document->get(object) != simdjson::SUCCESS) return wrong_field("the body", "a JSON object");
  for (const auto [key, value] : object) VITRINE_TRY(take(key, value));
  return ok_status();
}

}  // namespace vitrine::api
