#include "domain/person/person_json.h"

#include <gtest/gtest.h>

#include "platform/codec/json_writer.h"

namespace vitrine::person {
namespace {

TEST(PersonJson, ReadsEveryTypeAndWritesTheSameAgain) {
  const std::string attributes = R"("attributes":{"country":"DE","newsletter":true,"points":12.5,)"
                                 R"("since":{"$time":"2024-05-01T00:00:00Z"},"sizes":["M","L"]})";
  const auto user = parse_user("{\"user_id\":\"u\"," + attributes + "}");
  ASSERT_TRUE(user.ok()) << to_string(user.errors);
  EXPECT_EQ(user.value.id, "u");
  EXPECT_EQ(user.value.attributes.size(), 5u);
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  write_attributes(user.value.attributes, json);
  json.end_object();
  json.finish();
  EXPECT_EQ(out, "{" + attributes + "}");
}

TEST(PersonJson, WhatGetGivesCanBePutBack) {
  const auto user = parse_user(
      R"({"user_id":"u","attributes":{"a":null},"consents":{},"activity":{},"created":"","updated":1})",
      "u");
  ASSERT_TRUE(user.ok()) << to_string(user.errors);
  EXPECT_TRUE(user.value.attributes.empty());
  const auto patch = parse_patch(R"({"attributes":{"a":null,"b":1}})", "u");
  ASSERT_TRUE(patch.ok());
  EXPECT_FALSE(patch.value.edits[0].value.has_value());
}

TEST(PersonJson, SaysWhatIsWrongWithWhichField) {
  const auto refusal = [](std::string_view json) {
    const auto user = parse_user(json);
    EXPECT_FALSE(user.ok()) << json;
    return user.ok() ? std::string() : user.errors[0].field;
  };
  EXPECT_EQ(refusal("[]"), "");
  EXPECT_EQ(refusal("{"), "");
  EXPECT_EQ(refusal("{}"), "user_id");
  EXPECT_EQ(refusal(R"({"user_id":7})"), "user_id");
  EXPECT_EQ(refusal(R"({"user_id":""})"), "user_id");
  EXPECT_EQ(refusal(R"({"user_id":"a\u0000"})"), "user_id");
  EXPECT_EQ(refusal(R"({"user_id":"u","country":"DE"})"), "country");
  EXPECT_EQ(refusal(R"({"user_id":"u","attributes":[]})"), "attributes");
  EXPECT_EQ(refusal(R"({"user_id":"u","attributes":{"A":1}})"), "A");
  EXPECT_EQ(refusal(R"({"user_id":"u","attributes":{"a":1,"a":2}})"), "a");
  EXPECT_EQ(refusal(R"({"user_id":"u","attributes":{"a":{"b":1}}})"), "a");
  EXPECT_EQ(refusal(R"({"user_id":"u","attributes":{"a":[1]}})"), "a");
  EXPECT_EQ(refusal(R"({"user_id":"u","attributes":{"a":{"$time":"soon"}}})"), "a");
  EXPECT_EQ(
      refusal("{\"user_id\":\"u\",\"attributes\":{\"a\":\"" + std::string(9000, 'x') + "\"}}"),
      "a");
  EXPECT_FALSE(parse_user(R"({"user_id":"v"})", "u").ok());
}

TEST(PersonJson, ConsentsNameKnownPurposesAndAtLeastOne) {
  const auto change = parse_consents(R"({"marketing":false,"analytics":true})", "u");
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change.value.consents.get(event::Purpose::kMarketing), false);
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  write_consents(change.value.consents, json);
  json.end_object();
  json.finish();
  EXPECT_EQ(out, R"({"consents":{"analytics":true,"marketing":false}})");
  for (const char* bad :
       {"{}", R"({"ads":true})", R"({"marketing":"no"})", R"({"marketing":null})"}) {
    EXPECT_FALSE(parse_consents(bad, "u").ok()) << bad;
  }
}

TEST(PersonJson, AMergeNamesTheVisitor) {
  EXPECT_TRUE(parse_merge(R"({"anonymous_id":"a"})", "u").ok());
  for (const char* bad :
       {"{}", R"({"anonymous_id":""})", R"({"anonymous_id":1})", R"({"x":"a"})"}) {
    EXPECT_FALSE(parse_merge(bad, "u").ok()) << bad;
  }
}

}  // namespace
}  // namespace vitrine::person
