// What a key may do: its scope, as an explicit table of rights.
//
//                     publishable  secret  admin
//   write_events           x         x
//   read_windows           x         x
//   write_catalog                    x
//   read_catalog                     x
//   manage_users                     x
//   read_decisions                   x
//   manage_models                    x
//   manage_tenants                           x
//   read_operations                          x
//
// A publishable key is in every visitor's browser, so anybody has it: it may only add and
// ask. A secret key is a shop's back end. An admin key belongs to the installation and to no
// tenant; since the tenant of a call comes from its key, it can't touch a tenant's data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vitrine::tenant {

// Values are in the control database: add, never renumber.
enum class Scope : std::uint8_t { kPublishable = 1, kSecret = 2, kAdmin = 3 };

enum class Right : std::uint8_t {
  kWriteEvents,
  kReadWindows,  // recommend, rank, search, suggest
  kWriteCatalog,
  kReadCatalog,
  kManageUsers,    // read, merge, export, erase
  kReadDecisions,  // why an answer was given
  kManageModels,
  kManageTenants,   // tenants, keys, quotas, audit
  kReadOperations,  // usage and internals of the installation
};
inline constexpr std::size_t kRightCount = 9;

inline constexpr std::array<Scope, 3> kScopes = {Scope::kPublishable, Scope::kSecret,
                                                 Scope::kAdmin};

constexpr bool allows(Scope scope, Right right) {
  constexpr auto bit = [](Right r) { return 1u << static_cast<unsigned>(r); };
  constexpr unsigned kPublishable = bit(Right::kWriteEvents) | bit(Right::kReadWindows);
  constexpr unsigned kSecret = kPublishable | bit(Right::kWriteCatalog) | bit(Right::kReadCatalog) |
                               bit(Right::kManageUsers) | bit(Right::kReadDecisions) |
                               bit(Right::kManageModels);
  constexpr unsigned kAdmin = bit(Right::kManageTenants) | bit(Right::kReadOperations);
  switch (scope) {
    case Scope::kPublishable: return (kPublishable & bit(right)) != 0;
    case Scope::kSecret: return (kSecret & bit(right)) != 0;
    case Scope::kAdmin: return (kAdmin & bit(right)) != 0;
  }
  return false;
}

std::string_view scope_name(Scope scope);  // "publishable", "secret", "admin"
std::string_view right_name(Right right);  // "write_events", ...
std::optional<Scope> find_scope(std::string_view name);

}  // namespace vitrine::tenant
