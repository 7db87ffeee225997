#include "domain/tenant/tenant.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::tenant {
namespace {

TEST(Tenant, ANameIsASlugOfOneToFortyCharacters) {
  for (std::string_view good : {"a", "shoes", "shop-2", "0", "-"}) {
    EXPECT_TRUE(validate_tenant_name(good).ok()) << good;
  }
  EXPECT_TRUE(validate_tenant_name(std::string(40, 'a')).ok());
  for (std::string_view bad : {"", "Shoes", "a b", "a/b", "a_b", "k\xc3\xa4se", "a\n"}) {
    EXPECT_EQ(validate_tenant_name(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(validate_tenant_name(std::string(41, 'a')).ok());
}

TEST(Tenant, ARefusedNameIsShownWithoutItsControlCharacters) {
  const auto status = validate_tenant_name("evil\x1b[2J\n");
  EXPECT_EQ(status.error().message().find('\x1b'), std::string::npos);
  EXPECT_LT(validate_tenant_name(std::string(1 << 20, 'a')).error().message().size(), 300u);
}

TEST(Quotas, DefaultsOfEveryTierAreValidAndOnlyThePoolIsLimited) {
  for (Tier tier : {Tier::kStandard, Tier::kPremium, Tier::kEnterprise}) {
    EXPECT_TRUE(validate_quotas(default_quotas(tier)).ok());
    EXPECT_EQ(find_tier(tier_name(tier)), tier);
  }
  EXPECT_GT(default_quotas(Tier::kStandard).events_per_s, 0);
  EXPECT_EQ(default_quotas(Tier::kPremium).events_per_s, 0);
}

TEST(Quotas, EveryNumberOutsideItsRangeIsNamed) {
  const double bad_rates[] = {-1, 1e10, std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
  for (double bad : bad_rates) {
    Quotas quotas;
    quotas.events_per_s = bad;
    EXPECT_THAT(validate_quotas(quotas).error().message(), testing::HasSubstr("events_per_s"));
    quotas = {};
    quotas.requests_per_s = bad;
    EXPECT_THAT(validate_quotas(quotas).error().message(), testing::HasSubstr("requests_per_s"));
  }
  Quotas quotas;
  quotas.events_burst_s = 0;
  EXPECT_FALSE(validate_quotas(quotas).ok());
  quotas = {};
  quotas.requests_burst_s = 3601;
  EXPECT_FALSE(validate_quotas(quotas).ok());
}

TEST(EventTypes, AreSortedUniqueSlugsAndBounded) {
  EXPECT_THAT(validate_event_types({"wishlist", "gift-card", "wishlist"}).value(),
              testing::ElementsAre("gift-card", "wishlist"));
  for (const char* bad : {"", "1st", "-a", "Wish", "a b"}) {
    EXPECT_FALSE(validate_event_types({bad}).ok()) << bad;
  }
  std::vector<std::string> many;
  for (int i = 0; i <= 100; ++i) many.push_back("t" + std::to_string(i));
  EXPECT_EQ(validate_event_types(many).error().code(), ErrorCode::kTooLarge);
  many.pop_back();
  EXPECT_TRUE(validate_event_types(many).ok());
}

TEST(Tenant, OriginsAreTakenAsBrowsersSendThem) {
  const auto taken = [](const std::string& origin) { return validate_origins({origin}).ok(); };
  for (const char* good :
       {"https://shop.example", "http://localhost:3000", "https://a-b.c.example:8443",
        "http://127.0.0.1:8080", "http://[::1]:8080", "https://[::1]"}) {
    EXPECT_TRUE(taken(good)) << good;
  }
  for (const char* bad :
       {"", "shop.example", "https://", "https://Shop.example", "https://shop.example/",
        "https://shop.example:", "https://shop.example:443", "http://shop.example:80",
        "https://shop.example:08", "https://shop.example:123456", "ftp://shop.example", "null",
        "https://*.example", "https://a b", "http://[::1", "https://a@b.example"}) {
    EXPECT_FALSE(taken(bad)) << bad;
  }
  EXPECT_FALSE(taken("https://" + std::string(300, 'a')));
  EXPECT_TRUE(validate_origins({"*"})->empty()) << "any is the empty list";
  EXPECT_FALSE(validate_origins({"*", "https://a.example"}).ok());
  EXPECT_EQ(validate_origins({"https://b", "https://a", "https://b"}).value(),
            (std::vector<std::string>{"https://a", "https://b"}));
}

}  // namespace
}  // namespace vitrine::tenant
