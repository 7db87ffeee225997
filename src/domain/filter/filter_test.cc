#include "domain/filter/filter.h"

#include <gtest/gtest.h>

namespace vitrine::filter {
namespace {

TEST(Filter, Smoke) {
  catalog::Catalog catalog;
  (void)catalog.apply_upsert({"a", {{"brand", std::string("x")}, {"price", 5.0}}}, 1);
  auto parsed = parse("brand = 'x' and price < 10 and in_stock");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  auto bound = bind(*parsed, catalog, 0);
  ASSERT_TRUE(bound.ok()) << bound.error().message();
  EXPECT_TRUE(bound->matches(ItemIndex{0}));
  EXPECT_EQ(bound->count_matches(), 1u);
}

}  // namespace
}  // namespace vitrine::filter
