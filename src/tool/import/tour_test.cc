#include "tool/import/tour.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tool/import/fake_shop.h"

namespace vitrine::importer {
namespace {

using ::testing::HasSubstr;

TEST(Tour, ShowsWhatTheClicksChanged) {
  FakeShop shop;
  shop.show({"a", "b", "c", "d"}, {"b", "new/one", "a"});
  TourOptions options;
  options.url = shop.url();
  options.key = "secret";
  options.user = "customer-7";
  std::ostringstream out;
  const Status status = run_tour(options, out);
  ASSERT_TRUE(status.ok()) << status.error().to_string();
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("1. Home for customer customer-7"));
  EXPECT_THAT(text, HasSubstr("1 row is new"));
  EXPECT_THAT(text, HasSubstr("NEW"));
  EXPECT_THAT(text, HasSubstr("up 1"));
  EXPECT_THAT(text, HasSubstr("down 2"));
  EXPECT_THAT(text, HasSubstr("category = \"mugs\" and price <= 2.50 and in_stock"));
  EXPECT_THAT(text, HasSubstr("Title of new/one"));
  EXPECT_THAT(text, HasSubstr("a visitor nobody knows"));
}

TEST(Tour, AsksForTheClicksByTheirToken) {
  FakeShop shop;
  shop.show({"a", "b", "c", "d"}, {"d"});
  TourOptions options;
  options.url = shop.url();
  options.key = "secret";
  std::ostringstream out;
  ASSERT_TRUE(run_tour(options, out).ok());
  int clicks = 0;
  int with_token = 0;
  const auto bodies = shop.bodies();
  for (const auto& body : bodies) {
    clicks += body.find("detail-page-view") != std::string::npos ? 1 : 0;
    with_token += body.find("\"min_profile_version\":\"1-77\"") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(clicks, 3);
  EXPECT_EQ(with_token, 1);
}

TEST(Tour, AnEmptyShopAndAWrongKeyAreSaidSo) {
  FakeShop shop;
  TourOptions options;
  options.url = shop.url();
  options.key = "secret";
  std::ostringstream out;
  EXPECT_EQ(run_tour(options, out).error().code(), ErrorCode::kNotFound);
  options.key = "wrong";
  EXPECT_EQ(run_tour(options, out).error().code(), ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace vitrine::importer
