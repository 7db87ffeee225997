// What a record of the event log means. The log itself (engine/eventlog) carries a kind and
// bytes; this is the list of kinds and the part all payloads share.
//
// Payload of every kind: tenant (u32), then the kind's own bytes:
//   kEvent, kImportedEvent        domain/event/event_codec.h
//   kItemUpsert ... kInventory    domain/catalog/item_codec.h
//   kUserUpsert ... kUserErase    domain/person/person_codec.h
//   kSearchSettings               JSON: domain/query/search_settings.h
//   kAbuseSettings                JSON: domain/conduct/settings.h
//   kVisitorStanding              domain/conduct/standing.h
//   kModelChange                  domain/model/registry.h
// An unknown kind stops the applier with a clear message: skipping it could lose something
// that changes answers.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"

namespace vitrine::record {

// Values are on disk: add, never renumber.
enum class RecordKind : std::uint16_t {
  kEvent = 1,          // live: its id is remembered for 73 h, its time is near append_time
  kImportedEvent = 2,  // history: any time, idempotent by the importer's own ids
  kItemUpsert = 3,
  kItemPatch = 4,
  kItemDelete = 5,
  kInventory = 6,
  kUserUpsert = 7,
  kUserPatch = 8,
  kUserDelete = 9,  // the state forgets; the log keeps what it has
  kUserMerge = 10,  // an anonymous visitor is this user
  kUserConsent = 11,
  kUserErase = 12,  // the state forgets for good, and what is before it is to be erased
  kErased = 13,     // stands where something about an erased user was: zeros, as long as that
  kSearchSettings = 14,
  kAbuseSettings = 15,
  kVisitorStanding = 16,  // an operator says how a visitor stands
  kModelChange = 17,      // which trained model answers from here on
};

inline constexpr std::size_t kTenantBytes = 4;

inline void write_tenant(ByteWriter& out, TenantId tenant) { out.u32(tenant.value); }
inline TenantId read_tenant(ByteReader& in) { return TenantId{in.u32()}; }

}  // namespace vitrine::record
