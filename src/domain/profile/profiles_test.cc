#include "domain/profile/profiles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "domain/profile/interaction.h"

namespace vitrine::profile {
namespace {

namespace fs = std::filesystem;
using event::EventType;

// The obviously right thing: everything in one vector, sorted stably, cut at the end.
class NaiveHistory {
 public:
  explicit NaiveHistory(std::size_t most = 100) : most_(most) {}
  void append(const HistoryEntry& entry) {
    entries_.push_back(entry);
    std::stable_sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.stored_time() < b.stored_time();
    });
    if (entries_.size() > most_) entries_.erase(entries_.begin());
  }
  const std::vector<HistoryEntry>& entries() const { return entries_; }

 private:
  std::size_t most_;
  std::vector<HistoryEntry> entries_;
};

struct Step {
  std::uint32_t user;
  HistoryEntry entry;
};

// Mostly in order, some late by a little, some by a lot, many in the same millisecond.
std::vector<Step> random_steps(std::uint64_t seed, std::uint32_t users, std::size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Step> out;
  TimeUs now = 1'600'000'000 * kSecondUs;
  for (std::size_t i = 0; i < count; ++i) {
    now += static_cast<TimeUs>(random() % 3 * 700);
    TimeUs time = now;
    if (random() % 4 == 0) time -= static_cast<TimeUs>(random() % 40'000);
    if (random() % 50 == 0) time -= static_cast<TimeUs>(random() % (100 * kDayUs));
    // Squared, so that some users are hot and some hardly come.
    const std::uint64_t pick = random() % (std::uint64_t{users} * users);
    std::uint32_t user = 0;
    while (std::uint64_t{user + 1} * (user + 1) <= pick) ++user;
    out.push_back({user, make_entry(ItemIndex{static_cast<std::uint32_t>(i)}, time,
                                    random() % 9 == 0 ? EventType::kPurchaseComplete
                                                      : EventType::kDetailPageView)});
  }
  return out;
}

Hash128 key_of(std::uint32_t user) { return user_key("user " + std::to_string(user)); }

std::vector<HistoryEntry> history_of(const Profiles& profiles, UserIndex user) {
  std::vector<HistoryEntry> out{HistoryEntry{}};
  auto size = profiles.history(user, out);
  EXPECT_TRUE(size.ok()) << (size.ok() ? "" : size.error().to_string());
  EXPECT_EQ(size.value(), out.size());
  return out;
}

Hash128 digest_of(const Profiles& profiles) {
  HashSink sink;
  const Status status = profiles.digest(sink);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().to_string());
  return sink.finish();
}

std::string saved(const Profiles& profiles) {
  StringSink sink;
  profiles.save(sink);
  return sink.bytes();
}

void apply(Profiles& profiles, const Step& step) {
  const UserIndex user = profiles.intern_user(key_of(step.user));
  profiles.note_event(user, step.entry.event_time(), step.entry.type);
  ASSERT_TRUE(profiles.append(user, step.entry).ok());
}

class ProfilesTest : public testing::Test {
 protected:
  ProfilesTest() {
    std::string pattern = (fs::temp_directory_path() / "profiles_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~ProfilesTest() override { fs::remove_all(folder_); }

  kv::ColdRowsOptions cold_options(const std::string& name) const {
    return {
        .directory = (folder_ / name).string(), .cache_bytes = 1 << 20, .memtable_bytes = 1 << 20};
  }
  std::unique_ptr<kv::ColdRows> cold(const std::string& name) const {
    return std::move(kv::ColdRows::create(cold_options(name))).value();
  }

  fs::path folder_;
};

TEST(HistoryEntry, KeepsEveryMillisecondFrom1900Onward) {
  const std::int64_t kYearSeconds = 31'556'952;
  for (std::int64_t second : std::initializer_list<std::int64_t>{
           -69 * kYearSeconds, -1, 0, 1'700'000'000, 229 * kYearSeconds, 1029 * kYearSeconds}) {
    for (std::int64_t ms : {0, 1, 999}) {
      const TimeUs time = second * kSecondUs + ms * 1000;
      const auto entry = HistoryEntry::make(ItemIndex{7}, time, EventType::kItemClick, kPositive);
      EXPECT_EQ(entry.event_time(), time);
      EXPECT_EQ(HistoryEntry::make(ItemIndex{7}, time + 999, EventType::kItemClick, kPositive),
                entry);
    }
  }
}

TEST(HistoryEntry, MovesTimesThatDoNotFitToTheNearerEnd) {
  const auto entry = [](TimeUs time) {
    return HistoryEntry::make(ItemIndex{1}, time, EventType::kSearch, 0);
  };
  EXPECT_EQ(entry(std::numeric_limits<TimeUs>::min()).stored_time(), 0u);
  EXPECT_EQ(entry(std::numeric_limits<TimeUs>::max()).stored_time(),
            std::uint64_t{kHistoryTimeMax});
}

TEST(Interaction, SaysWhatShowsInterestAndWhatBuys) {
  EXPECT_TRUE(classify(EventType::kDetailPageView).positive());
  EXPECT_FALSE(classify(EventType::kDetailPageView).bought());
  EXPECT_TRUE(classify(EventType::kPurchaseComplete).bought());
  EXPECT_GT(classify(EventType::kPurchaseComplete).weight, classify(EventType::kAddToCart).weight);
  EXPECT_GT(classify(EventType::kAddToCart).weight, classify(EventType::kDetailPageView).weight);
  for (EventType type : {EventType::kDislike, EventType::kRefund}) {
    EXPECT_TRUE(classify(type).negative());
    EXPECT_EQ(classify(type).weight, 0);
  }
  for (EventType type : {EventType::kImpression, EventType::kSearch, EventType::kCustom}) {
    EXPECT_EQ(classify(type).flags, 0);
    EXPECT_EQ(classify(type).weight, 0);
  }
}

TEST(Interaction, ARatingCountsByItsValueAndNaNIsNoPraise) {
  EXPECT_TRUE(classify(EventType::kRating, 3.0).positive());
  EXPECT_EQ(classify(EventType::kRating, 4.5).weight, 4.5f);
  EXPECT_EQ(classify(EventType::kRating, 1e300).weight, 5);
  EXPECT_TRUE(classify(EventType::kRating, 2.9).negative());
  EXPECT_TRUE(classify(EventType::kRating, std::nan("")).negative());
  EXPECT_TRUE(classify(EventType::kRating).positive());
  const auto low = make_entry(ItemIndex{1}, 0, EventType::kRating, 1.0, true);
  EXPECT_TRUE(low.negative());
  EXPECT_EQ(low.flags & kImported, kImported);
  EXPECT_EQ(entry_weight(low), 0);
}

TEST(Profiles, AUserIsFoundByItsKeyAndAnAnonymousIdIsNoUserId) {
  Profiles profiles({});
  EXPECT_EQ(profiles.find_user(user_key("x")), kNoUser);
  for (std::uint32_t i = 0; i < 20000; ++i) {
    ASSERT_EQ(profiles.intern_user(key_of(i)), UserIndex{i});
    ASSERT_EQ(profiles.intern_user(key_of(i / 2)), UserIndex{i / 2});
  }
  for (std::uint32_t i = 0; i < 20000; ++i) ASSERT_EQ(profiles.find_user(key_of(i)), UserIndex{i});
  EXPECT_EQ(profiles.user_count(), 20000u);
  EXPECT_NE(user_key("x"), anonymous_key("x"));
  EXPECT_EQ(profiles.find_user(anonymous_key("user 5")), kNoUser);
}

// Keys that agree in every bit that chooses a slot, and in the tag: probing and the full
// comparison have to tell them apart.
TEST(Profiles, TellsKeysApartThatDifferInOneBit) {
  Profiles profiles({});
  std::vector<Hash128> keys{{0, 0}};
  for (int bit = 0; bit < 64; ++bit) {
    keys.push_back({1ull << bit, 0});
    keys.push_back({0, 1ull << bit});
  }
  for (std::uint32_t i = 0; i < keys.size(); ++i)
    ASSERT_EQ(profiles.intern_user(keys[i]), UserIndex{i});
  for (std::uint32_t i = 0; i < keys.size(); ++i)
    ASSERT_EQ(profiles.find_user(keys[i]), UserIndex{i});
}

TEST(Profiles, CountsEventsAndPurchasesAndTheNewestActivity) {
  Profiles profiles({});
  const UserIndex user = profiles.intern_user(user_key("x"));
  profiles.note_event(user, -5, EventType::kSearch);
  EXPECT_EQ(profiles.info(user).last_activity, -5);
  profiles.note_event(user, 70, EventType::kPurchaseComplete);
  profiles.note_event(user, 30, EventType::kDetailPageView);
  EXPECT_EQ(profiles.info(user).last_activity, 70);
  EXPECT_EQ(profiles.info(user).events, 3u);
  EXPECT_EQ(profiles.info(user).purchases, 1u);
  EXPECT_EQ(profiles.info(user).entries, 0u);
  EXPECT_EQ(profiles.info(user).key, user_key("x"));
}

TEST(Profiles, HistoriesAgreeWithSortingEverything) {
  for (std::uint32_t most : {4u, 5u, 8u, 20u, 100u, 255u}) {
    SCOPED_TRACE(most);
    Profiles profiles({.max_entries = most});
    std::vector<NaiveHistory> naive(40, NaiveHistory(most));
    for (const Step& step : random_steps(most, 40, 12000)) {
      apply(profiles, step);
      naive[step.user].append(step.entry);
      if (step.entry.item.value % 7 == 0) {
        ASSERT_EQ(history_of(profiles, profiles.find_user(key_of(step.user))),
                  naive[step.user].entries());
      }
    }
    for (std::uint32_t user = 0; user < 40; ++user) {
      const UserIndex index = profiles.find_user(key_of(user));
      if (index == kNoUser) continue;
      ASSERT_EQ(history_of(profiles, index), naive[user].entries());
    }
  }
}

// A million users that grow together must not leave the memory of their smaller rows behind.
TEST(Profiles, TheNewestItemsAreTheEndOfTheHistoryBackwards) {
  Profiles profiles({.max_entries = 10});
  const UserIndex user = profiles.intern_user(user_key("u"));
  std::vector<HistoryEntry> history;
  std::array<ItemIndex, 4> newest;
  EXPECT_EQ(profiles.newest_items(user, newest), 0u);
  for (std::uint32_t n = 0; n < 25; ++n) {
    const TimeUs at = 1'600'000'000 * kSecondUs + TimeUs{n * 7 % 11} * kSecondUs;
    ASSERT_TRUE(
        profiles.append(user, make_entry(ItemIndex{n}, at, EventType::kDetailPageView)).ok());
    ASSERT_TRUE(profiles.history(user, history).ok());
    const std::size_t count = profiles.newest_items(user, newest);
    ASSERT_EQ(count, std::min<std::size_t>(4, history.size()));
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(newest[i], history[history.size() - 1 - i].item) << n << " " << i;
    }
  }
}

TEST(Profiles, RowsThatGrowTogetherLeaveNoHoles) {
  Profiles profiles({});
  constexpr std::uint32_t kUsers = 20000;
  for (std::uint32_t round = 0; round < 50; ++round) {
    for (std::uint32_t user = 0; user < kUsers; ++user) {
      if (round == 0) profiles.intern_user({user * 0x9E3779B97F4A7C15ull, user});
      ASSERT_TRUE(profiles
                      .append(UserIndex{user},
                              HistoryEntry::make(ItemIndex{round}, round, EventType::kItemClick, 0))
                      .ok());
    }
  }
  EXPECT_EQ(profiles.row_bytes(), std::uint64_t{kUsers} * (4 + 56 * 12));
  EXPECT_LT(profiles.memory_bytes(), std::uint64_t{kUsers} * 800 + (4 << 20));
}

// Goal: where histories lie changes nothing that can be asked. Method: the same random steps
// through profiles with budgets from nothing (every history leaves at every step) to plenty,
// against the unbounded twin, with reads, saves, reloads and forced evictions between.
TEST_F(ProfilesTest, ABudgetChangesWhereHistoriesLieAndNothingElse) {
  const auto steps = random_steps(11, 60, 4000);
  Profiles twin({.max_entries = 20});
  for (const Step& step : steps) apply(twin, step);
  for (std::uint64_t budget : {0ull, 300ull, 5000ull, 10'000ull, 1ull << 40}) {
    SCOPED_TRACE(budget);
    auto rows = cold("rows" + std::to_string(budget));
    Profiles profiles(
        {.max_entries = 20, .row_budget_bytes = budget, .cold = rows.get(), .cold_space = 3});
    std::vector<NaiveHistory> naive(60, NaiveHistory(20));
    std::mt19937_64 random(budget);
    for (const Step& step : steps) {
      apply(profiles, step);
      ASSERT_LE(profiles.row_bytes(), budget + 4 + 20 * 12);  // one history too many at most
      naive[step.user].append(step.entry);
      const auto other = static_cast<std::uint32_t>(random() % 60);
      if (const UserIndex index = profiles.find_user(key_of(other)); index != kNoUser) {
        ASSERT_EQ(history_of(profiles, index), naive[other].entries());
      }
      if (random() % 100 == 0) {
        ASSERT_TRUE(profiles.evict_to(random() % 4000).ok());
      }
    }
    EXPECT_EQ(digest_of(profiles), digest_of(twin));
    ASSERT_TRUE(profiles.evict_to(0).ok());
    EXPECT_EQ(profiles.row_bytes(), 0u);
    EXPECT_EQ(profiles.cold_users(), profiles.user_count());
    EXPECT_EQ(digest_of(profiles), digest_of(twin));
  }
}

TEST_F(ProfilesTest, ARestartFromSnapshotAndCheckpointGoesOnAsIfNothingHappened) {
  const auto steps = random_steps(12, 50, 3000);
  Profiles twin({.max_entries = 16});
  for (const Step& step : steps) apply(twin, step);
  for (std::uint64_t budget : {0ull, 2000ull, 6000ull, 1ull << 40}) {
    SCOPED_TRACE(budget);
    auto rows = cold("before");
    std::optional<Profiles> before;
    before.emplace(
        ProfilesOptions{.max_entries = 16, .row_budget_bytes = budget, .cold = rows.get()});
    for (std::size_t i = 0; i < steps.size() / 2; ++i) apply(*before, steps[i]);
    const fs::path check = folder_ / ("check" + std::to_string(budget));
    ASSERT_TRUE(rows->checkpoint(check.string(), 1500).ok());
    const std::string snapshot = saved(*before);
    const Hash128 half = digest_of(*before);
    for (std::size_t i = steps.size() / 2; i < steps.size(); ++i) apply(*before, steps[i]);
    EXPECT_EQ(digest_of(*before), digest_of(twin));

    // Restarted with other budgets than the one that wrote the snapshot.
    for (std::uint64_t other : {0ull, 4000ull, 1ull << 40}) {
      SCOPED_TRACE(other);
      auto restored =
          std::move(kv::ColdRows::open_from_checkpoint(check.string(), cold_options("after")))
              .value();
      EXPECT_EQ(restored->position(), 1500u);
      Profiles after({.max_entries = 16, .row_budget_bytes = other, .cold = restored.get()});
      StringSource source(snapshot);
      ASSERT_TRUE(after.load(source).ok());
      EXPECT_EQ(source.remaining(), 0u);
      EXPECT_EQ(digest_of(after), half);
      EXPECT_EQ(saved(after), snapshot);
      for (std::size_t i = steps.size() / 2; i < steps.size(); ++i) apply(after, steps[i]);
      EXPECT_EQ(digest_of(after), digest_of(twin));
    }
  }
}

TEST_F(ProfilesTest, ASmallerLimitAfterARestartKeepsTheNewest) {
  auto rows = cold("rows");
  Profiles before({.max_entries = 30, .cold = rows.get()});
  const auto steps = random_steps(13, 20, 1500);
  for (const Step& step : steps) apply(before, step);
  ASSERT_TRUE(before.evict_to(before.row_bytes() / 2).ok());
  const std::string snapshot = saved(before);
  Profiles after({.max_entries = 7, .cold = rows.get()});
  StringSource source(snapshot);
  ASSERT_TRUE(after.load(source).ok());
  for (std::uint32_t i = 0; i < after.user_count(); ++i) {
    auto expected = history_of(before, UserIndex{i});
    if (expected.size() > 7) expected.erase(expected.begin(), expected.end() - 7);
    EXPECT_EQ(history_of(after, UserIndex{i}), expected);
  }
}

TEST_F(ProfilesTest, AMissingOrCutColdHistoryIsAnErrorEverywhereAndNeverAnEmptyOne) {
  for (bool missing : {true, false}) {
    SCOPED_TRACE(missing);
    auto rows = cold("rows");
    Profiles profiles({.cold = rows.get(), .cold_space = 9});
    const UserIndex user = profiles.intern_user(user_key("x"));
    const auto entry = make_entry(ItemIndex{1}, 1000, EventType::kItemClick);
    ASSERT_TRUE(profiles.append(user, entry).ok());
    ASSERT_TRUE(profiles.evict_to(0).ok());
    ASSERT_TRUE((missing ? rows->erase({9, 0}) : rows->put({9, 0}, "elevenbytes")).ok());
    std::vector<HistoryEntry> out;
    auto read = profiles.history(user, out);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
    auto appended = profiles.append(user, entry);
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(appended.error().code(), ErrorCode::kCorrupt);
    HashSink sink;
    EXPECT_FALSE(profiles.digest(sink).ok());
    // Once the row is back the same append works: nothing had been changed.
    ASSERT_TRUE(rows->put({9, 0}, {reinterpret_cast<const char*>(&entry), sizeof(entry)}).ok());
    ASSERT_TRUE(profiles.append(user, entry).ok());
    EXPECT_EQ(history_of(profiles, user), (std::vector<HistoryEntry>{entry, entry}));
  }
}

TEST(ProfilesLoad, EveryTruncationIsCorruptAndLeavesNothingBehind) {
  Profiles profiles({.max_entries = 8});
  for (const Step& step : random_steps(14, 10, 100)) apply(profiles, step);
  const std::string bytes = saved(profiles);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Profiles cut({.max_entries = 8});
    StringSource source(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(cut.load(source).ok()) << size;
    ASSERT_EQ(cut.user_count(), 0u);
    ASSERT_EQ(cut.row_bytes(), 0u);
  }
}

TEST(ProfilesLoad, HostileCountsAreRefusedBeforeMemoryIsTakenForThem) {
  std::string bytes;
  ByteWriter out(bytes);
  out.u32(1);
  out.u32(100);
  out.u64(0xFFFF'FFF0);
  out.u64(0);
  Profiles profiles({});
  StringSource source(bytes);
  auto loaded = profiles.load(source);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code(), ErrorCode::kCorrupt);
  EXPECT_LT(profiles.memory_bytes(), 1u << 20);
}

TEST(ProfilesLoad, HistoriesOutOfOrderAndDoubleKeysAreCorrupt) {
  Profiles profiles({});
  const UserIndex user = profiles.intern_user(user_key("x"));
  for (TimeUs ms : {1, 2, 3}) {
    ASSERT_TRUE(
        profiles.append(user, make_entry(ItemIndex{1}, ms * 1000, EventType::kItemClick)).ok());
  }
  std::string bytes = saved(profiles);
  std::string swapped = bytes;
  std::swap_ranges(swapped.end() - 24, swapped.end() - 12, swapped.end() - 12);
  Profiles into({});
  StringSource source(swapped);
  EXPECT_EQ(into.load(source).error().code(), ErrorCode::kCorrupt);

  profiles.intern_user(user_key("y"));
  std::string twice = saved(profiles);
  const std::size_t first = 16;
  std::copy_n(twice.begin() + first, 16, twice.begin() + first + 40);
  StringSource again(twice);
  EXPECT_EQ(into.load(again).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace vitrine::profile
