// An event as bytes of a log record: small, canonical, read back without a copy.
//
// Payload of RecordKind::kEvent and kImportedEvent: tenant (u32, domain/record), then
//   version (u8 = 1)  type (u8)  flags (u16)  event_time (i64 us)  event_id (string)
//   and what the flags say is there, in the order of the flags (EventFlag in the source):
//   strings (varint length + bytes), value (f64), currency (3 bytes), the six JSON objects
//   (strings), items (varint count; each: flags (u8), item_id, then what its flags say).
// Equal events have equal bytes, so a hash of the bytes is a hash of the event.
//
// Thread-safe: functions without state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "domain/event/event.h"

namespace vitrine::event {

// Appends the bytes of `event`, which must satisfy what event_json.h checks.
void encode_event(const Event& event, std::string& out);

// Reads what encode_event wrote into `out`, whose vector is reused and whose strings point into
// `bytes`. All of `bytes` must be used up. Any input is safe; kCorrupt says what does not fit,
// kUnsupported that a newer build wrote it. About 100 ns.
Status decode_event(std::string_view bytes, Event& out);

// What tells a retry from another event that took the same id: a hash of all the sender gave, so
// without event_time where the sender gave none. `encoded` is what encode_event appended, at least
// kEventHeaderBytes. Stable over versions and machines: it is kept in the event id window.
std::uint64_t body_hash(std::string_view encoded);

// The key of an event id in the event id window.
inline Hash128 event_id_hash(std::string_view event_id) { return hash128(event_id); }

// version, type, flags, event_time.
inline constexpr std::size_t kEventHeaderBytes = 1 + 1 + 2 + 8;

}  // namespace vitrine::event
