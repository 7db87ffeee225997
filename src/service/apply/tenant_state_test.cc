#include "service/apply/tenant_state.h"

#include <gtest/gtest.h>

#include "service/apply/apply_test_util.h"

namespace vitrine::apply {
namespace {

using event::EventType;

class TenantStateTest : public ::testing::Test {
 protected:
  ApplyOutcome apply(EventType type, std::string_view user, std::vector<std::string_view> items,
                     TimeUs at) {
    const auto record =
        testing::event_record(kTenant, type, "e" + std::to_string(++position_), user, items, at);
    auto outcome =
        state_.apply({position_, at, static_cast<std::uint16_t>(record.kind), 0, record.payload});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message();
    return outcome.ok() ? *outcome : ApplyOutcome{};
  }
  ItemIndex item(std::string_view id) const { return state_.catalog().find(id).value(); }

  static constexpr TenantId kTenant{1};
  static constexpr TimeUs kStart = 20'000 * kDayUs;
  TenantState state_{kTenant, {}, {}};
  eventlog::Position position_ = 0;
};

TEST_F(TenantStateTest, BuyingAgainIsARepeatWithTheGapSinceTheLastTime) {
  apply(EventType::kPurchaseComplete, "ann", {"coffee", "sofa"}, kStart);
  apply(EventType::kPurchaseComplete, "bob", {"coffee"}, kStart + kDayUs);
  EXPECT_EQ(state_.repeats().repeats(item("coffee")), 0u);
  apply(EventType::kPurchaseComplete, "ann", {"coffee"}, kStart + 30 * kDayUs);
  EXPECT_EQ(state_.repeats().repeats(item("coffee")), 1u);
  EXPECT_EQ(state_.repeats().repeats(item("sofa")), 0u);
  EXPECT_EQ(repeat::bucket_of(state_.repeats().usual_gap(item("coffee"))),
            repeat::bucket_of(30 * kDayUs));
}

TEST_F(TenantStateTest, LookingIsNoPurchaseAndTwoLinesOfOneOrderAreNoRepeat) {
  apply(EventType::kPurchaseComplete, "ann", {"coffee", "coffee"}, kStart);
  apply(EventType::kDetailPageView, "ann", {"coffee"}, kStart + 20 * kDayUs);
  apply(EventType::kAddToCart, "ann", {"coffee"}, kStart + 21 * kDayUs);
  EXPECT_EQ(state_.repeats().repeats(item("coffee")), 0u);
}

TEST_F(TenantStateTest, AnOrderThatArrivesLateDoesNotCountTheLaterOneAsItsPredecessor) {
  apply(EventType::kPurchaseComplete, "ann", {"coffee"}, kStart + 30 * kDayUs);
  apply(EventType::kPurchaseComplete, "ann", {"coffee"}, kStart);
  EXPECT_EQ(state_.repeats().repeats(item("coffee")), 0u);
}

TEST_F(TenantStateTest, WhatWasSavedLoadsToTheSameDigest) {
  for (int day = 0; day < 90; day += 30) {
    apply(EventType::kPurchaseComplete, "ann", {"coffee", "tea"}, kStart + day * kDayUs);
    apply(EventType::kDetailPageView, "bob", {"tea", "sofa"}, kStart + day * kDayUs);
  }
  StringSink sink;
  state_.save(sink);
  TenantState again{kTenant, {}, {}};
  StringSource source(sink.bytes());
  ASSERT_TRUE(again.load(source).ok());
  EXPECT_EQ(again.digest().value(), state_.digest().value());
  EXPECT_EQ(again.repeats().repeats(item("coffee")), 2u);
}

}  // namespace
}  // namespace vitrine::apply
