// Rows of the control database as domain values. A row that no version of this program could
// have written (an unknown tier, a hash of the wrong size) is kCorrupt.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "service/control/control_store.h"
#include "service/control/internal/sqlite.h"

namespace vitrine::control::internal {

// By name among those not deleted.
Result<std::optional<tenant::Tenant>> find_tenant(Database& database, std::string_view name);
Result<std::vector<tenant::Tenant>> read_tenants(Database& database, bool with_deleted);
// Gives the tenant its id and stores it with its event types.
Status insert_tenant(Database& database, tenant::Tenant& tenant);
// Everything but id and creation time.
Status update_tenant(Database& database, const tenant::Tenant& tenant);

Result<std::optional<KeyRecord>> find_key(Database& database, tenant::KeyId id);
Result<std::vector<KeyRecord>> read_keys(Database& database);
Result<std::vector<KeyRecord>> read_keys_of(Database& database, TenantId tenant);
Status insert_key(Database& database, const KeyRecord& key);
// The fields that can change: expiry, revocation, replacement.
Status update_key(Database& database, const tenant::KeyInfo& key);

}  // namespace vitrine::control::internal
