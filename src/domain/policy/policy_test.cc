#include "domain/policy/policy.h"

#include <limits>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/policy/policy_json.h"

namespace vitrine::policy {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view json) {
  const auto result = parse_policy(json);
  return result.ok() ? "accepted" : result.error().message();
}

TEST(Policy, EveryBuiltInPlacementIsValidAndFoundByItsName) {
  std::set<std::string> names;
  for (const auto& policy : builtin_policies()) {
    EXPECT_TRUE(validate(policy).ok()) << policy.placement;
    EXPECT_EQ(find_builtin(policy.placement), &policy);
    names.insert(policy.placement);
  }
  EXPECT_THAT(names, testing::ElementsAre("cart", "category", "email", "home", "new-arrivals",
                                          "popular", "product-also-bought", "product-similar",
                                          "recently-viewed", "trending"));
  EXPECT_EQ(find_builtin("Home"), nullptr);
}

TEST(Policy, EveryNumberIsRefusedJustOutsideItsRangeAndNamed) {
  for (const auto& field : number_fields()) {
    if (field.min > 0) {
      PlacementPolicy low = *find_builtin("home");
      low.*field.member = field.min - 1;
      EXPECT_THAT(validate(low).error().message(), HasSubstr(field.name));
    }
    PlacementPolicy high = *find_builtin("home");
    high.*field.member = field.max + 1;
    EXPECT_THAT(validate(high).error().message(), HasSubstr(field.name));
  }
}

TEST(Policy, FieldsThatContradictEachOtherAreRefused) {
  PlacementPolicy policy = *find_builtin("home");
  policy.limit_default = 50;
  policy.limit_max = 20;
  EXPECT_THAT(validate(policy).error().message(), HasSubstr("limit_max 20"));
  policy = *find_builtin("home");
  policy.age_min_s = 10;
  policy.age_max_s = 10;
  EXPECT_THAT(validate(policy).error().message(), HasSubstr("age_max_s"));
  policy = *find_builtin("home");
  policy.weights = {};
  EXPECT_THAT(validate(policy).error().message(), HasSubstr("no source"));
  policy.weights[Source::kPopular] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(validate(policy).error().message(), HasSubstr("weights.popular"));
}

TEST(PolicyJson, EveryBuiltInSurvivesARoundTrip) {
  for (const auto& policy : builtin_policies()) {
    const auto again = parse_policy(to_json(policy));
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(*again, policy);
  }
}

TEST(PolicyJson, RandomValidPoliciesSurviveARoundTrip) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 500; ++i) {
    PlacementPolicy policy;
    policy.placement = i % 2 != 0 ? "home" : "own-" + std::to_string(i);
    for (const auto& f : bool_fields()) policy.*f.member = random() % 2 != 0;
    for (const auto& f : number_fields()) {
      policy.*f.member = static_cast<std::uint32_t>(f.min + random() % (f.max - f.min + 1ull));
    }
    if (policy.limit_default > policy.limit_max) std::swap(policy.limit_default, policy.limit_max);
    if (policy.age_max_s <= policy.age_min_s) policy.age_max_s = 0;
    for (auto& w : policy.weights.by_source) w = static_cast<double>(random() % 10001) / 100;
    policy.weights[Source::kPopular] = 1e-9 + policy.weights[Source::kPopular] / 3;
    const auto again = parse_policy(to_json(policy));
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(*again, policy);
  }
}

TEST(PolicyJson, AnOverrideChangesOnlyWhatItNames) {
  const auto policy = parse_policy(
      R"({"placement":"home","category_max":2,"exclude_seen":false,"weights":{"trending":5}})");
  ASSERT_TRUE(policy.ok()) << policy.error().to_string();
  PlacementPolicy expected = *find_builtin("home");
  expected.category_max = 2;
  expected.exclude_seen = false;
  expected.weights[Source::kTrending] = 5;
  EXPECT_EQ(*policy, expected);
}

TEST(PolicyJson, ATypoNamesTheNearestField) {
  EXPECT_THAT(refusal(R"({"placement":"home","exclude_sean":true})"), HasSubstr("'exclude_seen'"));
  EXPECT_THAT(refusal(R"({"placement":"home","weights":{"coview":1}})"),
              HasSubstr("'weights.co_view'"));
  EXPECT_LT(refusal("{\"placement\":\"home\",\"" + std::string(9000, 'x') + "\":1}").size(), 200u);
}

TEST(PolicyJson, WrongTypesAndRangesAreNamed) {
  EXPECT_THAT(refusal(R"({"placement":"home","category_max":-1})"), HasSubstr("category_max"));
  EXPECT_THAT(refusal(R"({"placement":"home","category_max":1.5})"), HasSubstr("category_max"));
  EXPECT_THAT(refusal(R"({"placement":"home","category_max":4294967297})"),
              HasSubstr("category_max"));
  EXPECT_THAT(refusal(R"({"placement":"home","exclude_seen":1})"), HasSubstr("exclude_seen"));
  EXPECT_THAT(refusal(R"({"placement":"home","weights":[]})"), HasSubstr("weights"));
  EXPECT_THAT(refusal(R"({"placement":"home","weights":{"popular":"x"}})"),
              HasSubstr("weights.popular"));
  EXPECT_THAT(refusal(R"({"placement":"home","weights":{"popular":101}})"),
              HasSubstr("weights.popular"));
  EXPECT_THAT(refusal(R"({"placement":"Ho me"})"), HasSubstr("placement"));
  EXPECT_THAT(refusal(R"({"placement":7})"), HasSubstr("placement"));
  EXPECT_THAT(refusal("{}"), HasSubstr("placement"));
  EXPECT_THAT(refusal("[]"), HasSubstr("object"));
  EXPECT_THAT(refusal(""), HasSubstr("JSON"));
  EXPECT_THAT(refusal("{\"placement\":\"home\",\"category_max\":1e400}"), HasSubstr("JSON"));
  EXPECT_THAT(refusal(std::string(1 << 20, '[')), HasSubstr("16 KiB"));
  EXPECT_THAT(refusal(std::string(10000, '[')), HasSubstr("JSON"));
}

TEST(PolicyJson, AnotherPlacementsOverrideIsRefused) {
  EXPECT_FALSE(override_policy(*find_builtin("home"), R"({"placement":"cart"})").ok());
}

}  // namespace
}  // namespace vitrine::policy
