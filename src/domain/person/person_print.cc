#include <cstdio>

#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "platform/codec/json_writer.h"

namespace vitrine::person {
namespace {

using record::RecordKind;

std::string hex(const Hash128& hash) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

Status write_members(RecordKind kind, std::string_view body, codec::JsonWriter& json) {
  switch (kind) {
    case RecordKind::kUserUpsert: {
      VITRINE_TRY(const auto user, decode_user(body));
      json.key("user_id").string(user.id);
      write_attributes(user.attributes, json);
      return ok_status();
    }
    case RecordKind::kUserPatch: {
      VITRINE_TRY(const auto patch, decode_patch(body));
      json.key("user_id").string(patch.id);
      write_attributes(patch.edits, json);
      return ok_status();
    }
    case RecordKind::kUserDelete: {
      VITRINE_TRY(const auto id, decode_delete(body));
      json.key("user_id").string(id);
      return ok_status();
    }
    case RecordKind::kUserMerge: {
      VITRINE_TRY(const auto merge, decode_merge(body));
      json.key("user_id").string(merge.user_id);
      json.key("anonymous_id").string(merge.anonymous_id);
      return ok_status();
    }
    case RecordKind::kUserConsent: {
      VITRINE_TRY(const auto change, decode_consent(body));
      json.key("user_id").string(change.user_id);
      write_consents(change.consents, json);
      return ok_status();
    }
    default: {
      VITRINE_TRY(const auto erasure, decode_erasure(body));
      json.key("keys").begin_array();
      for (const Hash128& key : erasure.keys) json.string(hex(key));
      json.end_array();
      return ok_status();
    }
  }
}

std::string_view name_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::kUserUpsert: return "user_upsert";
    case RecordKind::kUserPatch: return "user_patch";
    case RecordKind::kUserDelete: return "user_delete";
    case RecordKind::kUserMerge: return "user_merge";
    case RecordKind::kUserConsent: return "user_consent";
    default: return "user_erase";
  }
}

}  // namespace

Status write_record(RecordKind kind, std::string_view body, codec::JsonWriter& json) {
  json.key(name_of(kind)).begin_object();
  VITRINE_TRY(write_members(kind, body, json));
  json.end_object();
  return ok_status();
}

}  // namespace vitrine::person
