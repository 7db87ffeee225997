#include "domain/conduct/conduct.h"

#include <gtest/gtest.h>

namespace vitrine::conduct {
namespace {

using event::EventType;
using Decision = Conduct::Decision;

constexpr TimeUs kStart = 20'000 * kDayUs;

Decision view(Conduct& conduct, std::uint32_t user, std::uint32_t item, TimeUs at,
              bool fresh = false) {
  const ItemIndex index{item};
  return conduct.note(UserIndex{user}, fresh,
                      {EventType::kDetailPageView, at, at, std::span(&index, 1)});
}

Contribution seen(std::uint32_t item, TimeUs at) {
  return {.at = at, .item = ItemIndex{item}, .change = 1, .type = EventType::kDetailPageView};
}

std::string saved(const Conduct& conduct) {
  StringSink sink;
  conduct.save(sink);
  return sink.bytes();
}

Flag by_rule() { return {.reason = Reason::kCrawl, .found = 5, .bound = 4, .id = "u"}; }

// A bit of everything.
void fill(Conduct& conduct) {
  for (std::uint32_t user = 0; user < 20; ++user) {
    view(conduct, user, user % 3, kStart + user, true);
    conduct.add(UserIndex{user}, seen(user % 3, kStart + user));
  }
  conduct.add(UserIndex{3}, {.at = kStart, .type = EventType::kSearch}, "shoes");
  conduct.add(UserIndex{3}, seen(1, kStart), "shoes");
  conduct.flag(UserIndex{4}, Standing::kFlagged, by_rule());
  conduct.flag(UserIndex{5}, Standing::kTrusted, {.reason = Reason::kOperator, .id = "v"});
  conduct.set_standing(UserIndex{6}, Standing::kWaiting);
}

TEST(Conduct, OnceFlaggedAVisitorIsKeptOutUntilItIsCountedAgain) {
  Conduct conduct;
  TimeUs at = kStart;
  Decision decision = Decision::kCount;
  while (decision == Decision::kCount) decision = view(conduct, 1, 2, at += 100'000);
  ASSERT_EQ(decision, Decision::kFlag);
  EXPECT_EQ(conduct.verdict().reason, Reason::kRegularGaps);
  conduct.flag(UserIndex{1}, Standing::kFlagged, by_rule());
  EXPECT_EQ(view(conduct, 1, 2, at + kHourUs), Decision::kKeepOut);
  EXPECT_EQ(view(conduct, 2, 2, at + kHourUs), Decision::kCount);
  conduct.set_standing(UserIndex{1}, Standing::kCounted);
  EXPECT_EQ(conduct.flag(UserIndex{1}), nullptr);
  EXPECT_EQ(view(conduct, 1, 2, at + kHourUs), Decision::kCount);
  conduct.flag(UserIndex{1}, Standing::kTrusted, {.reason = Reason::kOperator});
  for (int n = 0; n < 1'000; ++n)
    EXPECT_EQ(view(conduct, 1, 2, at + kHourUs + n), Decision::kCount);
}

TEST(Conduct, SwitchedOffItFlagsNobody) {
  Conduct conduct;
  conduct.set_settings({.detect = false});
  for (int n = 0; n < 1'000; ++n) EXPECT_EQ(view(conduct, 1, 2, kStart + n), Decision::kCount);
}

TEST(Conduct, NewVisitorsThatBeginWithAPushedItemWaitUntilTheyDoSomethingElse) {
  Conduct conduct;
  std::vector<UserIndex> suspects;
  std::uint32_t user = 0;
  for (; suspects.empty() && user < 1'000; ++user) {
    view(conduct, user, 7, kStart + user * kSecondUs, true);
    if (user == 5) view(conduct, 5, 8, kStart + user * kSecondUs);  // looks further
    suspects = conduct.suspects();
  }
  // All but the one who looked further and the one who made it certain.
  ASSERT_EQ(user, Settings{}.push_visitors);
  EXPECT_EQ(suspects.size(), user - 2u);
  EXPECT_EQ(conduct.standing(UserIndex{user - 1}), Standing::kWaiting);
  for (const UserIndex suspect : suspects) conduct.set_standing(suspect, Standing::kWaiting);
  const TimeUs later = kStart + 10 * kMinuteUs;
  EXPECT_EQ(view(conduct, 3, 7, later), Decision::kKeepOut);
  EXPECT_EQ(view(conduct, 3, 9, later), Decision::kRelease);
  conduct.set_standing(UserIndex{3}, Standing::kCounted);
  EXPECT_EQ(view(conduct, 3, 7, later), Decision::kCount);
  // Regular visitors and other items are not concerned.
  EXPECT_EQ(view(conduct, 2'000, 7, later, false), Decision::kCount);
  EXPECT_EQ(view(conduct, 2'001, 8, later, true), Decision::kCount);
  // Two hours later it is over.
  EXPECT_EQ(view(conduct, 2'002, 7, kStart + 3 * kHourUs, true), Decision::kCount);
}

TEST(Conduct, AnItemThatIsOneOfManyIsNotPushed) {
  Conduct conduct;
  for (std::uint32_t user = 0; user < 3'000; ++user) {
    view(conduct, user, user % 3, kStart + user * kSecondUs / 2, true);
    EXPECT_TRUE(conduct.suspects().empty());
  }
  EXPECT_EQ(conduct.counts().waiting, 0u);
}

TEST(Conduct, RowsGoAfterADayAndFlagsAfterTheirDays) {
  Conduct conduct;
  fill(conduct);
  EXPECT_EQ(conduct.watched_count(), 18u);
  for (int n = 0; n < 20; ++n) view(conduct, 100, 1, kStart + 2 * kDayUs);
  EXPECT_EQ(conduct.watched_count(), 1u);
  EXPECT_EQ(conduct.kept_count(), 2u);
  EXPECT_TRUE(conduct.contributions(UserIndex{3}).empty());
  conduct.flag(UserIndex{7}, Standing::kFlagged, by_rule());
  view(conduct, 7, 1, kStart + 40 * kDayUs);
  EXPECT_EQ(conduct.standing(UserIndex{4}), Standing::kCounted);
  EXPECT_EQ(conduct.standing(UserIndex{5}), Standing::kTrusted);
}

TEST(Conduct, PastTheirBoundsThoseThatWereQuietLongestAreForgotten) {
  Conduct conduct({.visitors_max = 10, .kept_max = 2, .contributions_max = 100});
  for (std::uint32_t user = 0; user < 50; ++user) view(conduct, user, 1, kStart + user);
  EXPECT_LE(conduct.watched_count(), 11u);
  EXPECT_FALSE(conduct.watches(UserIndex{0}));
  for (std::uint32_t n = 0; n < 5'000; ++n) conduct.add(UserIndex{49}, seen(1, kStart));
  EXPECT_LE(conduct.contributions(UserIndex{49}).size(), Conduct::kContributionsMost);
  for (int n = 0; n < 10; ++n) view(conduct, 49, 1, kStart + 100);
  EXPECT_EQ(conduct.watched_count(), 1u);  // all others made room
  for (std::uint32_t user = 0; user < 20; ++user) {
    conduct.flag(UserIndex{user}, Standing::kFlagged, by_rule());
    view(conduct, 49, 1, kStart + 200);
  }
  EXPECT_LE(conduct.kept_count(), 3u);
}

TEST(Conduct, AMergedVisitorTakesAlongWhatItCountedFor) {
  Conduct conduct;
  view(conduct, 1, 1, kStart);
  conduct.add(UserIndex{1}, seen(1, kStart + 1), "boots");
  view(conduct, 2, 2, kStart);
  conduct.add(UserIndex{2}, seen(2, kStart), "shoes");
  conduct.add(UserIndex{2}, seen(3, kStart + 2));
  conduct.merge(UserIndex{1}, UserIndex{2});
  EXPECT_FALSE(conduct.watches(UserIndex{1}));
  const auto all = conduct.contributions(UserIndex{2});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].item, ItemIndex{2});
  EXPECT_EQ(conduct.query(UserIndex{2}, all[0]), "shoes");
  EXPECT_EQ(all[1].item, ItemIndex{1});
  EXPECT_EQ(conduct.query(UserIndex{2}, all[1]), "boots");
  EXPECT_EQ(all[2].item, ItemIndex{3});
  // Into one that was not watched.
  conduct.merge(UserIndex{2}, UserIndex{9});
  EXPECT_EQ(conduct.contributions(UserIndex{9}).size(), 3u);
}

TEST(Conduct, WhatWasSavedLoadsToTheSameBytesAndGoesOnTheSame) {
  Conduct conduct;
  fill(conduct);
  Conduct again;
  const std::string bytes = saved(conduct);
  StringSource source(bytes);
  ASSERT_TRUE(again.load(source, 20, 3).ok());
  EXPECT_EQ(source.remaining(), 0u);
  EXPECT_EQ(saved(again), bytes);
  EXPECT_EQ(again.flagged_count(), 1u);
  for (Conduct* each : {&conduct, &again}) {
    for (std::uint32_t n = 0; n < 400; ++n) {
      view(*each, 30 + n % 300, 2, kStart + kDayUs + n * kSecondUs, true);
    }
  }
  EXPECT_EQ(saved(again), saved(conduct));
}

TEST(Conduct, BytesThatMakeNoSenseAreRefused) {
  Conduct conduct;
  fill(conduct);
  const std::string bytes = saved(conduct);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    StringSource source(std::string_view(bytes).substr(0, size));
    Conduct again;
    EXPECT_FALSE(again.load(source, 20, 3).ok());
    EXPECT_EQ(again.watched_count(), 0u);
  }
  // Fewer users or items than it speaks of.
  StringSource few_users(bytes);
  EXPECT_EQ(Conduct().load(few_users, 10, 3).error().code(), ErrorCode::kCorrupt);
  StringSource few_items(bytes);
  EXPECT_EQ(Conduct().load(few_items, 20, 1).error().code(), ErrorCode::kCorrupt);
  std::string other = bytes;
  other[0] = 9;
  StringSource newer(other);
  EXPECT_EQ(Conduct().load(newer, 20, 3).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace vitrine::conduct
