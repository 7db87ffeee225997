#include "domain/policy/placements.h"

#include <algorithm>

#include "domain/policy/policy_json.h"

namespace vitrine::policy {

namespace {

const std::vector<Placement>& builtin_placements() {
  static const std::vector<Placement> all = [] {
    std::vector<Placement> out;
    for (const PlacementPolicy& policy : builtin_policies()) {
      out.push_back({policy, policy_fingerprint(policy), {}});
    }
    return out;
  }();
  return all;
}

const Placement* find_in(const std::vector<Placement>& list, std::string_view name) {
  for (const Placement& placement : list) {
    if (placement.policy.placement == name) return &placement;
  }
  return nullptr;
}

}  // namespace

Result<std::vector<std::string>> validate_placements(const std::vector<std::string>& json) {
  if (json.size() > kOwnPlacementsMax) {
    return Error(
        ErrorCode::kInvalidArgument,
        "a tenant has at most " + std::to_string(kOwnPlacementsMax) + " placements of its own");
  }
  std::vector<PlacementPolicy> policies;
  for (const std::string& text : json) {
    VITRINE_TRY(auto policy, parse_policy(text));
    policies.push_back(std::move(policy));
  }
  std::sort(policies.begin(), policies.end(),
            [](const auto& a, const auto& b) { return a.placement < b.placement; });
  std::vector<std::string> out;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    if (i > 0 && policies[i].placement == policies[i - 1].placement) {
      return Error(ErrorCode::kInvalidArgument,
                   "the placement '" + policies[i].placement + "' is there twice");
    }
    out.push_back(to_json(policies[i]));
  }
  return out;
}

Placements::Placements(const std::vector<std::string>& json) {
  for (const std::string& text : json) {
    auto policy = parse_policy(text);
    if (!policy.ok()) continue;
    const std::uint64_t fingerprint = policy_fingerprint(*policy);
    own_.push_back({std::move(policy).value(), fingerprint, text});
  }
}

const Placement* Placements::find(std::string_view name) const {
  const Placement* own = find_in(own_, name);
  return own != nullptr ? own : find_in(builtin_placements(), name);
}

std::string Placements::names() const {
  std::string out;
  const auto add = [&out](const Placement& placement) {
    out += (out.empty() ? "" : ", ") + placement.policy.placement;
  };
  for (const Placement& placement : builtin_placements()) add(placement);
  for (const Placement& placement : own_) {
    if (find_builtin(placement.policy.placement) == nullptr) add(placement);
  }
  return out;
}

}  // namespace vitrine::policy
