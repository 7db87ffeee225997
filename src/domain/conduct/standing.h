// How a visitor stands: counted like everybody, or kept out of what is counted for others; and the
// log record by which an operator decides it.
//
// Bytes of kVisitorStanding, after the tenant (domain/record/record.h): version u8 = 1, kind of
// the id u8 (1 user, 2 anonymous visitor), id string, standing u8, note string.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace vitrine::codec {
class JsonWriter;
}

namespace vitrine::conduct {

// Values are on disk: add, never renumber.
enum class Standing : std::uint8_t {
  kCounted = 0,
  kWaiting = 1,  // begins with an item that is being pushed: not counted until there is more
  kFlagged = 2,  // not counted
  kTrusted = 3,  // counted whatever the rules find
};

// "counted" and so on: API. Empty for values that are none.
std::string_view standing_name(Standing standing);

// Of a note: why, for whoever reads the list.
inline constexpr std::size_t kNoteBytesMax = 200;

struct StandingChange {
  bool anonymous = false;  // the id is of an anonymous visitor
  std::string id;
  Standing standing = Standing::kCounted;  // any but kWaiting
  std::string note;
  friend bool operator==(const StandingChange&, const StandingChange&) = default;
};

// kInvalidArgument for an id or note that is too long or not printable, and for kWaiting.
Status check_change(const StandingChange& change);
// {"user_id": "u"} or {"anonymous_id": "a"}, with "standing" and perhaps a "note". kInvalidArgument
// names the field and what it must be.
Result<StandingChange> parse_change(std::string_view json, std::size_t readable_behind = 0);
// The same fields, into an object that is open.
void write_change(const StandingChange& change, codec::JsonWriter& json);
// Of a change that passes check_change().
void encode_change(const StandingChange& change, ByteWriter& out);
// The body of a record, all of it. kCorrupt for anything encode_change() can't have written,
// kUnsupported for a later version.
Result<StandingChange> decode_change(std::string_view body);

}  // namespace vitrine::conduct
