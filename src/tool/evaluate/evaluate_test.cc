#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/evaluate/baselines.h"
#include "service/evaluate/covisit_scorer.h"
#include "service/evaluate/evaluator.h"
#include "tool/evaluate/report.h"
#include "tool/evaluate/run_evaluate.h"

namespace vitrine::evaluate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ItemIndex> items(std::initializer_list<std::uint32_t> numbers) {
  std::vector<ItemIndex> out;
  for (const std::uint32_t n : numbers) out.push_back(ItemIndex{n});
  return out;
}

// "0: 1 2 3" style: one user a row, in the order of time, one event an item.
Dataset sequences(const std::vector<std::vector<std::uint32_t>>& users, std::uint32_t item_count) {
  Dataset data;
  data.name = "test";
  std::uint32_t event = 0;
  for (std::uint32_t u = 0; u < users.size(); ++u) {
    data.users.push_back(std::to_string(u));
    for (const std::uint32_t item : users[u]) {
      data.interactions.push_back({UserIndex{u}, ItemIndex{item}, event++, 0});
    }
  }
  for (std::uint32_t i = 0; i < item_count; ++i) data.items.push_back(std::to_string(i));
  return data;
}

std::vector<std::uint32_t> numbers(const std::vector<Interaction>& interactions) {
  std::vector<std::uint32_t> out;
  for (const Interaction& one : interactions) out.push_back(one.item.value);
  return out;
}

// Visitors who walk around a circle of items: the next item follows from the last.
Dataset circle(std::uint32_t users, std::uint32_t item_count) {
  std::mt19937_64 random(3);
  std::vector<std::vector<std::uint32_t>> rows(users);
  for (auto& row : rows) {
    std::uint32_t at = static_cast<std::uint32_t>(random() % item_count);
    for (int i = 0; i < 6; ++i) row.push_back(at = (at + 1) % item_count);
  }
  return sequences(rows, item_count);
}

TEST(Metrics, AreWhatPaperAndPencilGive) {
  const CaseScore score = score_case(items({7, 5, 9, 4}), items({5, 4, 1}), 4);
  EXPECT_EQ(score.hr, 1);
  EXPECT_FLOAT_EQ(score.recall, 2.0f / 3);
  EXPECT_FLOAT_EQ(score.mrr, 0.5f);
  const double best = 1 + 1 / std::log2(3) + 0.5;
  EXPECT_NEAR(score.ndcg, (1 / std::log2(3) + 1 / std::log2(5)) / best, 1e-6);
  EXPECT_EQ(score_case(items({7, 5, 9, 4}), items({4}), 3).hr, 0);
  EXPECT_EQ(score_case(items({4}), items({4}), 10).ndcg, 1);
  EXPECT_EQ(score_case({}, items({4}), 10).hr, 0);
}

TEST(Metrics, BootstrapIntervalsCoverTheTruthAndAreFixedByTheSeed) {
  std::mt19937_64 random(1);
  int covered = 0;
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<float> values(400);
    for (float& v : values) v = random() % 10 < 3 ? 1.0f : 0.0f;
    const Interval i = bootstrap_mean(values, {200, 7});
    EXPECT_LE(i.low, i.value);
    EXPECT_GE(i.high, i.value);
    covered += i.low <= 0.3 && 0.3 <= i.high ? 1 : 0;
    const Interval again = bootstrap_mean(values, {200, 7});
    EXPECT_EQ(again.low, i.low);
  }
  EXPECT_GE(covered, 85);  // 95 expected
}

TEST(Metrics, TheRatioIsOfMeansOverTheSameCases) {
  std::vector<float> a(1000), b(1000);
  for (std::size_t i = 0; i < a.size(); ++i) {
    b[i] = i % 5 == 0 ? 1.0f : 0.0f;
    a[i] = 2 * b[i];
  }
  const Interval i = bootstrap_ratio(a, b, {100, 1});
  EXPECT_DOUBLE_EQ(i.value, 2);
  EXPECT_DOUBLE_EQ(i.low, 2);  // pairs are kept together, so every round gives 2
  EXPECT_DOUBLE_EQ(i.high, 2);
}

TEST(Split, LeaveOneOutNeverLearnsTheLastTwoItems) {
  const Dataset data = sequences({{1, 2, 3, 4}, {5, 6}, {7, 8, 9}}, 10);
  for (const Stage stage : {Stage::kValidation, Stage::kTest}) {
    const Split split = leave_one_out(data, stage);
    EXPECT_THAT(numbers(split.train), ElementsAre(1, 2, 5, 6, 7));
    ASSERT_EQ(split.cases.size(), 2u);
  }
  EXPECT_THAT(numbers(leave_one_out(data, Stage::kValidation).cases[0].history), ElementsAre(1, 2));
  EXPECT_THAT(leave_one_out(data, Stage::kValidation).cases[0].targets, items({3}));
  EXPECT_THAT(numbers(leave_one_out(data, Stage::kTest).cases[0].history), ElementsAre(1, 2, 3));
  EXPECT_THAT(leave_one_out(data, Stage::kTest).cases[1].targets, items({9}));
}

TEST(Split, TemporalAsksForTheFirstLaterEventOfKnownUsers) {
  Dataset data = sequences({{1, 2}, {3}, {4, 4}}, 10);
  // User 0 has items 1, 2 before the cut; then one event {2, 5, 5} and a later one {6}.
  data.interactions.push_back({UserIndex{0}, ItemIndex{2}, 50, 100});
  data.interactions.push_back({UserIndex{0}, ItemIndex{5}, 50, 100});
  data.interactions.push_back({UserIndex{0}, ItemIndex{5}, 50, 100});
  data.interactions.push_back({UserIndex{0}, ItemIndex{6}, 51, 200});
  data.interactions.push_back({UserIndex{2}, ItemIndex{4}, 52, 300});  // nothing new
  const Split fresh = temporal(data, {100, true});
  EXPECT_EQ(fresh.train.size(), 5u);
  ASSERT_EQ(fresh.cases.size(), 1u);
  EXPECT_THAT(fresh.cases[0].targets, items({5}));
  EXPECT_THAT(numbers(fresh.cases[0].history), ElementsAre(1, 2));
  const Split all = temporal(data, {100, false});
  ASSERT_EQ(all.cases.size(), 2u);
  EXPECT_THAT(all.cases[0].targets, items({2, 5}));
}

// Goal: no scorer shows a masked item, an item twice, or fewer than it could.
TEST(Scorers, RankUnmaskedItemsOnceAndAsManyAsThereAre) {
  const Dataset data = circle(60, 40);
  const Split split = leave_one_out(data, Stage::kTest);
  CovisitScorer item_item;
  Popularity popularity;
  Popularity decayed(kDayUs);
  Random random;
  std::mt19937_64 dice(2);
  for (Scorer* scorer :
       std::initializer_list<Scorer*>{&item_item, &popularity, &decayed, &random}) {
    SCOPED_TRACE(scorer->name());
    scorer->fit(split.train, 40);
    for (const Case& one : split.cases) {
      Mask mask(40);
      std::size_t open = 0;
      for (std::uint8_t& m : mask) open += (m = dice() % 3 == 0 ? 1 : 0) == 0 ? 1 : 0;
      std::vector<ItemIndex> answer;
      for (const std::size_t k : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
        scorer->rank(one, mask, k, answer);
        ASSERT_EQ(answer.size(), std::min(k, open));
        std::set<ItemIndex> different(answer.begin(), answer.end());
        ASSERT_EQ(different.size(), answer.size());
        for (const ItemIndex item : answer) ASSERT_EQ(mask[item.value], 0);
      }
    }
  }
}

TEST(Evaluator, TheItemItemStateLearnsACircleThatPopularityCannot) {
  const Dataset data = circle(300, 50);
  const Evaluator evaluator(leave_one_out(data, Stage::kTest), 50, {.k = 3, .bootstrap = {100, 1}});
  CovisitScorer item_item;
  Popularity popularity;
  Random random;
  const Report ours = evaluator.run(item_item);
  const Report popular = evaluator.run(popularity);
  const Report chance = evaluator.run(random);
  EXPECT_GT(ours.hr.value, 0.9);
  EXPECT_LT(popular.hr.value, 0.3);
  EXPECT_NEAR(chance.hr.value, 3.0 / 45, 0.06);
  EXPECT_GT(ours.coverage, 0.9);
  EXPECT_GT(chance.novelty, popular.novelty);
  EXPECT_GT(popular.popularity, chance.popularity);
  EXPECT_LE(ours.hr.low, ours.hr.value);
  EXPECT_EQ(ours.per_case.size(), 300u);
}

TEST(Command, PrintsATableWithPopularityAndRandomAndJsonWithTheSameNumbers) {
  const Dataset data = circle(100, 30);
  EvaluateOptions options;
  options.bootstrap.rounds = 50;
  std::ostringstream table;
  ASSERT_TRUE(evaluate_dataset(data, options, table).ok());
  EXPECT_THAT(table.str(), HasSubstr("item-item"));
  EXPECT_THAT(table.str(), HasSubstr("popularity"));
  EXPECT_THAT(table.str(), HasSubstr("random"));
  EXPECT_THAT(table.str(), HasSubstr("HR@10"));
  options.json = true;
  std::ostringstream json;
  ASSERT_TRUE(evaluate_dataset(data, options, json).ok());
  EXPECT_THAT(
      json.str(),
      testing::StartsWith(
          "{\"k\":10,\"cases\":100,\"scorers\":[{\"name\":\"item-item\",\"hr\":{\"value\":"));
}

TEST(Command, WhatCannotBeEvaluatedIsSaid) {
  std::ostringstream out;
  const auto code = [&](const Dataset& data, const EvaluateOptions& options) {
    const Status status = evaluate_dataset(data, options, out);
    return status.ok() ? ErrorCode::kInternal : status.error().code();
  };
  EvaluateOptions options;
  EXPECT_EQ(code(sequences({}, 0), options), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(sequences({{1, 2}, {3}}, 5), options),
            ErrorCode::kInvalidArgument);  // nobody to ask
  options.split = SplitKind::kTemporal;
  EXPECT_EQ(code(circle(10, 10), options), ErrorCode::kInvalidArgument);  // no times
  options.split = std::nullopt;
  options.k = 0;
  EXPECT_EQ(code(circle(10, 10), options), ErrorCode::kInvalidArgument);
  options.path = "/nonexistent/file";
  EXPECT_EQ(run_evaluate(options, out).error().code(), ErrorCode::kNotFound);
}

// A circle with times: every ten minutes a visitor comes, and walks for six hours.
Dataset walks(std::uint32_t users, std::uint32_t item_count) {
  Dataset data = circle(users, item_count);
  for (Interaction& one : data.interactions) {
    one.time = one.user.value * 10 * kMinuteUs + one.event % 6 * kHourUs;
  }
  std::stable_sort(data.interactions.begin(), data.interactions.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  data.has_times = true;
  return data;
}

TEST(NewVisitors, AreAskedAfterEachNumberOfEventsAndNobodyElseIs) {
  Dataset data = sequences({{0, 1, 2}, {3, 3, 4}, {1, 0}}, 5);
  for (Interaction& one : data.interactions) one.time = one.user.value == 0 ? 1 : 10;
  data.has_times = true;
  const auto groups = new_visitors(data, 5, 100);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(groups[0].name, "0");
  ASSERT_EQ(groups[0].cases.size(), 2u);
  EXPECT_TRUE(groups[0].cases[0].history.empty());
  EXPECT_EQ(groups[0].cases[0].targets, items({3}));
  ASSERT_EQ(groups[1].cases.size(), 2u);
  EXPECT_EQ(groups[1].cases[0].user, UserIndex{1});
  EXPECT_EQ(numbers(groups[1].cases[0].history), (std::vector<std::uint32_t>{3}));
  // Not the 3 that is known already.
  EXPECT_EQ(groups[1].cases[0].targets, items({4}));
  ASSERT_EQ(groups[2].cases.size(), 1u);
  EXPECT_EQ(numbers(groups[2].cases[0].history), (std::vector<std::uint32_t>{3, 3}));
  EXPECT_EQ(new_visitors(data, 5, 1)[0].cases.size(), 1u);
  EXPECT_TRUE(new_visitors(data, 11, 100).empty());
}

TEST(Models, AreTrainedOnTheTrainPartAndJudgedBesideTheOthers) {
  const Dataset data = walks(400, 30);
  EvaluateOptions options;
  options.bootstrap.rounds = 50;
  options.breakdowns = true;
  options.k = 3;
  options.models =
      read_models("ease,session", {"ease.ridge=5", "session.width=16", "session.inner=32",
                                   "session.epochs=30", "session.rate=0.01", "session.dropout=0.1"})
          .value();
  const auto judged = evaluate(data, options);
  ASSERT_TRUE(judged.ok()) << judged.error().to_string();
  const auto at = [&](std::string_view name) {
    for (std::size_t r = 0; r < judged->reports.size(); ++r) {
      if (judged->reports[r].name == name) return r;
    }
    ADD_FAILURE() << name;
    return std::size_t{0};
  };
  const std::size_t session = at("trained session"), popular = at("popularity");
  EXPECT_GT(judged->reports[session].hr.low, judged->reports[popular].hr.high);
  EXPECT_GT(judged->reports[at("trained ease")].hr.value, judged->reports[popular].hr.value);
  // Those who came later: nothing is known without an event, and a model folds in what they did.
  ASSERT_GE(judged->new_visitors.size(), 3u);
  EXPECT_EQ(judged->new_visitors[0].name, "0");
  EXPECT_EQ(judged->new_visitors[0].values[session].value,
            judged->new_visitors[0].values[popular].value);
  EXPECT_GT(judged->new_visitors[1].values[session].low,
            judged->new_visitors[1].values[popular].high);
  EXPECT_TRUE(judged->learning.empty());
}

TEST(Models, WorkWithoutTimesAndTheSameTwice) {
  const Dataset data = circle(200, 30);
  EvaluateOptions options;
  options.bootstrap.rounds = 50;
  options.models = read_models("ials", {"ials.dimensions=16", "ials.epochs=4"}).value();
  std::ostringstream once, twice;
  options.json = true;
  ASSERT_TRUE(evaluate_dataset(data, options, once).ok());
  EXPECT_THAT(once.str(), HasSubstr("\"trained ials\""));
  const auto a = evaluate(data, options), b = evaluate(data, options);
  ASSERT_TRUE(a.ok() && b.ok());
  for (std::size_t r = 0; r < a->reports.size(); ++r) {
    EXPECT_EQ(a->reports[r].ndcg.value, b->reports[r].ndcg.value);
  }
}

TEST(Models, ThatCanNotBeTrainedAreAnErrorThatSaysWhich) {
  const Dataset data = circle(100, 30);
  EvaluateOptions options;
  options.models = read_models("ease", {}).value();
  options.models_memory = 1000;
  std::ostringstream out;
  const Status refused = evaluate_dataset(data, options, out);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kTooLarge);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("ease"));
  options.models_memory = 1 << 30;
  options.k = 201;
  EXPECT_THAT(evaluate_dataset(data, options, out).error().message(), HasSubstr("200"));
}

TEST(Models, AreNamedWithTheirParameters) {
  const auto recipes = read_models("ials,ease", {"ials.dimensions=32"});
  ASSERT_TRUE(recipes.ok());
  ASSERT_EQ(recipes->size(), 2u);
  EXPECT_EQ(recipes->at(0).get("dimensions"), 32);
  EXPECT_TRUE(read_models("", {})->empty());
  for (const auto& [kinds, parameter, said] :
       std::vector<std::array<std::string, 3>>{{"als", "", "item-filter"},
                                               {"ials,ials", "", "twice"},
                                               {"ials", "dimensions=32", "ials.dimensions=32"},
                                               {"ials", "ease.ridge=5", "no ease"},
                                               {"ials", "ials.ridge=x", "number"},
                                               {"ials", "ials.rigde=1", "rigde"}}) {
    std::vector<std::string> parameters;
    if (!parameter.empty()) parameters.push_back(parameter);
    const auto wrong = read_models(kinds, parameters);
    ASSERT_FALSE(wrong.ok()) << kinds << " " << parameter;
    EXPECT_THAT(wrong.error().message(), HasSubstr(said));
  }
}

TEST(Report, JsonStringsAndNumbersAreValidJson) {
  EXPECT_EQ(json_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
  EXPECT_EQ(json_number(0.25), "0.25");
  EXPECT_EQ(json_number(std::nan("")), "null");
}

}  // namespace
}  // namespace vitrine::evaluate
