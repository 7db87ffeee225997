// What a shop says about its users: typed attributes, consents, who is who, who wants to be
// forgotten. Plain values, on their way from the API to the log and from the log to the state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "domain/catalog/item.h"
#include "domain/event/consent.h"

namespace vitrine::person {

using catalog::Attribute;
using catalog::AttributeEdit;
using catalog::AttributeType;
using catalog::AttributeValue;

inline constexpr std::size_t kUserIdBytesMax = 256;
inline constexpr std::size_t kAttributesPerUserMax = 100;
inline constexpr std::size_t kUserBytesMax = 16 * 1024;  // as Attribute bytes are counted for items
// Keys of one erasure: the user and the visitors that were merged into it.
inline constexpr std::size_t kErasureKeysMax = 10'000;

// A whole user, as PUT gives it: what it does not name, the user does not have.
struct User {
  std::string id;                     // 1..256 bytes of UTF-8 without control characters
  std::vector<Attribute> attributes;  // by name, ascending, each once
  friend bool operator==(const User&, const User&) = default;
};

// A change of some attributes; the others stay as they are.
struct UserPatch {
  std::string id;
  std::vector<AttributeEdit> edits;  // by name, ascending, each once
  friend bool operator==(const UserPatch&, const UserPatch&) = default;
};

// The anonymous visitor was this user all along.
struct Merge {
  std::string user_id;
  std::string anonymous_id;
  friend bool operator==(const Merge&, const Merge&) = default;
};

// What the user allows from now on; purposes that are not spoken of stay as they are.
struct ConsentChange {
  std::string user_id;
  event::Consents consents;  // any()
  friend bool operator==(const ConsentChange&, const ConsentChange&) = default;
};

// Who is to be forgotten for good. Hashes, so that the order to erase does not keep the name.
struct Erasure {
  std::vector<Hash128> keys;  // profile::user_key, then profile::anonymous_key of merged visitors
  friend bool operator==(const Erasure&, const Erasure&) = default;
};

// The rules above, one by one; the message says which is broken and what would be right.
Status check_id(std::string_view id);
Status check_attribute_value(const AttributeValue& value);
Status check_user(const User& user);
Status check_patch(const UserPatch& patch);

}  // namespace vitrine::person
