// The placements that a tenant has: the built-in ones, and its own, which may also take the place
// of a built-in one.
//
// Immutable once made: any number of threads may read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/policy/policy.h"

namespace vitrine::policy {

struct Placement {
  PlacementPolicy policy;
  std::uint64_t fingerprint = 0;  // policy_fingerprint()
  std::string json;               // to_json() of a tenant's own, empty for a built-in one
};

inline constexpr std::size_t kOwnPlacementsMax = 100;

// Parses each (policy_json.h) and gives them as to_json() writes them, ordered by placement.
// kInvalidArgument that names the placement and the field; two of one name are refused.
Result<std::vector<std::string>> validate_placements(const std::vector<std::string>& json);

class Placements {
 public:
  Placements() = default;
  // `json` as validate_placements() gives it. What this version can't read is left out: one
  // placement of a newer version must not take all others along.
  explicit Placements(const std::vector<std::string>& json);

  // Null when neither the tenant nor the product knows the name.
  const Placement* find(std::string_view name) const;
  // "home, product-similar, ...": for messages.
  std::string names() const;

 private:
  std::vector<Placement> own_;
};

}  // namespace vitrine::policy
