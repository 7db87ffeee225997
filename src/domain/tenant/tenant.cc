#include "domain/tenant/tenant.h"

#include <algorithm>
#include <cmath>

namespace vitrine::tenant {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_slug_char(char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '-'; }

// What a person typed, made harmless for a message: cut, and control characters replaced.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out = "'";
  for (char c : text.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte >= 0x7F ? '?' : c);
  }
  out += text.size() > kShown ? "...'" : "'";
  return out;
}

Status check_rate(double value, std::string_view name, double low, double high) {
  if (std::isfinite(value) && value >= low && value <= high) return ok_status();
  std::string message(name);
  message += " must be a number from " + std::to_string(low) + " to " + std::to_string(high);
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace

std::string_view tier_name(Tier tier) {
  switch (tier) {
    case Tier::kStandard: return "standard";
    case Tier::kPremium: return "premium";
    case Tier::kEnterprise: return "enterprise";
  }
  return "unknown";
}

std::string_view status_name(TenantStatus status) {
  switch (status) {
    case TenantStatus::kActive: return "active";
    case TenantStatus::kSuspended: return "suspended";
    case TenantStatus::kDeleted: return "deleted";
  }
  return "unknown";
}

std::optional<Tier> find_tier(std::string_view name) {
  for (Tier tier : {Tier::kStandard, Tier::kPremium, Tier::kEnterprise}) {
    if (tier_name(tier) == name) return tier;
  }
  return std::nullopt;
}

Quotas default_quotas(Tier tier) {
  Quotas quotas;
  if (tier != Tier::kStandard) return quotas;
  quotas.events_per_s = 20'000;
  quotas.requests_per_s = 2'000;
  quotas.items_max = 5'000'000;
  quotas.users_max = 50'000'000;
  return quotas;
}

Status validate_tenant_name(std::string_view name) {
  if (name.empty() || name.size() > kTenantNameBytesMax) {
    return Error(ErrorCode::kInvalidArgument, "a tenant name has 1 to 40 characters; " +
                                                  quoted(name) + " has " +
                                                  std::to_string(name.size()));
  }
  if (std::all_of(name.begin(), name.end(), is_slug_char)) return ok_status();
  return Error(ErrorCode::kInvalidArgument,
               "a tenant name has only small letters a-z, digits and '-'; got " + quoted(name));
}

Status validate_quotas(const Quotas& quotas) {
  constexpr double kRateMax = 1e9;
  constexpr double kBurstMin = 0.001;
  constexpr double kBurstMax = 3600;
  VITRINE_TRY(check_rate(quotas.events_per_s, "events_per_s", 0, kRateMax));
  VITRINE_TRY(check_rate(quotas.requests_per_s, "requests_per_s", 0, kRateMax));
  VITRINE_TRY(check_rate(quotas.events_burst_s, "events_burst_s", kBurstMin, kBurstMax));
  VITRINE_TRY(check_rate(quotas.requests_burst_s, "requests_burst_s", kBurstMin, kBurstMax));
  return ok_status();
}

Result<std::vector<std::string>> validate_event_types(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > kEventTypesMax) {
    return Error(ErrorCode::kTooLarge,
                 "at most 100 custom event types, got " + std::to_string(names.size()));
  }
  for (const std::string& name : names) {
    const bool good = !name.empty() && name.size() <= kEventTypeBytesMax && is_lower(name[0]) &&
                      std::all_of(name.begin(), name.end(), is_slug_char);
    if (good) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "an event type has 1 to 64 small letters, digits and '-' and starts with a "
                 "letter; got " +
                     quoted(name));
  }
  return names;
}

namespace {

bool is_origin(std::string_view text) {
  if (text.size() > kOriginBytesMax) return false;
  bool is_https = false;
  if (text.starts_with("https://")) {
    is_https = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  std::size_t host = text.size();
  if (text.starts_with('[')) {  // an IPv6 address has colons of its own
    host = text.find(']') + 1;
    if (host == 0) return false;
  } else {
    host = std::min(text.find(':'), text.size());
  }
  const std::string_view name = text.substr(0, host);
  const bool good_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_slug_char(c) || c == '.' || c == '[' || c == ']' || c == ':';
  });
  if (!good_name || host == text.size()) return good_name;
  const std::string_view port = text.substr(host + 1);
  const bool digits =
      !port.empty() && port.size() <= 5 && port[0] != '0' &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return text[host] == ':' && digits && port != (is_https ? "443" : "80");
}

}  // namespace

Result<std::vector<std::string>> validate_origins(std::vector<std::string> origins) {
  std::sort(origins.begin(), origins.end());
  origins.erase(std::unique(origins.begin(), origins.end()), origins.end());
  if (origins.size() == 1 && origins[0] == "*") origins.clear();
  if (origins.size() > kOriginsMax) {
    return Error(ErrorCode::kTooLarge,
                 "at most 100 origins, got " + std::to_string(origins.size()));
  }
  for (const std::string& origin : origins) {
    if (is_origin(origin)) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "an origin is http:// or https://, a host in small letters and a port unless it "
                 "is the usual one, without path, as in https://shop.example; got " +
                     quoted(origin));
  }
  return origins;
}

}  // namespace vitrine::tenant
