// The audit log: each entry's hash covers the entry and the hash before it, so that no entry
// can be changed, removed or put in between without every later hash being wrong.
//
//   hash(n) = BLAKE2b-256(hash(n-1) | sequence u64 | time i64 | actor u64
//                         | varint-length strings action, target, detail)
//   hash(0) = 32 zero bytes
//
// Cutting off the end is noticed because `state.version` counts all changes. Who can write the
// file can of course rebuild all of it: against that, keep AuditHead::hash_hex elsewhere.
#pragma once

#include <string>

#include "service/control/admin.h"
#include "service/control/control_store.h"
#include "service/control/internal/sqlite.h"

namespace vitrine::control::internal {

std::string audit_hash(std::string_view previous, const AuditEntry& entry);

// Inside the caller's transaction. Sets nothing but the table.
Status append_audit(Database& database, const AuditEntry& entry);
Result<std::vector<AuditEntry>> read_audit(Database& database, std::uint64_t after,
                                           std::size_t limit);
Result<AuditHead> verify_audit(Database& database);

}  // namespace vitrine::control::internal
