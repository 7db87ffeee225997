#include "engine/text/query_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/text/exhaustive.h"
#include "engine/text/index.h"
#include "engine/text/search.h"

namespace vitrine::text {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Shop {
  explicit Shop(AnalyserOptions options = {}, bool positions = true)
      : analyser(Analyser::make(std::move(options)).value()) {
    Schema schema;
    schema.fields = {{"title", 3.0f, 0.75f}, {"text", 1.0f, 0.75f}};
    schema.positions = positions;
    index = Index::create(schema).value();
  }
  void add(std::string_view title, std::string_view text) {
    std::vector<AnalysedTerm> terms[2];
    std::vector<Token> tokens[2];
    analyser->analyse(title, terms[0]);
    analyser->analyse(text, terms[1]);
    for (int f = 0; f < 2; ++f)
      for (const AnalysedTerm& t : terms[f]) tokens[f].push_back({t.text, t.position});
    const FieldTokens fields[] = {{0, tokens[0]}, {1, tokens[1]}};
    ASSERT_TRUE(index->add(next++, fields).ok());
  }
  Result<Query> parse(std::string_view text, bool all_words = true) const {
    return parse_query(text, *analyser, index->schema(), {.all_words = all_words});
  }
  std::string shown(std::string_view text, bool all_words = true) const {
    const auto query = parse(text, all_words);
    return query.ok() ? to_string(*query) : query.error().message();
  }
  // By rising id; the search must agree with scoring every document, to the bit.
  std::vector<DocumentId> found(std::string_view text, bool all_words = true) const {
    const auto query = parse(text, all_words);
    EXPECT_TRUE(query.ok()) << query.error().message();
    if (!query.ok()) return {};
    Searcher searcher;
    SearchResult result;
    const auto snapshot = index->snapshot();
    for (const simd::Level level : {simd::Level::kScalar, simd::active_level()}) {
      SearchOptions options{.k = 100, .exact_count = true};
      options.level = level;
      EXPECT_TRUE(searcher.search(*snapshot, *query, options, result).ok());
      EXPECT_EQ(result.hits, search_exhaustively(*snapshot, *query, nullptr)) << text;
      EXPECT_EQ(result.count, result.hits.size()) << text;
    }
    std::vector<DocumentId> ids;
    for (const Hit& hit : result.hits) ids.push_back(hit.id);
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  std::shared_ptr<const Analyser> analyser;
  std::unique_ptr<Index> index;
  DocumentId next = 0;
};

Shop colours() {
  Shop shop;
  shop.add("red shoe", "for running");               // 0
  shop.add("blue shoe", "not red");                  // 1
  shop.add("red hat", "goes with a red blue shoe");  // 2
  shop.add("green boot", "for running in mud");      // 3
  return shop;
}

std::string problem(const Shop& shop, std::string_view text, bool all_words = true) {
  const auto query = shop.parse(text, all_words);
  if (query.ok()) return "none: " + to_string(*query);
  EXPECT_EQ(query.error().code(), ErrorCode::kInvalidArgument);
  return query.error().message();
}

TEST(QueryParser, EachOperatorFindsWhatItSays) {
  const Shop shop = colours();
  EXPECT_THAT(shop.found("red shoe"), ElementsAre(0, 1, 2));
  EXPECT_THAT(shop.found("red boot", false), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(shop.found("red AND boot", false), IsEmpty());
  EXPECT_THAT(shop.found("green OR hat"), ElementsAre(2, 3));
  EXPECT_THAT(shop.found("shoe NOT hat"), ElementsAre(0, 1));
  EXPECT_THAT(shop.found("shoe -hat"), ElementsAre(0, 1));
  EXPECT_THAT(shop.found("-shoe"), ElementsAre(3));
  EXPECT_THAT(shop.found("shoe -(hat OR running)"), ElementsAre(1));
  EXPECT_THAT(shop.found("(green OR blue) (hat OR boot)"), ElementsAre(2, 3));
  EXPECT_THAT(shop.found("\"red shoe\""), ElementsAre(0));
  EXPECT_THAT(shop.found("\"red blue shoe\""), ElementsAre(2));
  EXPECT_THAT(shop.found("-\"red shoe\" shoe"), ElementsAre(1, 2));
  EXPECT_THAT(shop.found("run*"), ElementsAre(0, 3));
  EXPECT_THAT(shop.found("gr* OR ha*"), ElementsAre(2, 3));
  EXPECT_THAT(shop.found("title:red"), ElementsAre(0, 2));
  EXPECT_THAT(shop.found("text:red"), ElementsAre(1, 2));
  EXPECT_THAT(shop.found("-title:red"), ElementsAre(1, 3));
  EXPECT_THAT(shop.found("text:\"red blue\""), ElementsAre(2));
  EXPECT_THAT(shop.found("title:\"red blue\""), IsEmpty());
  EXPECT_THAT(shop.found("title:s*"), ElementsAre(0, 1));
  EXPECT_THAT(shop.found("title:(red OR green) -text:mud"), ElementsAre(0, 2));
  EXPECT_THAT(shop.found("(red running boot)~2"), ElementsAre(0, 3));
  EXPECT_THAT(shop.found("(red running OR (blue AND hat))~2"), ElementsAre(0, 2));
  EXPECT_THAT(shop.found("title:(red shoe)~1 text:running"), ElementsAre(0));
  EXPECT_THAT(shop.found(""), IsEmpty());
}

TEST(QueryParser, PlainWordsMeanWhatTheAnalyserMakesOfThem) {
  AnalyserOptions options;
  options.language = "english";
  options.synonyms = {{{"sneaker", "running shoe"}}, {{"tv", "television"}}};
  const Shop shop(options);
  for (const char* text : {"shoes", "Red Running shoes tv", "usb-c 1,5 l", "日本語 café", "a - b",
                           "it's & that", "+5V 12:30"})
    for (const bool all : {true, false})
      EXPECT_EQ(*shop.parse(text, all), shop.analyser->query_for(text, all)) << text;
}

TEST(QueryParser, AndBindsTighterThanOrAndNeighboursAsTheDefaultDoes) {
  const Shop shop;
  EXPECT_EQ(shop.shown("a b OR c AND d"), "((a AND b) OR (c AND d))");
  EXPECT_EQ(shop.shown("a b AND c d", false), "(a OR (b AND c) OR d)");
  EXPECT_EQ(shop.shown("a -b c", false), "((a OR c) AND NOT (b))");
  EXPECT_EQ(shop.shown("-a b", false), "(b AND NOT (a))");
  EXPECT_EQ(shop.shown("-a OR b", false), "(NOT (a) OR b)");
  EXPECT_EQ(shop.shown("a OR NOT b"), "(a OR NOT (b))");
  EXPECT_EQ(shop.shown("a AND NOT b c", false), "((a AND NOT (b)) OR c)");
  EXPECT_EQ(shop.shown("-a -b", false), "(NOT (a) AND NOT (b))");
  EXPECT_EQ(shop.shown("NOT -a"), "a");
  EXPECT_EQ(shop.shown("and or Not"), "(and AND or AND not)");
  EXPECT_EQ(shop.shown("(a b c)~2"), "(a OR b OR c)~2");
  EXPECT_EQ(shop.shown("title:(a text:b)"), "(title:a AND text:b)");
}

TEST(QueryParser, SynonymsOfSeveralWordsAreFoundAmongNeighbours) {
  AnalyserOptions options;
  options.synonyms = {{{"sneaker", "running shoe"}}};
  const Shop shop(options);
  EXPECT_EQ(shop.shown("running shoe -red"), "(((running AND shoe) OR sneaker) AND NOT (red))");
}

TEST(QueryParser, StopWordsDropOutAndSplitPhrases) {
  AnalyserOptions options;
  options.language = "english";
  options.stop_words = true;
  Shop shop(options);
  shop.add("state of the art", "");
  shop.add("art state", "");
  EXPECT_EQ(shop.shown("the AND shoe"), "shoe");
  EXPECT_EQ(shop.shown("-the shoe"), "shoe");
  EXPECT_EQ(shop.shown("the OR (of)"), "NOTHING");
  EXPECT_EQ(shop.shown("(the red shoe)~3"), "(red OR shoe)~2");
  EXPECT_THAT(shop.found("\"state of the art\""), ElementsAre(0, 1));
  EXPECT_THAT(shop.found("\"the state\""), ElementsAre(0, 1));
}

TEST(QueryParser, PhrasesKnowJoinedWordsNumbersAndChinese) {
  Shop shop;
  shop.add("usb-c cable 1.5 l bottle", "");
  shop.add("日本語入門 book", "");
  EXPECT_THAT(shop.found("\"USB-C cable\""), ElementsAre(0));
  EXPECT_THAT(shop.found("\"cable 1,5 l bottle\""), ElementsAre(0));
  EXPECT_THAT(shop.found("\"語入門 book\""), ElementsAre(1));
  EXPECT_THAT(shop.found("\"本語入\""), ElementsAre(1));
  EXPECT_THAT(shop.found("\"門 日\""), IsEmpty());
}

TEST(QueryParser, APrefixIsOfTheWordAsTypedOrOfItsStem) {
  AnalyserOptions options;
  options.language = "english";
  Shop shop(options);
  shop.add("shoes", "");
  shop.add("shoelace", "");
  EXPECT_THAT(shop.found("SHOES*"), ElementsAre(0));
  EXPECT_THAT(shop.found("shoe*"), ElementsAre(0, 1));
}

TEST(QueryParser, ABackslashTakesTheMeaningAway) {
  const Shop shop;
  EXPECT_EQ(shop.shown("12:30"), shop.shown("12\\:30"));
  EXPECT_EQ(shop.shown("title\\:red"), shop.shown("title red"));
  EXPECT_EQ(shop.shown("\\AND"), "and");
  EXPECT_EQ(shop.shown("\\-red"), "red");
  EXPECT_EQ(shop.shown("red\\*"), "red");
  EXPECT_EQ(shop.shown("\\(red\\)"), "red");
  EXPECT_EQ(shop.shown("\"a \\\"b\\\" c\""), "\"a b c\"");
}

TEST(QueryParser, ErrorsPointAtThePlaceAndSayWhatToDo) {
  const Shop shop;
  EXPECT_EQ(problem(shop, "red AND (blue OR green"),
            "column 9: this parenthesis is not closed: add )\n"
            "  red AND (blue OR green\n"
            "          ^");
  EXPECT_THAT(problem(shop, "héé )"), HasSubstr("column 5: there is no open parenthesis"));
  EXPECT_THAT(problem(shop, "a ()"), HasSubstr("column 3: there is nothing between"));
  EXPECT_THAT(problem(shop, "a AND"), HasSubstr("column 6: expected a word behind AND"));
  EXPECT_THAT(problem(shop, "OR a"), HasSubstr("column 1: OR stands between two words"));
  EXPECT_THAT(problem(shop, "a OR AND b"), HasSubstr("column 6: AND stands between two words"));
  EXPECT_THAT(problem(shop, "(a OR)"), HasSubstr("column 6: expected a word behind OR"));
  EXPECT_THAT(problem(shop, "a NOT"), HasSubstr("column 6: expected what is not wanted"));
  EXPECT_THAT(problem(shop, "a -)"), HasSubstr("column 4: there is no open"));
  EXPECT_THAT(problem(shop, "\"a b"), HasSubstr("column 1: the phrase that begins here"));
  EXPECT_THAT(problem(shop, "\"a b\"~2"), HasSubstr("column 6: phrases match word by word"));
  EXPECT_THAT(problem(shop, "a*b"), HasSubstr("column 2: * stands at the end of a word only"));
  EXPECT_THAT(problem(shop, "a *"), HasSubstr("column 3: expected the beginning of a word"));
  EXPECT_THAT(problem(shop, "a\\"), HasSubstr("column 2: a backslash"));
  EXPECT_THAT(problem(shop, "brand:x"), AllOf(HasSubstr("column 1: there is no field brand"),
                                              HasSubstr("there is title, text")));
  EXPECT_THAT(problem(shop, "title:-x"), HasSubstr("column 7: expected a word, a phrase or ("));
  EXPECT_THAT(problem(shop, "(a b)~3"), HasSubstr("column 5: there are only 2 to choose from"));
  EXPECT_THAT(problem(shop, "(a b)~0"), HasSubstr("column 6: expected behind ~ how many"));
  EXPECT_THAT(problem(shop, "(a b)~99999999999"), HasSubstr("column 6: expected behind ~"));
  EXPECT_THAT(problem(shop, "(a AND b c)~2"), HasSubstr("column 8: ~ counts what stands"));
  EXPECT_THAT(problem(shop, "(a -b)~1"), HasSubstr("column 4: ~ counts what matches"));
  EXPECT_THAT(problem(shop, "a \xFF"), HasSubstr("column 3: here the query is not valid UTF-8"));
  EXPECT_THAT(problem(Shop({}, false), "x \"a b\""), HasSubstr("column 3: phrases need an index"));
}

TEST(QueryParser, QueriesAreBounded) {
  const Shop shop;
  EXPECT_THAT(problem(shop, std::string(200, '(') + "a"), HasSubstr("column 33: too many"));
  EXPECT_THAT(problem(shop, std::string(20000, 'a')), HasSubstr("at most 16384 are allowed"));
  std::string many, nested = "x", nots;
  for (int i = 0; i < 1100; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_THAT(problem(shop, many), HasSubstr("at most 1024 terms"));
  for (int i = 0; i < 30; ++i) nested = "(a OR (" + nested + " -b))";
  EXPECT_THAT(problem(shop, nested), HasSubstr("too many parentheses"));
  for (int i = 0; i < 4000; ++i) nots += "NOT ";
  EXPECT_THAT(problem(shop, nots + "a"), HasSubstr("too many"));
  std::string phrase = "\"";
  for (int i = 0; i < 70; ++i) phrase += "w" + std::to_string(i) + " ";
  EXPECT_THAT(problem(shop, phrase + "\""), HasSubstr("column 1: a phrase has at most 64 words"));
}

}  // namespace
}  // namespace vitrine::text
