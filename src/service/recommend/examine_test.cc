// What became of an item, against the answer itself and against the order of everything.
#include "service/recommend/examine.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/recommend/recommender.h"
#include "service/recommend/replay.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

class Examine : public testing::Test {
 protected:
  Examine() : recommender_(RecommenderOptions{}, clock_, nullptr) {
    for (int i = 0; i < 40; ++i) {
      shop_.item(
          "p" + std::to_string(i),
          {.category = "c" + std::to_string(i % 3), .price = 1.0 + i, .stock = i == 9 ? 0.0 : 3.0});
    }
    for (int user = 0; user < 15; ++user) {
      for (int n = 0; n < 6; ++n) {
        shop_.act("u" + std::to_string(user), "p" + std::to_string((user * 2 + n * n) % 40));
      }
    }
    request_.placement = "home";
    request_.user_id = "u3";
    request_.limit = 6;
    request_.now = shop_.now;
  }
  Verdict examine(std::string_view item, const policy::PlacementPolicy& policy = home()) {
    Verdict verdict;
    const Status status =
        recommender_.examine(shop_.view(), policy, request_, item, scratch_, answer_, verdict);
    EXPECT_TRUE(status.ok());
    return verdict;
  }
  static const policy::PlacementPolicy& home() { return *policy::find_builtin("home"); }

  Shop shop_;
  ManualClock clock_;
  Recommender recommender_;
  Scratch scratch_;
  Answer answer_;
  Request request_;
};

TEST_F(Examine, AgreesWithTheOrderOfEverythingThatMayBeShown) {
  policy::PlacementPolicy policy = home();
  policy.category_max = 0;
  Request all = request_;
  all.limit = 100;
  Answer order;
  ASSERT_TRUE(recommender_.recommend(shop_.view(), policy, all, scratch_, order).ok());
  ASSERT_GT(order.items.size(), 10u);
  for (std::size_t i = 0; i < order.items.size(); ++i) {
    const Verdict verdict = examine(order.item_id(i), policy);
    EXPECT_EQ(verdict.fate, i < 6 ? Fate::kShown : Fate::kBelow) << order.item_id(i);
    EXPECT_EQ(verdict.rank, i + 1);
    EXPECT_EQ(verdict.score, order.items[i].score);
    EXPECT_EQ(verdict.contributions, order.items[i].contributions);
  }
}

TEST_F(Examine, NamesTheFirstStepThatTookAnItemOut) {
  EXPECT_EQ(examine("p9").drop, Drop::kOutOfStock);
  EXPECT_EQ(examine("p6").drop, Drop::kSeen);
  EXPECT_EQ(examine("never").fate, Fate::kUnknown);
  shop_.catalog.intern("only-from-events");
  EXPECT_EQ(examine("only-from-events").drop, Drop::kUnlisted);
  shop_.act("u3", "p20", event::EventType::kDislike);
  request_.now = shop_.now;
  EXPECT_EQ(examine("p20").drop, Drop::kDisliked);
  request_.filter = "price > 30";
  EXPECT_EQ(examine("p6").drop, Drop::kFilter);
  request_.filter = {};
  const std::string_view cart[] = {"p21"};
  request_.cart = cart;
  EXPECT_EQ(examine("p21").drop, Drop::kContext);
  const ItemIndex paged[] = {*shop_.catalog.find("p22")};
  request_.already_shown = paged;
  EXPECT_EQ(examine("p22").drop, Drop::kPaged);
}

TEST_F(Examine, SaysThatACategoryHadItsShare) {
  policy::PlacementPolicy policy = home();
  policy.category_max = 1;
  request_.limit = 3;
  int held_back = 0;
  for (int i = 0; i < 40; ++i) {
    const Verdict verdict = examine("p" + std::to_string(i), policy);
    held_back += verdict.drop == Drop::kDiversity;
  }
  EXPECT_EQ(held_back, static_cast<int>(answer_.drops[static_cast<std::size_t>(Drop::kDiversity)]));
}

TEST_F(Examine, AListOfTheVisitorsOwnHasNoSourceForOthers) {
  request_.placement = "recently-viewed";
  EXPECT_EQ(examine("p1", *policy::find_builtin("recently-viewed")).fate, Fate::kNoSource);
}

TEST_F(Examine, WhatWasShownAndIgnoredKeepsAShareOfItsScore) {
  policy::PlacementPolicy policy = home();
  policy.rotation_percent = 0;
  const Verdict before = examine("p21", policy);
  policy.rotation_percent = 50;
  const UserIndex user = shop_.profiles.find_user(profile::user_key("u3"));
  for (int i = 0; i < 2; ++i) {
    shop_.showings.shown(user, *shop_.catalog.find("p21"), 0, request_.now);
  }
  const Verdict after = examine("p21", policy);
  EXPECT_EQ(after.fade, 0.5f);
  EXPECT_NEAR(after.score, before.score * 0.5f, 1e-6f);
  shop_.showings.opened(user, *shop_.catalog.find("p21"));
  EXPECT_EQ(examine("p21", policy).score, before.score);
}

TEST_F(Examine, ARecordMadeAgainIsTheSameAndFromAnotherStateSaysWhatDiffers) {
  ASSERT_TRUE(recommender_.recommend(shop_.view(), home(), request_, scratch_, answer_).ok());
  std::string bytes;
  recommender_.record({1, 2}, TenantId{1}, request_, answer_, bytes);
  const auto record = decode_answer(bytes);
  ASSERT_TRUE(record.ok());
  auto again = replay(*record, shop_.view(), recommender_, scratch_, answer_);
  ASSERT_TRUE(again.ok()) << again.error().to_string();
  EXPECT_TRUE(again->same);
  for (int n = 0; n < 30; ++n) shop_.act("u9", "p" + std::to_string(n % 7));
  again = replay(*record, shop_.view(), recommender_, scratch_, answer_);
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->same);
  EXPECT_FALSE(again->differences.empty());
  // One bit of one score is a difference.
  AnswerRecord changed = *record;
  ASSERT_TRUE(recommender_.recommend(shop_.view(), home(), request_, scratch_, answer_).ok());
  recommender_.record({1, 2}, TenantId{1}, request_, answer_, bytes = {});
  changed = *decode_answer(bytes);
  EXPECT_TRUE(compare(changed, answer_).same);
  changed.items[2].score = std::nextafter(changed.items[2].score, 1.0f);
  EXPECT_FALSE(compare(changed, answer_).same);
  changed.policy_fingerprint = 12345;
  EXPECT_EQ(RecordedRequest::from(changed).error().code(), ErrorCode::kConflict);
}

TEST_F(Examine, AnItemIsExplainedByTheAnchorThatGaveMost) {
  request_.explain = true;
  ASSERT_TRUE(recommender_.recommend(shop_.view(), home(), request_, scratch_, answer_).ok());
  ASSERT_EQ(answer_.because.size(), answer_.items.size());
  for (std::size_t i = 0; i < answer_.items.size(); ++i) {
    if (answer_.items[i].link != Link::kPrimary) continue;
    EXPECT_EQ(answer_.because[i].relation, "viewed");
    // The visitor did look at it.
    const auto item = shop_.catalog.find(answer_.because[i].item_id);
    ASSERT_TRUE(item);
    std::vector<profile::HistoryEntry> history;
    ASSERT_TRUE(
        shop_.profiles.history(shop_.profiles.find_user(profile::user_key("u3")), history).ok());
    EXPECT_THAT(history, testing::Contains(testing::Field(&profile::HistoryEntry::item, *item)));
  }
}

}  // namespace
}  // namespace vitrine::recommend
