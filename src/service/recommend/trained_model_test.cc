#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/recommend/recommender.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

using testing::ElementsAre;

// Shows what it is told, and remembers what it was asked with.
class Told final : public TrainedModel {
 public:
  Told(std::string id, std::vector<ItemIndex> items)
      : id_(std::move(id)), items_(std::move(items)) {}
  std::string_view id() const override { return id_; }
  double weight() const override { return 2; }
  void top(std::span<const ItemIndex> history, std::unique_ptr<TrainedModelScratch>&,
           std::vector<ItemIndex>& out) const override {
    asked.assign(history.begin(), history.end());
    out = items_;
  }
  mutable std::vector<ItemIndex> asked;

 private:
  std::string id_;
  std::vector<ItemIndex> items_;
};

class Watcher final : public AnswerObserver {
 public:
  void answered(const policy::PlacementPolicy&, const Answer&) override {}
  void failed(const policy::PlacementPolicy&, const Error&) override {}
  void shadowed(const policy::PlacementPolicy&, std::size_t shared, std::size_t shown) override {
    ++times;
    last_shared = shared;
    last_shown = shown;
  }
  std::size_t times = 0, last_shared = 0, last_shown = 0;
};

class TrainedModelTest : public testing::Test {
 protected:
  TrainedModelTest() {
    for (const char* id : {"a", "b", "c", "d", "e"}) items.push_back(shop.item(id));
    shop.act("u", "a");
  }
  std::vector<std::string> ask(std::string_view placement, Request request = {}) {
    request.placement = placement;
    request.now = shop.now;
    request.user_id = "u";
    const Status status = recommender.recommend(shop.view(), *policy::find_builtin(placement),
                                                request, scratch, answer);
    EXPECT_TRUE(status.ok()) << status.error().to_string();
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < answer.items.size(); ++i) ids.emplace_back(answer.item_id(i));
    return ids;
  }

  Shop shop;
  std::vector<ItemIndex> items;
  ManualClock clock;
  Watcher watcher;
  Recommender recommender{RecommenderOptions{}, clock, &watcher};
  Scratch scratch;
  Answer answer;
};

TEST_F(TrainedModelTest, PutsItsItemsFirstAndSaysSo) {
  const auto model = std::make_shared<Told>("ials-1", std::vector{items[2], kNoItem, items[1]});
  recommender.set_model(model);
  EXPECT_THAT(ask("home", {.limit = 2}), ElementsAre("c", "b"));
  EXPECT_EQ(answer.model, "ials-1");
  EXPECT_EQ(answer.items[0].source, Source::kModel);
  EXPECT_EQ(answer.items[0].link, Link::kPrimary);
  // weight 2 of 4 in the policy's 4, rank 0; the third of its list has rank 2.
  EXPECT_EQ(answer.items[0].contributions[index_of(Source::kModel)], 2.0f);
  EXPECT_EQ(answer.items[1].contributions[index_of(Source::kModel)],
            static_cast<float>(4 * static_cast<double>(static_cast<float>(0.5 * 10 / 12))));
  EXPECT_THAT(model->asked, ElementsAre(items[0]));
}

TEST_F(TrainedModelTest, IsAskedWithHistoryThenWhatThePageNames) {
  const auto model = std::make_shared<Told>("m", std::vector{items[3]});
  recommender.set_model(model);
  shop.act("u", "b");
  const std::string_view page = "e";
  ask("home", {.item_ids = {&page, 1}});
  EXPECT_THAT(model->asked, ElementsAre(items[0], items[1], items[4]));
}

TEST_F(TrainedModelTest, IsNotAskedWhereThePolicyGivesItNoWeight) {
  const auto model = std::make_shared<Told>("m", std::vector{items[3]});
  recommender.set_model(model);
  ask("popular");
  EXPECT_EQ(answer.model, "");
  EXPECT_TRUE(model->asked.empty());
}

TEST_F(TrainedModelTest, WithoutOneEverythingIsAsBefore) {
  const auto before = ask("home");
  recommender.set_model(std::make_shared<Told>("m", std::vector{items[3]}));
  EXPECT_NE(ask("home"), before);
  recommender.set_model(nullptr);
  EXPECT_EQ(ask("home"), before);
  EXPECT_EQ(answer.model, "");
}

TEST_F(TrainedModelTest, ItemsThatTheFilterKeepsOutStayOut) {
  recommender.set_model(std::make_shared<Told>("m", std::vector{items[3], items[2]}));
  shop.item("c", {.brand = "x"});
  EXPECT_THAT(ask("home", {.limit = 5, .filter = "brand = \"x\""}), ElementsAre("c"));
}

TEST_F(TrainedModelTest, AShadowIsComparedNowAndThenAndChangesNothing) {
  const auto before = ask("home", {.limit = 4});
  recommender.set_shadow(std::make_shared<Told>("s", std::vector{items[0], items[4], items[3]}));
  for (std::uint32_t i = 0; i < 3 * kShadowEvery; ++i) {
    EXPECT_EQ(ask("home", {.limit = 4}), before);
    EXPECT_EQ(answer.model, "");
  }
  EXPECT_EQ(watcher.times, 3u);
  EXPECT_EQ(watcher.last_shown, 4u);
  EXPECT_EQ(watcher.last_shared, 2u);  // "a" is in the history already
}

}  // namespace
}  // namespace vitrine::recommend
