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

TEST_F(TenantStateTest, ASearchIsRememberedAndWhatFollowsCountsForItsQuery) {
  const auto search = [&](std::string_view user, TimeUs at) {
    event::Event event;
    const std::string id = "s" + std::to_string(++position_);
    event.event_id = id;
    event.type = EventType::kSearch;
    event.event_time = at;
    event.user_id = user;
    event.search = R"({"query":"Strong  Coffee"})";
    std::string payload;
    ByteWriter writer(payload);
    record::write_tenant(writer, kTenant);
    event::encode_event(event, payload);
    const auto kind = static_cast<std::uint16_t>(record::RecordKind::kEvent);
    ASSERT_TRUE(state_.apply({position_, at, kind, 0, payload}).ok());
  };
  search("ann", kStart);
  search("bob", kStart + kSecondUs);
  apply(EventType::kPurchaseComplete, "ann", {"coffee"}, kStart + kMinuteUs);
  const auto* query = state_.queries().find("strong coffee");
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->searches, 2u);
  ASSERT_EQ(query->items.size(), 1u);
  EXPECT_EQ(query->items[0].item, item("coffee"));

  const std::string settings = R"({"personal":2})";
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, kTenant);
  payload += settings;
  ASSERT_TRUE(
      state_
          .apply({++position_, kStart,
                  static_cast<std::uint16_t>(record::RecordKind::kSearchSettings), 0, payload})
          .ok());
  EXPECT_EQ(state_.search_settings().personal, 2);

  StringSink sink;
  state_.save(sink);
  TenantState again{kTenant, {}, {}};
  StringSource source(sink.bytes());
  ASSERT_TRUE(again.load(source).ok());
  EXPECT_EQ(again.digest().value(), state_.digest().value());
  EXPECT_EQ(again.search_settings().personal, 2);
}

}  // namespace
}  // namespace vitrine::apply
