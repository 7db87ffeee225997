// Method: every answer against a plain list of what was shown, summed up anew each time.
#include "domain/profile/showings.h"

#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vitrine::profile {
namespace {

constexpr TimeUs kStart = 1'700'000'000 * kSecondUs;

std::string bytes_of(const Showings& showings) {
  StringSink sink;
  showings.save(sink);
  return sink.bytes();
}

std::uint32_t looks(const Showings& showings, UserIndex user, ItemIndex item, TimeUs now) {
  for (const Showing& showing : showings.of(user)) {
    if (showing.item == item) return showing.looks_at(now);
  }
  return 0;
}

TEST(Showings, ALaterPlaceOfAListCountsLess) {
  Showings showings;
  showings.shown(UserIndex{1}, ItemIndex{7}, 0, kStart);
  showings.shown(UserIndex{1}, ItemIndex{8}, 3, kStart);
  showings.shown(UserIndex{1}, ItemIndex{9}, -1, kStart);
  EXPECT_EQ(looks(showings, UserIndex{1}, ItemIndex{7}, kStart), kLook);
  EXPECT_EQ(looks(showings, UserIndex{1}, ItemIndex{8}, kStart), kLook / 2);
  EXPECT_EQ(looks(showings, UserIndex{1}, ItemIndex{9}, kStart), kLook);
  EXPECT_TRUE(showings.of(UserIndex{2}).empty());
}

TEST(Showings, SumsUpWhatEachLookIsStillWorth) {
  std::mt19937 random(7);
  Showings showings;
  std::map<std::uint32_t, std::vector<std::pair<TimeUs, double>>> plain;
  TimeUs now = kStart;
  for (int i = 0; i < 400; ++i) {
    now += static_cast<TimeUs>(random() % 7200) * kSecondUs;
    const ItemIndex item{static_cast<std::uint32_t>(random() % 20)};
    if (random() % 10 == 0) {
      showings.opened(UserIndex{3}, item);
      plain.erase(item.value);
    } else {
      const auto place = static_cast<std::int32_t>(random() % 12);
      showings.shown(UserIndex{3}, item, place, now);
      plain[item.value].push_back({now, kLook / std::sqrt(1.0 + place)});
    }
    for (std::uint32_t n = 0; n < 20; ++n) {
      double sum = 0;
      for (const auto& [at, look] : plain[n]) {
        sum += look * std::exp2(-static_cast<double>(now - at) / static_cast<double>(kDayUs));
      }
      // Each sum is rounded down when it is written.
      EXPECT_NEAR(looks(showings, UserIndex{3}, ItemIndex{n}, now), sum, 12) << n;
    }
  }
}

TEST(Showings, AFullRowMakesRoomForWhatIsShownNow) {
  Showings showings;
  for (std::uint32_t n = 0; n < Showings::kItemsMost + 5; ++n) {
    showings.shown(UserIndex{1}, ItemIndex{n}, 0, kStart + n * kSecondUs);
  }
  EXPECT_EQ(showings.of(UserIndex{1}).size(), Showings::kItemsMost);
  EXPECT_EQ(looks(showings, UserIndex{1}, ItemIndex{4}, kStart), 0u);
  EXPECT_GT(looks(showings, UserIndex{1}, ItemIndex{5}, kStart), 0u);
  EXPECT_GT(looks(showings, UserIndex{1}, ItemIndex{100}, kStart), 0u);
}

TEST(Showings, PastItsBoundForgetsWhoWasShownNothingForLongest) {
  Showings showings(10);
  for (std::uint32_t user = 0; user < 5; ++user) {
    for (std::uint32_t item = 0; item < 3; ++item) {
      showings.shown(UserIndex{user}, ItemIndex{item}, 0, kStart);
      showings.shown(UserIndex{0}, ItemIndex{0}, 0, kStart);  // comes back all the time
    }
  }
  EXPECT_LE(showings.entries(), 10u);
  EXPECT_TRUE(showings.of(UserIndex{1}).empty());
  EXPECT_TRUE(showings.of(UserIndex{2}).empty() || showings.of(UserIndex{2}).size() == 3);
  EXPECT_EQ(showings.of(UserIndex{4}).size(), 3u);
  EXPECT_EQ(showings.of(UserIndex{0}).size(), 3u);
}

TEST(Showings, MergingGivesTheUserWhatTheVisitorWasShown) {
  Showings showings;
  showings.shown(UserIndex{1}, ItemIndex{7}, 0, kStart);
  showings.shown(UserIndex{2}, ItemIndex{7}, 0, kStart);
  showings.shown(UserIndex{1}, ItemIndex{8}, 0, kStart);
  showings.merge(UserIndex{1}, UserIndex{2});
  EXPECT_TRUE(showings.of(UserIndex{1}).empty());
  EXPECT_EQ(looks(showings, UserIndex{2}, ItemIndex{7}, kStart), 2 * kLook);
  EXPECT_EQ(looks(showings, UserIndex{2}, ItemIndex{8}, kStart), kLook);
  showings.merge(UserIndex{2}, UserIndex{2});
  EXPECT_EQ(showings.of(UserIndex{2}).size(), 2u);
  showings.forget(UserIndex{2});
  EXPECT_TRUE(showings.empty());
  EXPECT_EQ(showings.entries(), 0u);
}

TEST(Showings, ComesBackFromItsBytesAndGoesOnAlike) {
  std::mt19937 random(5);
  Showings showings(300);
  const auto step = [&](Showings& to, unsigned r) {
    const UserIndex user{r % 23};
    const ItemIndex item{r / 23 % 50};
    const TimeUs at = kStart + r % 100'000 * kSecondUs;
    if (r % 11 == 0) return to.opened(user, item);
    if (r % 97 == 0) return to.forget(user);
    to.shown(user, item, static_cast<std::int32_t>(r % 12), at);
  };
  for (int i = 0; i < 2000; ++i) step(showings, random());
  const std::string bytes = bytes_of(showings);
  Showings loaded(300);
  StringSource source(bytes);
  ASSERT_TRUE(loaded.load(source, 23).ok());
  EXPECT_EQ(source.remaining(), 0u);
  EXPECT_EQ(bytes_of(loaded), bytes);
  for (int i = 0; i < 500; ++i) {
    const unsigned r = random();
    step(showings, r);
    step(loaded, r);
  }
  EXPECT_EQ(bytes_of(loaded), bytes_of(showings));
}

TEST(Showings, RefusesBytesThatItDidNotWrite) {
  Showings showings;
  showings.shown(UserIndex{5}, ItemIndex{1}, 0, kStart);
  showings.shown(UserIndex{6}, ItemIndex{1}, 0, kStart);
  const std::string bytes = bytes_of(showings);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Showings loaded;
    StringSource source(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(loaded.load(source, 100).ok()) << size;
    EXPECT_TRUE(loaded.empty());
  }
  Showings loaded;
  StringSource unknown_user(bytes);
  EXPECT_FALSE(loaded.load(unknown_user, 6).ok());
  std::string twice = bytes;
  twice.replace(8 + 24, 4, bytes.substr(8, 4));  // the second row's user becomes the first's
  StringSource again(twice);
  EXPECT_FALSE(loaded.load(again, 100).ok());
}

}  // namespace
}  // namespace vitrine::profile
