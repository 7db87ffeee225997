// Any bytes as a policy: a refusal is fine; what is accepted is valid and survives a round trip.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/policy/policy_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vitrine::policy;  // NOLINT(google-build-using-namespace)
  const auto policy = parse_policy({reinterpret_cast<const char*>(data), size});
  if (!policy.ok()) return 0;
  if (!validate(policy.value()).ok()) __builtin_trap();
  const auto again = parse_policy(to_json(policy.value()));
  if (!again.ok() || !(again.value() == policy.value())) __builtin_trap();
  return 0;
}
