#include "service/learn/search.h"

#include <gmock/gmock.h>

#include "service/learn/testing_shop_log.h"

namespace vitrine::learn {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// Small and quick, and no optimum at the first trial.
std::map<std::string, double> given() { return {{"dimensions", 16}, {"epochs", 2}}; }

class SearchTest : public testing::Test {
 protected:
  static TrainRequest searching(ShopLog& log, std::uint32_t trials) {
    TrainRequest request = log.request(Kind::kIals, given());
    request.search.emplace().trials = trials;
    request.search->fixed = {"dimensions", "epochs"};
    return request;
  }
  static Result<TrainOutcome> train(ShopLog& log, const TrainRequest& request,
                                    const TrainWatch& watch = {}) {
    return train_model(request, log.place(), watch);
  }
  static std::vector<std::pair<std::vector<std::pair<std::string, double>>, double>> tried(
      const model::Search& search) {
    std::vector<std::pair<std::vector<std::pair<std::string, double>>, double>> out;
    for (const model::Trial& trial : search.trials)
      out.emplace_back(trial.parameters, trial.measure);
    return out;
  }
  ShopLog log_;
};

TEST_F(SearchTest, BeginsWithWhatWasAskedForAndTakesTheBestTrial) {
  log_.hidden_tastes(100);
  const TrainRequest request = searching(log_, 5);
  std::vector<std::string> stages;
  std::vector<std::size_t> told;
  TrainWatch watch;
  watch.on_stage = [&](std::string_view stage) { stages.emplace_back(stage); };
  watch.on_trial = [&](const model::Search& so_far) { told.push_back(so_far.trials.size()); };
  const auto trained = train(log_, request, watch);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  EXPECT_THAT(stages, ElementsAre("cut", "search", "choose", "judge", "final"));
  EXPECT_THAT(told, ElementsAre(1, 2, 3, 4, 5));
  const model::Manifest& m = trained->manifest;
  const model::Search& search = m.search;
  ASSERT_EQ(search.trials.size(), 5u);
  EXPECT_EQ(search.ended, "trials");
  EXPECT_EQ(search.trials[0].parameters, request.recipe.parameters);
  for (const model::Trial& trial : search.trials) {
    EXPECT_LE(trial.measure, search.trials[search.chosen].measure);
    EXPECT_THAT(trial.parameters, Contains(std::pair<std::string, double>("dimensions", 16)));
  }
  EXPECT_EQ(m.parameters, search.trials[search.chosen].parameters);
  EXPECT_EQ(m.losses.size(), search.trials[search.chosen].epochs);
  EXPECT_EQ(log_.store->manifest(log_.tenant, m.id).value(), m);
}

TEST_F(SearchTest, NeverLooksAtTheTestPart) {
  // Two shops that are the same up to where the test part begins, and have nothing in common
  // behind it.
  ShopLog other;
  log_.hidden_tastes(100);
  other.hidden_tastes(100, ShopLog::Ending::kShuffled);
  const auto a = train(log_, searching(log_, 4));
  const auto b = train(other, searching(other, 4));
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->manifest.judgement.cut, b->manifest.judgement.cut);
  EXPECT_EQ(tried(a->manifest.search), tried(b->manifest.search));
  EXPECT_EQ(a->manifest.search.chosen, b->manifest.search.chosen);
  EXPECT_EQ(a->manifest.weight, b->manifest.weight);
  // It does differ, for the judgement sees it.
  EXPECT_NE(a->manifest.judgement.table, b->manifest.judgement.table);
}

TEST_F(SearchTest, TheSameNumberOfTrialsGivesTheSameModelAndMoreOfThemTheSameFirstOnes) {
  log_.hidden_tastes(100);
  ShopLog other, third;
  other.hidden_tastes(100);
  third.hidden_tastes(100);
  const auto a = train(log_, searching(log_, 3));
  const auto b = train(other, searching(other, 3));
  const auto more = train(third, searching(third, 4));
  ASSERT_TRUE(a.ok() && b.ok() && more.ok());
  EXPECT_EQ(a->manifest.files, b->manifest.files);
  EXPECT_EQ(tried(a->manifest.search), tried(b->manifest.search));
  auto first = tried(more->manifest.search);
  first.pop_back();
  EXPECT_EQ(first, tried(a->manifest.search));
  EXPECT_NE(a->manifest.id, more->manifest.id);
}

TEST_F(SearchTest, WithoutAnyTimeTheFirstTrialIsMadeAllTheSame) {
  log_.hidden_tastes(100);
  TrainRequest request = searching(log_, kTrialsMost);
  request.search->time = 0;
  const auto trained = train(log_, request);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  EXPECT_EQ(trained->manifest.search.trials.size(), 1u);
  EXPECT_EQ(trained->manifest.search.ended, "time");
  EXPECT_EQ(trained->manifest.parameters, request.recipe.parameters);
  // Which is what would have been made without a search.
  request.search.reset();
  const auto plain = train(log_, request);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->manifest.files, trained->manifest.files);
  EXPECT_EQ(plain->manifest.weight, trained->manifest.weight);
}

TEST_F(SearchTest, ATrialThatRunsWhenTheTimeIsOverEndsAndDoesNotCount) {
  log_.hidden_tastes(100);
  TrainRequest request = searching(log_, kTrialsMost);
  request.search->time = 10 * kSecondUs;
  // An epoch takes 3 s: the first trial 6, the second is at 12 after its last, and would count if
  // time did not.
  bool searching = false;
  int epochs = 0;
  TrainWatch watch;
  watch.on_stage = [&](std::string_view stage) { searching = stage == "search"; };
  watch.on_epoch = [&](std::uint32_t, double, std::optional<double>) {
    if (!searching) return;
    log_.clock.advance_us(3 * kSecondUs);
    ++epochs;
  };
  const auto trained = train(log_, request, watch);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  EXPECT_EQ(epochs, 4);
  EXPECT_EQ(trained->manifest.search.trials.size(), 1u);
  EXPECT_EQ(trained->manifest.search.ended, "time");
  EXPECT_EQ(trained->manifest.search.trials[0].seconds, 6);
}

TEST_F(SearchTest, TheFirstTrialMayTakeLongerThanThereIs) {
  log_.hidden_tastes(100);
  TrainRequest request = searching(log_, kTrialsMost);
  request.search->time = kSecondUs;
  TrainWatch watch;
  watch.on_epoch = [&](std::uint32_t, double, std::optional<double>) {
    log_.clock.advance_us(3 * kSecondUs);
  };
  const auto trained = train(log_, request, watch);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  ASSERT_EQ(trained->manifest.search.trials.size(), 1u);
  EXPECT_EQ(trained->manifest.search.trials[0].epochs, 2u);
}

TEST_F(SearchTest, StoppedHalfWayItGoesOnToTheSameTrials) {
  ShopLog whole;
  whole.hidden_tastes(100);
  const auto expected = train(whole, searching(whole, 4));
  ASSERT_TRUE(expected.ok());
  log_.hidden_tastes(100);
  int attempts = 0;
  for (;;) {
    std::atomic<bool> stop{false};
    int epochs = 0;
    TrainWatch watch;
    watch.stop = &stop;
    watch.on_epoch = [&](std::uint32_t, double, std::optional<double>) {
      if (++epochs == 3) stop = true;
    };
    const auto trained = train(log_, searching(log_, 4), watch);
    ASSERT_LT(++attempts, 50);
    if (trained.ok()) {
      EXPECT_EQ(tried(trained->manifest.search), tried(expected->manifest.search));
      EXPECT_EQ(trained->manifest.files, expected->manifest.files);
      break;
    }
    ASSERT_EQ(trained.error().reason(), "training_stopped");
  }
  EXPECT_GT(attempts, 2);
  EXPECT_FALSE(std::filesystem::exists(log_.folder + "/training/" + expected->manifest.id));
}

TEST_F(SearchTest, TrialsThatNeedMoreMemoryThanThereIsAreNotMade) {
  log_.hidden_tastes(100);
  TrainRequest request = log_.request(Kind::kEase);
  const auto probe = train(log_, request);
  ASSERT_TRUE(probe.ok());
  request = log_.request(Kind::kItemFilter, {{"rank", 32}});
  request.memory_bytes_max =
      training_bytes(request.recipe, 100, 174, probe->manifest.data.interactions);
  request.search.emplace().trials = 4;
  const auto trained = train(log_, request);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  for (const model::Trial& trial : trained->manifest.search.trials) {
    const Recipe recipe = recipe_of(Kind::kItemFilter, trial);
    EXPECT_LE(training_bytes(recipe, 100, 174, probe->manifest.data.interactions),
              request.memory_bytes_max);
  }
}

TEST_F(SearchTest, TrialsWhoseUsersMoveToFilesFindTheSame) {
  ShopLog other;
  log_.hidden_tastes(100);
  other.hidden_tastes(100);
  const auto whole = train(log_, searching(log_, 3));
  ASSERT_TRUE(whole.ok());
  TrainRequest request = searching(other, 3);
  request.memory_bytes_max = whole->manifest.memory_bytes - 1;
  std::size_t folders = 0;
  TrainWatch watch;
  watch.on_trial = [&](const model::Search&) {
    folders = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(other.folder)) {
      if (entry.path().filename().string().starts_with("users-")) ++folders;
    }
  };
  const auto spilled = train(other, request, watch);
  ASSERT_TRUE(spilled.ok()) << spilled.error().to_string();
  EXPECT_LT(spilled->manifest.memory_bytes, whole->manifest.memory_bytes);
  EXPECT_EQ(tried(spilled->manifest.search), tried(whole->manifest.search));
  EXPECT_EQ(spilled->manifest.files, whole->manifest.files);
  EXPECT_EQ(folders, 1u);
}

TEST_F(SearchTest, EndsWhereEverythingWasTried) {
  log_.hidden_tastes(100);
  TrainRequest request = log_.request(Kind::kItemFilter);
  request.search.emplace();
  // What is left are 15 orders.
  request.search->fixed = {"flatness", "rank", "rank_weight", "degree_power"};
  const auto trained = train(log_, request);
  ASSERT_TRUE(trained.ok()) << trained.error().to_string();
  EXPECT_EQ(trained->manifest.search.ended, "space");
  EXPECT_EQ(trained->manifest.search.trials.size(), 15u);
}

TEST(SearchSpace, DrawnRecipesAreAllowedOnesSpreadOverTheWholeRange) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(kind_name(kind));
    const Recipe first = make_recipe(kind).value();
    for (const SearchRange& range : search_ranges(kind)) {
      SCOPED_TRACE(range.name);
      int low = 0, high = 0;
      for (std::uint64_t n = 1; n <= 40; ++n) {
        const Recipe drawn = drawn_recipe(first, {}, n);
        std::map<std::string, double> wanted(drawn.parameters.begin(), drawn.parameters.end());
        const auto allowed = make_recipe(kind, wanted);
        ASSERT_TRUE(allowed.ok()) << allowed.error().to_string();
        EXPECT_EQ(*allowed, drawn);
        const double value = drawn.get(range.name);
        const double share = range.log
                                 ? std::log(value / range.low) / std::log(range.high / range.low)
                                 : (value - range.low) / (range.high - range.low);
        (share < 0.5 ? low : high) += 1;
      }
      EXPECT_GT(low, 10);
      EXPECT_GT(high, 10);
    }
  }
}

TEST(SearchSpace, AnotherSeedIsAnotherSequence) {
  const Recipe one = make_recipe(Kind::kIals).value();
  const Recipe two = make_recipe(Kind::kIals, {{"seed", 2}}).value();
  EXPECT_NE(drawn_recipe(one, {}, 1).get("ridge"), drawn_recipe(two, {}, 1).get("ridge"));
  EXPECT_EQ(drawn_recipe(one, {}, 1), drawn_recipe(one, {}, 1));
}

TEST(SearchSpace, RefusesLimitsOutOfRangeAndNothingToSearch) {
  SearchRequest request;
  request.trials = 0;
  EXPECT_THAT(check_search(Kind::kIals, request).error().message(), HasSubstr("1 to 500"));
  request.trials = 3;
  request.time = -1;
  EXPECT_FALSE(check_search(Kind::kIals, request).ok());
  request.time = kSearchTimeMost + 1;
  EXPECT_FALSE(check_search(Kind::kIals, request).ok());
  request.time.reset();
  EXPECT_TRUE(check_search(Kind::kIals, request).ok());
  request.fixed = {"half_life_days"};
  EXPECT_THAT(check_search(Kind::kPopularity, request).error().message(),
              HasSubstr("half_life_days"));
}

}  // namespace
}  // namespace vitrine::learn
