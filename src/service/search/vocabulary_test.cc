#include "service/search/vocabulary.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::search {
namespace {

using testing::ElementsAre;

std::vector<std::string> words_of(const std::vector<Vocabulary::Near>& near) {
  std::vector<std::string> out;
  for (const auto& entry : near) out.emplace_back(entry.word);
  return out;
}

TEST(EditDistance, CountsInsertionsDeletionsChangesAndSwaps) {
  EXPECT_EQ(edit_distance("shoe", "shoe", 2), 0u);
  EXPECT_EQ(edit_distance("shoe", "sheo", 2), 1u);
  EXPECT_EQ(edit_distance("shoe", "shoes", 2), 1u);
  EXPECT_EQ(edit_distance("shoe", "hoe", 2), 1u);
  EXPECT_EQ(edit_distance("shoe", "shop", 2), 1u);
  EXPECT_EQ(edit_distance("shoe", "ship", 2), 2u);
  EXPECT_EQ(edit_distance("shoe", "sofa", 2), 3u);
}

TEST(EditDistance, CountsCharactersNotBytes) {
  EXPECT_EQ(edit_distance("\xC3\xA4pfel", "apfel", 2), 1u);
  EXPECT_EQ(character_count("\xC3\xA4pfel"), 5u);
  EXPECT_EQ(character_count("\xFF\xFE"), 2u);
}

TEST(Vocabulary, FindsTheMostLikelyWordFirst) {
  const Vocabulary words({{"shoes", 50}, {"shows", 3}, {"shore", 9}, {"sofa", 80}, {"hoes", 1}});
  EXPECT_THAT(words_of(words.near("shoess", 1, 10)), ElementsAre("shoes"));
  EXPECT_THAT(words_of(words.near("shoes", 1, 10)), ElementsAre("shows", "hoes"));
  EXPECT_THAT(words_of(words.near("shose", 2, 2)), ElementsAre("shoes", "shore"));
}

TEST(Vocabulary, CompletesByCount) {
  const Vocabulary words({{"shoe", 5}, {"shoes", 50}, {"shore", 9}, {"sofa", 80}});
  EXPECT_THAT(words_of(words.completions("sh", 2)), ElementsAre("shoes", "shore"));
  EXPECT_THAT(words_of(words.completions("shoe", 5)), ElementsAre("shoes"));
  EXPECT_TRUE(words.completions("x", 5).empty());
  EXPECT_EQ(words.count_of("shore"), 9u);
  EXPECT_EQ(words.count_of("shor"), 0u);
}

TEST(Vocabulary, NearAgreesWithLookingAtEveryWord) {
  std::mt19937 random(7);
  std::unordered_map<std::string, std::uint32_t> counts;
  const auto some_word = [&] {
    std::string word;
    const std::size_t length = 1 + random() % 9;
    while (word.size() < length) {
      const auto c = random() % 5;
      word += c == 4 ? "\xC3\xA4" : std::string(1, static_cast<char>('a' + c));
    }
    return word;
  };
  for (int i = 0; i < 3000; ++i) counts[some_word()] = random() % 4;
  counts["\xFFq"] = 1;
  counts[std::string(200, 'a')] = 1;
  const Vocabulary words(counts);
  for (int i = 0; i < 300; ++i) {
    const std::string wanted = some_word();
    const std::uint32_t most = 1 + random() % 2;
    std::vector<std::string> found = words_of(words.near(wanted, most, 100'000));
    std::sort(found.begin(), found.end());
    std::vector<std::string> expected;
    for (const auto& [word, count] : counts) {
      const std::uint32_t distance = edit_distance(wanted, word, most);
      const bool same_start = word[0] == wanted[0] && (word[0] != '\xC3' || word[1] == wanted[1]);
      if (distance == 0 || distance > most || (distance == 2 && !same_start)) continue;
      expected.push_back(word);
    }
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(found, expected) << wanted << " within " << most;
  }
}

}  // namespace
}  // namespace vitrine::search
