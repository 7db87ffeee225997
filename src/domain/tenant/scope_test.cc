#include "domain/tenant/scope.h"

#include <gtest/gtest.h>

namespace vitrine::tenant {
namespace {

constexpr Right right_at(std::size_t i) { return static_cast<Right>(i); }

// The whole table once more, written by hand, so that a change of rights is a decision.
TEST(Scope, TheTableOfRightsIsExactlyThis) {
  const struct {
    Right right;
    bool publishable, secret, admin;
  } table[kRightCount] = {
      {Right::kWriteEvents, true, true, false},     {Right::kReadWindows, true, true, false},
      {Right::kWriteCatalog, false, true, false},   {Right::kReadCatalog, false, true, false},
      {Right::kManageUsers, false, true, false},    {Right::kReadDecisions, false, true, false},
      {Right::kManageModels, false, true, false},   {Right::kManageTenants, false, false, true},
      {Right::kReadOperations, false, false, true},
  };
  for (const auto& row : table) {
    EXPECT_EQ(allows(Scope::kPublishable, row.right), row.publishable) << right_name(row.right);
    EXPECT_EQ(allows(Scope::kSecret, row.right), row.secret) << right_name(row.right);
    EXPECT_EQ(allows(Scope::kAdmin, row.right), row.admin) << right_name(row.right);
  }
}

TEST(Scope, NoTenantRightIsAlsoAnInstallationRight) {
  for (std::size_t i = 0; i < kRightCount; ++i) {
    EXPECT_FALSE(allows(Scope::kSecret, right_at(i)) && allows(Scope::kAdmin, right_at(i)));
  }
}

TEST(Scope, NamesAreFoundAgainAndAnythingElseIsNot) {
  for (Scope scope : kScopes) EXPECT_EQ(find_scope(scope_name(scope)), scope);
  EXPECT_FALSE(find_scope("Admin").has_value());
  EXPECT_FALSE(find_scope("").has_value());
  for (std::size_t i = 0; i < kRightCount; ++i) EXPECT_NE(right_name(right_at(i)), "unknown");
}

}  // namespace
}  // namespace vitrine::tenant
