// The tables of the control database and how older ones become the present ones.
#pragma once

#include "base/result.h"
#include "service/control/internal/sqlite.h"

namespace vitrine::control::internal {

// "VITC": marks the file as ours (PRAGMA application_id).
inline constexpr std::int64_t kApplicationId = 0x56495443;
inline constexpr std::int64_t kSchemaVersion = 3;

// Brings an empty or older database to kSchemaVersion, each step in a transaction of its own.
// kCorrupt when the file is another program's, kUnsupported when it is of a newer build.
Status migrate(Database& database);

}  // namespace vitrine::control::internal
