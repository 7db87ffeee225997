// A tenant: one shop, with its name, its place and its limits.
//
// Plain values. Who stores them is service/control; who enforces them is service/gateway
// (rates) and service/collect (sizes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace vitrine::tenant {

// Values are in the control database: add, never renumber.
enum class Tier : std::uint8_t {
  kStandard = 1,    // pool: shares partitions and processes, kept apart by quotas
  kPremium = 2,     // silo: a partition of its own
  kEnterprise = 3,  // silo, with more guaranteed
};
enum class TenantStatus : std::uint8_t {
  kActive = 1,
  kSuspended = 2,  // every request is refused with its own code; data is kept; can be resumed
  kDeleted = 3,    // all keys are revoked, the name is free again, the data waits for its purge
};

std::string_view tier_name(Tier tier);              // "standard", ...
std::string_view status_name(TenantStatus status);  // "active", ...
std::optional<Tier> find_tier(std::string_view name);

// Rates are refused with "quota_exceeded" and a Retry-After; 0 means unlimited everywhere.
struct Quotas {
  double events_per_s = 0;    // 0..1e9, long-run mean of accepted events
  double requests_per_s = 0;  // 0..1e9, long-run mean of requests of any kind

  // How many seconds' worth of the rate an idle tenant may spend at once, > 0, <= 3600.
  // Larger: bulk senders are refused less, neighbours wait longer behind a burst.
  double events_burst_s = 10;
  double requests_burst_s = 2;

  // Sizes of the tenant's state. Soft: checked when a new one is about to be made, so
  // that concurrent writers may overshoot by one batch each.
  std::uint64_t items_max = 0;
  std::uint64_t users_max = 0;

  friend bool operator==(const Quotas&, const Quotas&) = default;
};

struct Tenant {
  TenantId id;
  std::string name;  // [a-z0-9-]{1,40}, unique among tenants that aren't deleted
  Tier tier = Tier::kStandard;
  std::uint32_t partition = 0;  // the one log this tenant's records are in
  std::uint32_t epoch = 1;      // raised when the tenant moves to another partition
  TenantStatus status = TenantStatus::kActive;
  Quotas quotas;
  std::vector<std::string> event_types;  // declared custom types, sorted, no duplicates
  // Of the web pages that may call with this tenant's keys: "https://shop.example". Sorted, no
  // duplicates; empty: any page.
  std::vector<std::string> allowed_origins;
  // Own placements, each as JSON (domain/policy/placements.h), ordered by name.
  std::vector<std::string> placements;
  TimeUs created_us = 0;

  friend bool operator==(const Tenant&, const Tenant&) = default;
};

inline constexpr std::size_t kTenantNameBytesMax = 40;
inline constexpr std::size_t kEventTypeBytesMax = 64;
inline constexpr std::size_t kEventTypesMax = 100;
inline constexpr std::size_t kOriginsMax = 100;
inline constexpr std::size_t kOriginBytesMax = 270;

// What a tier starts with. Pool tenants get limits that keep one from starving the rest of
// its process; silo tenants are limited by the machine they own.
Quotas default_quotas(Tier tier);

// kInvalidArgument that says which rule is broken and what was given.
Status validate_tenant_name(std::string_view name);
Status validate_quotas(const Quotas& quotas);

// Sorts and removes duplicates; each name [a-z0-9-]{1,64} starting with a letter. A name that
// is also built in has no effect: the built-in meaning wins (domain/event).
Result<std::vector<std::string>> validate_event_types(std::vector<std::string> names);

// Sorts and removes duplicates; each is an origin as a browser sends it: http:// or https://, a
// host in small letters, a port unless it is the scheme's own; no path. {"*"} is any, so empty.
Result<std::vector<std::string>> validate_origins(std::vector<std::string> origins);

}  // namespace vitrine::tenant
