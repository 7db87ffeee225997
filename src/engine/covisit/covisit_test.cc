#include "engine/covisit/covisit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/covisit/power.h"
#include "engine/covisit/power_many.h"

namespace vitrine::covisit {
namespace {

using testing::ElementsAre;

std::string bytes_of(const Covisit& state) {
  StringSink sink;
  state.save(sink);
  return sink.bytes();
}

// A shop of visitors with some taste: item numbers near each other follow each other, low
// numbers are popular.
class Visitors {
 public:
  Visitors(std::uint64_t seed, std::uint32_t items)
      : random_(seed), items_(items), histories_(50) {}
  // One visit: gives the visitor's earlier items, newest first, and the new one.
  std::pair<std::vector<ItemIndex>, ItemIndex> next() {
    auto& history = histories_[random_() % histories_.size()];
    std::uint32_t item =
        static_cast<std::uint32_t>(random_() % items_ * (random_() % items_) / items_);
    if (!history.empty() && random_() % 2 == 0) {
      item = (history.front().value + static_cast<std::uint32_t>(random_() % 5)) % items_;
    }
    auto before = history;
    history.insert(history.begin(), ItemIndex{item});
    if (history.size() > 30) history.pop_back();
    return {before, ItemIndex{item}};
  }

 private:
  std::mt19937_64 random_;
  std::uint32_t items_;
  std::vector<std::vector<ItemIndex>> histories_;
};

// The obvious way: maps without a bound, double precision, pow().
struct Twin {
  Options options;
  std::map<std::uint32_t, std::map<std::uint32_t, double>> rows;
  std::map<std::uint32_t, double> counts;

  void observe(const std::vector<ItemIndex>& recent, ItemIndex item, double weight) {
    counts[item.value] += weight;
    for (std::size_t i = 0; i < recent.size() && i < options.window; ++i) {
      if (recent[i] == item) continue;
      const double added =
          weight * std::pow(static_cast<double>(i + 1), -0.5 * options.gap_half_power);
      rows[recent[i].value][item.value] += added;
      if (options.backward > 0) rows[item.value][recent[i].value] += added * options.backward;
    }
  }

  std::map<std::uint32_t, double> score(const std::vector<HistoryItem>& history,
                                        const ScoreOptions& o) {
    std::map<std::uint32_t, double> direct;
    for (std::size_t r = 0; r < history.size() && r < o.max_history; ++r) {
      const std::uint32_t a = history[r].item.value;
      if (!rows.count(a)) continue;
      const double source = counts[a] > 0 ? std::pow(counts[a], -o.source_power) : 1;
      for (const auto& [b, w] : rows[a])
        direct[b] += history[r].weight * std::pow(o.history_decay, history[r].age) * source * w;
    }
    const auto norm = [&](std::uint32_t b) {
      return std::pow(counts[b] + o.count_offset, -o.target_power);
    };
    std::vector<std::pair<double, std::uint32_t>> best;
    for (const auto& [b, d] : direct) best.emplace_back(-d * norm(b), b);
    std::sort(best.begin(), best.end());
    if (best.size() > o.second_hop_sources) best.resize(o.second_hop_sources);
    std::map<std::uint32_t, double> total = direct;
    for (const auto& [negative, m] : best) {
      double sum = 0;
      for (const auto& [b, w] : rows[m]) sum += w;
      for (const auto& [b, w] : rows[m]) total[b] += o.second_hop * -negative * w / sum;
    }
    for (auto& [b, s] : total) s *= norm(b);
    return total;
  }
};

// Goal: with room for every neighbour the rows are the exact sums.
TEST(Covisit, RowsAreTheSumsOfMapsWhileNothingIsDropped) {
  for (const std::uint32_t half_power : {0u, 1u, 2u, 3u}) {
    for (const float backward : {0.0f, 0.3f, 1.0f}) {
      const Options options{
          .window = 7, .max_neighbours = 400, .gap_half_power = half_power, .backward = backward};
      Covisit state(options);
      Twin twin{options, {}, {}};
      Visitors visitors(half_power, 300);
      for (int i = 0; i < 5000; ++i) {
        const auto [recent, item] = visitors.next();
        const float weight = i % 5 == 0 ? 3 : 1;
        state.observe(recent, item, 0, weight);
        twin.observe(recent, item, weight);
      }
      for (std::uint32_t a = 0; a < 300; ++a) {
        ASSERT_NEAR(state.count(ItemIndex{a}), twin.counts[a], 1e-3);
        const auto row = state.row(ItemIndex{a});
        ASSERT_EQ(row.size(), twin.rows[a].size()) << a;
        for (const Neighbour& n : row) {
          ASSERT_NEAR(n.weight, twin.rows[a][n.item.value], 1e-4 * (1 + n.weight));
        }
      }
    }
  }
}

TEST(Covisit, ScoresAreThoseOfTheObviousWay) {
  const Options options{.window = 5, .max_neighbours = 256};
  Covisit state(options);
  Twin twin{options, {}, {}};
  Visitors visitors(3, 200);
  for (int i = 0; i < 3000; ++i) {
    const auto [recent, item] = visitors.next();
    state.observe(recent, item, 0);
    twin.observe(recent, item, 1);
  }
  ScoreScratch scratch;
  std::vector<Candidate> found;
  std::mt19937_64 random(9);
  for (int q = 0; q < 200; ++q) {
    std::vector<HistoryItem> history;
    for (std::uint64_t n = random() % 12; n > 0; --n) {
      const auto age = static_cast<std::uint32_t>(history.size() / (1 + q % 2));
      history.push_back(
          {ItemIndex{static_cast<std::uint32_t>(random() % 210)}, age, q % 3 == 0 ? 2.0f : 1.0f});
    }
    ScoreOptions ask;
    ask.max_history = 8;
    ask.second_hop_sources = static_cast<std::uint32_t>(random() % 20);
    state.score(history, ask, scratch, found);
    const auto expected = twin.score(history, ask);
    ASSERT_EQ(found.size(), expected.size());
    for (const Candidate& c : found) {
      ASSERT_NEAR(c.score, expected.at(c.item.value), 1e-4 * expected.at(c.item.value) + 1e-6);
      ASSERT_LE(c.direct, c.score);
    }
  }
}

TEST(Covisit, AMaskLeavesOutCandidatesAndChangesNoScore) {
  std::mt19937 random(4);
  Covisit covisit({.max_neighbours = 16});
  std::vector<ItemIndex> recent;
  for (int e = 0; e < 6000; ++e) {
    if (e % 12 == 0) recent.clear();
    const ItemIndex item{static_cast<std::uint32_t>(random() % 300)};
    covisit.observe(recent, item, e * kHourUs);
    recent.insert(recent.begin(), item);
  }
  ScoreScratch scratch, masked_scratch;
  std::vector<Candidate> all, some;
  for (int question = 0; question < 200; ++question) {
    std::vector<HistoryItem> history;
    for (std::uint32_t age = 0; age < 1 + random() % 6; ++age) {
      history.push_back({ItemIndex{static_cast<std::uint32_t>(random() % 320)}, age});
    }
    ScoreOptions options;
    if (question % 3 == 0) options.second_hop = 0;
    // Shorter than the items: what it does not reach is not asked for.
    std::vector<std::uint64_t> words(1 + random() % 5);
    for (auto& word : words) word = random() % 3 == 0 ? 0 : std::uint64_t{random()} * random();
    covisit.score(history, options, scratch, all);
    covisit.score(history, options, ItemMask(words), masked_scratch, some);
    std::map<ItemIndex, Candidate> expected, actual;
    for (const Candidate& c : all) {
      const std::uint32_t i = c.item.value;
      if (i / 64 < words.size() && (words[i / 64] >> (i % 64) & 1) != 0) expected[c.item] = c;
    }
    for (const Candidate& c : some) actual[c.item] = c;
    ASSERT_EQ(actual.size(), some.size());
    ASSERT_EQ(actual.size(), expected.size());
    for (const auto& [item, c] : expected) {
      ASSERT_EQ(actual.at(item).score, c.score);
      ASSERT_EQ(actual.at(item).direct, c.direct);
    }
  }
}

TEST(Covisit, DirectionMattersAndNearerIsHeavier) {
  Covisit state(Options{.window = 3, .backward = 0.25f});
  const std::vector<ItemIndex> recent{ItemIndex{1}, ItemIndex{2}};
  state.observe(recent, ItemIndex{0}, 0);
  EXPECT_EQ(state.row(ItemIndex{1})[0].weight, 1);
  EXPECT_FLOAT_EQ(state.row(ItemIndex{2})[0].weight, 1 / std::sqrt(2.0f));
  const auto back = state.row(ItemIndex{0});
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].item, ItemIndex{1});
  EXPECT_EQ(back[0].weight, 0.25f);
}

TEST(Covisit, AnItemIsNoNeighbourOfItself) {
  Covisit state;
  const std::vector<ItemIndex> recent{ItemIndex{4}, ItemIndex{4}};
  state.observe(recent, ItemIndex{4}, 0);
  EXPECT_TRUE(state.row(ItemIndex{4}).empty());
  EXPECT_EQ(state.count(ItemIndex{4}), 1);
}

TEST(Covisit, TheSecondHopReachesWhatNobodySawNextToTheHistory) {
  Covisit state(Options{.backward = 0});
  state.observe(std::vector<ItemIndex>{ItemIndex{0}}, ItemIndex{1}, 0);
  state.observe(std::vector<ItemIndex>{ItemIndex{1}}, ItemIndex{2}, 0);
  ScoreScratch scratch;
  std::vector<Candidate> found;
  const std::vector<HistoryItem> history{{ItemIndex{0}}};
  state.score(history, {}, scratch, found);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].item, ItemIndex{2});
  EXPECT_GT(found[1].score, 0);
  EXPECT_EQ(found[1].direct, 0);
  ScoreOptions one_hop;
  one_hop.second_hop = 0;
  state.score(history, one_hop, scratch, found);
  EXPECT_EQ(found.size(), 1u);
}

TEST(Covisit, StrongestSourceNamesTheHistoryItemThatCausedACandidate) {
  Covisit state(Options{.backward = 0});
  state.observe(std::vector<ItemIndex>{ItemIndex{5}}, ItemIndex{9}, 0, 4);
  state.observe(std::vector<ItemIndex>{ItemIndex{6}}, ItemIndex{9}, 0, 1);
  const std::vector<HistoryItem> history{{ItemIndex{6}, 0}, {ItemIndex{5}, 1}, {ItemIndex{7}, 2}};
  EXPECT_EQ(state.strongest_source(history, {}, ItemIndex{9}), ItemIndex{5});
  EXPECT_EQ(state.strongest_source(history, {}, ItemIndex{7}), kNoItem);
}

// Goal: the bound holds, and what a full row keeps are the true heavy neighbours.
// Method: one item followed by 20 frequent and 5000 rare ones; the frequent ones must be there
// at about their true weight.
TEST(Covisit, AFullRowKeepsTheFrequentNeighbours) {
  Covisit state(Options{.window = 1, .max_neighbours = 64, .backward = 0});
  std::mt19937_64 random(5);
  const std::vector<ItemIndex> recent{ItemIndex{0}};
  std::map<std::uint32_t, int> truth;
  const int events = 40'000;
  for (int i = 0; i < events; ++i) {
    const auto to =
        static_cast<std::uint32_t>(random() % 2 == 0 ? 1 + random() % 20 : 100 + random() % 5000);
    state.observe(recent, ItemIndex{to}, 0);
    ++truth[to];
  }
  const auto row = state.row(ItemIndex{0});
  ASSERT_EQ(row.size(), 64u);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_LE(row[i].item.value, 20u);
    EXPECT_NEAR(row[i].weight, truth[row[i].item.value], 0.15 * truth[row[i].item.value]);
  }
}

TEST(Covisit, ARowHalvesInAHalfLifeAndForgetsWhatFaded) {
  Covisit state(Options{.backward = 0, .half_life = kDayUs});
  const std::vector<ItemIndex> recent{ItemIndex{1}};
  state.observe(recent, ItemIndex{2}, 10 * kDayUs);
  state.observe(recent, ItemIndex{3}, 11 * kDayUs);
  auto row = state.row(ItemIndex{1});
  ASSERT_EQ(row.size(), 2u);
  EXPECT_EQ(row[0].item, ItemIndex{3});
  EXPECT_FLOAT_EQ(row[1].weight, 0.5f);
  // A late event weighs as much as if it had come in time.
  state.observe(recent, ItemIndex{4}, 10 * kDayUs);
  EXPECT_FLOAT_EQ(state.row(ItemIndex{1})[2].weight, 0.5f);
  state.observe(recent, ItemIndex{5}, 60 * kDayUs);
  row = state.row(ItemIndex{1});
  ASSERT_EQ(row.size(), 1u);
  EXPECT_EQ(row[0].item, ItemIndex{5});
}

// Rows that shrink by fading and grow again go through every block size and back.
TEST(Covisit, RowsGrowFadeAndGrowAgainLikeTheTwin) {
  Covisit state(Options{.window = 1, .max_neighbours = 64, .backward = 0, .half_life = kDayUs});
  const std::vector<ItemIndex> recent{ItemIndex{0}};
  std::mt19937_64 random(8);
  TimeUs now = kDayUs;
  for (int round = 0; round < 60; ++round) {
    now += 40 * kDayUs;
    const std::uint32_t fresh = 1 + random() % 64;
    for (std::uint32_t i = 0; i < fresh; ++i) state.observe(recent, ItemIndex{1 + i}, now, 1 + i);
    const auto row = state.row(ItemIndex{0});
    ASSERT_EQ(row.size(), fresh);
    for (std::uint32_t i = 0; i < fresh; ++i) {
      ASSERT_EQ(row[i].item.value, fresh - i);
      ASSERT_FLOAT_EQ(row[i].weight, static_cast<float>(fresh - i));
    }
  }
}

TEST(Covisit, LoadGivesTheSameBytesAndTheSameFuture) {
  for (const TimeUs half_life : {TimeUs{0}, 5 * kDayUs}) {
    const Options options{.max_neighbours = 24, .half_life = half_life};
    Covisit state(options);
    Visitors visitors(4, 500);
    for (int i = 0; i < 20'000; ++i) {
      const auto [recent, item] = visitors.next();
      state.observe(recent, item, i * kHourUs / 4);
    }
    const std::string bytes = bytes_of(state);
    Covisit loaded(options);
    StringSource source(bytes);
    ASSERT_TRUE(loaded.load(source).ok());
    EXPECT_EQ(source.remaining(), 0u);
    ASSERT_EQ(bytes_of(loaded), bytes);
    for (int i = 0; i < 5000; ++i) {
      const auto [recent, item] = visitors.next();
      state.observe(recent, item, (i + 20'000) * kHourUs / 4);
      loaded.observe(recent, item, (i + 20'000) * kHourUs / 4);
    }
    ASSERT_EQ(bytes_of(loaded), bytes_of(state));
  }
}

// The bits are part of `state digest`: they must be these on every machine and in every build.
TEST(Covisit, DigestIsStable) {
  Covisit state(Options{.max_neighbours = 20, .half_life = 30 * kDayUs});
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const std::vector<ItemIndex> recent{ItemIndex{i * 7 % 101}, ItemIndex{i * 3 % 50},
                                        ItemIndex{i * i % 97}};
    state.observe(recent, ItemIndex{i * 11 % 103}, 1'700'000'000 * kSecondUs + i * kHourUs);
  }
  HashSink sink;
  state.save(sink);
  EXPECT_EQ(sink.finish().low, 13898835184924648590u);
}

TEST(Covisit, OtherOptionsAreRefusedAsUnsupported) {
  Covisit state;
  Covisit other(Options{.window = 11});
  const std::string bytes = bytes_of(state);
  StringSource source(bytes);
  EXPECT_EQ(other.load(source).error().code(), ErrorCode::kUnsupported);
}

TEST(Covisit, EveryTruncationIsCorruptAndEveryFlippedByteHarmless) {
  Covisit state(Options{.max_neighbours = 8});
  Visitors visitors(6, 20);
  for (int i = 0; i < 200; ++i) {
    const auto [recent, item] = visitors.next();
    state.observe(recent, item, 0);
  }
  const std::string bytes = bytes_of(state);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    Covisit loaded(state.options());
    StringSource source(std::string_view(bytes).substr(0, cut));
    const Status status = loaded.load(source);
    ASSERT_FALSE(status.ok()) << cut;
    ASSERT_EQ(status.error().code(), ErrorCode::kCorrupt);
    ASSERT_EQ(loaded.size(), 0u);
  }
  ScoreScratch scratch;
  std::vector<Candidate> found;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 0xFF);
    Covisit loaded(state.options());
    StringSource source(bad);
    if (!loaded.load(source).ok()) continue;
    const auto [recent, item] = visitors.next();
    loaded.observe(recent, item, 0);
    loaded.score(std::vector<HistoryItem>{{item}}, {}, scratch, found);
    for (const Candidate& c : found) ASSERT_LT(c.item.value, loaded.size());
  }
}

TEST(Covisit, MemoryStaysWithinWhatTheBoundAllows) {
  const std::uint32_t items = 2000;
  Covisit state(Options{.window = 10, .max_neighbours = 64});
  std::mt19937_64 random(2);
  std::vector<ItemIndex> recent(10);
  for (int i = 0; i < 60'000; ++i) {
    for (ItemIndex& item : recent) item = ItemIndex{static_cast<std::uint32_t>(random() % items)};
    state.observe(recent, ItemIndex{static_cast<std::uint32_t>(random() % items)}, 0);
  }
  for (std::uint32_t i = 0; i < items; ++i) ASSERT_EQ(state.row(ItemIndex{i}).size(), 64u);
  EXPECT_LT(state.memory_bytes(), items * 700ull);
}

TEST(Power, GivesTheSameBitsOneByOneAndTogether) {
  std::mt19937 random(2);
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<float> values(size);
    for (float& value : values)
      value = static_cast<float>(random()) / static_cast<float>(1 + random() % 1000);
    std::vector<float> powers = values;
    power_many(powers, 10, -0.2f);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(powers[i], fast_power(values[i] + 10, -0.2f));
  }
}

TEST(Power, AgreesWithPow) {
  for (float x = 1e-4f; x < 1e9f; x *= 1.37f) {
    for (const float p : {-1.0f, -0.5f, -0.25f, -0.2f, 0.0f, 0.3f, 1.0f}) {
      const double exact = std::pow(static_cast<double>(x), static_cast<double>(p));
      ASSERT_NEAR(fast_power(x, p), exact, 2e-6 * exact) << x << "^" << p;
    }
  }
}

// Goal: a visitor that is taken back leaves no trace. Method: the same visits with and without a
// second crowd whose visits come in between and are retracted later.
TEST(Covisit, WhatIsRetractedIsGoneDownToRounding) {
  Options options;
  options.max_neighbours = 256;
  Covisit alone(options), both(options);
  Visitors people(1, 40), robots(2, 40);
  struct Step {
    std::vector<ItemIndex> recent;
    ItemIndex item;
    TimeUs at;
  };
  std::vector<Step> done;
  for (int n = 0; n < 600; ++n) {
    const TimeUs at = 20'000 * kDayUs + n * 4 * kHourUs;
    const auto [recent, item] = people.next();
    alone.observe(recent, item, at);
    both.observe(recent, item, at);
    const auto [other_recent, other] = robots.next();
    both.observe(other_recent, other, at);
    done.push_back({other_recent, other, at});
  }
  for (const Step& step : done) both.retract(step.recent, step.item, step.at);
  // Weights are as of a row's last change: the same for both.
  for (std::uint32_t i = 0; i < 40; ++i) {
    alone.observe({}, ItemIndex{i}, done.back().at);
    both.observe({}, ItemIndex{i}, done.back().at);
  }
  for (std::uint32_t i = 0; i < 40; ++i) {
    EXPECT_NEAR(both.count(ItemIndex{i}), alone.count(ItemIndex{i}), 2e-3);
    std::map<std::uint32_t, float> left;
    for (const Neighbour& neighbour : both.row(ItemIndex{i})) {
      left[neighbour.item.value] = neighbour.weight;
    }
    for (const Neighbour& neighbour : alone.row(ItemIndex{i})) {
      EXPECT_NEAR(left[neighbour.item.value], neighbour.weight, 2e-3);
      left.erase(neighbour.item.value);
    }
    for (const auto& [item, weight] : left) EXPECT_NEAR(weight, 0, 2e-3) << item;
  }
}

TEST(Covisit, RetractingWhatWasNeverObservedBreaksNothing) {
  Covisit state;
  state.observe(std::vector{ItemIndex{1}}, ItemIndex{2}, kDayUs);
  const std::vector strange{ItemIndex{1}, ItemIndex{99}, ItemIndex{2}};
  state.retract(strange, ItemIndex{2}, kDayUs, 1'000);
  state.retract(strange, ItemIndex{98}, kDayUs);
  EXPECT_EQ(state.count(ItemIndex{2}), 0);
  EXPECT_TRUE(state.row(ItemIndex{1}).empty());
  Covisit again;
  const std::string bytes = bytes_of(state);
  StringSource good(bytes);
  EXPECT_TRUE(again.load(good).ok());
}

}  // namespace
}  // namespace vitrine::covisit
