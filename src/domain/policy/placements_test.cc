#include "domain/policy/placements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/policy/policy_json.h"

namespace vitrine::policy {
namespace {

using testing::HasSubstr;

TEST(Placements, ATenantsOwnStandBesideTheBuiltInOnesAndMayReplaceThem) {
  const auto json = validate_placements(
      {R"({"placement":"landing","limit_default":4})", R"({"placement":"home","category_max":7})"});
  ASSERT_TRUE(json.ok()) << json.error().to_string();
  const Placements placements(*json);
  EXPECT_EQ(placements.find("landing")->policy.limit_default, 4u);
  EXPECT_EQ(placements.find("landing")->policy.weights, find_builtin("home")->weights);
  EXPECT_EQ(placements.find("home")->policy.category_max, 7u);
  EXPECT_FALSE(placements.find("home")->json.empty());
  EXPECT_EQ(placements.find("cart")->policy, *find_builtin("cart"));
  EXPECT_TRUE(placements.find("cart")->json.empty());
  EXPECT_EQ(placements.find("nowhere"), nullptr);
  EXPECT_EQ(Placements().find("home")->policy.category_max, find_builtin("home")->category_max);
  EXPECT_THAT(placements.names(), HasSubstr("landing"));
}

TEST(Placements, OneBasedOnAnotherIsAboutTheSame) {
  const auto json = validate_placements(
      {R"({"placement":"accessories","based_on":"product-also-bought","limit_default":3})"});
  ASSERT_TRUE(json.ok()) << json.error().to_string();
  const Placements placements(*json);
  EXPECT_EQ(placements.find("accessories")->policy.about, About::kItems);
  PlacementPolicy expected = *find_builtin("product-also-bought");
  expected.placement = "accessories";
  expected.limit_default = 3;
  EXPECT_EQ(placements.find("accessories")->policy, expected);
}

TEST(Placements, RefusesWhatDoesNotMakeAWindowAndSaysWhat) {
  const auto refusal = [](std::vector<std::string> json) {
    const auto result = validate_placements(json);
    return result.ok() ? "accepted" : result.error().message();
  };
  EXPECT_THAT(refusal({R"({"placement":"a"})", R"({"placement":"a"})"}), HasSubstr("twice"));
  EXPECT_THAT(refusal({R"({"limit_default":4})"}), HasSubstr("placement"));
  EXPECT_THAT(refusal({R"({"placement":"a","limit_defalt":4})"}), HasSubstr("limit_default"));
  EXPECT_THAT(refusal({R"({"placement":"a","based_on":"b"})"}), HasSubstr("based_on"));
  EXPECT_THAT(refusal({R"({"placement":"a","about":"weather"})"}), HasSubstr("about"));
  EXPECT_THAT(refusal({R"({"placement":"A!"})"}), HasSubstr("small letters"));
  EXPECT_THAT(refusal({"["}), HasSubstr("JSON"));
  EXPECT_THAT(refusal(std::vector<std::string>(101, R"({"placement":"a"})")), HasSubstr("100"));
}

TEST(Placements, EqualPoliciesHaveOneFingerprintAndOthersAnother) {
  PlacementPolicy policy = *find_builtin("home");
  EXPECT_EQ(policy_fingerprint(policy), policy_fingerprint(*find_builtin("home")));
  policy.weights[Source::kCoBuy] += 0.001;
  EXPECT_NE(policy_fingerprint(policy), policy_fingerprint(*find_builtin("home")));
}

TEST(Placements, WhatThisVersionCanNotReadDoesNotTakeTheOthersAlong) {
  const Placements placements(
      std::vector<std::string>{R"({"placement":"new","of_tomorrow":1})", R"({"placement":"old"})"});
  EXPECT_EQ(placements.find("new"), nullptr);
  EXPECT_NE(placements.find("old"), nullptr);
}

}  // namespace
}  // namespace vitrine::policy
