// Users as JSON.
//
//   {"user_id": "u-17", "attributes": {"country": "DE", "newsletter": true, "points": 120,
//    "sizes": ["M", "L"], "since": {"$time": "2024-05-01T00:00:00Z"}}}
//
// - `user_id` may be left out where the caller knows the id, and must agree otherwise.
// - An attribute is a string, a number, a boolean, a list of strings or a time; a time is
//   {"$time": "RFC 3339"}, so that no string is ever mistaken for one.
// - null: in a user the attribute is absent, in a patch it is removed.
// - What GET gives besides (consents, activity, created, updated) is ignored, so that it can be
//   PUT back; any other field is an error.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/catalog/item_json.h"
#include "domain/person/person.h"
#include "domain/record/record.h"

namespace vitrine::codec {
class JsonWriter;
}

namespace vitrine::person {

using catalog::Checked;
using catalog::FieldError;

// JSON text of one user above this is refused unread.
inline constexpr std::size_t kUserJsonBytesMax = 6 * kUserBytesMax + 16 * 1024;

// `id` is what the caller knows already (from the path); empty: the body must say it.
Checked<User> parse_user(std::string_view json, std::string_view id = {});
Checked<UserPatch> parse_patch(std::string_view json, std::string_view id = {});
// {"analytics": true, "personalization": false}: at least one purpose.
Checked<ConsentChange> parse_consents(std::string_view json, std::string_view id);
// {"anonymous_id": "a-1"}
Checked<Merge> parse_merge(std::string_view json, std::string_view id);

// "attributes: {...}" and "consents: {...}" of an object that is being written.
void write_attributes(const std::vector<Attribute>& attributes, codec::JsonWriter& json);
void write_attributes(const std::vector<AttributeEdit>& edits, codec::JsonWriter& json);
void write_consents(event::Consents consents, codec::JsonWriter& json);

// One member that says what a record about users holds: "user_merge": {...}. kCorrupt as the
// decoders.
Status write_record(record::RecordKind kind, std::string_view body, codec::JsonWriter& json);

}  // namespace vitrine::person
