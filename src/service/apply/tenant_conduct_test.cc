#include <algorithm>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/apply/apply_test_util.h"
#include "service/apply/tenant_state.h"

namespace vitrine::apply {
namespace {

using conduct::Standing;
using event::EventType;
using ::testing::DoubleNear;
using ::testing::Pointwise;

constexpr TenantId kTenant{1};
constexpr TimeUs kStart = 20'000 * kDayUs + 9 * kHourUs;

// A tenant's state that records are applied to one after the other.
class Shop {
 public:
  Shop() = default;
  explicit Shop(std::string_view snapshot) {
    StringSource source(snapshot);
    EXPECT_TRUE(state_->load(source).ok());
    position_ = state_->position();
  }

  void apply(record::RecordKind kind, std::string_view payload, TimeUs at) {
    const auto outcome =
        state_->apply({++position_, at, static_cast<std::uint16_t>(kind), 0, payload});
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  }
  void send(const event::Event& event, TimeUs at, bool imported = false) {
    std::string payload;
    ByteWriter writer(payload);
    record::write_tenant(writer, kTenant);
    event::encode_event(event, payload);
    apply(imported ? record::RecordKind::kImportedEvent : record::RecordKind::kEvent, payload, at);
  }
  // `visitor`: of a user, with a leading ? of an anonymous visitor.
  void act(EventType type, std::string_view visitor, std::string_view item, TimeUs at,
           bool imported = false) {
    event::Event e;
    const std::string id = "e" + std::to_string(position_);
    e.event_id = id;
    e.type = type;
    e.event_time = at;
    if (visitor.starts_with('?')) {
      e.anonymous_id = visitor.substr(1);
    } else {
      e.user_id = visitor;
    }
    if (type == EventType::kSearch) {
      query_ = R"({"query":")" + std::string(item) + "\"}";
      e.search = query_;
    } else {
      e.items.push_back({.item_id = item});
    }
    send(e, at, imported);
  }
  void view(std::string_view visitor, std::string_view item, TimeUs at) {
    act(EventType::kDetailPageView, visitor, item, at);
  }
  void stand(std::string_view visitor, Standing standing, TimeUs at) {
    conduct::StandingChange change{visitor.starts_with('?'), std::string(visitor), standing, "why"};
    if (change.anonymous) change.id.erase(0, 1);
    std::string payload;
    ByteWriter writer(payload);
    record::write_tenant(writer, kTenant);
    conduct::encode_change(change, writer);
    apply(record::RecordKind::kVisitorStanding, payload, at);
  }
  void set(std::string_view settings) {
    std::string payload;
    ByteWriter writer(payload);
    record::write_tenant(writer, kTenant);
    payload += settings;
    apply(record::RecordKind::kAbuseSettings, payload, kStart);
  }

  const TenantState& state() const { return *state_; }
  ItemIndex item(std::string_view id) const { return state_->catalog().find(id).value(); }
  UserIndex user(std::string_view visitor) const {
    return state_->profiles().find_user(visitor.starts_with('?')
                                            ? profile::anonymous_key(visitor.substr(1))
                                            : profile::user_key(visitor));
  }
  Standing standing(std::string_view visitor) const {
    return state_->conduct().standing(user(visitor));
  }
  double trending(std::string_view id) const {
    return state_->trending().score(item(id), kStart + kDayUs);
  }
  // What is counted for all. Equal down to rounding, because taking a sum apart leaves a last bit.
  std::vector<double> counted() const {
    std::vector<double> out;
    for (std::uint32_t i = 0; i < state_->catalog().item_count(); ++i) {
      const ItemIndex item{i};
      out.push_back(state_->trending().score(item, kStart + kDayUs));
      out.push_back(state_->popular().score(item, kStart + kDayUs));
      out.push_back(static_cast<double>(state_->covisit().count(item)));
      out.push_back(static_cast<double>(state_->repeats().repeats(item)));
      for (const auto* pairs : {&state_->covisit(), &state_->baskets()}) {
        auto row = pairs->row(item);
        std::ranges::sort(row, {}, &covisit::Neighbour::item);
        for (const auto& neighbour : row) {
          if (neighbour.weight < 1e-3f) continue;  // what rounding left
          out.push_back(neighbour.item.value);
          out.push_back(static_cast<double>(neighbour.weight));
        }
      }
    }
    for (const auto& query : state_->queries().queries()) {
      if (query.searches == 0) continue;
      out.push_back(query.searches);
      for (const auto& item : query.items) {
        out.push_back(state_->queries().weight(item, kStart + kDayUs));
      }
    }
    return out;
  }
  std::string snapshot() const {
    StringSink sink;
    state_->save(sink);
    return sink.bytes();
  }

 private:
  std::unique_ptr<TenantState> state_ =
      std::make_unique<TenantState>(kTenant, TenantOptions{}, TenantStores{});
  eventlog::Position position_ = 0;
  std::string query_;
};

// People with their ways: pages, searches, purchases, some of them again.
void open_shop(Shop& shop) {
  for (int n = 0; n < 60; ++n) {
    const std::string who = "user-" + std::to_string(n % 9);
    const std::string item = "item-" + std::to_string(n % 7);
    const TimeUs at = kStart + n * 40 * kSecondUs;
    if (n % 10 == 0) shop.act(EventType::kSearch, who, "warm shoes", at);
    shop.view(who, item, at);
    if (n % 4 == 0) shop.act(EventType::kPurchaseComplete, who, item, at);
  }
}

// Everything a robot can do to the counts, at a pace that no rule minds yet.
void run_robot(Shop& shop, TimeUs from, int steps) {
  for (int n = 0; n < steps; ++n) {
    const std::string item = "item-" + std::to_string(n % 5);
    const TimeUs at = from + n * 2 * kSecondUs + (n % 3) * 400'000;
    if (n % 8 == 0) shop.act(EventType::kSearch, "?robot", n % 16 == 0 ? "warm shoes" : "spam", at);
    shop.view("?robot", item, at);
    if (n % 4 == 0) shop.act(EventType::kAddToCart, "?robot", item, at);
    if (n % 9 == 0) shop.act(EventType::kPurchaseComplete, "?robot", item, at);
  }
}

void flood(Shop& shop, TimeUs from) {
  for (int n = 0; n < 130; ++n) shop.view("?robot", "item-3", from + n * 100'000);
}

TEST(TenantConduct, WhatARobotDidIsTakenBackOutWhenItIsFlagged) {
  Shop clean;
  open_shop(clean);
  Shop shop;
  open_shop(shop);
  run_robot(shop, kStart + kHourUs, 60);
  ASSERT_EQ(shop.standing("?robot"), Standing::kCounted);
  EXPECT_NE(shop.counted(), clean.counted());
  flood(shop, kStart + 2 * kHourUs);
  ASSERT_EQ(shop.standing("?robot"), Standing::kFlagged);
  EXPECT_THAT(shop.counted(), Pointwise(DoubleNear(1e-3), clean.counted()));
  // Its own history works as before.
  EXPECT_EQ(shop.state().profiles().info(shop.user("?robot")).entries, 100u);
  const conduct::Flag* flag = shop.state().conduct().flag(shop.user("?robot"));
  ASSERT_NE(flag, nullptr);
  EXPECT_EQ(flag->reason, conduct::Reason::kRegularGaps);
  EXPECT_EQ(flag->id, "robot");
  EXPECT_TRUE(flag->anonymous);
  EXPECT_GT(flag->events, 5u);
}

TEST(TenantConduct, NothingIsCountedAfterwardsAlsoNotOfHistoryThatIsBroughtIn) {
  Shop shop;
  open_shop(shop);
  flood(shop, kStart + kHourUs);
  const auto before = shop.counted();
  run_robot(shop, kStart + 2 * kHourUs, 100);
  shop.act(EventType::kPurchaseComplete, "?robot", "item-1", kStart - 30 * kDayUs, true);
  EXPECT_THAT(shop.counted(), Pointwise(DoubleNear(1e-3), before));
}

TEST(TenantConduct, CountedAgainItIsAsIfNothingHadHappened) {
  Shop undisturbed;
  open_shop(undisturbed);
  undisturbed.set(R"({"detect":false})");
  run_robot(undisturbed, kStart + kHourUs, 60);

  Shop shop;
  open_shop(shop);
  run_robot(shop, kStart + kHourUs, 30);
  shop.stand("?robot", Standing::kFlagged, kStart + kHourUs + 61 * kSecondUs);
  // The rest of the same walk is kept out.
  Shop rest = Shop(shop.snapshot());
  for (int n = 30; n < 60; ++n) {
    const std::string item = "item-" + std::to_string(n % 5);
    const TimeUs at = kStart + kHourUs + n * 2 * kSecondUs + (n % 3) * 400'000;
    if (n % 8 == 0) rest.act(EventType::kSearch, "?robot", n % 16 == 0 ? "warm shoes" : "spam", at);
    rest.view("?robot", item, at);
    if (n % 4 == 0) rest.act(EventType::kAddToCart, "?robot", item, at);
    if (n % 9 == 0) rest.act(EventType::kPurchaseComplete, "?robot", item, at);
  }
  EXPECT_NE(rest.counted(), undisturbed.counted());
  rest.stand("?robot", Standing::kCounted, kStart + 2 * kHourUs);
  EXPECT_THAT(rest.counted(), Pointwise(DoubleNear(1e-3), undisturbed.counted()));
  EXPECT_EQ(rest.standing("?robot"), Standing::kCounted);
}

TEST(TenantConduct, WhomAnOperatorTrustsNoRuleTouches) {
  Shop shop;
  shop.stand("?robot", Standing::kTrusted, kStart);
  flood(shop, kStart + kHourUs);
  EXPECT_EQ(shop.standing("?robot"), Standing::kTrusted);
  EXPECT_NEAR(static_cast<double>(shop.state().covisit().count(shop.item("item-3"))), 130, 0.5);
}

TEST(TenantConduct, AVisitorThatSignsInTakesItsFlagAlong) {
  const auto sign_in = [](Shop& shop, std::string_view user) {
    event::Event e;
    e.event_id = "sign-in";
    e.type = EventType::kHomePageView;
    e.event_time = kStart + 3 * kHourUs;
    e.user_id = user;
    e.anonymous_id = "robot";
    shop.send(e, e.event_time);
  };
  Shop clean;
  open_shop(clean);
  Shop shop;
  open_shop(shop);
  shop.view("new-user", "item-2", kStart + kHourUs);
  flood(shop, kStart + 2 * kHourUs);
  EXPECT_NE(shop.counted(), clean.counted());
  sign_in(shop, "new-user");
  EXPECT_EQ(shop.standing("new-user"), Standing::kFlagged);
  EXPECT_THAT(shop.counted(), Pointwise(DoubleNear(1e-3), clean.counted()));

  Shop trusting;
  open_shop(trusting);
  trusting.stand("partner", Standing::kTrusted, kStart);
  flood(trusting, kStart + 2 * kHourUs);
  const auto before = trusting.counted();
  sign_in(trusting, "partner");
  EXPECT_EQ(trusting.standing("partner"), Standing::kTrusted);
  EXPECT_NE(trusting.counted(), before);
}

TEST(TenantConduct, APushByManyNewVisitorsCountsForNothingUntilTheyLookFurther) {
  Shop clean;
  open_shop(clean);
  Shop shop;
  open_shop(shop);
  const TimeUs at = kStart + kHourUs;
  for (int n = 0; n < 500; ++n) {
    const std::string who = "?fresh-" + std::to_string(n);
    shop.view(who, "item-6", at + n * kSecondUs);
    shop.act(EventType::kAddToCart, who, "item-6", at + n * kSecondUs + 1);
  }
  EXPECT_NEAR(shop.trending("item-6"), clean.trending("item-6"), 1e-6);
  const double before = shop.trending("item-6");
  shop.view("?fresh-7", "item-0", at + kHourUs / 2);
  EXPECT_GT(shop.trending("item-6"), before + 1);
  EXPECT_EQ(shop.standing("?fresh-7"), Standing::kCounted);
  EXPECT_EQ(shop.standing("?fresh-8"), Standing::kWaiting);
  EXPECT_EQ(shop.state().conduct().counts().waiting, 500u);
}

TEST(TenantConduct, AVisitorThatRefusesToBeCountedIsNotWatched) {
  Shop shop;
  for (int n = 0; n < 200; ++n) {
    event::Event e;
    const std::string id = "c" + std::to_string(n);
    e.event_id = id;
    e.type = EventType::kDetailPageView;
    e.event_time = kStart + n;
    e.user_id = "shy";
    e.context = R"({"consent":{"analytics":false}})";
    e.items.push_back({.item_id = "item-1"});
    shop.send(e, kStart + n);
  }
  EXPECT_EQ(shop.standing("shy"), Standing::kCounted);
  EXPECT_FALSE(shop.state().conduct().watches(shop.user("shy")));
}

// Goal: a snapshot anywhere changes nothing. Method: stop, save, load and go on at every stage.
TEST(TenantConduct, AReplayFromAnySnapshotGivesTheSameDigest) {
  const auto play = [](Shop& shop, int from, int to) {
    if (from < 1 && to >= 1) open_shop(shop);
    if (from < 2 && to >= 2) run_robot(shop, kStart + kHourUs, 60);
    if (from < 3 && to >= 3) flood(shop, kStart + 2 * kHourUs);
    if (from < 4 && to >= 4) shop.stand("?robot", Standing::kCounted, kStart + 3 * kHourUs);
    if (from < 5 && to >= 5) shop.set(R"({"views_per_hour":30})");
    if (from < 6 && to >= 6) run_robot(shop, kStart + 4 * kHourUs, 60);
  };
  Shop whole;
  play(whole, 0, 6);
  EXPECT_EQ(whole.standing("?robot"), Standing::kFlagged);
  for (int stop = 1; stop < 6; ++stop) {
    Shop first;
    play(first, 0, stop);
    Shop second(first.snapshot());
    EXPECT_EQ(second.state().digest().value(), first.state().digest().value());
    play(second, stop, 6);
    EXPECT_EQ(second.state().digest().value(), whole.state().digest().value()) << stop;
  }
}

TEST(TenantConduct, AStateOfTheFormatBeforeLoadsWithNobodyFlagged) {
  Shop shop;
  open_shop(shop);
  StringSink later;  // what that format did not have
  shop.state().conduct().save(later);
  shop.state().models().save(later);
  std::string before = shop.snapshot();
  before.resize(before.size() - later.bytes().size());
  TenantState old(kTenant, {}, {});
  StringSource source(before);
  ASSERT_TRUE(old.load(source, 5).ok());
  EXPECT_EQ(source.remaining(), 0u);
  EXPECT_EQ(old.conduct().watched_count(), 0u);
  EXPECT_EQ(old.counts().events, shop.state().counts().events);
}

}  // namespace
}  // namespace vitrine::apply
