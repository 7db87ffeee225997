#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "tool/evaluate/run_evaluate.h"
#include "tool/evaluate/svg_chart.h"
#include "tool/simulate/baselines.h"
#include "tool/simulate/dice.h"
#include "tool/simulate/report.h"

namespace vitrine::simulate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr TimeUs kStart = 1'767'571'200 * kSecondUs;

ShopOptions small_shop(std::uint64_t seed = 1) {
  ShopOptions options;
  options.seed = seed;
  options.items = 120;
  options.categories = 6;
  options.visitors = 200;
  options.days = 7;
  options.history_days = 10;
  options.start = kStart;
  return options;
}

SimulationOptions small(std::vector<std::string> policies) {
  SimulationOptions options;
  options.shop = small_shop();
  options.policies = std::move(policies);
  return options;
}

SimulationResult run(const SimulationOptions& options) {
  return run_simulation(options, {}, {}, no_progress()).value();
}

bool equal(const Tally& a, const Tally& b) {
  return a.visits == b.visits && a.orders == b.orders && a.items == b.items &&
         a.clicks == b.clicks && a.shown == b.shown && a.revenue == b.revenue;
}

TEST(Shop, FollowsFromItsSeed) {
  const Shop a = make_shop(small_shop()).value();
  const Shop b = make_shop(small_shop()).value();
  const Shop other = make_shop(small_shop(2)).value();
  ASSERT_EQ(a.visits.size(), b.visits.size());
  for (std::size_t i = 0; i < a.visits.size(); ++i) {
    EXPECT_EQ(a.visits[i].time, b.visits[i].time);
    EXPECT_EQ(a.visits[i].intent, b.visits[i].intent);
  }
  EXPECT_EQ(item_json(a, a.items[7], 3), item_json(b, b.items[7], 3));
  EXPECT_NE(a.items[7].quality, other.items[7].quality);
  EXPECT_FALSE(make_shop([] {
                 ShopOptions o = small_shop();
                 o.items = 10;
                 return o;
               }())
                   .ok());
}

TEST(Shop, VisitsAreInOrderAndTheMeasuredOnesBeginAtTheStart) {
  const Shop shop = make_shop(small_shop()).value();
  ASSERT_GT(shop.first_measured, 100u);
  for (std::size_t i = 1; i < shop.visits.size(); ++i)
    EXPECT_LE(shop.visits[i - 1].time, shop.visits[i].time);
  EXPECT_LT(shop.visits[shop.first_measured - 1].time, kStart);
  EXPECT_GE(shop.visits[shop.first_measured].time, kStart);
  EXPECT_LT(shop.visits.back().time, kStart + 7 * kDayUs);
  EXPECT_EQ(shop.day(kStart), 0);
  EXPECT_EQ(shop.day(kStart - 1), -1);
  EXPECT_EQ(shop.day(kStart - kDayUs), -1);
}

// The catalog must not give tastes away.
TEST(Shop, ItemsCarryNothingLatent) {
  const Shop shop = make_shop(small_shop()).value();
  const std::string json = item_json(shop, shop.items[0], 1);
  for (const char* latent : {"style", "quality", "listing"})
    EXPECT_THAT(json, testing::Not(HasSubstr(latent)));
}

TEST(Dice, DrawsHaveTheirChances) {
  Random random(1);
  double sum = 0, squares = 0, waits = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    waits += random.exponential(3);
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.03);
  EXPECT_NEAR(squares / kDraws, 1, 0.04);
  EXPECT_NEAR(waits / kDraws, 3, 0.1);
}

class Minds : public testing::Test {
 protected:
  Shop shop_ = make_shop(small_shop()).value();
  Behaviour behaviour_;
  Memory memory_;
};

TEST_F(Minds, LookAtAPlaceWithAChanceThatFallsWithIt) {
  std::map<std::size_t, int> looked;
  for (const Visit& visit : shop_.visits) {
    const Mind mind(shop_, behaviour_, visit, memory_);
    for (const std::size_t place : {0u, 3u, 8u}) looked[place] += mind.looks_at(1, place) ? 1 : 0;
  }
  const auto n = static_cast<double>(shop_.visits.size());
  EXPECT_EQ(looked[0], static_cast<int>(n));
  EXPECT_NEAR(looked[3] / n, 0.5, 0.08);
  EXPECT_NEAR(looked[8] / n, 1.0 / 3, 0.08);
}

TEST_F(Minds, ClickAsOftenAsTheirLogitSays) {
  double expected = 0, clicked = 0;
  for (const Visit& visit : shop_.visits) {
    const Mind mind(shop_, behaviour_, visit, memory_);
    for (ItemNo item = 0; item < shop_.items.size(); ++item) {
      expected += sigmoid(mind.click_logit(item, visit.time));
      clicked += mind.clicks(item, visit.time) ? 1 : 0;
    }
  }
  EXPECT_NEAR(clicked / expected, 1, 0.05);
}

TEST_F(Minds, TireOfWhatTheyIgnoredAndRecoverInAWeek) {
  const Visit& visit = shop_.visits.front();
  const Mind mind(shop_, behaviour_, visit, memory_);
  const double fresh = mind.click_logit(5, visit.time);
  memory_.ignored[5] = {2, visit.time};
  EXPECT_NEAR(mind.click_logit(5, visit.time), fresh - 2 * behaviour_.fatigue, 1e-9);
  memory_.ignored[5] = {100, visit.time};
  EXPECT_NEAR(mind.click_logit(5, visit.time), fresh - behaviour_.fatigue_most, 1e-9);
  EXPECT_NEAR(mind.click_logit(5, visit.time + 7 * kDayUs), fresh, 1e-9);
}

TEST_F(Minds, WantWhatLastsOnceAndConsumablesAgain) {
  const Visit& visit = shop_.visits.front();
  const Mind mind(shop_, behaviour_, visit, memory_);
  ItemNo lasting = 0;
  shop_.items[lasting].repeat_days = 0;
  const double before = mind.buy_chance(lasting, visit.time);
  memory_.bought[lasting] = visit.time;
  EXPECT_LT(mind.buy_chance(lasting, visit.time + 60 * kDayUs), before / 10);
  shop_.items[lasting].repeat_days = 9;
  EXPECT_LT(mind.buy_chance(lasting, visit.time + 8 * kDayUs), before / 10);
  EXPECT_GT(mind.buy_chance(lasting, visit.time + 10 * kDayUs), before * 3);
}

Question question(Page page, VisitorNo visitor, ItemNo about, const std::vector<ItemNo>& cart,
                  const Mind* mind) {
  return {page, visitor, kStart, about, cart, 12, mind};
}

std::vector<std::unique_ptr<Policy>> local_policies(const Shop& shop) {
  std::vector<std::unique_ptr<Policy>> policies;
  policies.push_back(std::make_unique<RandomPolicy>(shop));
  policies.push_back(std::make_unique<PopularityPolicy>(shop));
  policies.push_back(std::make_unique<ItemItemPolicy>(shop));
  policies.push_back(std::make_unique<OraclePolicy>(shop));
  return policies;
}

// Goal: no policy gains or loses by showing what can't be bought or is in the cart already.
TEST_F(Minds, OfPoliciesNoneShowsWhatIsSoldOutOrInTheCartOrTwice) {
  std::vector<int> stock(shop_.items.size(), 5);
  for (ItemNo i = 0; i < stock.size(); i += 3) stock[i] = 0;
  std::vector<ShopEvent> history;
  for (ItemNo i = 0; i < 60; ++i) history.push_back({EventType::kView, i % 4, kStart, {i}});
  const Mind mind(shop_, behaviour_, shop_.visits.front(), memory_);
  const std::vector<ItemNo> cart{1, 4};
  for (const auto& policy : local_policies(shop_)) {
    SCOPED_TRACE(policy->name());
    ASSERT_TRUE(policy->begin(stock, history).ok());
    ASSERT_TRUE(policy->set_stock(2, 0, kStart).ok());
    std::vector<ItemNo> shown;
    for (const Page page : {Page::kHome, Page::kItem, Page::kCart}) {
      ASSERT_TRUE(policy->show(question(page, 1, 7, cart, &mind), shown).ok());
      EXPECT_EQ(shown.size(), 12u);
      EXPECT_EQ(std::set<ItemNo>(shown.begin(), shown.end()).size(), 12u);
      for (const ItemNo item : shown) {
        EXPECT_TRUE(item % 3 != 0 && item != 2 && item != 1 && item != 4) << item;
        EXPECT_TRUE(page != Page::kItem || item != 7);
      }
    }
  }
}

TEST_F(Minds, OfPoliciesPopularityCountsAndItemItemPairs) {
  const std::vector<int> stock(shop_.items.size(), 5);
  std::vector<ShopEvent> history;
  // 30 is bought most; whoever looks at 10 looks at 11.
  for (VisitorNo v = 0; v < 20; ++v) {
    history.push_back({EventType::kPurchase, v, kStart, {30}});
    history.push_back({EventType::kView, v + 20, kStart, {10}});
    history.push_back({EventType::kView, v + 20, kStart, {11}});
  }
  std::vector<ItemNo> shown;
  PopularityPolicy popularity(shop_);
  ASSERT_TRUE(popularity.begin(stock, history).ok());
  ASSERT_TRUE(popularity.show(question(Page::kHome, 100, 0, {}, nullptr), shown).ok());
  EXPECT_EQ(shown[0], 30u);
  ASSERT_TRUE(popularity.show(question(Page::kHome, 3, 0, {}, nullptr), shown).ok());
  EXPECT_NE(shown[0], 30u);  // has it
  ItemItemPolicy item_item(shop_);
  ASSERT_TRUE(item_item.begin(stock, history).ok());
  ASSERT_TRUE(item_item.show(question(Page::kItem, 100, 10, {}, nullptr), shown).ok());
  EXPECT_EQ(shown[0], 11u);
  ASSERT_TRUE(
      item_item.observe(std::vector<ShopEvent>{{EventType::kView, 100, kStart, {11}}}).ok());
  ASSERT_TRUE(item_item.show(question(Page::kHome, 100, 0, {}, nullptr), shown).ok());
  EXPECT_EQ(shown[0], 10u);
}

TEST_F(Minds, OfPoliciesTheOracleIsTheBestOfEverything) {
  const std::vector<int> stock(shop_.items.size(), 5);
  const Visit& visit = shop_.visits.back();
  const Mind mind(shop_, behaviour_, visit, memory_);
  OraclePolicy oracle(shop_);
  ASSERT_TRUE(oracle.begin(stock, {}).ok());
  std::vector<ItemNo> shown;
  ASSERT_TRUE(oracle.show(question(Page::kHome, visit.visitor, 0, {}, &mind), shown).ok());
  const auto gain = [&](ItemNo i) {
    return sigmoid(mind.click_logit(i, kStart)) * mind.buy_chance(i, kStart);
  };
  for (std::size_t i = 1; i < shown.size(); ++i) EXPECT_GE(gain(shown[i - 1]), gain(shown[i]));
  for (ItemNo i = 0; i < shop_.items.size(); ++i) {
    const bool is_shown = std::find(shown.begin(), shown.end(), i) != shown.end();
    EXPECT_TRUE(is_shown || gain(i) <= gain(shown.back()));
  }
}

TEST(World, TakesWhatItSellsFromItsStockAndNeverMore) {
  ShopOptions options = small_shop();
  options.history_days = 60;
  options.visitors = 1000;
  const Shop shop = make_shop(options).value();
  const Behaviour behaviour;
  World world(shop, behaviour, nullptr);
  const std::vector<int> before = world.stock();
  Tally total;
  for (std::size_t i = 0; i < shop.first_measured; ++i) total += world.run(shop.visits[i]).value();
  std::vector<int> sold(shop.items.size());
  double revenue = 0;
  std::uint32_t orders = 0;
  for (const ShopEvent& event : world.events()) {
    if (event.type != EventType::kPurchase) continue;
    ++orders;
    for (const ItemNo item : event.items) {
      ++sold[item];
      revenue += shop.items[item].price;
    }
  }
  ASSERT_GT(orders, 20u);
  EXPECT_EQ(orders, total.orders);
  EXPECT_NEAR(revenue, total.revenue, 1e-6);
  for (ItemNo i = 0; i < shop.items.size(); ++i) {
    EXPECT_EQ(world.stock()[i], before[i] - sold[i]);
    EXPECT_GE(world.stock()[i], 0);
  }
  EXPECT_EQ(total.shown, 0u);
  for (int day = 0; day < 7; ++day) ASSERT_TRUE(world.deliver(kStart + day * kDayUs).ok());
  for (ItemNo i = 0; i < shop.items.size(); ++i)
    EXPECT_GE(world.stock()[i] * 2, shop.items[i].stock_full);
}

TEST(Simulation, IsTheSameWhicheverPoliciesRunBesideEachOther) {
  const SimulationResult together = run(small({"random", "popularity", "item-item", "oracle"}));
  const SimulationResult alone = run(small({"item-item"}));
  ASSERT_EQ(together.policies[2].name, "item-item");
  EXPECT_TRUE(equal(together.policies[2].total, alone.policies[0].total));
  EXPECT_EQ(together.policies[2].by_day.size(), 7u);
  Tally days, visitors;
  for (const Tally& t : alone.policies[0].by_day) days += t;
  for (const Tally& t : alone.policies[0].by_visitor) visitors += t;
  EXPECT_EQ(days.orders, alone.policies[0].total.orders);
  EXPECT_EQ(visitors.visits, days.visits);
  EXPECT_GT(together.policies[3].total.orders, together.policies[0].total.orders);
}

TEST(Simulation, AnUnknownPolicyIsNamed) {
  const auto result = run_simulation(small({"luck"}), {}, {}, no_progress());
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(result.error().message(), HasSubstr("'luck'"));
}

// Goal: the shop is like real ones where it matters, as docs/simulate.md says. Method: its history,
// without any recommendation, against ranges around the figures of real data sets.
TEST(Calibration, TheHistoryLooksLikeThatOfARealShop) {
  ShopOptions options;
  options.start = kStart;
  const Shop shop = make_shop(options).value();
  const Behaviour behaviour;
  World world(shop, behaviour, nullptr);
  Tally total;
  for (std::size_t i = 0; i < shop.first_measured; ++i) total += world.run(shop.visits[i]).value();
  EXPECT_GT(total.conversion(), 0.02);
  EXPECT_LT(total.conversion(), 0.045);

  evaluate::Dataset views;
  views.name = "history";
  views.has_times = true;
  for (const Item& item : shop.items) views.items.push_back(item.id);
  for (const Visitor& visitor : shop.visitors) views.users.push_back(visitor.id);
  std::vector<double> count(shop.items.size());
  std::stable_sort(world.events().begin(), world.events().end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  for (const ShopEvent& event : world.events()) {
    if (event.type != EventType::kView) continue;
    const auto number = static_cast<std::uint32_t>(views.interactions.size());
    views.interactions.push_back(
        {UserIndex{event.visitor}, ItemIndex{event.items[0]}, number, event.time});
    ++count[event.items[0]];
  }
  std::sort(count.rbegin(), count.rend());
  double top = 0;
  for (std::size_t i = 0; i < count.size() / 100; ++i) top += count[i];
  const double share = top / static_cast<double>(views.interactions.size());
  EXPECT_GT(share, 0.04);
  EXPECT_LT(share, 0.12);

  evaluate::EvaluateOptions how;
  how.bootstrap.rounds = 10;
  const auto evaluation = evaluate::evaluate(views, how).value();
  std::map<std::string, double> hr;
  for (const auto& report : evaluation.reports) hr[report.name] = report.hr.value;
  EXPECT_GT(hr["item-item"] / hr["popularity"], 1.6);
  EXPECT_LT(hr["item-item"] / hr["popularity"], 7.4);
}

// Two runs of made tallies: Vitrine gets 3 orders of 20 visits where popularity gets 2.
std::vector<SimulationResult> made_runs() {
  std::vector<SimulationResult> runs(2);
  for (SimulationResult& one : runs) {
    one.policies.resize(4);
    const char* names[] = {"random", "popularity", "vitrine", "oracle"};
    for (std::size_t p = 0; p < 4; ++p) {
      PolicyResult& policy = one.policies[p];
      policy.name = names[p];
      policy.by_day.resize(3);
      for (std::uint32_t v = 0; v < 300; ++v) {
        Tally tally;
        tally.visits = 20;
        tally.orders = static_cast<std::uint32_t>(p + 1);
        tally.items = tally.orders;
        tally.revenue = 10.0 * tally.orders;
        tally.shown = 50;
        tally.clicks = 5;
        policy.by_visitor.push_back(tally);
        policy.by_day[v % 3] += tally;
        policy.total += tally;
      }
    }
  }
  runs[1].seed = 1;
  return runs;
}

TEST(Comparison, RatiosAreOfTheSameVisitors) {
  const Comparison c = compare(made_runs(), {100, 1});
  EXPECT_DOUBLE_EQ(c.lift_over_popularity.value, 1.5);
  EXPECT_DOUBLE_EQ(c.lift_over_popularity.low, 1.5);  // all visitors alike: nothing to vary
  EXPECT_DOUBLE_EQ(c.lift_over_random.value, 3);
  EXPECT_DOUBLE_EQ(c.regret_share.value, 0.25);
  EXPECT_EQ(c.lift_over_item_item.value, 0);  // did not run
}

TEST(Comparison, IntervalsAreAsWideAsChance) {
  std::vector<SimulationResult> runs = made_runs();
  Random random(4);
  for (SimulationResult& one : runs) {
    for (PolicyResult& policy : one.policies) {
      for (Tally& tally : policy.by_visitor) {
        tally.visits = 1;
        tally.orders = random.unit() < 0.3 ? 1 : 0;
      }
    }
  }
  const Comparison c = compare(runs, {500, 1});
  const Interval& conversion = c.policies[1].conversion;
  const double error = std::sqrt(0.3 * 0.7 / 600);
  EXPECT_NEAR(conversion.high - conversion.low, 2 * 1.96 * error, 1.4 * error);
  EXPECT_LT(c.lift_over_popularity.low, 1);
  EXPECT_GT(c.lift_over_popularity.high, 1);
  EXPECT_LE(c.regret_share.low, c.regret_share.value);
  EXPECT_GE(c.regret_share.high, c.regret_share.value);
}

TEST(Report, TextPageAndJsonHoldTheSameNumbers) {
  const auto runs = made_runs();
  const Comparison c = compare(runs, {50, 1});
  std::ostringstream text;
  print_report(text, runs, c);
  const std::string page = report_page(runs, c);
  for (const PolicyFigures& p : c.policies) {
    const std::string conversion = evaluate::interval_text(p.conversion, {2, 100, " %"});
    EXPECT_THAT(text.str(), HasSubstr(conversion));
    EXPECT_THAT(page, HasSubstr(conversion));
  }
  for (const char* outside : {"http:", "src=", "<script"})
    EXPECT_THAT(page, testing::Not(HasSubstr(outside)));
  codec::JsonParser parser;
  const std::string line = json_line(runs, c);
  const auto json = parser.parse(line).value();
  EXPECT_DOUBLE_EQ(double(json["lift_over_popularity"]), 1.5);
  EXPECT_DOUBLE_EQ(double(json["lift_over_random"]), 3);
  EXPECT_DOUBLE_EQ(double(json["regret_share"]), 0.25);
  for (const char* interval : {"lift_over_popularity_ci", "lift_over_random_ci", "regret_share_ci"})
    EXPECT_EQ(json[interval].get_array().size(), 2u);
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Report, AWeekIsSummedUpToEachDay) {
  const auto weekly = weekly_conversion(made_runs(), 2);
  EXPECT_THAT(weekly, ElementsAre(0.15, 0.15, 0.15));
}

}  // namespace
}  // namespace vitrine::simulate
