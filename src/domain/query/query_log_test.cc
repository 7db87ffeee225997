#include "domain/query/query_log.h"

#include <random>

#include <gtest/gtest.h>

#include "domain/query/query_text.h"

namespace vitrine::query {
namespace {

constexpr TimeUs kNow = 1'700'000'000 * kSecondUs;
constexpr UserIndex kAnn{1}, kBob{2};
constexpr ItemIndex kShoe{10}, kBoot{11};

std::string saved(const QueryLog& log) {
  StringSink sink;
  log.save(sink);
  return sink.bytes();
}

TEST(QueryText, IsEqualForCaseAndBlanks) {
  EXPECT_EQ(normalise("  Red \t SHOES\n"), "red shoes");
  EXPECT_EQ(normalise("\xC3\x84pfel \xD0\x9C\xD0\xAB\xD0\xA8\xD0\xAC"),
            "\xC3\xA4pfel \xD0\xBC\xD1\x8B\xD1\x88\xD1\x8C");  // Äpfel МЫШЬ
  EXPECT_EQ(normalise(" \n"), "");
}

TEST(QueryText, IsCutBetweenCharacters) {
  std::string text(kQueryBytesMax - 1, 'a');
  EXPECT_EQ(normalise(text + "\xC3\xA4" + "bc"), text);
  EXPECT_EQ(normalise(text + "bc").size(), kQueryBytesMax);
}

TEST(QueryText, ComesFromTheSearchObjectOfAnEvent) {
  EXPECT_EQ(query_of_search(R"({"query":"Red  Shoes","page":1})"), "red shoes");
  EXPECT_EQ(query_of_search(R"({"query":7})"), "");
  EXPECT_EQ(query_of_search(R"({"page":1})"), "");
  EXPECT_EQ(query_of_search(R"({"query":)"), "");
}

TEST(QueryLog, OnePersonSearchingAgainAndAgainCountsOnce) {
  QueryLog log;
  for (int i = 0; i < 10; ++i) log.note_search("shoe", kAnn, kNow + i);
  EXPECT_EQ(log.find("shoe")->searches, 1u);
  log.note_search("shoe", kBob, kNow + 20);
  EXPECT_EQ(log.find("shoe")->searches, 2u);
}

TEST(QueryLog, InterestGoesToTheLastQueryOfTheSessionOrToTheNamedOne) {
  QueryLog log;
  log.note_search("shoe", kAnn, kNow);
  log.note_interest("", kAnn, kShoe, 1, kNow + kMinuteUs);
  log.note_interest("", kAnn, kBoot, 1, kNow + 31 * kMinuteUs);  // the session is over
  log.note_interest("", kBob, kBoot, 1, kNow + kMinuteUs);       // searched for nothing
  log.note_interest("boots", kBob, kBoot, 1, kNow + kMinuteUs);
  ASSERT_EQ(log.find("shoe")->items.size(), 1u);
  EXPECT_EQ(log.find("shoe")->items[0].item, kShoe);
  ASSERT_NE(log.find("boots"), nullptr);
  EXPECT_EQ(log.find("boots")->items[0].item, kBoot);
}

TEST(QueryLog, WeightsHalveWithTheHalfLife) {
  QueryLogOptions options;
  options.half_life = kDayUs;
  QueryLog log(options);
  log.note_interest("shoe", kAnn, kShoe, 4, kNow);
  const auto& item = log.find("shoe")->items[0];
  EXPECT_DOUBLE_EQ(log.weight(item, kNow), 4);
  EXPECT_DOUBLE_EQ(log.weight(item, kNow + kDayUs), 2);
  log.note_interest("shoe", kAnn, kShoe, 1, kNow + kDayUs);
  EXPECT_DOUBLE_EQ(log.weight(log.find("shoe")->items[0], kNow + kDayUs), 3);
}

TEST(QueryLog, StaysWithinItsBoundsAndKeepsWhatWeighsMost) {
  QueryLogOptions options;
  options.queries_max = 100;
  options.items_per_query = 4;
  options.visitors_max = 50;
  QueryLog log(options);
  std::mt19937 random(1);
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const TimeUs at = kNow + i * kSecondUs;
    const UserIndex who{static_cast<std::uint32_t>(random() % 500)};
    const bool known = random() % 2 == 0;
    log.note_search(known ? "shoe" : "rare " + std::to_string(random() % 5'000), who, at);
    log.note_interest("", who, ItemIndex{static_cast<std::uint32_t>(random() % 100)}, 1, at);
    ASSERT_LE(log.queries().size(), 100u);
  }
  ASSERT_NE(log.find("shoe"), nullptr);
  EXPECT_GT(log.find("shoe")->searches, 9'000u);
  for (const auto& query : log.queries()) EXPECT_LE(query.items.size(), 4u);
  EXPECT_LT(log.memory_bytes(), 200'000u);
}

TEST(QueryLog, ForgetsWhoSearchedWhat) {
  QueryLog log;
  log.note_search("shoe", kAnn, kNow);
  log.forget(kAnn);
  log.note_interest("", kAnn, kShoe, 1, kNow);
  EXPECT_TRUE(log.find("shoe")->items.empty());
  EXPECT_EQ(log.find("shoe")->last_who, kNoUser);
}

TEST(QueryLog, LoadsWhatItSavedAndRefusesDamage) {
  QueryLog log;
  for (std::uint32_t i = 0; i < 50; ++i) {
    log.note_search("query " + std::to_string(i % 20), UserIndex{i}, kNow + i);
    log.note_interest("", UserIndex{i}, ItemIndex{i % 7}, 1 + i % 3, kNow + i);
  }
  const std::string bytes = saved(log);
  QueryLog again;
  StringSource whole(bytes);
  ASSERT_TRUE(again.load(whole).ok());
  EXPECT_EQ(saved(again), bytes);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    StringSource part(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(again.load(part).ok());
    EXPECT_TRUE(again.queries().empty());
  }
}

TEST(QueryLog, WhatIsRetractedIsGone) {
  QueryLog log;
  log.note_search("shoes", kAnn, kNow);
  log.note_interest("", kAnn, kShoe, 3, kNow);
  EXPECT_TRUE(log.note_search("shoes", kBob, kNow + kDayUs));
  EXPECT_FALSE(log.note_search("shoes", kBob, kNow + kDayUs));
  log.note_interest("shoes", kBob, kShoe, 5, kNow + kDayUs);
  log.note_interest("shoes", kBob, kBoot, 5, kNow + kDayUs);
  log.retract_search("shoes", kBob, kNow + kDayUs);
  log.retract_interest("shoes", kShoe, 5, kNow + kDayUs);
  log.retract_interest("shoes", kBoot, 5, kNow + kDayUs);
  log.retract_interest("shoes", ItemIndex{99}, 5, kNow);
  log.retract_search("never heard", kBob, kNow);
  const auto* query = log.find("shoes");
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->searches, 1u);
  EXPECT_NEAR(log.weight(*query, kNow + kDayUs),
              log.weight({"", 1, kNow, 1, kAnn, {}}, kNow + kDayUs), 1e-9);
  ASSERT_EQ(query->items.size(), 1u);
  EXPECT_EQ(query->items[0].item, kShoe);
  EXPECT_TRUE(log.note_search("shoes", kBob, kNow + 2 * kDayUs));
}

}  // namespace
}  // namespace vitrine::query
