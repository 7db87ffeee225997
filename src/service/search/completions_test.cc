#include "service/search/completions.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::search {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const std::vector<const Completion*>& found) {
  std::vector<std::string> out;
  for (const Completion* completion : found) out.push_back(completion->text);
  return out;
}

TEST(Completions, GiveTheHeaviestFirst) {
  const Completions completions({{"red shoes", CompletionKind::kQuery, 5},
                                 {"Red Bull", CompletionKind::kBrand, 7},
                                 {"red", CompletionKind::kQuery, 1},
                                 {"blue", CompletionKind::kQuery, 9}});
  EXPECT_THAT(texts(completions.find("red", 10)), ElementsAre("Red Bull", "red shoes", "red"));
  EXPECT_THAT(texts(completions.find("red", 2)), ElementsAre("Red Bull", "red shoes"));
  EXPECT_THAT(texts(completions.find("", 1)), ElementsAre("blue"));
  EXPECT_TRUE(completions.find("redd", 10).empty());
}

TEST(Completions, OfEqualTextsTheHeaviestStays) {
  const Completions completions(
      {{"Shoes", CompletionKind::kCategory, 5}, {"shoes", CompletionKind::kQuery, 2}});
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions.find("sh", 5)[0]->kind, CompletionKind::kCategory);
}

TEST(Completions, WithoutAnyEntryFindNothing) {
  EXPECT_TRUE(Completions().find("", 5).empty());
  EXPECT_TRUE(Completions(std::vector<Completion>{}).find("a", 5).empty());
}

TEST(Completions, AgreeWithLookingAtAll) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<Completion> all;
    for (int i = 0; i < 200; ++i) {
      std::string text;
      for (std::size_t n = 1 + random() % 6; n > 0; --n)
        text += static_cast<char>('a' + random() % 3);
      const bool known =
          std::any_of(all.begin(), all.end(), [&](const Completion& c) { return c.text == text; });
      if (!known) all.push_back({text, CompletionKind::kQuery, static_cast<float>(random() % 20)});
    }
    const Completions completions(all);
    std::sort(all.begin(), all.end(), [](const Completion& a, const Completion& b) {
      return a.weight != b.weight ? a.weight > b.weight : a.text < b.text;
    });
    for (const std::string prefix : {"", "a", "ab", "abc", "cc", "bacb"}) {
      std::vector<std::string> wanted;
      for (const Completion& completion : all) {
        if (completion.text.starts_with(prefix) && wanted.size() < 7)
          wanted.push_back(completion.text);
      }
      ASSERT_EQ(texts(completions.find(prefix, 7)), wanted) << prefix;
    }
  }
}

}  // namespace
}  // namespace vitrine::search
