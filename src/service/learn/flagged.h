// Who is not to be learned from because of how they behave.
#pragma once

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "service/apply/tenant_state.h"

namespace vitrine::learn {

// Keys of the visitors that are flagged in this state, in order.
inline std::vector<Hash128> flagged_keys(const apply::TenantState& state) {
  std::vector<Hash128> keys;
  const conduct::Conduct& conduct = state.conduct();
  for (const auto& kept : conduct.kept(0, conduct.kept_count())) {
    if (kept.standing != conduct::Standing::kFlagged) continue;
    keys.push_back(state.profiles().info(kept.user).key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace vitrine::learn
