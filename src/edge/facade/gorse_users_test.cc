#include "edge/facade/gorse_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::facade {
namespace {

TEST(GorseUsers, AUserComesBackAsItWasGiven) {
  for (
      const char* text :
      {R"({"UserId":"bob","Labels":["a","b"],"Subscribe":["news"],"Comment":"A friend"})",
       R"({"UserId":"bob","Labels":{"Shoe Size":43,"likes":["x"],"deep":{"a":[1,null]}},"Subscribe":[],"Comment":""})",
       R"({"UserId":"bob","Labels":null,"Subscribe":[],"Comment":""})"}) {
    const auto users = translate_gorse_users(text, 0);
    ASSERT_TRUE(users.ok());
    ASSERT_EQ(users->size(), 1u);
    ASSERT_TRUE((*users)[0].ok());
    std::string back;
    append_gorse_user((*users)[0].value, back);
    EXPECT_EQ(back, text);
  }
}

TEST(GorseUsers, LabelsThatAreValuesBecomeAttributesOfTheirOwn) {
  const auto users =
      translate_gorse_users(R"([{"UserId":"u","Labels":{"Shoe Size":43}},7,{"UserId":""}])", 0);
  ASSERT_TRUE(users.ok());
  ASSERT_EQ(users->size(), 3u);
  const auto& attributes = (*users)[0].value.attributes;
  ASSERT_EQ(attributes.size(), 2u);
  EXPECT_EQ(attributes[0].name, "gorse_labels");
  EXPECT_EQ(attributes[1].name, "label_shoe_size");
  EXPECT_EQ(std::get<double>(attributes[1].value), 43);
  EXPECT_FALSE((*users)[1].ok());
  EXPECT_FALSE((*users)[2].ok());
}

TEST(GorseUsers, APatchChangesWhatItNamesAndTakesTheOtherFormOfLabelsAway) {
  auto patch = translate_gorse_user_patch("u", R"({"Labels":["a"],"Comment":""})", 0);
  ASSERT_TRUE(patch.ok());
  ASSERT_TRUE(patch->ok());
  EXPECT_EQ(patch->value.id, "u");
  ASSERT_EQ(patch->value.edits.size(), 3u);
  EXPECT_EQ(patch->value.edits[0].name, "comment");
  EXPECT_FALSE(patch->value.edits[0].value);
  EXPECT_EQ(patch->value.edits[1].name, "gorse_labels");
  EXPECT_FALSE(patch->value.edits[1].value);
  EXPECT_EQ(patch->value.edits[2].name, "labels");
  EXPECT_TRUE(patch->value.edits[2].value);
  patch = translate_gorse_user_patch("u", R"({"Subscribe":7})", 0);
  ASSERT_TRUE(patch.ok());
  EXPECT_EQ(patch->value.edits.size(), 1u) << "a number is a value as any other";
  EXPECT_EQ(translate_gorse_user_patch("u", "[]", 0).error().reason(), "invalid_request");
  EXPECT_EQ(translate_gorse_users("nonsense", 0).error().reason(), "invalid_json");
}

}  // namespace
}  // namespace vitrine::facade
