#include "service/recommend/repeats.h"

#include <gtest/gtest.h>

#include "service/recommend/recommender.h"
#include "service/recommend/testing_shop.h"

namespace vitrine::recommend {
namespace {

using event::EventType;

// A shop of consumables: fifty customers buy coffee every 30 days; everyone has one sofa.
class RepeatsTest : public ::testing::Test {
 protected:
  RepeatsTest() {
    shop_.item("coffee");
    shop_.item("sofa");
    for (int i = 0; i < 20; ++i) shop_.item("other-" + std::to_string(i));
    for (int month = 0; month < 4; ++month) {
      const TimeUs began = shop_.now;
      for (int i = 0; i < 50; ++i) {
        const std::string user = "customer-" + std::to_string(i);
        if (month == 2) shop_.buy(user, "sofa");
        shop_.buy(user, "coffee");
      }
      shop_.now = began + 30 * kDayUs;
    }
  }

  std::vector<profile::HistoryEntry> history(const std::string& user) {
    std::vector<profile::HistoryEntry> out;
    EXPECT_TRUE(
        shop_.profiles.history(shop_.profiles.find_user(profile::user_key(user)), out).ok());
    return out;
  }
  std::vector<DueItem> due(const std::string& user, TimeUs now) {
    std::vector<DueItem> out;
    find_due(shop_.repeats, history(user), now, out);
    return out;
  }
  std::vector<std::string> home(const std::string& user, TimeUs now) {
    Recommender recommender({}, system_clock(), nullptr);
    Scratch scratch;
    Answer answer;
    const Request request{.placement = "home", .user_id = user, .limit = 5, .now = now};
    EXPECT_TRUE(
        recommender.recommend(shop_.view(), *policy::find_builtin("home"), request, scratch, answer)
            .ok());
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < answer.items.size(); ++i) ids.emplace_back(answer.item_id(i));
    return ids;
  }

  Shop shop_;
};

TEST_F(RepeatsTest, AConsumableComesBackWhenItIsDueAndTheSofaDoesNot) {
  const auto soon = due("customer-7", shop_.now);
  ASSERT_EQ(soon.size(), 1u);
  EXPECT_EQ(soon.front().item, shop_.catalog.find("coffee").value());
  EXPECT_GT(soon.front().probability, 0.2);
  const auto shown = home("customer-7", shop_.now);
  ASSERT_FALSE(shown.empty());
  EXPECT_EQ(shown.front(), "coffee");
  EXPECT_EQ(std::count(shown.begin(), shown.end(), "sofa"), 0);
}

TEST_F(RepeatsTest, WhatWasJustBoughtIsLeftAlone) {
  shop_.buy("customer-7", "coffee");
  const auto shown = home("customer-7", shop_.now + kDayUs);
  EXPECT_EQ(std::count(shown.begin(), shown.end(), "coffee"), 0);
}

TEST_F(RepeatsTest, WhatWasSentBackIsNotDue) {
  shop_.act("customer-7", "coffee", EventType::kRefund);
  EXPECT_TRUE(due("customer-7", shop_.now).empty());
}

TEST_F(RepeatsTest, AVisitorWithoutPurchasesHasNothingDue) {
  shop_.act("visitor", "coffee");
  EXPECT_TRUE(due("visitor", shop_.now).empty());
}

TEST_F(RepeatsTest, AtMostFourItemsAreDueTheMostProbableFirst) {
  for (int month = 0; month < 5; ++month) {
    for (int i = 0; i < 8; ++i) shop_.buy("regular", "other-" + std::to_string(i));
    shop_.now += (20 + 2 * month) * kDayUs;
  }
  const auto found = due("regular", shop_.now);
  ASSERT_EQ(found.size(), kDueMost);
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_GE(found[i - 1].probability, found[i].probability);
  }
}

}  // namespace
}  // namespace vitrine::recommend
