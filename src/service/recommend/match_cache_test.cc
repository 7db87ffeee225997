// Goal: kept matches change how long an answer takes and nothing else, and never outgrow their
// bounds.
#include "service/recommend/match_cache.h"

#include <map>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "service/recommend/recommender.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

RecommenderOptions keeping(std::size_t entries_max) {
  RecommenderOptions options;
  options.match_cache.entries_max = entries_max;
  return options;
}

struct Prepared {
  Prepared(const char* text, const catalog::Catalog& catalog)
      : parsed(filter::parse(text).value()), bound(filter::bind(parsed, catalog, kNoon).value()) {}
  filter::ParsedFilter parsed;
  filter::BoundFilter bound;
};

class MatchCacheTest : public testing::Test {
 protected:
  MatchCacheTest() {
    for (int i = 0; i < 500; ++i) {
      shop.item("p" + std::to_string(i),
                {.brand = "b" + std::to_string(i % 7), .price = static_cast<double>(i % 50)});
    }
  }
  MatchCache::Set ask(MatchCache& cache, const char* text) {
    const Prepared filter(text, shop.catalog);
    auto set = cache.find(filter.parsed.canonical(), shop.catalog);
    if (set == nullptr) set = cache.make(filter.parsed.canonical(), filter.bound, shop.catalog);
    EXPECT_TRUE(set->is_current(shop.catalog));
    EXPECT_EQ(set->size(), filter.bound.count_matches());
    return set;
  }
  Shop shop;
};

TEST_F(MatchCacheTest, MakesOnceAndFindsUntilTheCatalogChanges) {
  MatchCache cache;
  const auto first = ask(cache, "price < 10");
  EXPECT_EQ(ask(cache, "price < 10"), first);
  EXPECT_EQ(ask(cache, "  price<10 "), first);
  shop.item("new", {.price = 3});
  EXPECT_EQ(ask(cache, "price < 10")->size(), first->size() + 1);
  EXPECT_EQ(cache.stats().made, 1u);
  EXPECT_EQ(cache.stats().refreshed, 1u);
  EXPECT_EQ(cache.stats().hits, 2u);
}

// Whoever holds a set may go on reading it although the cache moves on.
TEST_F(MatchCacheTest, LeavesASetAloneThatSomeoneHolds) {
  MatchCache cache;
  const auto held = ask(cache, "price < 10");
  const std::uint64_t size = held->size();
  shop.item("new", {.price = 3});
  ask(cache, "price < 10");
  EXPECT_EQ(held->size(), size);
}

TEST_F(MatchCacheTest, MakesAgainForAnotherCatalogOrAfterTooManyChanges) {
  MatchCache cache;
  ask(cache, "price < 10");
  for (std::size_t i = 0; i <= catalog::Catalog::kChangesKept; ++i) shop.item("p1", {.price = 3});
  ask(cache, "price < 10");
  EXPECT_EQ(cache.stats().made, 2u);
  Shop other;
  other.item("x", {.price = 2});
  const Prepared filter("price < 10", other.catalog);
  EXPECT_EQ(cache.find(filter.parsed.canonical(), other.catalog), nullptr);
  EXPECT_EQ(cache.make(filter.parsed.canonical(), filter.bound, other.catalog)->size(), 1u);
  EXPECT_EQ(cache.stats().made, 3u);
}

TEST_F(MatchCacheTest, ForgetsTheOneThatWasNotAskedForTheLongest) {
  MatchCache cache({2, 1 << 20});
  ask(cache, "price < 1");
  ask(cache, "price < 2");
  ask(cache, "price < 1");
  ask(cache, "price < 3");
  EXPECT_EQ(cache.stats().entries, 2u);
  ask(cache, "price < 1");
  EXPECT_EQ(cache.stats().made, 3u);
  ask(cache, "price < 2");
  EXPECT_EQ(cache.stats().made, 4u);
}

TEST_F(MatchCacheTest, StaysWithinItsBytesAndKeepsNothingLargerThanThem) {
  MatchCache small({100, 1000});
  for (int i = 0; i < 100; ++i) {
    ask(small, ("price < " + std::to_string(i)).c_str());
    EXPECT_LE(small.stats().bytes, 1000u);
  }
  EXPECT_GT(small.stats().entries, 0u);
  MatchCache tiny({100, 50});
  ask(tiny, "price < 4");
  EXPECT_EQ(tiny.stats().entries, 0u);
  EXPECT_EQ(tiny.stats().bytes, 0u);
}

// Goal: answers do not show whether their filter was asked before. Method: one recommender lives
// through all changes of a shop, with room for few sets; for each question a new one answers too.
TEST(MatchCacheInUse, GivesTheAnswersOfARecommenderThatKeepsNothing) {
  ManualClock clock;
  RecommenderOptions one_by_one;
  one_by_one.always_test = true;
  Recommender tester(one_by_one, clock, nullptr);
  Recommender keeper(keeping(5), clock, nullptr);
  Scratch scratch;
  Answer kept, fresh, tested;
  std::mt19937 random(9);
  Shop shop;
  const auto number = [&](unsigned n) { return std::to_string(random() % n); };
  for (int step = 0; step < 3000; ++step) {
    if (random() % 2 == 0) {
      shop.item("p" + number(200), {.category = "c" + number(5),
                                    .brand = "b" + number(9),
                                    .price = static_cast<double>(random() % 30),
                                    .stock = random() % 5 == 0 ? 0.0 : 1.0});
    }
    if (random() % 20 == 0) (void)shop.catalog.apply_delete("p" + number(200), shop.now);
    shop.act("u" + number(20), "p" + number(220),
             random() % 4 == 0 ? event::EventType::kPurchaseComplete
                               : event::EventType::kDetailPageView);
    const std::string filters[] = {"price < 10",
                                   "in_stock and brand in ('b1','b2')",
                                   "category = 'c1' and price >= 4 and price < 20",
                                   "not category in ('c2','c3') or price = 7",
                                   "created > now() - 1h",
                                   "item_id starts_with 'p1'",
                                   "brand = 'b3'"};
    const std::string filter = filters[random() % std::size(filters)];
    const std::string user = "u" + number(25);
    const char* const placements[] = {"home", "trending", "popular"};
    const Boost boost{.filter = "brand = 'b4'", .factor = 3};
    Request request{.placement = placements[random() % 3],
                    .user_id = user,
                    .limit = 1 + random() % 30,
                    .filter = filter,
                    .now = shop.now};
    if (random() % 3 == 0) request.diversity = 0.1 * static_cast<double>(1 + random() % 9);
    if (random() % 4 == 0) request.boosts = {&boost, 1};
    const auto& policy = *policy::find_builtin(request.placement);
    Recommender forgetful({}, clock, nullptr);
    const Status now_tested = tester.recommend(shop.view(), policy, request, scratch, tested);
    const Status now_kept = keeper.recommend(shop.view(), policy, request, scratch, kept);
    const Status now_fresh = forgetful.recommend(shop.view(), policy, request, scratch, fresh);
    ASSERT_EQ(now_kept.ok(), now_fresh.ok());
    ASSERT_EQ(now_kept.ok(), now_tested.ok());
    SCOPED_TRACE(filter);
    ASSERT_EQ(kept.items.size(), fresh.items.size());
    ASSERT_EQ(kept.items.size(), tested.items.size());
    ASSERT_EQ(kept.relaxed, tested.relaxed);
    for (std::size_t i = 0; i < kept.items.size(); ++i) {
      ASSERT_EQ(kept.items[i].item, fresh.items[i].item);
      ASSERT_EQ(kept.items[i].item, tested.items[i].item);
      ASSERT_EQ(kept.items[i].score, tested.items[i].score);
      ASSERT_EQ(kept.items[i].score, fresh.items[i].score);
      ASSERT_EQ(kept.items[i].contributions, fresh.items[i].contributions);
    }
    ASSERT_EQ(kept.drops, fresh.drops);
    ASSERT_EQ(kept.relaxed, fresh.relaxed);
    ASSERT_EQ(kept.tested, fresh.tested);
    ASSERT_EQ(kept.candidates, fresh.candidates);
    ASSERT_EQ(kept.filter_path, fresh.filter_path);
  }
  EXPECT_LE(keeper.match_cache().stats().entries, 5u);
  EXPECT_GT(keeper.match_cache().stats().refreshed, 300u);
}

// Goal: many threads share one recommender and its caches. Method: all of them ask the same
// questions while the catalog stands still, then it changes, and again; every answer is that of one
// thread.
TEST(MatchCacheInUse, AnswersManyThreadsAlike) {
  ManualClock clock;
  Recommender shared(keeping(6), clock, nullptr);
  Shop shop;
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    shop.item("p" + std::to_string(i), {.category = "c" + std::to_string(i % 6),
                                        .price = static_cast<double>(random() % 40)});
  }
  for (int i = 0; i < 2000; ++i) {
    shop.act("u" + std::to_string(random() % 30), "p" + std::to_string(random() % 300));
  }
  const auto ask_all = [&](Recommender& recommender, unsigned first) {
    Scratch scratch;
    Answer answer;
    std::map<unsigned, std::string> answers;
    for (unsigned k = 0; k < 40; ++k) {
      const unsigned question = (k + first) % 40;
      const std::string filter = "price < " + std::to_string(4 + question % 10);
      const std::string user = "u" + std::to_string(question % 30);
      const Request request{
          .placement = "home", .user_id = user, .filter = filter, .now = shop.now};
      EXPECT_TRUE(
          recommender
              .recommend(shop.view(), *policy::find_builtin("home"), request, scratch, answer)
              .ok());
      std::string& text = answers[question];
      for (std::size_t i = 0; i < answer.items.size(); ++i) {
        text += std::string(answer.item_id(i)) + " " + std::to_string(answer.items[i].score) + "\n";
      }
    }
    return answers;
  };
  for (int round = 0; round < 15; ++round) {
    Recommender alone({}, clock, nullptr);
    const auto expected = ask_all(alone, 0);
    std::vector<std::thread> threads;
    std::vector<std::map<unsigned, std::string>> answers(4);
    for (unsigned t = 0; t < answers.size(); ++t) {
      threads.emplace_back([&, t] { answers[t] = ask_all(shared, t * 3); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& given : answers) ASSERT_EQ(given, expected);
    for (int i = 0; i < 5; ++i) {
      shop.item("p" + std::to_string(random() % 320),
                {.price = static_cast<double>(random() % 20)});
    }
  }
}

}  // namespace
}  // namespace vitrine::recommend
