#include "domain/tenant/scope.h"

namespace vitrine::tenant {

std::string_view scope_name(Scope scope) {
  switch (scope) {
    case Scope::kPublishable: return "publishable";
    case Scope::kSecret: return "secret";
    case Scope::kAdmin: return "admin";
  }
  return "unknown";
}

std::string_view right_name(Right right) {
  switch (right) {
    case Right::kWriteEvents: return "write_events";
    case Right::kReadWindows: return "read_windows";
    case Right::kWriteCatalog: return "write_catalog";
    case Right::kReadCatalog: return "read_catalog";
    case Right::kManageUsers: return "manage_users";
    case Right::kReadDecisions: return "read_decisions";
    case Right::kManageModels: return "manage_models";
    case Right::kManageTenants: return "manage_tenants";
    case Right::kReadOperations: return "read_operations";
  }
  return "unknown";
}

std::optional<Scope> find_scope(std::string_view name) {
  for (Scope scope : kScopes) {
    if (scope_name(scope) == name) return scope;
  }
  return std::nullopt;
}

}  // namespace vitrine::tenant
