// From a credential to a caller with rights, and from a caller to "yes, now" or "later".
//
// The directory of keys and tenants is an immutable snapshot in memory, fed by the control
// store (ChangeListener): authorise() touches no database and no lock, and a key revoked by a
// call that has returned is refused, on open connections too, because each request asks.
//
// The tenant of a request comes from its key and from nothing else.
//
// Cost: one hash lookup, and one BLAKE2b-256 of 69 bytes where the thread does not remember it.
// Thread-safe.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/policy/placements.h"
#include "domain/tenant/key.h"
#include "domain/tenant/scope.h"
#include "domain/tenant/tenant.h"
#include "service/control/control_store.h"
#include "service/gateway/published.h"
#include "service/gateway/token_bucket.h"

namespace vitrine::gateway {

// The two rates of a tenant or a key. Outlives changes of the directory: a change of anything
// else doesn't refill it.
struct RateLimits {
  TokenBucket events;
  TokenBucket requests;
};

// A tenant as of one moment; never changes.
struct TenantView {
  tenant::Tenant tenant;
  std::shared_ptr<RateLimits> limits;
  policy::Placements placements;
};

// Who asks. Holds what it needs: stays valid whatever happens to key and tenant meanwhile.
struct Caller {
  TenantId tenant;                         // 0 for an admin key
  std::shared_ptr<const TenantView> view;  // null for an admin key
  tenant::KeyId key;
  tenant::Scope scope = tenant::Scope::kPublishable;
  std::shared_ptr<RateLimits> key_limits;  // null when the key has none of its own
};

struct Cost {
  double requests = 1;
  double events = 0;
};

class Gateway final : public control::ChangeListener {
 public:
  Gateway();

  // The caller behind a request's two headers, if it has the right that is needed at the wall
  // time `now`. Refusals, by reason:
  //   kUnauthenticated   credential_* (credential.h), key_malformed, key_mistyped,
  //                      key_unknown, and only to who proved to hold it: key_revoked, key_expired
  //   kPermissionDenied  tenant_suspended, right_missing (names the right and the scope)
  Result<Caller> authorise(std::string_view authorization, std::string_view api_key,
                           tenant::Right needed, TimeUs now) const;

  // The same for a key that came another way (a query parameter of a beacon).
  Result<Caller> authorise_key(std::string_view key_text, tenant::Right needed, TimeUs now) const;

  // Takes the cost from the quotas of the caller's tenant and key, all or nothing, at the steady
  // time now_ns (Clock::steady_ns). kExhausted with reason "quota_exceeded" and the whole
  // seconds (>= 1) until it may succeed. Admin callers have no quota.
  Status admit(const Caller& caller, const Cost& cost, std::int64_t now_ns) const;

  // Null when unknown or deleted.
  std::shared_ptr<const TenantView> find_tenant(TenantId tenant) const;

  // Of the control store's changes that are in force here.
  std::uint64_t version() const;

  void on_change(const control::DirectoryChange& change) override;

 private:
  struct KeyEntry {
    tenant::KeyHash hash{};
    tenant::Scope scope = tenant::Scope::kPublishable;
    bool revoked = false;
    TimeUs expires_us = 0;
    TenantId tenant;
    std::shared_ptr<RateLimits> limits;
  };
  struct Directory {
    std::uint64_t version = 0;
    boost::unordered_flat_map<std::uint64_t, KeyEntry> keys;
    boost::unordered_flat_map<std::uint32_t, std::shared_ptr<const TenantView>> tenants;
  };
  static void put_tenant(const Directory& before, const tenant::Tenant& tenant, Directory& out);
  static void put_key(const Directory& before, const control::KeyRecord& key, Directory& out);
  static Result<Caller> check(const Directory& directory, std::string_view text,
                              const tenant::ParsedKey& parsed, tenant::Right needed, TimeUs now);

  std::mutex writer_;
  Published<Directory> directory_;
};

}  // namespace vitrine::gateway
