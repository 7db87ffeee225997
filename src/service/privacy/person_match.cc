#include "service/privacy/person_match.h"

#include <algorithm>

#include "domain/conduct/standing.h"
#include "domain/event/event_codec.h"
#include "domain/person/person_codec.h"
#include "domain/profile/profiles.h"
#include "domain/record/record.h"

namespace vitrine::privacy {

using record::RecordKind;

void Persons::add(TenantId tenant, const Hash128& key, eventlog::Position before) {
  auto& [kept, position] = tenants_[tenant][key.low];
  kept = key;
  position = std::max(position, before);
}

bool Persons::has(const Keys& keys, const Hash128& key, eventlog::Position position) {
  const auto found = keys.find(key.low);
  return found != keys.end() && found->second.first == key && position < found->second.second;
}

Result<Match> Persons::match(const eventlog::RecordView& record) const {
  ByteReader in(record.payload);
  const TenantId tenant = record::read_tenant(in);
  const auto keys = tenants_.find(tenant);
  if (!in.ok() || keys == tenants_.end()) return Match{};
  const std::string_view body = in.raw(in.remaining());
  switch (static_cast<RecordKind>(record.kind)) {
    case RecordKind::kEvent:
    case RecordKind::kImportedEvent: return match_event(keys->second, body, record.position);
    case RecordKind::kUserMerge: {
      VITRINE_TRY(const auto merge, person::decode_merge(body));
      const bool visitor =
          has(keys->second, profile::anonymous_key(merge.anonymous_id), record.position);
      if (visitor) return Match{About::kPerson};
      [[fallthrough]];
    }
    case RecordKind::kUserUpsert:
    case RecordKind::kUserPatch:
    case RecordKind::kUserDelete:
    case RecordKind::kUserConsent: {
      const Hash128 key = profile::user_key(person::user_id_of(body));
      return Match{has(keys->second, key, record.position) ? About::kPerson : About::kNobody};
    }
    case RecordKind::kVisitorStanding: {
      VITRINE_TRY(const auto change, conduct::decode_change(body));
      const Hash128 key =
          change.anonymous ? profile::anonymous_key(change.id) : profile::user_key(change.id);
      return Match{has(keys->second, key, record.position) ? About::kPerson : About::kNobody};
    }
    default: return Match{};
  }
}

Result<Match> Persons::match_event(const Keys& keys, std::string_view body,
                                   eventlog::Position position) const {
  VITRINE_TRY(event::decode_event(body, event_));
  const bool signed_in = !event_.user_id.empty();
  if (signed_in && has(keys, profile::user_key(event_.user_id), position)) {
    return Match{About::kPerson};
  }
  if (event_.anonymous_id.empty()) return Match{};
  if (!has(keys, profile::anonymous_key(event_.anonymous_id), position)) return Match{};
  return signed_in ? Match{About::kDevice, event_.anonymous_id} : Match{About::kPerson};
}

bool Persons::matches_answer(TenantId tenant, std::string_view user_id,
                             std::string_view anonymous_id, eventlog::Position position) const {
  const auto keys = tenants_.find(tenant);
  if (keys == tenants_.end()) return false;
  if (!user_id.empty() && has(keys->second, profile::user_key(user_id), position)) return true;
  return !anonymous_id.empty() && has(keys->second, profile::anonymous_key(anonymous_id), position);
}

}  // namespace vitrine::privacy
