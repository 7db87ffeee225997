#include "domain/person/person.h"

namespace vitrine::person {
namespace {

Error invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

Status check_total(std::size_t attributes, std::size_t bytes) {
  if (attributes > kAttributesPerUserMax) {
    return invalid("has " + std::to_string(attributes) + " attributes; at most " +
                   std::to_string(kAttributesPerUserMax) + " are allowed");
  }
  if (bytes > kUserBytesMax) {
    return invalid("takes " + std::to_string(bytes) + " bytes; at most " +
                   std::to_string(kUserBytesMax) + " are allowed");
  }
  return ok_status();
}

Status check_name(std::string_view name, const std::string* last) {
  if (last != nullptr && *last >= name) return invalid("attributes are not in ascending order");
  return catalog::check_attribute_name(name);
}

}  // namespace

Status check_id(std::string_view id) {
  if (id.empty() || id.size() > kUserIdBytesMax) {
    return invalid("must have 1 to 256 bytes, this has " + std::to_string(id.size()));
  }
  if (!catalog::is_plain_utf8(id)) {
    return invalid("must be valid UTF-8 without control characters");
  }
  return ok_status();
}

// The rules of a name that no shop shares: those of its type alone.
Status check_attribute_value(const AttributeValue& value) {
  return catalog::check_attribute_value({}, value);
}

Status check_user(const User& user) {
  VITRINE_TRY(check_id(user.id));
  std::size_t bytes = 0;
  const std::string* last = nullptr;
  for (const auto& [name, value] : user.attributes) {
    VITRINE_TRY(check_name(name, last));
    last = &name;
    VITRINE_TRY(check_attribute_value(value));
    bytes += catalog::attribute_bytes(name, value);
  }
  return check_total(user.attributes.size(), bytes);
}

Status check_patch(const UserPatch& patch) {
  VITRINE_TRY(check_id(patch.id));
  std::size_t bytes = 0;
  const std::string* last = nullptr;
  for (const auto& [name, value] : patch.edits) {
    VITRINE_TRY(check_name(name, last));
    last = &name;
    if (!value) continue;
    VITRINE_TRY(check_attribute_value(*value));
    bytes += catalog::attribute_bytes(name, *value);
  }
  return check_total(patch.edits.size(), bytes);
}

}  // namespace vitrine::person
