#include "service/search/search_box.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/search/testing_search.h"

namespace vitrine::search {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class SearchBoxTest : public testing::Test {
 protected:
  SearchBoxTest() {
    shop_.put("red-shoe",
              {"Red running shoes", "Light shoes for the road", "Nika", {"shoes", "sports"}, 80});
    shop_.put("blue-shoe", {"Blue running shoes", "For the track", "Adi", {"shoes"}, 60});
    shop_.put("red-dress", {"Red summer dress", "Cotton", "Vera", {"dresses"}, 40});
    shop_.put("sofa", {"Grey sofa", "A couch for three", "Ikon", {"furniture"}, 500, 0});
    shop_.put("lamp", {"Table lamp", "Warm light", "Ikon", {"furniture", "lights"}, 30});
    shop_.refresh();
  }
  SearchShop shop_;
};

TEST_F(SearchBoxTest, FindsItemsThatHaveAllWordsTitlesFirst) {
  EXPECT_THAT(shop_.ids({.text = "red shoes"}), ElementsAre("red-shoe"));
  EXPECT_THAT(shop_.ids({.text = "running"}), UnorderedElementsAre("red-shoe", "blue-shoe"));
  EXPECT_THAT(shop_.ids({.text = "couch"}), ElementsAre("sofa"));
  EXPECT_THAT(shop_.ids({.text = "light"}), ElementsAre("lamp", "red-shoe"));
  EXPECT_THAT(shop_.ids({.text = "ikon"}), ElementsAre("lamp", "sofa"));
}

TEST_F(SearchBoxTest, ABlankTextGivesEverything) {
  const auto answer = shop_.ask({.text = "  "});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->total, 5u);
  EXPECT_EQ(answer->match, Match::kAll);
  EXPECT_THAT(answer->items, SizeIs(5));
}

TEST_F(SearchBoxTest, AFilterNarrowsWhatIsFoundAndCounted) {
  const FacetRequest facet{"brand", 10, {}};
  const auto answer =
      shop_.ask({.text = "running", .filter = "price < 70", .facets = std::span(&facet, 1)});
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->total, 1u);
  ASSERT_THAT(answer->facets, SizeIs(1));
  ASSERT_THAT(answer->facets[0].values, SizeIs(1));
  EXPECT_EQ(answer->facets[0].values[0].text, "Adi");
  EXPECT_THAT(shop_.ids({.text = "running", .filter = "created > now() - 1h and price > 70"}),
              ElementsAre("red-shoe"));
}

TEST_F(SearchBoxTest, AFacetShowsWhatElseThereWouldBeOfItsOwnAttribute) {
  const std::vector<FacetRequest> facets{
      {"brand", 10, {}}, {"category", 10, {}}, {"price", 10, {{0, 70}, {70, 100}}}};
  const auto values = [](const FacetAnswer& facet) {
    std::vector<std::string> out;
    for (const FacetValue& value : facet.values) {
      out.push_back(value.text + " " + std::to_string(value.count));
    }
    return out;
  };
  auto answer = shop_.ask({.text = "running", .filter = "brand = \"Nika\"", .facets = facets});
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->total, 1u);
  EXPECT_THAT(values(answer->facets[0]), ElementsAre("Adi 1", "Nika 1"));
  EXPECT_THAT(values(answer->facets[1]), ElementsAre("shoes 1", "sports 1"));
  EXPECT_THAT(values(answer->facets[2]), ElementsAre(" 0", " 1"));
  // Conditions about other attributes hold, also where both are facets.
  answer = shop_.ask({.text = "running",
                      .filter = "brand = \"Nika\" and price < 70 and in_stock",
                      .facets = facets});
  EXPECT_EQ(answer->total, 0u);
  answer = shop_.ask({.filter = "brand = \"Nika\" and price > 70 and in_stock", .facets = facets});
  EXPECT_THAT(values(answer->facets[0]), ElementsAre("Nika 1")) << "Adi's are cheaper";
  EXPECT_THAT(values(answer->facets[2]), ElementsAre(" 0", " 1"));
  // A condition about two attributes is nobody's own.
  answer = shop_.ask({.filter = "brand = \"Nika\" or price < 35", .facets = facets});
  EXPECT_THAT(values(answer->facets[0]), ElementsAre("Ikon 1", "Nika 1"));
  const FacetRequest whole{"brand", 10, {}, true};
  answer =
      shop_.ask({.text = "running", .filter = "brand = \"Nika\"", .facets = std::span(&whole, 1)});
  EXPECT_THAT(values(answer->facets[0]), ElementsAre("Nika 1"));
}

TEST_F(SearchBoxTest, ChangesOfTheCatalogAreFoundAfterTheNextRefresh) {
  shop_.settings.fallback = false;
  shop_.put("red-hat", {"Red hat"});
  shop_.put("lamp", {"Floor lamp"});
  shop_.remove("red-dress");
  EXPECT_THAT(shop_.ids({.text = "dress"}), IsEmpty()) << "what is gone is never shown";
  shop_.refresh();
  EXPECT_THAT(shop_.ids({.text = "red"}), UnorderedElementsAre("red-hat", "red-shoe"));
  EXPECT_THAT(shop_.ids({.text = "table"}), Not(Contains("lamp")));
  EXPECT_THAT(shop_.ids({.text = "floor"}), ElementsAre("lamp"));
}

TEST_F(SearchBoxTest, AChangeOfStockOrPriceIsNoReasonToIndexAgain) {
  const auto before = shop_.box.stats().taken_over;
  shop_.put("lamp", {"Table lamp", "Warm light", "Ikon", {"furniture", "lights"}, 25, 7});
  shop_.refresh();
  EXPECT_EQ(shop_.box.stats().taken_over, before);
  EXPECT_THAT(shop_.ids({.text = "lamp", .filter = "price = 25"}), ElementsAre("lamp"));
}

TEST_F(SearchBoxTest, AMistypedWordIsCorrectedOnlyIfNothingIsSpelledLikeIt) {
  auto answer = shop_.ask({.text = "runing shoes"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->match, Match::kTypos);
  EXPECT_EQ(answer->searched, "running shoes");
  EXPECT_EQ(answer->total, 2u);
  answer = shop_.ask({.text = "Red SHOES"});
  EXPECT_EQ(answer->match, Match::kExact);
  EXPECT_EQ(answer->searched, "");
  shop_.settings.typo_tolerance = false;
  answer = shop_.ask({.text = "runing"});
  EXPECT_EQ(answer->match, Match::kNothing);
}

TEST_F(SearchBoxTest, OfManyWordsSomeAreEnoughWhereNoItemHasAll) {
  const auto answer = shop_.ask({.text = "red shoes qqqq"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->match, Match::kSomeWords);
  EXPECT_EQ(answer->words, 3u);
  EXPECT_EQ(answer->words_needed, 2u);
  EXPECT_EQ(answer->total, 1u);
  EXPECT_THAT(shop_.ids({.text = "dress sofa"}), UnorderedElementsAre("red-dress", "sofa"));
}

TEST_F(SearchBoxTest, WhereNothingIsFoundPopularItemsInStockAreShown) {
  shop_.shop.act("ann", "lamp");
  auto answer = shop_.ask({.text = "qqqq"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->match, Match::kNothing);
  EXPECT_EQ(answer->total, 0u);
  ASSERT_THAT(answer->items, Not(IsEmpty()));
  EXPECT_EQ(shop_.shop.catalog.item_id(answer->items[0].item), "lamp");
  EXPECT_THAT(shop_.ids({.text = "qqqq"}), Not(Contains("sofa"))) << "it is sold out";
  shop_.settings.fallback = false;
  EXPECT_THAT(shop_.ids({.text = "qqqq"}), IsEmpty());
}

TEST_F(SearchBoxTest, WhatIsNearToTheVisitorStandsHigherAmongWhatTheTextFinds) {
  for (int i = 0; i < 3; ++i) {
    shop_.put("tent-" + std::to_string(i), {"Tent for camping", "A tent", "Wild", {"camping"}});
    shop_.put("toy-" + std::to_string(i), {"Tent for dolls", "A tent", "Puppe", {"toys"}});
  }
  shop_.put("doll", {"Doll with a dress", "For dolls", "Puppe", {"toys"}});
  shop_.refresh();
  shop_.shop.act("eve", "doll");
  shop_.settings.personal = 0;
  shop_.settings.affinity = 1;
  auto answer = shop_.ask({.text = "tent", .user_id = "eve"});
  ASSERT_TRUE(answer.ok());
  ASSERT_THAT(answer->items, SizeIs(6));
  const auto id = [&](std::size_t i) { return shop_.shop.catalog.item_id(answer->items[i].item); };
  EXPECT_THAT(std::string(id(0)), HasSubstr("toy-"));
  EXPECT_GT(answer->items[0].parts.near, answer->items[5].parts.near);
  EXPECT_FLOAT_EQ(answer->items[0].score,
                  answer->items[0].parts.relevance * (1 + answer->items[0].parts.near));
  answer = shop_.ask({.text = "tent", .user_id = "eve", .personal = false});
  EXPECT_EQ(answer->items[0].parts.near, 0) << "the request says no";
  shop_.settings.affinity = 0;
  answer = shop_.ask({.text = "tent", .user_id = "eve"});
  EXPECT_EQ(answer->items[0].parts.near, 0) << "the tenant says no";
  shop_.settings.affinity = 1;
  answer = shop_.ask({.limit = 2, .user_id = "eve"});
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(shop_.ids({.limit = 4, .user_id = "eve"}), Contains("doll"))
      << "without a text what is near is looked for";
}

TEST_F(SearchBoxTest, ARareWordNearAFrequentOneIsAskedAbout) {
  for (int i = 0; i < 40; ++i) shop_.put("boot-" + std::to_string(i), {"Winter boots"});
  shop_.put("boats", {"Toy boats"});
  shop_.refresh();
  const auto answer = shop_.ask({.text = "boats"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->match, Match::kExact);
  EXPECT_EQ(answer->did_you_mean, "boots");
}

TEST_F(SearchBoxTest, SynonymsFindEachOtherAndNeedNoNewIndex) {
  shop_.settings.synonyms = {{"frock", "dress"}, {"table lamp", "desk light"}};
  const auto before = shop_.box.stats().taken_over;
  shop_.refresh();
  EXPECT_THAT(shop_.ids({.text = "red frock"}), ElementsAre("red-dress"));
  EXPECT_THAT(shop_.ids({.text = "desk light"}), Contains("lamp"));
  EXPECT_EQ(shop_.box.stats().taken_over, before);
}

TEST_F(SearchBoxTest, ALanguageMakesTheIndexAnewAndFindsOtherForms) {
  EXPECT_THAT(shop_.ids({.text = "dresses shoe run"}), Not(Contains("lamp")));
  shop_.settings.language = "english";
  shop_.refresh();
  EXPECT_THAT(shop_.ids({.text = "shoe"}), UnorderedElementsAre("red-shoe", "blue-shoe"));
  EXPECT_EQ(shop_.ask({.text = "lamps"})->match, Match::kExact);
}

TEST_F(SearchBoxTest, ARuleSendsAQueryElsewhere) {
  shop_.settings.redirects = {{"returns", "/help/returns", true}, {"gift card", "/gifts", false}};
  EXPECT_EQ(shop_.ask({.text = " RETURNS"})->redirect, "/help/returns");
  EXPECT_EQ(shop_.ask({.text = "returns policy"})->redirect, "");
  EXPECT_EQ(shop_.ask({.text = "red gift card 50"})->redirect, "/gifts");
  EXPECT_EQ(shop_.ask({.text = "gift cards"})->redirect, "");
}

TEST_F(SearchBoxTest, SortsByPriceNewestAndPopularity) {
  EXPECT_THAT(shop_.ids({.sort = Sort::kPriceAscending}),
              ElementsAre("lamp", "red-dress", "blue-shoe", "red-shoe", "sofa"));
  EXPECT_THAT(shop_.ids({.text = "red", .sort = Sort::kPriceDescending}),
              ElementsAre("red-shoe", "red-dress"));
  EXPECT_THAT(shop_.ids({.sort = Sort::kNewest, .limit = 2}), ElementsAre("lamp", "sofa"));
  shop_.shop.act("ann", "red-dress");
  EXPECT_THAT(shop_.ids({.sort = Sort::kPopular, .limit = 1}), ElementsAre("red-dress"));
}

TEST_F(SearchBoxTest, HighlightsTheWordsFoundAndEscapesTheRest) {
  shop_.put("odd", {"Red <b>hat</b> & more", "A \"red\" thing"});
  shop_.refresh();
  const auto answer = shop_.ask({.text = "red hat"});
  ASSERT_TRUE(answer.ok());
  ASSERT_THAT(answer->items, SizeIs(1));
  EXPECT_EQ(answer->items[0].highlight.title,
            "<em>Red</em> &lt;b&gt;<em>hat</em>&lt;/b&gt; &amp; more");
  EXPECT_EQ(answer->items[0].highlight.description, "A &quot;<em>red</em>&quot; thing");
}

TEST_F(SearchBoxTest, WhatTheVisitorTurnedToComesFirstUnlessSwitchedOff) {
  for (const char* user : {"bob", "cid", "dan"}) {
    shop_.shop.act(user, "blue-shoe");
    shop_.shop.act(user, "lamp");
  }
  shop_.shop.act("ann", "lamp");
  const auto everyone = shop_.ids({.text = "running", .user_id = "nobody"});
  ASSERT_THAT(everyone, SizeIs(2));
  for (int i = 0; i < 5; ++i) shop_.shop.act("ann", "red-shoe");
  shop_.settings.popularity = 0;
  EXPECT_THAT(shop_.ids({.text = "running", .user_id = "ann"}),
              ElementsAre("red-shoe", "blue-shoe"));
  const auto off = shop_.ask({.text = "running", .user_id = "ann", .personal = false});
  for (const FoundItem& item : off->items) EXPECT_EQ(item.parts.taste, 0);
}

TEST_F(SearchBoxTest, TheScoreIsTheFormulaOfItsParts) {
  shop_.shop.act("ann", "red-shoe");
  shop_.shop.act("bob", "sofa");
  shop_.queries.note_interest("ikon", kNoUser, *shop_.shop.catalog.find("sofa"), 2, shop_.shop.now);
  const auto& s = shop_.settings;
  for (const char* text : {"running", "ikon", "light", "red", ""}) {
    const auto answer = shop_.ask({.text = text, .user_id = "ann", .explain = true});
    ASSERT_TRUE(answer.ok());
    for (const FoundItem& item : answer->items) {
      const ScoreParts& p = item.parts;
      const double sum =
          1 + s.personal * static_cast<double>(p.taste) + s.affinity * static_cast<double>(p.near) +
          s.popularity * static_cast<double>(p.wanted) + s.clicks * static_cast<double>(p.chosen);
      EXPECT_NEAR(static_cast<double>(item.score),
                  static_cast<double>(p.relevance) * sum * static_cast<double>(p.stock), 1e-5);
      double terms = 0;
      for (const auto& part : item.terms) terms += part.score;
      EXPECT_NEAR(terms, static_cast<double>(p.text), 1e-4) << text;
    }
  }
}

TEST_F(SearchBoxTest, ClicksRaiseAnItemForTheirQueryOnly) {
  const ItemIndex blue = *shop_.shop.catalog.find("blue-shoe");
  shop_.put("green-shoe", {"Green running shoes"});
  shop_.refresh();
  const auto place = [&](std::string_view text) {
    const auto found = shop_.ids({.text = text});
    return std::find(found.begin(), found.end(), "blue-shoe") - found.begin();
  };
  for (int i = 0; i < 5; ++i)
    shop_.queries.note_interest("running", kNoUser, blue, 1, shop_.shop.now);
  EXPECT_EQ(place("Running"), 0);
  const auto other = shop_.ask({.text = "shoes"});
  for (const FoundItem& item : other->items) EXPECT_EQ(item.parts.chosen, 0);
}

TEST_F(SearchBoxTest, RefusesWithWhatAndWhere) {
  const auto refusal = [&](const SearchRequest& request) {
    const auto answer = shop_.ask(request);
    return answer.ok() ? std::string() : answer.error().message();
  };
  const std::string long_text(20'000, 'a');
  EXPECT_THAT(refusal({.text = long_text}), HasSubstr("query: may have 512 bytes, got 20000"));
  EXPECT_THAT(refusal({.offset = 10'000}), HasSubstr("offset + limit may be 10000"));
  EXPECT_THAT(refusal({.offset = 0xFFFFFFFFu}), HasSubstr("offset + limit"));
  EXPECT_THAT(refusal({.limit = 101}), HasSubstr("limit: must be from 1 to 100"));
  EXPECT_THAT(refusal({.filter = "prise < 3"}), HasSubstr("filter: column 1"));
  const FacetRequest unknown{"brnad", 10, {}}, text{"title", 10, {}}, ranged{"brand", 10, {{0, 1}}};
  EXPECT_THAT(
      refusal({.facets = std::span(&unknown, 1)}),
      HasSubstr("facets[0]: no item has an attribute 'brnad'; facets can be made of brand"));
  EXPECT_THAT(refusal({.facets = std::span(&text, 1)}), HasSubstr("'title' differs"));
  EXPECT_THAT(refusal({.facets = std::span(&ranged, 1)}), HasSubstr("facets[0].ranges"));
}

TEST_F(SearchBoxTest, AnyBytesAreSearchedWithoutHarm) {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (std::size_t n = random() % 200; n > 0; --n) text += static_cast<char>(random());
    const auto answer = shop_.ask({.text = text, .as_you_type = i % 2 == 0, .explain = i % 3 == 0});
    EXPECT_TRUE(answer.ok()) << answer.error().message();
    shop_.suggested(text);
  }
}

TEST_F(SearchBoxTest, AsYouTypeTheLastWordMayGoOn) {
  EXPECT_THAT(shop_.ids({.text = "red dre", .as_you_type = true}), ElementsAre("red-dress"));
}

TEST_F(SearchBoxTest, SuggestsCategoriesBrandsTitlesAndWords) {
  EXPECT_THAT(shop_.suggested("re"), Contains("Red running shoes"));
  EXPECT_THAT(shop_.suggested("fur"), Contains("furniture"));
  EXPECT_THAT(shop_.suggested("vera d"), Not(Contains("vera data")));
  EXPECT_THAT(shop_.suggested("vera dr"), Contains("vera dress"));
  EXPECT_THAT(shop_.suggested("ikon dr"), IsEmpty()) << "no item has both";
  EXPECT_THAT(shop_.suggested("", 3), SizeIs(3));
}

TEST_F(SearchBoxTest, SuggestsQueriesOnlyOnceSeveralVisitorsMadeThem) {
  for (int i = 0; i < 10; ++i)
    shop_.queries.note_search("red shoes size 9", UserIndex{1}, shop_.shop.now);
  shop_.put("size", {"Size 9"});
  shop_.refresh();
  EXPECT_THAT(shop_.suggested("red sh"), Not(Contains("red shoes size 9")));
  shop_.queries.note_search("red shoes size 9", UserIndex{2}, shop_.shop.now);
  shop_.queries.note_search("red shoes size 9", UserIndex{3}, shop_.shop.now);
  for (int i = 0; i < 300 && shop_.suggested("red shoes si").empty(); ++i) {
    shop_.refresh();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(shop_.suggested("red sh").front(), "red shoes size 9");
}

// --- Larger catalogs, against the obvious ---------------------------------------------------

class MadeShop {
 public:
  MadeShop(int items, unsigned seed) : random_(seed) {
    for (int i = 0; i < items; ++i) put(i);
    shop.refresh();
    for (int i = 0; i < 300; ++i) {
      shop.shop.act("u" + std::to_string(random_() % 20), id(static_cast<int>(random_()) & 1023));
    }
  }
  static std::string id(int i) { return "i" + std::to_string(i); }
  static std::string word(unsigned i) { return "word" + std::to_string(i); }
  void put(int i) {
    std::string title;
    for (std::size_t n = 1 + random_() % 5; n > 0; --n) title += word(random_() % 30) + " ";
    shop.put(id(i), {title,
                     "",
                     "brand" + std::to_string(random_() % 7),
                     {"c" + std::to_string(random_() % 5), "d" + std::to_string(random_() % 3)},
                     static_cast<double>(random_() % 100),
                     static_cast<double>(random_() % 3)});
  }
  SearchShop shop;
  std::mt19937 random_;
};

TEST(SearchBox, PagesFollowEachOtherWithoutGapOrRepetition) {
  MadeShop made(1500, 11);
  for (const char* text : {"word3", "word1 word2", "nothing like it", ""}) {
    for (const Sort sort :
         {Sort::kRelevance, Sort::kPriceAscending, Sort::kNewest, Sort::kPopular}) {
      const auto first = made.shop.ask({.text = text, .sort = sort, .limit = 100, .user_id = "u3"});
      ASSERT_TRUE(first.ok());
      if (first->match == Match::kNothing) continue;
      std::vector<std::uint32_t> seen;
      for (std::uint32_t offset = 0; offset < first->total; offset += 70) {
        const auto page = made.shop.ask(
            {.text = text, .sort = sort, .offset = offset, .limit = 70, .user_id = "u3"});
        ASSERT_TRUE(page.ok());
        ASSERT_EQ(page->total, first->total);
        ASSERT_EQ(page->items.size(), std::min<std::uint64_t>(70, first->total - offset));
        for (const auto& item : page->items) seen.push_back(item.item.value);
      }
      for (std::size_t i = 0; i < first->items.size(); ++i) {
        ASSERT_EQ(first->items[i].item.value, seen[i]) << text << " " << i;
      }
      std::sort(seen.begin(), seen.end());
      EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
      EXPECT_EQ(seen.size(), first->total);
    }
  }
}

TEST(SearchBox, FacetsAgreeWithCountingEveryMatch) {
  MadeShop made(800, 12);
  const std::vector<FacetRequest> facets{{"brand", 3, {}},
                                         {"categories", 100, {}},
                                         {"price", 10, {{0, 20}, {20, 50}, {10, 90}}},
                                         {"in_stock", 10, {}}};
  for (const char* text : {"word3", "word5", ""}) {
    const auto answer =
        made.shop.ask({.text = text, .filter = "price >= 5", .facets = facets, .limit = 100});
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    std::map<std::string, std::uint64_t> brands, categories, truths;
    std::uint64_t low = 0, middle = 0, wide = 0, total = 0;
    const auto& catalog = made.shop.shop.catalog;
    for (std::uint32_t row = 0; row < catalog.item_count(); ++row) {
      const auto item = catalog.get_item(ItemIndex{row});
      if (!item) continue;
      const auto& title = std::get<std::string>(*item->find("title"));
      const double price = catalog.price(ItemIndex{row});
      if ((" " + title).find(" " + std::string(text) + (*text != 0 ? " " : "")) ==
          std::string::npos) {
        continue;
      }
      low += price < 20 ? 1 : 0;  // the facet leaves the condition about its own attribute out
      if (price < 5) continue;
      ++total;
      ++brands[std::get<std::string>(*item->find("brand"))];
      for (const auto& c : std::get<std::vector<std::string>>(*item->find("categories")))
        ++categories[c];
      ++truths[catalog.in_stock(ItemIndex{row}) ? "true" : "false"];
      middle += price >= 20 && price < 50 ? 1 : 0;
      wide += price >= 10 && price < 90 ? 1 : 0;
    }
    ASSERT_EQ(answer->total, total) << text;
    ASSERT_EQ(answer->facets.size(), 4u);
    EXPECT_EQ(answer->facets[0].values.size(), 3u);
    EXPECT_EQ(answer->facets[0].others, brands.size() - 3);
    for (const auto& value : answer->facets[0].values) EXPECT_EQ(value.count, brands[value.text]);
    ASSERT_EQ(answer->facets[1].values.size(), categories.size());
    for (const auto& value : answer->facets[1].values)
      EXPECT_EQ(value.count, categories[value.text]);
    EXPECT_EQ(answer->facets[2].values[0].count, low);
    EXPECT_EQ(answer->facets[2].values[1].count, middle);
    EXPECT_EQ(answer->facets[2].values[2].count, wide);
    for (const auto& value : answer->facets[3].values) EXPECT_EQ(value.count, truths[value.text]);
  }
}

TEST(SearchBox, AnswersDoNotDependOnHowTheIndexCameAbout) {
  MadeShop grown(600, 13);
  for (int i = 0; i < 5'000; ++i) {
    grown.put(static_cast<int>(grown.random_() % 700));
    if (grown.random_() % 10 == 0) grown.shop.refresh();
  }
  grown.shop.refresh();
  SearchBox fresh({}, std::shared_ptr<const StateSource>(&grown.shop, [](const StateSource*) {}));
  ASSERT_TRUE(fresh.refresh().ok());
  SearchScratch scratch;
  for (unsigned w = 0; w < 30; ++w) {
    const std::string text = MadeShop::word(w);
    const auto one = grown.shop.ask({.text = text, .limit = 100});
    SearchAnswer other;
    ASSERT_TRUE(fresh
                    .search(grown.shop.state(), {grown.shop.filters, grown.shop.matches},
                            {.text = text, .limit = 100, .now = grown.shop.shop.now}, scratch,
                            other)
                    .ok());
    EXPECT_EQ(one->total, other.total) << text;
  }
}

}  // namespace
}  // namespace vitrine::search
