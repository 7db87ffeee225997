#include "domain/event/consent.h"

#include <string>

#include <gtest/gtest.h>

namespace vitrine::event {
namespace {

TEST(Consents, WhatWasNotSpokenOfIsAllowedAndNotGranted) {
  const Consents none;
  for (const Purpose purpose : kPurposes) {
    EXPECT_TRUE(none.allows(purpose));
    EXPECT_FALSE(none.get(purpose).has_value());
    EXPECT_EQ(find_purpose(purpose_name(purpose)), purpose);
  }
  EXPECT_FALSE(none.any());
}

TEST(Consents, ALaterWordCountsForItsPurposeOnly) {
  Consents all;
  for (const Purpose purpose : kPurposes) all.set(purpose, true);
  Consents newer;
  newer.set(Purpose::kMarketing, false);
  all.update(newer);
  EXPECT_EQ(all.get(Purpose::kAnalytics), true);
  EXPECT_EQ(all.get(Purpose::kPersonalization), true);
  EXPECT_EQ(all.get(Purpose::kMarketing), false);
  EXPECT_FALSE(all.allows(Purpose::kMarketing));
}

TEST(Consents, EveryByteIsRefusedOrGivesItselfBack) {
  int good = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const auto read = Consents::from_byte(static_cast<std::uint8_t>(byte));
    if (!read) continue;
    ++good;
    EXPECT_EQ(read->byte(), byte);
  }
  EXPECT_EQ(good, 27);  // three states of three purposes
}

TEST(ReadConsents, TakesThemFromTheContextOnly) {
  Consents wanted;
  wanted.set(Purpose::kPersonalization, false);
  wanted.set(Purpose::kAnalytics, true);
  EXPECT_EQ(
      read_consents(R"({"locale":"de","consent":{"analytics":true,"personalization":false}})"),
      wanted);
  EXPECT_EQ(read_consents(R"({"consent":{"x":[{"analytics":false}],"analytics":true,)"
                          R"("marketing":null,"personalization":false},"a":1})"),
            wanted);
  for (const char* text : {
           "", "{}", R"({"consent":{}})", R"({"consent":true})",
           R"({"app":{"consent":{"analytics":false}}})",        // another object's
           R"({"note":"\"consent\":{\"analytics\":false}"})",   // a text about it
           R"({"consent":{"analytics":"false"}})",              // no boolean
           R"({"consent":{"analytics":{"analytics":false}}})",  // no boolean either
       }) {
    EXPECT_FALSE(read_consents(text).any()) << text;
  }
}

TEST(ReadConsents, EveryPrefixOfATextIsSafe) {
  const std::string text =
      R"({"a\"b":["}",{"c":"\\"}],"consent":{"marketing":false,"analytics":true},"z":0})";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string cut = text.substr(0, size);  // a copy of its own: reading past it shows
    (void)read_consents(cut);
  }
  EXPECT_EQ(read_consents(text).get(Purpose::kMarketing), false);
}

}  // namespace
}  // namespace vitrine::event
