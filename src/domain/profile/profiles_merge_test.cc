#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "domain/profile/profiles.h"

namespace vitrine::profile {
namespace {

namespace fs = std::filesystem;
using event::EventType;
using event::Purpose;
using Link = Profiles::Link;

Hash128 key_of(std::uint32_t n) { return anonymous_key(std::to_string(n)); }

struct Person {
  std::vector<HistoryEntry> history;
  std::uint32_t events = 0;
  std::uint32_t purchases = 0;
  TimeUs last_activity = 0;
  friend bool operator==(const Person&, const Person&) = default;
};

Person person(const Profiles& profiles, const Hash128& key) {
  Person out;
  const UserIndex user = profiles.find_user(key);
  if (user == kNoUser) return out;
  const UserInfo info = profiles.info(user);
  const auto size = profiles.history(user, out.history);
  EXPECT_TRUE(size.ok());
  EXPECT_EQ(out.history.size(), info.entries);
  return {out.history, info.events, info.purchases, info.last_activity};
}

// One thing that happens: an event of a key, or two keys that turn out to be one.
struct Step {
  std::uint32_t key = 0;
  std::optional<std::uint32_t> into{};
  HistoryEntry entry{};
};

std::vector<Step> random_life(std::uint64_t seed, std::uint32_t keys, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Step> out;
  for (std::size_t i = 0; i < count; ++i) {
    Step step{static_cast<std::uint32_t>(random() % keys), {}, {}};
    if (random() % 20 == 0) {
      step.into = static_cast<std::uint32_t>(random() % keys);  // chains, circles, itself
    } else {
      // No two in one millisecond; some late.
      const std::size_t late = random() % 5 == 0 ? random() % (i + 1) : 0;
      const TimeUs at = static_cast<TimeUs>(i - late) * kSecondUs + static_cast<TimeUs>(i) * 1000;
      step.entry = HistoryEntry::make(
          ItemIndex{static_cast<std::uint32_t>(i)}, at,
          random() % 7 == 0 ? EventType::kPurchaseComplete : EventType::kItemClick, kPositive);
    }
    out.push_back(step);
  }
  return out;
}

void live(Profiles& profiles, const Step& step) {
  const UserIndex user = profiles.intern_user(key_of(step.into.value_or(step.key)));
  if (step.into) {
    ASSERT_TRUE(profiles.link(key_of(step.key), user).ok());
    return;
  }
  profiles.note_event(user, step.entry.event_time(), step.entry.type);
  ASSERT_TRUE(profiles.append(user, step.entry).ok());
}

// The slow twin: finds out first who everybody ends up as, then replays every event under that
// name, without any merge.
std::vector<Person> replay_substituted(const std::vector<Step>& steps, std::uint32_t keys,
                                       std::size_t most) {
  std::vector<std::uint32_t> now(keys);
  for (std::uint32_t k = 0; k < keys; ++k) now[k] = k;
  const auto follow = [&](std::uint32_t k) {
    while (now[k] != k) k = now[k];
    return k;
  };
  for (const Step& step : steps) {
    // The first link of a key stays.
    if (step.into && now[step.key] == step.key && follow(*step.into) != step.key) {
      now[step.key] = follow(*step.into);
    }
  }
  std::vector<Person> people(keys);
  for (const Step& step : steps) {
    if (step.into) continue;
    Person& p = people[follow(step.key)];
    p.history.push_back(step.entry);
    p.last_activity = p.events == 0 ? step.entry.event_time()
                                    : std::max(p.last_activity, step.entry.event_time());
    ++p.events;
    if (step.entry.type == EventType::kPurchaseComplete) ++p.purchases;
  }
  for (Person& p : people) {
    std::stable_sort(p.history.begin(), p.history.end(), [](const auto& a, const auto& b) {
      return a.stored_time() < b.stored_time();
    });
    if (p.history.size() > most) p.history.erase(p.history.begin(), p.history.end() - most);
  }
  std::vector<Person> by_key(keys);
  for (std::uint32_t k = 0; k < keys; ++k) by_key[k] = people[follow(k)];
  return by_key;
}

TEST(Merge, EndsWhereAReplayWithTheIdsSubstitutedEnds) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    const std::uint32_t keys = 3 + static_cast<std::uint32_t>(seed % 13);
    const std::uint32_t most = seed % 3 == 0 ? 8 : 100;
    const auto steps = random_life(seed, keys, 600);
    Profiles profiles({.max_entries = most});
    for (const Step& step : steps) live(profiles, step);
    const auto expected = replay_substituted(steps, keys, most);
    for (std::uint32_t k = 0; k < keys; ++k) {
      SCOPED_TRACE(k);
      EXPECT_TRUE(person(profiles, key_of(k)) == expected[k]);
    }
  }
}

TEST(Merge, IsTheSameWhereverHistoriesLieAndOverARestartAtAnyStep) {
  const fs::path folder = fs::path(testing::TempDir()) / ("merge-" + std::to_string(getpid()));
  const auto steps = random_life(77, 12, 400);
  Profiles twin({.max_entries = 16});
  auto rows = std::move(kv::ColdRows::create({.directory = folder.string()})).value();
  Profiles tight({.max_entries = 16, .row_budget_bytes = 300, .cold = rows.get()});
  auto restarted = std::make_unique<Profiles>(ProfilesOptions{.max_entries = 16});
  for (const Step& step : steps) {
    live(twin, step);
    live(tight, step);
    live(*restarted, step);
    StringSink saved;
    restarted->save(saved);
    restarted = std::make_unique<Profiles>(ProfilesOptions{.max_entries = 16});
    StringSource source(saved.bytes());
    ASSERT_TRUE(restarted->load(source).ok());
  }
  HashSink of_twin, of_tight, of_restarted;
  ASSERT_TRUE(twin.digest(of_twin).ok());
  ASSERT_TRUE(tight.digest(of_tight).ok());
  ASSERT_TRUE(restarted->digest(of_restarted).ok());
  EXPECT_EQ(of_tight.finish(), of_twin.finish());
  EXPECT_EQ(of_restarted.finish(), of_twin.finish());
  EXPECT_EQ(restarted->merged_count(), twin.merged_count());
  fs::remove_all(folder);
}

TEST(Merge, AgainAndInACircleChangesNothingAndTheFirstLinkStays) {
  Profiles profiles({});
  const UserIndex ada = profiles.intern_user(user_key("ada"));
  const UserIndex bob = profiles.intern_user(user_key("bob"));
  EXPECT_EQ(*profiles.link(anonymous_key("phone"), ada), Link::kMerged);
  EXPECT_EQ(*profiles.link(anonymous_key("phone"), ada), Link::kKnown);
  EXPECT_EQ(*profiles.link(anonymous_key("phone"), bob), Link::kElsewhere);
  EXPECT_EQ(*profiles.link(user_key("ada"), ada), Link::kKnown);
  EXPECT_EQ(profiles.find_user(anonymous_key("phone")), ada);
  EXPECT_EQ(*profiles.link(user_key("ada"), bob), Link::kMerged);
  EXPECT_EQ(*profiles.link(user_key("bob"), profiles.find_user(anonymous_key("phone"))),
            Link::kKnown);  // the circle
  EXPECT_EQ(profiles.find_user(anonymous_key("phone")), bob);
  std::vector<Hash128> keys;
  EXPECT_EQ(profiles.append_merged_keys(bob, 0, 2, keys), 2u);
  EXPECT_EQ(profiles.append_merged_keys(bob, 2, 100, keys), 3u);
  EXPECT_EQ(keys, (std::vector<Hash128>{user_key("ada"), anonymous_key("phone")}));
  EXPECT_EQ(profiles.merged_count(), 2u);
}

TEST(Merge, TheUsersOwnWordAboutConsentGoesFirst) {
  Profiles profiles({});
  const UserIndex ada = profiles.intern_user(user_key("ada"));
  const UserIndex phone = profiles.intern_user(anonymous_key("phone"));
  event::Consents own, theirs;
  own.set(Purpose::kMarketing, true);
  theirs.set(Purpose::kMarketing, false);
  theirs.set(Purpose::kPersonalization, false);
  profiles.update_consents(ada, own);
  profiles.update_consents(phone, theirs);
  ASSERT_TRUE(profiles.link(anonymous_key("phone"), ada).ok());
  EXPECT_EQ(profiles.consents(ada).get(Purpose::kMarketing), true);
  EXPECT_EQ(profiles.consents(ada).get(Purpose::kPersonalization), false);
}

TEST(Merge, ForgettingLeavesKeyLinksAndConsentsErasingOnlyKeyAndLinks) {
  Profiles profiles({});
  const UserIndex ada = profiles.intern_user(user_key("ada"));
  ASSERT_TRUE(profiles.link(anonymous_key("phone"), ada).ok());
  event::Consents denied;
  denied.set(Purpose::kAnalytics, false);
  profiles.update_consents(ada, denied);
  const auto act = [&] {
    profiles.note_event(ada, kDayUs, EventType::kPurchaseComplete);
    ASSERT_TRUE(
        profiles.append(ada, HistoryEntry::make(ItemIndex{1}, kDayUs, EventType::kItemClick, 0))
            .ok());
  };
  act();
  profiles.forget(profiles.find_user(anonymous_key("phone")));
  EXPECT_EQ(person(profiles, user_key("ada")), Person{});
  EXPECT_EQ(profiles.consents(ada), denied);
  EXPECT_EQ(profiles.row_bytes(), 0u);
  act();  // goes on as somebody new
  EXPECT_EQ(person(profiles, anonymous_key("phone")).history.size(), 1u);
  profiles.erase(ada);
  EXPECT_EQ(person(profiles, user_key("ada")), Person{});
  EXPECT_FALSE(profiles.consents(ada).any());
}

TEST(Merge, PastUsersMaxNobodyGetsANumber) {
  Profiles profiles({.users_max = 2});
  const UserIndex ada = profiles.intern_user(user_key("ada"));
  ASSERT_TRUE(profiles.link(anonymous_key("phone"), ada).ok());
  EXPECT_EQ(profiles.intern_user(user_key("bob")), kNoUser);
  EXPECT_EQ(*profiles.link(anonymous_key("tablet"), ada), Link::kFull);
  EXPECT_EQ(profiles.intern_user(anonymous_key("phone")), ada);
  EXPECT_EQ(profiles.user_count(), 2u);
}

}  // namespace
}  // namespace vitrine::profile
