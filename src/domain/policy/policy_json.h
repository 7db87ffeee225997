// Policies as JSON, for tenants' overrides and for people to read.
//
//   {"placement": "home", "exclude_seen": true, "category_max": 2, "weights": {"trending": 0.5}}
//
// A field that is absent keeps the value of the base policy; an unknown field is an error that
// names the nearest known one, so that a typo never goes unnoticed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/policy/policy.h"

namespace vitrine::policy {

inline constexpr std::size_t kPolicyJsonBytesMax = 16 * 1024;

// Every field, in the order of the tables, one line. to_json -> parse gives the same policy.
std::string to_json(const PlacementPolicy& policy);

// Equal for equal policies; never 0.
std::uint64_t policy_fingerprint(const PlacementPolicy& policy);

// `base` with the fields of one JSON object laid over it, validated. The placement may be
// absent or must be base's. kInvalidArgument (kTooLarge above 16 KiB) with field and value.
Result<PlacementPolicy> override_policy(const PlacementPolicy& base, std::string_view json);

// The object names its placement: a built-in one starts from its defaults, another name (a
// tenant's own placement) from home's; with "based_on" either starts from that built-in one's.
Result<PlacementPolicy> parse_policy(std::string_view json);

}  // namespace vitrine::policy
