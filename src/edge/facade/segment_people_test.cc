#include "edge/facade/segment_people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::facade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SegmentPeople : public testing::Test {
 protected:
  Translation translate(SegmentCall call, std::string_view body, bool describes_users = true) {
    auto out = translate_segment(call, body, 0, {nullptr, "salt", describes_users});
    EXPECT_TRUE(out.ok()) << out.error().to_string();
    return out.ok() ? std::move(*out) : Translation{};
  }
  static const person::UserPatch& patch_of(const Translation& translation) {
    return std::get<person::UserPatch>(translation.people.back().what);
  }
  // Of one message: the reason it was refused with, or "taken".
  std::string refusal(SegmentCall call, std::string_view body) {
    const auto out = translate(call, body);
    return out.refused.empty() ? "taken" : std::string(out.refused.front().error.reason());
  }
};

TEST_F(SegmentPeople, TraitsArePatchesOfTheUsersAttributes) {
  const auto out = translate(SegmentCall::kIdentify, R"({"userId":"u","traits":{"plan":"gold",
      "firstName":"Ann","logins":3,"vip":true,"sizes":["M","L"],"old":null,
      "since":{"$time":"2026-01-01T00:00:00Z"},"address":{"city":"Graz","postalCode":8010}}})");
  ASSERT_EQ(out.people.size(), 1u);
  EXPECT_THAT(out.ignored, IsEmpty());
  const auto& patch = patch_of(out);
  EXPECT_EQ(patch.id, "u");
  std::vector<std::string> names;
  for (const auto& edit : patch.edits) names.push_back(edit.name);
  EXPECT_THAT(names, ElementsAre("address_city", "address_postal_code", "first_name", "logins",
                                 "old", "plan", "since", "sizes", "vip"));
  EXPECT_EQ(std::get<double>(*patch.edits[1].value), 8010);
  EXPECT_EQ(std::get<std::string>(*patch.edits[2].value), "Ann");
  EXPECT_FALSE(patch.edits[4].value) << "null takes it away";
}

TEST_F(SegmentPeople, WhatCanBeNoAttributeIsNamedAndTheRestIsTaken) {
  const auto out = translate(SegmentCall::kIdentify, R"({"userId":"u","traits":{"plan":"gold",
      "Plan":"silver","!":1,"orders":[{"id":1}],"a":{"b":{"c":1}}}})");
  ASSERT_EQ(out.people.size(), 1u);
  EXPECT_EQ(patch_of(out).edits.size(), 1u);
  ASSERT_EQ(out.ignored.size(), 1u);
  EXPECT_THAT(out.ignored[0].reason, HasSubstr("Plan, !, orders, a.b"));
}

TEST_F(SegmentPeople, NamesOfTraitsBecomeNamesOfAttributes) {
  EXPECT_EQ(attribute_name_of("firstName"), "first_name");
  EXPECT_EQ(attribute_name_of("Plan (new)"), "plan_new");
  EXPECT_EQ(attribute_name_of("userID"), "user_id");
  EXPECT_EQ(attribute_name_of("line2Text"), "line2_text");
  EXPECT_EQ(attribute_name_of("__x__"), "x");
  EXPECT_EQ(attribute_name_of("Größe"), "gr_e");
  EXPECT_EQ(attribute_name_of("!?"), "");
  EXPECT_EQ(attribute_name_of(std::string(100, 'a') + "B").size(), 64u);
  EXPECT_EQ(attribute_name_of(std::string(63, 'a') + "BC").size(), 63u);
}

TEST_F(SegmentPeople, BothIdsTieTheVisitorToTheUserBeforeAnythingElse) {
  const auto out = translate(SegmentCall::kIdentify, R"({"userId":7,"anonymousId":"a-1",
      "context":{"consent":{"personalization":false,"categoryPreferences":{"C0001":true}}},
      "traits":{"plan":"gold"}})");
  ASSERT_EQ(out.people.size(), 3u);
  EXPECT_EQ(std::get<person::Merge>(out.people[0].what), (person::Merge{"7", "a-1"}));
  EXPECT_TRUE(out.people[0].may_be_elsewhere);
  const auto& said = std::get<person::ConsentChange>(out.people[1].what);
  EXPECT_EQ(said.consents.get(event::Purpose::kPersonalization), false);
  EXPECT_EQ(said.consents.get(event::Purpose::kMarketing), std::nullopt);
  EXPECT_EQ(patch_of(out).id, "7");
}

TEST_F(SegmentPeople, AnAliasIsAMergeAndAGroupAnAttribute) {
  auto out = translate(SegmentCall::kAlias, R"({"userId":"u","previousId":"a"})");
  ASSERT_EQ(out.people.size(), 1u);
  EXPECT_EQ(std::get<person::Merge>(out.people[0].what), (person::Merge{"u", "a"}));
  EXPECT_FALSE(out.people[0].may_be_elsewhere);
  out = translate(SegmentCall::kGroup, R"({"userId":"u","groupId":12,"traits":{"name":"ACME"}})");
  ASSERT_EQ(out.people.size(), 1u);
  ASSERT_EQ(patch_of(out).edits.size(), 1u);
  EXPECT_EQ(patch_of(out).edits[0].name, "group");
  EXPECT_EQ(std::get<std::string>(*patch_of(out).edits[0].value), "12");
  ASSERT_EQ(out.ignored.size(), 1u);
  EXPECT_THAT(out.ignored[0].reason, HasSubstr("the group, not the user"));
}

TEST_F(SegmentPeople, AKeyThatMayNotDescribeTiesVisitorsOnly) {
  auto out = translate(SegmentCall::kIdentify,
                       R"({"userId":"u","anonymousId":"a","traits":{"plan":"gold"}})", false);
  ASSERT_EQ(out.people.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<person::Merge>(out.people[0].what));
  ASSERT_EQ(out.ignored.size(), 1u);
  EXPECT_THAT(out.ignored[0].reason, HasSubstr("secret key"));
  out = translate(SegmentCall::kIdentify, R"({"userId":"u","anonymousId":"a"})", false);
  EXPECT_EQ(out.people.size(), 1u);
  EXPECT_THAT(out.ignored, IsEmpty());
  out = translate(SegmentCall::kGroup, R"({"userId":"u","groupId":"g"})", false);
  EXPECT_THAT(out.people, IsEmpty());
  EXPECT_EQ(out.ignored.size(), 1u);
}

TEST_F(SegmentPeople, WhatIsWrongIsRefusedWithItsReason) {
  EXPECT_EQ(refusal(SegmentCall::kAlias, R"({"previousId":"a"})"), "invalid_user");
  EXPECT_EQ(refusal(SegmentCall::kAlias, R"({"userId":"u"})"), "invalid_user");
  EXPECT_EQ(refusal(SegmentCall::kGroup, R"({"userId":"u"})"), "missing_field");
  EXPECT_EQ(refusal(SegmentCall::kIdentify, R"({"userId":"a\nb"})"), "invalid_user");
  EXPECT_EQ(refusal(SegmentCall::kIdentify, R"({"userId":"u","anonymousId":"a\nb"})"),
            "invalid_user");
  EXPECT_EQ(refusal(SegmentCall::kIdentify,
                    R"({"userId":"u","context":{"consent":{"personalisation":false}}})"),
            "unknown_field");
  EXPECT_EQ(
      refusal(SegmentCall::kIdentify, R"({"userId":"u","context":{"consent":{"marketing":"no"}}})"),
      "wrong_type");
  std::string many = R"({"userId":"u","traits":{"a0":0)";
  for (int i = 1; i <= 100; ++i) many += ",\"a" + std::to_string(i) + "\":0";
  EXPECT_EQ(refusal(SegmentCall::kIdentify, many + "}}"), "invalid_user");
  const auto nobody = translate(SegmentCall::kIdentify, R"({"anonymousId":"a","traits":{"x":1}})");
  EXPECT_EQ(nobody.ignored.size(), 1u);
}

TEST_F(SegmentPeople, AChangeKeepsItsPlaceAmongTheEventsOfItsBatch) {
  const auto out = translate(SegmentCall::kBatch, R"({"batch":[
      {"type":"track","userId":"u","event":"Product Viewed","properties":{"product_id":"p"}},
      {"type":"identify","userId":"u","traits":{"plan":"gold"}},
      {"type":"alias","userId":"u"},
      {"type":"track","userId":"u","event":"Product Viewed","properties":{"product_id":"q"}},
      {"type":"group","userId":"u","groupId":"g"}]})");
  EXPECT_THAT(out.origin, ElementsAre(0, 3));
  ASSERT_EQ(out.people.size(), 2u);
  EXPECT_EQ(out.people[0].index, 1u);
  EXPECT_EQ(out.people[0].line, 1u);
  EXPECT_EQ(out.people[1].index, 4u);
  EXPECT_EQ(out.people[1].line, 2u);
  ASSERT_EQ(out.refused.size(), 1u);
  EXPECT_EQ(out.refused[0].index, 2u);
}

}  // namespace
}  // namespace vitrine::facade
