#include "domain/person/person_codec.h"

#include "domain/catalog/item_codec.h"

namespace vitrine::person {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kDescribingPatch = 2;

Error corrupt(const std::string& what) {
  return Error(ErrorCode::kCorrupt, "a user record " + what);
}

// What the encoders only write checked is checked again: these bytes may come from a damaged disk.
Status as_corrupt(Status status) {
  if (status.ok()) return status;
  return corrupt("breaks a rule: " + status.error().message());
}

Status read_version(ByteReader& in, std::uint8_t newest = kVersion) {
  const std::uint8_t version = in.u8();
  if (!in.ok() || (version >= kVersion && version <= newest)) return ok_status();
  return Error(ErrorCode::kUnsupported, "a user record of version " + std::to_string(version) +
                                            ", this build reads up to " + std::to_string(newest));
}

Status read_end(const ByteReader& in) {
  return in.at_end() ? ok_status() : Status(corrupt("ends early or has bytes left"));
}

void write_patch(std::uint8_t version, const UserPatch& patch, ByteWriter& out) {
  out.u8(version);
  out.string(patch.id);
  out.varint(patch.edits.size());
  for (const auto& [name, value] : patch.edits) {
    out.string(name);
    catalog::encode_value(value, out);
  }
}

Result<UserPatch> decode_edits(std::string_view body, std::uint8_t newest) {
  ByteReader in(body);
  VITRINE_TRY(read_version(in, newest));
  UserPatch patch;
  patch.id = std::string(in.string());
  const std::uint64_t count = in.varint();
  if (count > kAttributesPerUserMax) in.fail();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    std::string name(in.string());
    patch.edits.push_back({std::move(name), catalog::decode_value(in)});
  }
  VITRINE_TRY(read_end(in));
  return patch;
}

}  // namespace

void encode_user(const User& user, ByteWriter& out) {
  out.u8(kVersion);
  out.string(user.id);
  out.varint(user.attributes.size());
  for (const auto& [name, value] : user.attributes) {
    out.string(name);
    catalog::encode_value(value, out);
  }
}

void encode_patch(const UserPatch& patch, ByteWriter& out) { write_patch(kVersion, patch, out); }

void encode_describing_patch(const UserPatch& patch, ByteWriter& out) {
  write_patch(kDescribingPatch, patch, out);
}

void encode_delete(std::string_view user_id, ByteWriter& out) {
  out.u8(kVersion);
  out.string(user_id);
}

void encode_merge(const Merge& merge, ByteWriter& out) {
  out.u8(kVersion);
  out.string(merge.user_id);
  out.string(merge.anonymous_id);
}

void encode_consent(const ConsentChange& change, ByteWriter& out) {
  out.u8(kVersion);
  out.string(change.user_id);
  out.u8(change.consents.byte());
}

void encode_erasure(const Erasure& erasure, ByteWriter& out) {
  out.u8(kVersion);
  out.varint(erasure.keys.size());
  for (const Hash128& key : erasure.keys) {
    out.u64(key.low);
    out.u64(key.high);
  }
}

Result<User> decode_user(std::string_view body) {
  VITRINE_TRY(UserPatch patch, decode_edits(body, kVersion));
  User user{std::move(patch.id), {}};
  for (auto& [name, value] : patch.edits) {
    if (!value) return corrupt("of a whole user removes an attribute");
    user.attributes.push_back({std::move(name), *std::move(value)});
  }
  VITRINE_TRY(as_corrupt(check_user(user)));
  return user;
}

Result<UserPatch> decode_patch(std::string_view body) {
  VITRINE_TRY(UserPatch patch, decode_edits(body, kDescribingPatch));
  VITRINE_TRY(as_corrupt(check_patch(patch)));
  return patch;
}

bool describes_anybody(std::string_view patch_body) {
  return !patch_body.empty() && static_cast<std::uint8_t>(patch_body.front()) == kDescribingPatch;
}

Result<std::string> decode_delete(std::string_view body) {
  ByteReader in(body);
  VITRINE_TRY(read_version(in));
  std::string id(in.string());
  VITRINE_TRY(read_end(in));
  VITRINE_TRY(as_corrupt(check_id(id)));
  return id;
}

Result<Merge> decode_merge(std::string_view body) {
  ByteReader in(body);
  VITRINE_TRY(read_version(in));
  Merge merge;
  merge.user_id = std::string(in.string());
  merge.anonymous_id = std::string(in.string());
  VITRINE_TRY(read_end(in));
  VITRINE_TRY(as_corrupt(check_id(merge.user_id)));
  VITRINE_TRY(as_corrupt(check_id(merge.anonymous_id)));
  return merge;
}

Result<ConsentChange> decode_consent(std::string_view body) {
  ByteReader in(body);
  VITRINE_TRY(read_version(in));
  ConsentChange change;
  change.user_id = std::string(in.string());
  const auto consents = event::Consents::from_byte(in.u8());
  VITRINE_TRY(read_end(in));
  VITRINE_TRY(as_corrupt(check_id(change.user_id)));
  if (!consents || !consents->any()) return corrupt("has consents that mean nothing");
  change.consents = *consents;
  return change;
}

Result<Erasure> decode_erasure(std::string_view body) {
  ByteReader in(body);
  VITRINE_TRY(read_version(in));
  const std::uint64_t count = in.varint();
  if (count == 0 || count > kErasureKeysMax) in.fail();
  Erasure erasure;
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    const std::uint64_t low = in.u64();
    erasure.keys.push_back({low, in.u64()});
  }
  VITRINE_TRY(read_end(in));
  return erasure;
}

std::string_view user_id_of(std::string_view body) {
  ByteReader in(body);
  if (!read_version(in, kDescribingPatch).ok()) return {};
  return in.string();
}

}  // namespace vitrine::person
