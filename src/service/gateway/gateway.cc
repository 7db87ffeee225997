#include "service/gateway/gateway.h"

#include <algorithm>
#include <string>

#include "service/gateway/credential.h"
#include "service/gateway/key_memo.h"

namespace vitrine::gateway {
namespace {

using tenant::TenantStatus;

Error refused(ErrorCode code, std::string_view reason, std::string message) {
  return Error(code, std::move(message)).with_reason(reason);
}

Error unknown_key() {
  return refused(ErrorCode::kUnauthenticated, "key_unknown",
                 "this key is not known here; was it made on this installation?");
}

Error missing_right(tenant::Scope scope, tenant::Right right) {
  std::string message = "this needs the right ";
  message.append(right_name(right)).append(", which a ").append(scope_name(scope));
  message += " key does not have; use a key with scope";
  for (tenant::Scope other : tenant::kScopes) {
    if (allows(other, right)) message.append(" ").append(scope_name(other));
  }
  return refused(ErrorCode::kPermissionDenied, "right_missing", std::move(message));
}

Error over_quota(std::string_view what, std::string_view whose, std::int64_t wait_ns) {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  const std::int64_t seconds = std::max<std::int64_t>(1, (wait_ns + kSecondNs - 1) / kSecondNs);
  std::string message = "the quota of ";
  message.append(what).append(" per second of this ").append(whose).append(" is used up");
  return refused(ErrorCode::kExhausted, "quota_exceeded", std::move(message))
      .with_retry_after(static_cast<std::uint32_t>(seconds));
}

// All of one holder's limits or none. 0: granted.
struct Wait {
  std::int64_t ns = 0;
  std::string_view what;
};

Wait take(RateLimits& limits, const Cost& cost, std::int64_t now_ns) {
  if (const auto ns = limits.requests.take(cost.requests, now_ns); ns > 0) return {ns, "requests"};
  const auto ns = limits.events.take(cost.events, now_ns);
  if (ns <= 0) return {};
  limits.requests.give_back(cost.requests);
  return {ns, "events"};
}

}  // namespace

Gateway::Gateway() : directory_(std::make_shared<const Directory>()) {}

Result<Caller> Gateway::authorise(std::string_view authorization, std::string_view api_key,
                                  tenant::Right needed, TimeUs now) const {
  VITRINE_TRY(const std::string_view text, find_credential(authorization, api_key));
  return authorise_key(text, needed, now);
}

Result<Caller> Gateway::authorise_key(std::string_view key_text, tenant::Right needed,
                                      TimeUs now) const {
  tenant::ParsedKey parsed;
  if (!tenant::parse_key_shape(key_text, parsed)) return tenant::parse_key(key_text).error();
  return directory_.read(
      [&](const Directory& directory) { return check(directory, key_text, parsed, needed, now); });
}

Result<Caller> Gateway::check(const Directory& directory, std::string_view text,
                              const tenant::ParsedKey& parsed, tenant::Right needed, TimeUs now) {
  // Hashed and compared also when there is no such id, so that the time doesn't say which.
  static const KeyEntry nobody;
  const auto at = directory.keys.find(parsed.id.value);
  const KeyEntry& entry = at == directory.keys.end() ? nobody : at->second;
  thread_local KeyMemo memo;
  const tenant::KeyHash hash = memo.hash_of(text, parsed.id);
  const bool same = tenant::same_hash(hash, entry.hash);
  if (!same || &entry == &nobody) {
    VITRINE_TRY(tenant::parse_key(text));  // mistyped?
    return unknown_key();
  }
  memo.remember(text, parsed.id, hash);
  if (entry.revoked) {
    return refused(ErrorCode::kUnauthenticated, "key_revoked", "this key was revoked");
  }
  if (entry.expires_us != 0 && entry.expires_us <= now) {
    return refused(ErrorCode::kUnauthenticated, "key_expired", "this key is past its end");
  }
  Caller caller;
  if (entry.scope != tenant::Scope::kAdmin) {
    const auto owner = directory.tenants.find(entry.tenant.value);
    if (owner == directory.tenants.end()) return unknown_key();
    if (owner->second->tenant.status == TenantStatus::kSuspended) {
      return refused(ErrorCode::kPermissionDenied, "tenant_suspended",
                     "this tenant is suspended; its operator can resume it");
    }
    caller.view = owner->second;
  }
  if (!tenant::allows(entry.scope, needed)) return missing_right(entry.scope, needed);
  caller.tenant = entry.tenant;
  caller.key = parsed.id;
  caller.scope = entry.scope;
  caller.key_limits = entry.limits;
  return caller;
}

Status Gateway::admit(const Caller& caller, const Cost& cost, std::int64_t now_ns) const {
  if (!caller.view) return ok_status();
  if (caller.key_limits) {
    const Wait wait = take(*caller.key_limits, cost, now_ns);
    if (wait.ns > 0) return over_quota(wait.what, "key", wait.ns);
  }
  const Wait wait = take(*caller.view->limits, cost, now_ns);
  if (wait.ns <= 0) return ok_status();
  if (caller.key_limits) {
    caller.key_limits->requests.give_back(cost.requests);
    caller.key_limits->events.give_back(cost.events);
  }
  return over_quota(wait.what, "tenant", wait.ns);
}

std::shared_ptr<const TenantView> Gateway::find_tenant(TenantId tenant) const {
  return directory_.read([&](const Directory& directory) -> std::shared_ptr<const TenantView> {
    const auto at = directory.tenants.find(tenant.value);
    return at == directory.tenants.end() ? nullptr : at->second;
  });
}

std::uint64_t Gateway::version() const {
  return directory_.read([](const Directory& directory) { return directory.version; });
}

void Gateway::put_tenant(const Directory& before, const tenant::Tenant& tenant, Directory& out) {
  if (tenant.status == TenantStatus::kDeleted) {
    out.tenants.erase(tenant.id.value);
    return;
  }
  const auto known = before.tenants.find(tenant.id.value);
  auto limits =
      known == before.tenants.end() ? std::make_shared<RateLimits>() : known->second->limits;
  limits->events.configure(tenant.quotas.events_per_s, tenant.quotas.events_burst_s);
  limits->requests.configure(tenant.quotas.requests_per_s, tenant.quotas.requests_burst_s);
  out.tenants[tenant.id.value] = std::make_shared<const TenantView>(
      TenantView{tenant, std::move(limits), policy::Placements(tenant.placements)});
}

void Gateway::put_key(const Directory& before, const control::KeyRecord& key, Directory& out) {
  KeyEntry entry;
  entry.hash = key.hash;
  entry.scope = key.info.scope;
  entry.revoked = key.info.revoked_us != 0;
  entry.expires_us = key.info.expires_us;
  entry.tenant = key.info.tenant;
  const tenant::KeyLimits& wanted = key.info.limits;
  if (wanted.events_per_s > 0 || wanted.requests_per_s > 0) {
    const auto known = before.keys.find(key.info.id.value);
    if (known != before.keys.end()) entry.limits = known->second.limits;
    if (!entry.limits) entry.limits = std::make_shared<RateLimits>();
    const tenant::Quotas bursts;
    entry.limits->events.configure(wanted.events_per_s, bursts.events_burst_s);
    entry.limits->requests.configure(wanted.requests_per_s, bursts.requests_burst_s);
  }
  out.keys[key.info.id.value] = std::move(entry);
}

void Gateway::on_change(const control::DirectoryChange& change) {
  std::lock_guard lock(writer_);
  const auto before = directory_.get();
  auto next = change.full ? std::make_shared<Directory>() : std::make_shared<Directory>(*before);
  next->version = change.version;
  for (const auto& tenant : change.tenants) put_tenant(*before, tenant, *next);
  for (const auto& key : change.keys) put_key(*before, key, *next);
  directory_.replace(std::move(next));
}

}  // namespace vitrine::gateway
