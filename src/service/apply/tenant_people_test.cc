#include <random>

#include <gtest/gtest.h>

#include "domain/person/person_codec.h"
#include "service/apply/apply_test_util.h"
#include "service/apply/tenant_state.h"

namespace vitrine::apply {
namespace {

using event::EventType;
using event::Purpose;
using record::RecordKind;
using testing::TestRecord;

constexpr TenantId kShop{1};
constexpr TimeUs kStart = 1'760'000'000 * kSecondUs;

struct Visit {
  std::string user;
  std::string visitor;
  std::string item = "boot";
  EventType type = EventType::kDetailPageView;
  std::string context{};
};

class TenantPeople : public ::testing::Test {
 protected:
  explicit TenantPeople(const TenantOptions& options = {}) : options_(options) { renew(); }
  void renew() { state_ = std::make_unique<TenantState>(kShop, options_, TenantStores{}); }

  ApplyOutcome put(RecordKind kind, const std::string& body) {
    std::string payload;
    ByteWriter writer(payload);
    record::write_tenant(writer, kShop);
    payload += body;
    ++position_;
    auto outcome = state_->apply({position_, kStart + static_cast<TimeUs>(position_) * kSecondUs,
                                  static_cast<std::uint16_t>(kind), 0, payload});
    EXPECT_TRUE(outcome.ok()) << outcome.error().to_string();
    return outcome.ok() ? *outcome : ApplyOutcome{};
  }
  template <class Encode>
  ApplyOutcome say(RecordKind kind, Encode&& encode) {
    std::string body;
    ByteWriter writer(body);
    encode(writer);
    return put(kind, body);
  }
  ApplyOutcome visit(const Visit& visit) {
    const std::string id = "e" + std::to_string(position_);
    event::Event e;
    e.event_id = id;
    e.type = visit.type;
    e.event_time = kStart + static_cast<TimeUs>(position_ + 1) * kSecondUs;
    e.user_id = visit.user;
    e.anonymous_id = visit.visitor;
    e.context = visit.context;
    e.items.emplace_back().item_id = visit.item;
    std::string body;
    event::encode_event(e, body);
    return put(RecordKind::kEvent, body);
  }
  ApplyOutcome merge(const std::string& user, const std::string& visitor) {
    return say(RecordKind::kUserMerge, [&](auto& w) { person::encode_merge({user, visitor}, w); });
  }
  ApplyOutcome consent(const std::string& user, Purpose purpose, bool granted) {
    person::ConsentChange change{user, {}};
    change.consents.set(purpose, granted);
    return say(RecordKind::kUserConsent, [&](auto& w) { person::encode_consent(change, w); });
  }
  ApplyOutcome describe(const std::string& user, double points) {
    return say(RecordKind::kUserUpsert, [&](auto& w) {
      person::encode_user({user, {{"points", points}}}, w);
    });
  }

  std::vector<std::string> history(const Hash128& key) {
    std::vector<profile::HistoryEntry> entries;
    const UserIndex user = state_->profiles().find_user(key);
    if (user == kNoUser) return {};
    EXPECT_TRUE(state_->profiles().history(user, entries).ok());
    std::vector<std::string> out;
    for (const auto& entry : entries) out.emplace_back(state_->catalog().item_id(entry.item));
    return out;
  }
  std::vector<std::string> of_user(const std::string& id) { return history(profile::user_key(id)); }
  std::vector<std::string> of_visitor(const std::string& id) {
    return history(profile::anonymous_key(id));
  }
  double popularity(const std::string& item) {
    const auto index = state_->catalog().find(item);
    return index ? state_->popular().score(*index, kStart) : 0;
  }

  TenantOptions options_;
  std::unique_ptr<TenantState> state_;
  eventlog::Position position_ = 0;
};

using Names = std::vector<std::string>;

TEST_F(TenantPeople, AnErasureTakesVisitorsAlongWhomThisLogHasNotMergedYetAndNobodyElse) {
  visit({"", "phone"});
  visit({"", "tv"});
  visit({"bob", "tv"});  // the tv is bob's
  visit({"", "tablet"});
  const auto erase = [&](std::vector<Hash128> keys) {
    return say(RecordKind::kUserErase, [&](auto& w) { person::encode_erasure({keys}, w); }).code;
  };
  const auto phone = profile::anonymous_key("phone");
  const auto tv = profile::anonymous_key("tv");
  EXPECT_EQ(erase({profile::user_key("ann"), phone, tv}), ApplyCode::kApplied);
  EXPECT_TRUE(history(phone).empty());
  EXPECT_EQ(history(profile::user_key("bob")).size(), 2u);
  EXPECT_EQ(history(profile::anonymous_key("tablet")).size(), 1u);
  EXPECT_EQ(erase({profile::user_key("ann"), tv}), ApplyCode::kUserNotFound);
}

TEST_F(TenantPeople, ADescribingPatchMakesAUserOfNobodyAndChangesNothingElseOfAnybody) {
  const auto patch = [&](const std::string& user, bool describing) {
    const person::UserPatch edits{user, {{"gone", std::nullopt}, {"points", 2.0}}};
    return say(RecordKind::kUserPatch,
               [&](auto& w) {
                 describing ? person::encode_describing_patch(edits, w)
                            : person::encode_patch(edits, w);
               })
        .code;
  };
  EXPECT_EQ(patch("ann", false), ApplyCode::kUserNotFound);
  EXPECT_EQ(patch("ann", true), ApplyCode::kApplied);
  const auto attributes_of = [&](const char* user) {
    const UserIndex index = state_->profiles().find_user(profile::user_key(user));
    const auto described = state_->people().get(index);
    return described ? described->user.attributes : std::vector<person::Attribute>();
  };
  EXPECT_EQ(attributes_of("ann"), (std::vector<person::Attribute>{{"points", 2.0}}));
  say(RecordKind::kUserUpsert, [](auto& w) {
    person::encode_user({"bob", {{"gone", true}, {"kept", true}, {"points", 1.0}}}, w);
  });
  EXPECT_EQ(patch("bob", true), ApplyCode::kApplied);
  EXPECT_EQ(attributes_of("bob"),
            (std::vector<person::Attribute>{{"kept", true}, {"points", 2.0}}));
}

TEST_F(TenantPeople, TheFirstEventWithBothIdsLinksThem) {
  visit({"", "phone", "boot"});
  visit({"ada", "", "hat"});
  visit({"", "phone", "sock"});
  EXPECT_EQ(of_user("ada"), (Names{"hat"}));
  visit({"ada", "phone", "glove"});
  EXPECT_EQ(of_user("ada"), (Names{"boot", "hat", "sock", "glove"}));
  visit({"", "phone", "scarf"});  // signed out on the same device
  EXPECT_EQ(of_user("ada").back(), "scarf");
  EXPECT_EQ(of_visitor("phone"), of_user("ada"));
  // Somebody else signs in there: that is theirs, and the device stays Ada's.
  visit({"bob", "phone", "coat"});
  EXPECT_EQ(of_user("bob"), (Names{"coat"}));
  visit({"", "phone", "belt"});
  EXPECT_EQ(of_user("ada").back(), "belt");
  EXPECT_EQ(state_->people_counts().merges, 1u);
}

TEST_F(TenantPeople, AMergeCountsNothingTwiceAndTeachesNothingAnew) {
  for (const char* item : {"boot", "hat", "sock"}) visit({"", "phone", item});
  visit({"ada", "", "boot"});
  const double before = popularity("boot");
  StringSink taught;
  state_->covisit().save(taught);
  EXPECT_EQ(merge("ada", "phone").code, ApplyCode::kApplied);
  EXPECT_EQ(popularity("boot"), before);
  StringSink after;
  state_->covisit().save(after);
  EXPECT_EQ(taught.bytes(), after.bytes());
  const auto info = state_->profiles().info(state_->profiles().find_user(profile::user_key("ada")));
  EXPECT_EQ(info.events, 4u);
  EXPECT_EQ(merge("ada", "phone").code, ApplyCode::kApplied);  // again: nothing
  EXPECT_EQ(merge("bob", "phone").code, ApplyCode::kMergedElsewhere);
  EXPECT_EQ(state_->profiles().info(state_->profiles().find_user(profile::user_key("ada"))).events,
            4u);
}

// Goal: histories and counts are those of a log in which the visitor had the user's id from the
// beginning. Method: random logs of users and visitors; the twin gets each event under the name
// its sender ends up with, and no merges.
TEST_F(TenantPeople, MergesEndWhereALogWithTheIdsSubstitutedEnds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<Visit> visits;
    std::map<std::string, std::string> owner;  // of a visitor, as the first link says
    for (int i = 0; i < 300; ++i) {
      Visit v;
      const auto kind = random() % 10;
      if (kind < 5) v.visitor = "v" + std::to_string(random() % 8);
      if (kind >= 4) v.user = "u" + std::to_string(random() % 4);
      v.item = "item-" + std::to_string(random() % 30);
      if (random() % 6 == 0) v.type = EventType::kPurchaseComplete;
      if (!v.user.empty() && !v.visitor.empty()) owner.emplace(v.visitor, v.user);
      visits.push_back(v);
    }
    position_ = 0;
    renew();
    for (const Visit& v : visits) visit(v);
    const auto merged = std::move(state_);
    position_ = 0;
    renew();
    for (Visit v : visits) {
      if (v.user.empty() && owner.contains(v.visitor)) v.user = owner[v.visitor];
      if (!v.user.empty()) v.visitor.clear();
      visit(v);
    }
    const auto& a = merged->profiles();
    const auto& b = state_->profiles();
    std::vector<Hash128> keys;
    for (int u = 0; u < 4; ++u) keys.push_back(profile::user_key("u" + std::to_string(u)));
    for (int v = 0; v < 8; ++v) {
      const std::string id = "v" + std::to_string(v);
      if (!owner.contains(id)) keys.push_back(profile::anonymous_key(id));
    }
    for (const Hash128& key : keys) {
      const UserIndex in_a = a.find_user(key);
      const UserIndex in_b = b.find_user(key);
      ASSERT_EQ(in_a == kNoUser, in_b == kNoUser);
      if (in_a == kNoUser) continue;
      EXPECT_EQ(a.info(in_a).events, b.info(in_b).events);
      EXPECT_EQ(a.info(in_a).purchases, b.info(in_b).purchases);
      EXPECT_EQ(a.info(in_a).last_activity, b.info(in_b).last_activity);
      std::vector<profile::HistoryEntry> of_a, of_b;
      ASSERT_TRUE(a.history(in_a, of_a).ok());
      ASSERT_TRUE(b.history(in_b, of_b).ok());
      EXPECT_EQ(of_a, of_b);  // items are interned in the same order
    }
    StringSink popular_a, popular_b;
    merged->popular().save(popular_a);
    state_->popular().save(popular_b);
    EXPECT_EQ(popular_a.bytes(), popular_b.bytes());
  }
}

TEST_F(TenantPeople, EachConsentGovernsItsPurpose) {
  const auto context = [](const char* consents) {
    return "{\"consent\":{" + std::string(consents) + "}}";
  };
  visit({"ada", "", "boot", EventType::kDetailPageView, context("\"personalization\":false")});
  EXPECT_TRUE(of_user("ada").empty());
  EXPECT_GT(popularity("boot"), 0);
  visit({"ada", "", "hat"});  // what was said stays said
  EXPECT_TRUE(of_user("ada").empty());
  EXPECT_EQ(state_->people_counts().not_remembered, 2u);
  visit({"ada", "", "sock", EventType::kDetailPageView,
         context("\"personalization\":true,\"analytics\":false")});
  EXPECT_EQ(of_user("ada"), (Names{"sock"}));
  EXPECT_EQ(popularity("sock"), 0);
  EXPECT_EQ(state_->people_counts().not_counted, 1u);
  // By the API, also of somebody who was never seen.
  EXPECT_EQ(consent("bob", Purpose::kPersonalization, false).code, ApplyCode::kApplied);
  visit({"bob", "", "boot"});
  EXPECT_TRUE(of_user("bob").empty());
  consent("bob", Purpose::kPersonalization, true);
  visit({"bob", "", "boot"});
  EXPECT_EQ(of_user("bob"), (Names{"boot"}));
  // A visitor's word goes over to the user who has said nothing.
  visit({"", "tablet", "hat", EventType::kDetailPageView, context("\"personalization\":false")});
  visit({"eve", "tablet", "hat"});
  EXPECT_TRUE(of_user("eve").empty());
}

TEST_F(TenantPeople, WithoutConsentNothingIsLearntFromWhatThePersonDidBefore) {
  visit({"ada", "", "boot"});
  consent("ada", Purpose::kPersonalization, false);
  visit({"ada", "", "hat"});  // hats would follow boots
  EXPECT_TRUE(state_->covisit().row(*state_->catalog().find("boot")).empty());
  EXPECT_EQ(of_user("ada"), (Names{"boot"}));  // kept, not used, until it is erased
  visit({"bob", "", "boot"});
  visit({"bob", "", "hat"});
  EXPECT_FALSE(state_->covisit().row(*state_->catalog().find("boot")).empty());
}

TEST_F(TenantPeople, UsersAreDescribedPatchedAndForgotten) {
  EXPECT_EQ(describe("ada", 5).code, ApplyCode::kApplied);
  visit({"ada", "", "boot"});
  const UserIndex ada = state_->profiles().find_user(profile::user_key("ada"));
  ASSERT_TRUE(state_->people().get(ada));
  const auto patch = [&](const std::string& user) {
    return say(RecordKind::kUserPatch, [&](auto& w) {
      person::encode_patch({user, {{"points", 7.0}}}, w);
    });
  };
  EXPECT_EQ(patch("ada").code, ApplyCode::kApplied);
  EXPECT_EQ(patch("bob").code, ApplyCode::kUserNotFound);
  EXPECT_EQ(std::get<double>(state_->people().get(ada)->user.attributes[0].value), 7);
  const auto forget = [&](const std::string& user) {
    return say(RecordKind::kUserDelete, [&](auto& w) { person::encode_delete(user, w); });
  };
  EXPECT_EQ(forget("ada").code, ApplyCode::kApplied);
  EXPECT_FALSE(state_->people().get(ada));
  EXPECT_TRUE(of_user("ada").empty());
  EXPECT_EQ(forget("bob").code, ApplyCode::kUserNotFound);
}

TEST_F(TenantPeople, EverythingIsInTheSnapshotAndInTheDigest) {
  visit({"", "phone", "boot"});
  describe("ada", 5);
  const auto before = state_->digest();
  consent("ada", Purpose::kMarketing, true);
  merge("ada", "phone");
  ASSERT_TRUE(state_->digest().ok());
  EXPECT_NE(*state_->digest(), *before);
  StringSink sink;
  state_->save(sink);
  TenantState loaded(kShop, options_, TenantStores{});
  StringSource source(sink.bytes());
  ASSERT_TRUE(loaded.load(source).ok());
  EXPECT_EQ(source.remaining(), 0u);
  EXPECT_EQ(*loaded.digest(), *state_->digest());
  const UserIndex ada = loaded.profiles().find_user(profile::anonymous_key("phone"));
  EXPECT_EQ(loaded.people().get(ada)->user.id, "ada");
}

class FewPeople : public TenantPeople {
 protected:
  static TenantOptions few() {
    TenantOptions options;
    options.users_max = 2;
    return options;
  }
  FewPeople() : TenantPeople(few()) {}
};

TEST_F(FewPeople, PastTheBoundEventsCountAndNobodyIsRemembered) {
  visit({"ada", "", "boot"});
  visit({"bob", "", "boot"});
  const double before = popularity("boot");
  for (int i = 0; i < 100; ++i) visit({"user " + std::to_string(i), "", "boot"});
  EXPECT_EQ(state_->profiles().user_count(), 2u);
  EXPECT_GT(popularity("boot"), before);
  EXPECT_EQ(state_->people_counts().users_over_limit, 100u);
  EXPECT_EQ(describe("carl", 1).code, ApplyCode::kUserLimit);
  EXPECT_EQ(merge("ada", "phone").code, ApplyCode::kUserLimit);
  EXPECT_EQ(of_user("ada"), (Names{"boot"}));
}

}  // namespace
}  // namespace vitrine::apply
