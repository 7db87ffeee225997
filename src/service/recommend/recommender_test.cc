#include "service/recommend/recommender.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

using event::EventType;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class RecommenderTest : public testing::Test {
 protected:
  Status try_ask(const policy::PlacementPolicy& policy, Request request) {
    request.placement = policy.placement;
    if (request.now == 0) request.now = shop.now;
    return recommender.recommend(shop.view(), policy, request, scratch, answer);
  }
  std::vector<std::string> ask(std::string_view placement, Request request = {}) {
    const Status status = try_ask(*policy::find_builtin(placement), request);
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    return ids();
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < answer.items.size(); ++i) ids.emplace_back(answer.item_id(i));
    return ids;
  }
  std::uint32_t dropped(Drop drop) const { return answer.drops[static_cast<std::size_t>(drop)]; }

  Shop shop;
  ManualClock clock;
  Recommender recommender{RecommenderOptions{}, clock, nullptr};
  Scratch scratch;
  Answer answer;
};

TEST_F(RecommenderTest, HasNothingToSayForAnEmptyCatalog) {
  for (policy::PlacementPolicy policy : policy::builtin_policies()) {
    policy.needs_category = false;  // the page of everything
    const std::string_view item = "gone";
    EXPECT_TRUE(try_ask(policy, {.user_id = "u", .item_ids = {&item, 1}}).ok());
    EXPECT_THAT(ids(), IsEmpty()) << policy.placement;
  }
}

TEST_F(RecommenderTest, ShowsTheNewestToAVisitorOfAShopWithoutEvents) {
  for (int i = 0; i < 5; ++i) shop.item("p" + std::to_string(i));
  EXPECT_THAT(ask("home", {.limit = 3}), ElementsAre("p4", "p3", "p2"));
  EXPECT_TRUE(answer.fell_back_to(Link::kNewest));
  EXPECT_EQ(answer.items[0].source, Source::kNewArrivals);
}

TEST_F(RecommenderTest, ShowsAnUnknownUserWhatIsWanted) {
  for (int i = 0; i < 5; ++i) shop.item("p" + std::to_string(i));
  for (int i = 0; i < 3; ++i) shop.act("a" + std::to_string(i), "p2");
  shop.act("b", "p1");
  EXPECT_THAT(ask("home", {.user_id = "nobody", .limit = 4}), ElementsAre("p2", "p1", "p4", "p3"));
  EXPECT_EQ(answer.supplied[static_cast<std::size_t>(Link::kRanked)], 2u);
}

TEST_F(RecommenderTest, ShowsAtHomeWhatOthersLookedAtNext) {
  for (const char* id : {"shoe", "sock", "lace", "hat"}) shop.item(id);
  for (int i = 0; i < 4; ++i) {
    shop.act("u" + std::to_string(i), "shoe");
    shop.act("u" + std::to_string(i), "sock");
  }
  for (int i = 0; i < 20; ++i) shop.act("v" + std::to_string(i), "hat");
  shop.act("me", "shoe");
  EXPECT_EQ(ask("home", {.user_id = "me"}).front(), "sock");
  EXPECT_EQ(answer.items[0].source, Source::kCoView);
  EXPECT_THAT(ids(), Not(Contains("shoe"))) << "seen a moment ago";
  EXPECT_GT(dropped(Drop::kSeen), 0u);
}

TEST_F(RecommenderTest, ChangesWithTheNextClick) {
  for (const char* id : {"shoe", "sock", "tent", "peg"}) shop.item(id);
  for (int i = 0; i < 4; ++i) {
    shop.act("u" + std::to_string(i), "shoe");
    shop.act("u" + std::to_string(i), "sock");
    shop.act("w" + std::to_string(i), "tent");
    shop.act("w" + std::to_string(i), "peg");
  }
  shop.act("me", "shoe");
  EXPECT_EQ(ask("home", {.user_id = "me"}).front(), "sock");
  shop.act("me", "tent");
  EXPECT_EQ(ask("home", {.user_id = "me"}).front(), "peg");
}

TEST_F(RecommenderTest, PutsBoughtTogetherOnTheProductPage) {
  for (const char* id : {"printer", "ink", "paper", "lamp"}) shop.item(id);
  for (int i = 0; i < 3; ++i) {
    shop.buy("u" + std::to_string(i), "printer");
    shop.buy("u" + std::to_string(i), "ink");
  }
  const std::string_view page = "printer";
  EXPECT_EQ(ask("product-also-bought", {.item_ids = {&page, 1}}).front(), "ink");
  EXPECT_EQ(answer.items[0].source, Source::kCoBuy);
  EXPECT_THAT(ids(), Not(Contains("printer")));
  EXPECT_GT(dropped(Drop::kContext), 0u);
}

TEST_F(RecommenderTest, CompletesACartAndNeverOffersWhatIsInIt) {
  for (const char* id : {"printer", "ink", "paper", "lamp"}) shop.item(id);
  for (int i = 0; i < 3; ++i) {
    const std::string user = "u" + std::to_string(i);
    for (const char* id : {"printer", "ink", "paper"}) shop.buy(user, id);
  }
  const std::string_view cart[] = {"printer", "paper"};
  EXPECT_THAT(ask("cart", {.cart = cart, .limit = 4}), ElementsAre("ink", "lamp"));
}

TEST_F(RecommenderTest, RemembersTheCartOfARequestThatNamesNone) {
  for (const char* id : {"printer", "ink", "lamp"}) shop.item(id);
  for (int i = 0; i < 3; ++i) {
    shop.buy("u" + std::to_string(i), "printer");
    shop.buy("u" + std::to_string(i), "ink");
  }
  shop.act("me", "printer", EventType::kAddToCart);
  EXPECT_EQ(ask("cart", {.user_id = "me"}).front(), "ink");
  EXPECT_THAT(ids(), Not(Contains("printer")));
}

TEST_F(RecommenderTest, FindsAlikeItemsWithoutAnyEvent) {
  shop.item("boot", {.category = "shoes", .brand = "b", .price = 50});
  shop.item("sandal", {.category = "shoes", .brand = "c", .price = 50});
  shop.item("slipper", {.category = "shoes", .brand = "b", .price = 10});
  shop.item("bag", {.category = "bags", .brand = "b", .price = 50});
  shop.item("cup", {.category = "kitchen", .brand = "d", .price = 50});
  const std::string_view page = "boot";
  // 0.5 + 0.3 + 0.2/5; 0.5 + 0.2; 0.3 + 0.2; then the newest of the rest.
  EXPECT_THAT(ask("product-similar", {.item_ids = {&page, 1}}),
              ElementsAre("slipper", "sandal", "bag", "cup"));
  EXPECT_EQ(answer.items[0].source, Source::kSimilar);
}

TEST_F(RecommenderTest, ListsTheOwnHistoryNewestFirstAndNothingElse) {
  for (const char* id : {"a", "b", "c", "d"}) shop.item(id, {.stock = id[0] == 'a' ? 0.0 : 1.0});
  for (const char* id : {"a", "b", "a", "c"}) shop.act("me", id);
  shop.act("other", "d");
  EXPECT_THAT(ask("recently-viewed", {.user_id = "me"}), ElementsAre("c", "a", "b"));
  EXPECT_THAT(ask("recently-viewed", {.user_id = "nobody"}), IsEmpty());
}

TEST_F(RecommenderTest, RanksTrendingByTheLastDayAndPopularByTheLastWeeks) {
  for (const char* id : {"old", "new", "none"}) shop.item(id);
  for (int i = 0; i < 9; ++i) shop.act("u" + std::to_string(i), "old");
  shop.now += 10 * kDayUs;
  for (int i = 0; i < 4; ++i) shop.act("v" + std::to_string(i), "new");
  EXPECT_THAT(ask("trending"), ElementsAre("new", "old", "none"));
  EXPECT_THAT(ask("popular"), ElementsAre("old", "new", "none"));
}

TEST_F(RecommenderTest, NeverShowsWhatIsSoldOutDeletedOrOnlyKnownFromEvents) {
  for (const char* id : {"a", "b", "c"}) shop.item(id);
  for (const char* id : {"a", "b", "c", "ghost"}) shop.act("u", id);
  ASSERT_TRUE(shop.catalog.apply_delete("b", shop.now).applied());
  ASSERT_TRUE(shop.catalog.apply_inventory({"c", {{"stock", 0.0}}}, shop.now).applied());
  for (policy::PlacementPolicy policy : policy::builtin_policies()) {
    policy.needs_category = false;  // the page of everything
    const std::string_view page = "a";
    ASSERT_TRUE(try_ask(policy, {.user_id = "u", .item_ids = {&page, 1}}).ok());
    EXPECT_THAT(ids(), Not(Contains("ghost"))) << policy.placement;
    EXPECT_THAT(ids(), Not(Contains("b"))) << policy.placement;
    const bool sold_out_shown = std::ranges::count(ids(), "c") > 0;
    EXPECT_EQ(sold_out_shown, !policy.exclude_out_of_stock) << policy.placement;
  }
}

TEST_F(RecommenderTest, IsEmptyWhenEverythingIsSoldOut) {
  for (int i = 0; i < 30; ++i) shop.item("p" + std::to_string(i), {.stock = 0});
  shop.act("u", "p1");
  EXPECT_THAT(ask("home", {.user_id = "u"}), IsEmpty());
  EXPECT_EQ(dropped(Drop::kOutOfStock), 30u);
}

TEST_F(RecommenderTest, ShowsSeenItemsAgainBeforeShowingNothing) {
  shop.item("only");
  shop.act("me", "only");
  EXPECT_THAT(ask("home", {.user_id = "me"}), ElementsAre("only"));
  EXPECT_TRUE(answer.gave_up(Drop::kSeen));
  EXPECT_FALSE(answer.gave_up(Drop::kBought));
  shop.buy("me", "only");
  EXPECT_THAT(ask("home", {.user_id = "me"}), ElementsAre("only"));
  EXPECT_TRUE(answer.gave_up(Drop::kBought));
}

TEST_F(RecommenderTest, NeverShowsADislikedItemUntilItIsSoughtAgain) {
  shop.item("a");
  shop.item("b");
  shop.act("me", "a", EventType::kDislike);
  EXPECT_THAT(ask("trending", {.user_id = "me"}), ElementsAre("b"));
  shop.act("me", "a");
  EXPECT_THAT(ask("trending", {.user_id = "me"}), UnorderedElementsAre("a", "b"));
}

TEST_F(RecommenderTest, OffersABoughtItemAgainAfterARefundOrTheWindow) {
  shop.item("a");
  shop.item("b");
  shop.buy("me", "a");
  EXPECT_THAT(ask("popular", {.user_id = "me"}), ElementsAre("b"));
  EXPECT_THAT(ask("popular", {.user_id = "me", .now = shop.now + 91 * kDayUs}),
              UnorderedElementsAre("a", "b"));
  shop.act("me", "a", EventType::kRefund);
  EXPECT_THAT(ask("popular", {.user_id = "me"}), UnorderedElementsAre("a", "b"));
}

TEST_F(RecommenderTest, FindsTheOneMatchOfTenThousand) {
  for (int i = 0; i < 10'000; ++i) {
    shop.item("p" + std::to_string(i), {.brand = i == 4321 ? "rare" : "plain"});
  }
  for (int i = 0; i < 200; ++i) shop.act("u", "p" + std::to_string(i));
  EXPECT_THAT(ask("home", {.user_id = "u", .filter = "brand = 'rare'"}), ElementsAre("p4321"));
  EXPECT_EQ(answer.filter_path, FilterPath::kEnumerated);
  // Also when the walks end long before they would meet it.
  RecommenderOptions options;
  options.always_walk = true;
  options.walks = {.category_steps = 5, .posting_steps = 5, .ranked_steps = 5, .newest_steps = 5};
  Recommender walker(options, clock, nullptr);
  ASSERT_TRUE(walker
                  .recommend(shop.view(), *policy::find_builtin("home"),
                             {.user_id = "u", .filter = "brand = 'rare'", .now = shop.now}, scratch,
                             answer)
                  .ok());
  EXPECT_THAT(ids(), ElementsAre("p4321"));
}

TEST_F(RecommenderTest, WalksOnWithoutLimitBeforeAnsweringEmpty) {
  shop.item("hidden-deep");
  for (int i = 0; i < 1000; ++i) shop.item("p" + std::to_string(i), {.stock = 0});
  RecommenderOptions options;
  options.walks = {.category_steps = 5, .posting_steps = 5, .ranked_steps = 5, .newest_steps = 5};
  Recommender walker(options, clock, nullptr);
  ASSERT_TRUE(
      walker
          .recommend(shop.view(), *policy::find_builtin("home"), {.now = shop.now}, scratch, answer)
          .ok());
  EXPECT_THAT(ids(), ElementsAre("hidden-deep"));
}

TEST_F(RecommenderTest, GivesAllThereIsWhenTheLimitIsLarger) {
  for (int i = 0; i < 7; ++i) shop.item("p" + std::to_string(i));
  EXPECT_EQ(ask("home", {.limit = 100}).size(), 7u);
}

TEST_F(RecommenderTest, KeepsCategoriesApartAndFillsUpOnlyWhenItMust) {
  for (int i = 0; i < 6; ++i) shop.item("x" + std::to_string(i), {.category = "x"});
  for (int i = 0; i < 2; ++i) shop.item("y" + std::to_string(i), {.category = "y"});
  for (int i = 0; i < 6; ++i) {
    for (int n = 0; n < 10 - i; ++n) shop.act("u" + std::to_string(n), "x" + std::to_string(i));
  }
  // category_max is 3 at home.
  EXPECT_THAT(ask("home", {.limit = 5}), ElementsAre("x0", "x1", "x2", "y1", "y0"));
  EXPECT_FALSE(answer.gave_up(Drop::kDiversity));
  EXPECT_EQ(dropped(Drop::kDiversity), 3u);
  EXPECT_THAT(ask("home", {.limit = 7}), ElementsAre("x0", "x1", "x2", "y1", "y0", "x3", "x4"));
  EXPECT_TRUE(answer.gave_up(Drop::kDiversity));
}

TEST_F(RecommenderTest, MultipliesTheScoresOfBoostedItems) {
  for (int i = 0; i < 4; ++i) shop.item("p" + std::to_string(i), {.brand = i == 3 ? "ours" : "x"});
  for (int i = 0; i < 4; ++i) {
    for (int n = 0; n < 10 - i; ++n) shop.act("u" + std::to_string(n), "p" + std::to_string(i));
  }
  EXPECT_THAT(ask("popular"), ElementsAre("p0", "p1", "p2", "p3"));
  const float before = answer.items[3].score;
  const Boost boost{"brand = 'ours'", 3};
  EXPECT_THAT(ask("popular", {.boosts = {&boost, 1}}), ElementsAre("p3", "p0", "p1", "p2"));
  EXPECT_FLOAT_EQ(answer.items[0].score, 3 * before);
  EXPECT_EQ(answer.items[0].boost, 3);
}

TEST_F(RecommenderTest, CountsUnknownItemsAndGoesOn) {
  shop.item("a");
  const std::string_view page = "never-heard-of";
  EXPECT_THAT(ask("product-similar", {.item_ids = {&page, 1}}), ElementsAre("a"));
  EXPECT_EQ(answer.unknown_items, 1u);
}

TEST_F(RecommenderTest, JoinsTheHistoriesOfBothIdsOfAVisitor) {
  for (const char* id : {"a", "b", "c"}) shop.item(id);
  shop.act("me", "a");
  const UserIndex anonymous = shop.profiles.intern_user(profile::anonymous_key("cookie"));
  ASSERT_TRUE(
      shop.profiles
          .append(anonymous, profile::make_entry(*shop.catalog.find("b"), shop.now + kSecondUs,
                                                 EventType::kDetailPageView))
          .ok());
  shop.now += 2 * kSecondUs;
  shop.act("me", "c");
  EXPECT_THAT(ask("recently-viewed", {.user_id = "me", .anonymous_id = "cookie"}),
              ElementsAre("c", "b", "a"));
  EXPECT_THAT(ask("recently-viewed", {.anonymous_id = "cookie"}), ElementsAre("b"));
}

TEST_F(RecommenderTest, SaysWhichFieldIsWrong) {
  shop.item("a");
  const policy::PlacementPolicy& home = *policy::find_builtin("home");
  const std::vector<std::string_view> many(kRequestItemsMax + 1, "a");
  const Boost absurd{"in_stock", 1e9};
  const Boost unparsable{"in_stock and", 2};
  struct Case {
    Request request;
    const char* field;
  };
  const Case cases[] = {
      {{.limit = 0}, "limit: "},
      {{.limit = 101}, "limit: "},
      {{.filter = "price <"}, "filter: "},
      {{.filter = "colour = 'x'"}, "filter: "},
      {{.diversity = 1.5}, "diversity: "},
      {{.diversity = std::nan("")}, "diversity: "},
      {{.item_ids = many}, "item_ids: "},
      {{.cart = many}, "cart: "},
      {{.boosts = {&absurd, 1}}, "boost: "},
      {{.boosts = {&unparsable, 1}}, "boost: "},
  };
  for (const Case& c : cases) {
    const Status status = try_ask(home, c.request);
    ASSERT_FALSE(status.ok()) << c.field;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(status.error().message(), testing::StartsWith(c.field));
  }
  const Status status = try_ask(*policy::find_builtin("product-similar"), {});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message(), HasSubstr("item_ids"));
}

TEST_F(RecommenderTest, TellsItsObserverOfAnswersAndFailures) {
  struct Counter final : AnswerObserver {
    void answered(const policy::PlacementPolicy&, const Answer&) override { ++answers; }
    void failed(const policy::PlacementPolicy&, const Error&) override { ++failures; }
    int answers = 0, failures = 0;
  } counter;
  Recommender observed(RecommenderOptions{}, clock, &counter);
  const policy::PlacementPolicy& home = *policy::find_builtin("home");
  EXPECT_TRUE(observed.recommend(shop.view(), home, {.now = 1}, scratch, answer).ok());
  EXPECT_FALSE(observed.recommend(shop.view(), home, {.limit = 0}, scratch, answer).ok());
  EXPECT_EQ(counter.answers, 1);
  EXPECT_EQ(counter.failures, 1);
}

}  // namespace
}  // namespace vitrine::recommend
