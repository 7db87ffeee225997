#include "engine/text/analyser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/text/index.h"
#include "engine/text/search.h"

namespace vitrine::text {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::shared_ptr<const Analyser> analyser(std::string language = "none",
                                         std::vector<SynonymRule> synonyms = {},
                                         bool stop = false) {
  AnalyserOptions options;
  options.language = std::move(language);
  options.synonyms = std::move(synonyms);
  options.stop_words = stop;
  return std::move(Analyser::make(options)).value();
}

std::vector<std::string> terms(const Analyser& a, std::string_view text) {
  std::vector<AnalysedTerm> all;
  a.analyse(text, all);
  std::vector<std::string> out;
  for (const AnalysedTerm& t : all) out.push_back(t.text);
  return out;
}

// A little shop: one document per text; gives which of them a typed query finds.
std::vector<DocumentId> found(const Analyser& a, const std::vector<std::string>& texts,
                              std::string_view typed, bool typing = false) {
  auto index = std::move(Index::create(Schema{})).value();
  for (DocumentId id = 0; id < texts.size(); ++id) {
    std::vector<AnalysedTerm> analysed;
    a.analyse(texts[id], analysed);
    std::vector<Token> tokens;
    for (const AnalysedTerm& t : analysed) tokens.push_back({t.text, t.position});
    const FieldTokens field{0, tokens};
    EXPECT_TRUE(index->add(id, std::span(&field, 1)).ok());
  }
  Searcher searcher;
  SearchResult result;
  EXPECT_TRUE(
      searcher.search(*index->snapshot(), a.query_for(typed, true, typing), {}, result).ok());
  std::vector<DocumentId> ids;
  for (const Hit& hit : result.hits) ids.push_back(hit.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST(Analyser, FoldsCaseWidthAndAccents) {
  EXPECT_THAT(terms(*analyser(), "Café ＡＢＣ straße ÅNGSTRÖM"),
              ElementsAre("cafe", "abc", "strasse", "angstrom"));
}

TEST(Analyser, StemsForTheLanguage) {
  EXPECT_THAT(terms(*analyser("english"), "running shoes"), ElementsAre("run", "shoe"));
  EXPECT_THAT(terms(*analyser("de"), "laufende Schuhe"), ElementsAre("laufend", "schuh"));
  AnalyserOptions unknown;
  unknown.language = "klingon";
  EXPECT_FALSE(Analyser::make(unknown).ok());
}

TEST(Analyser, KeepsNumbersWithTheirUnits) {
  for (const char* text : {"1.5l", "1,5 L", "1.50 l"}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(terms(*analyser(), text), ElementsAre("1.5l", "1.5"));
  }
  EXPECT_THAT(terms(*analyser(), "1,000 pieces"), ElementsAre("1000", "pieces"));
  EXPECT_THAT(terms(*analyser(), "iphone15"), ElementsAre("iphone15"));
}

TEST(Analyser, JoinedWordsFindTheirPartsAndTheWhole) {
  const auto a = analyser("english");
  const std::vector<std::string> shop{"USB-C cable", "usbc adapter", "usb c hub", "vitamin c"};
  EXPECT_THAT(found(*a, shop, "usb-c"), ElementsAre(0, 1, 2));
  EXPECT_THAT(found(*a, shop, "usbc"), ElementsAre(0, 1));
  EXPECT_THAT(found(*a, {"men's shoes", "women's shoes"}, "mens shoe"), ElementsAre(0));
  EXPECT_THAT(found(*a, {"men's shoes", "women's shoes"}, "men shoe"), ElementsAre(0));
}

TEST(Analyser, FindsWhatAShopperMeansInChineseJapaneseAndKorean) {
  const auto a = analyser();
  const std::vector<std::string> shop{"나이키 운동화 남성용", "여성 구두",     "緑茶 ティーバッグ",
                                      "男士运动鞋",           "ﾃｨｰﾊﾞｯｸﾞ 50個", "抹茶"};
  EXPECT_THAT(found(*a, shop, "운동화"), ElementsAre(0));
  EXPECT_THAT(found(*a, shop, "구두"), ElementsAre(1));
  EXPECT_THAT(found(*a, shop, "ティーバッグ"), ElementsAre(2, 4));
  EXPECT_THAT(found(*a, shop, "运动鞋"), ElementsAre(3));
  EXPECT_THAT(found(*a, shop, "茶"), ElementsAre(2, 5));
}

TEST(Analyser, SynonymsFindEachOther) {
  const auto a = analyser("english", {{{"sneakers", "running shoes", "trainers"}}});
  const std::vector<std::string> shop{"white sneaker", "running shoe", "trainers", "leather shoe"};
  for (const char* typed : {"sneaker", "running shoes", "trainer"}) {
    SCOPED_TRACE(typed);
    EXPECT_THAT(found(*a, shop, typed), ElementsAre(0, 1, 2));
  }
}

TEST(Analyser, StopWordsGoUnlessNothingElseIsLeft) {
  const auto a = analyser("english", {}, true);
  EXPECT_THAT(terms(*a, "the shoes of the king"), ElementsAre("shoe", "king"));
  EXPECT_EQ(a->query_for("the shoes", true), term("shoe"));
  EXPECT_NE(a->query_for("the the", true).kind, Query::Kind::kNothing);
}

TEST(Analyser, TheLastWordMayGoOn) {
  const auto a = analyser("english");
  EXPECT_THAT(found(*a, {"red shoes", "red shirt", "blue shoes"}, "red sho", true), ElementsAre(0));
}

TEST(Analyser, TellsWhereTermsStandAndSurvivesBrokenBytes) {
  std::vector<AnalysedTerm> all;
  analyser()->analyse("\xFFred \xC3(", all);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].text, "red");
  EXPECT_EQ(all[0].begin, 1u);
  EXPECT_EQ(all[0].end, 4u);
  std::vector<AnalysedTerm> longest;
  analyser()->analyse(std::string(1000, 'a'), longest);
  ASSERT_EQ(longest.size(), 1u);
  EXPECT_EQ(longest[0].text.size(), kTermBytesMax);
}

TEST(Analyser, OtherSettingsHaveAnotherFingerprint) {
  EXPECT_NE(analyser("english")->fingerprint(), analyser("german")->fingerprint());
  EXPECT_NE(analyser("english")->fingerprint(), analyser("english", {}, true)->fingerprint());
  EXPECT_EQ(analyser("en")->fingerprint(), analyser("english")->fingerprint());
}

}  // namespace
}  // namespace vitrine::text
