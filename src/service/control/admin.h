// What an operator can do to tenants and keys, independent of where it is done.
//
// ControlStore (control_store.h) does it in the control database. A client of a running
// server's admin API can implement the same interface, so that the command line works with
// either; prefer the server's API while it runs: it applies a change at once, whereas one made
// in the database behind its back is noticed at its next poll (within 100 ms).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tenant/key.h"
#include "domain/tenant/tenant.h"

namespace vitrine::control {

// Who makes a change: the admin key used, or 0 for an operator on the machine itself.
struct Actor {
  tenant::KeyId key;
};

struct IssuedKey {
  tenant::KeyInfo info;
  std::string text;  // the only time it is ever known: only its hash is stored
};

struct NewTenant {
  std::string name{};
  tenant::Tier tier = tenant::Tier::kStandard;
  std::optional<tenant::Quotas> quotas{};    // absent: the tier's defaults
  std::optional<std::uint32_t> partition{};  // absent: the pool's, or a new one of its own
  std::vector<std::string> event_types{};
  std::vector<std::string> allowed_origins{};  // empty: any
  bool with_keys = false;      // also one publishable and one secret key, in the same step
  bool if_not_exists = false;  // an existing name is success and returned as it is
};

struct CreatedTenant {
  tenant::Tenant tenant{};
  std::vector<IssuedKey> keys{};  // empty when the tenant existed already
  bool created = true;
};

struct NewKey {
  tenant::Scope scope = tenant::Scope::kSecret;
  std::string tenant_name{};  // must be empty for an admin key, and only then
  std::string label{};        // <= 100 bytes of printable UTF-8
  TimeUs expires_us = 0;      // 0 = never
  tenant::KeyLimits limits{};
};

struct KeyFilter {
  std::string tenant_name{};  // empty: keys of all tenants and admin keys
};

// One line of the audit log.
struct AuditEntry {
  std::uint64_t sequence = 0;  // from 1, without gaps
  TimeUs time_us = 0;
  tenant::KeyId actor;
  std::string action;  // "tenant.create", "key.revoke", ...
  std::string target;  // "tenant shoes", "key 3f9a01bc22de", ...
  std::string detail;  // what changed; never a secret
};

// Every change is durable and in force when its call returns. Errors of all: kInvalidArgument
// (what and where), kNotFound, kConflict, and those of the place it is stored at. Thread-safe.
class Admin {
 public:
  virtual ~Admin() = default;

  // kConflict when the name is taken, unless if_not_exists. All or nothing.
  virtual Result<CreatedTenant> create_tenant(const Actor&, const NewTenant&) = 0;
  // By name, deleted ones left out.
  virtual Result<std::vector<tenant::Tenant>> list_tenants() = 0;
  virtual Result<tenant::Tenant> get_tenant(std::string_view name) = 0;
  virtual Result<tenant::Tenant> suspend_tenant(const Actor&, std::string_view name) = 0;
  virtual Result<tenant::Tenant> resume_tenant(const Actor&, std::string_view name) = 0;
  // Marks it deleted and revokes its keys in one step. Its number is never given out again.
  virtual Result<tenant::Tenant> delete_tenant(const Actor&, std::string_view name) = 0;
  virtual Result<tenant::Tenant> set_quotas(const Actor&, std::string_view name,
                                            const tenant::Quotas&) = 0;
  virtual Result<tenant::Tenant> set_event_types(const Actor&, std::string_view name,
                                                 std::vector<std::string> types) = 0;
  virtual Result<tenant::Tenant> set_allowed_origins(const Actor&, std::string_view name,
                                                     std::vector<std::string> origins) = 0;
  // Replaces all of the tenant's own placements: one policy each, as JSON.
  virtual Result<tenant::Tenant> set_placements(const Actor&, std::string_view name,
                                                std::vector<std::string> json) = 0;

  virtual Result<IssuedKey> create_key(const Actor&, const NewKey&) = 0;
  // By creation time; revoked and expired ones too.
  virtual Result<std::vector<tenant::KeyInfo>> list_keys(const KeyFilter&) = 0;
  // A new key with the same tenant, scope, label and limits. The old one stays good for
  // `grace_us` more (0: revoked at once; at most 90 days), but never longer than it was.
  // kConflict when the old one is revoked, expired or already rotated.
  virtual Result<IssuedKey> rotate_key(const Actor&, tenant::KeyId, TimeUs grace_us) = 0;
  // In force when this returns, on open connections too. Revoking twice is success.
  virtual Result<tenant::KeyInfo> revoke_key(const Actor&, tenant::KeyId) = 0;
};

inline constexpr TimeUs kRotationGraceMaxUs = 90 * kDayUs;
inline constexpr std::size_t kKeyLabelBytesMax = 100;

}  // namespace vitrine::control
