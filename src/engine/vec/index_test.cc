// The whole index against comparing everything.
#include "engine/vec/index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include <gtest/gtest.h>

#include "engine/vec/index_file.h"
#include "engine/vec/kernels.h"
#include "engine/vec/live_index.h"
#include "engine/vec/random.h"
#include "platform/io/simulated_files.h"

namespace vitrine::vec {
namespace {

const Workers kTwo{&thread_executor(), 2};

// Clusters of unequal size around random centers.
std::vector<float> made_rows(std::size_t n, std::uint32_t dim, std::uint64_t seed) {
  Random centers(99);
  std::vector<float> center(40 * dim);
  for (float& c : center) c = static_cast<float>(centers.normal());
  Random random(seed);
  std::vector<float> out(n * dim);
  for (std::size_t i = 0; i < n; ++i) {
    const auto cluster = static_cast<std::size_t>(40 * random.uniform() * random.uniform());
    for (std::uint32_t d = 0; d < dim; ++d)
      out[i * dim + d] = center[cluster * dim + d] + 0.5F * static_cast<float>(random.normal());
  }
  return out;
}

// What the index promises, the slow way.
std::vector<Neighbor> slow(const std::vector<float>& rows, std::uint32_t dim, Metric metric,
                           const float* query, std::size_t k,
                           const std::function<bool(std::uint32_t)>& passes) {
  std::vector<Neighbor> all;
  std::vector<float> a(query, query + dim);
  if (metric == Metric::kCosine) normalize(query, dim, a.data());
  for (std::size_t i = 0; i < rows.size() / dim; ++i) {
    if (!passes(static_cast<std::uint32_t>(i))) continue;
    std::vector<float> b(rows.begin() + static_cast<std::ptrdiff_t>(i * dim),
                         rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * dim));
    if (metric == Metric::kCosine) normalize(rows.data() + i * dim, dim, b.data());
    double score = 0;
    for (std::uint32_t d = 0; d < dim; ++d)
      score += metric == Metric::kL2 ? (static_cast<double>(a[d]) - b[d]) * (a[d] - b[d])
                                     : static_cast<double>(a[d]) * b[d];
    all.push_back({static_cast<std::uint32_t>(i), static_cast<float>(score)});
  }
  std::sort(all.begin(), all.end(), [&](const Neighbor& x, const Neighbor& y) {
    return metric == Metric::kL2 ? x.score < y.score : x.score > y.score;
  });
  all.resize(std::min(all.size(), k));
  return all;
}

double recall(std::span<const Neighbor> got, const std::vector<Neighbor>& want) {
  std::size_t hits = 0;
  for (const Neighbor& w : want)
    hits += std::any_of(got.begin(), got.end(), [&](const Neighbor& g) { return g.id == w.id; });
  return want.empty() ? 1 : static_cast<double>(hits) / static_cast<double>(want.size());
}

Index built(const std::vector<float>& rows, std::uint32_t dim, BuildOptions options = {}) {
  options.calibration.queries = 100;
  auto index =
      Index::build({rows.data(), rows.size() / dim, dim}, nullptr, options, kTwo, no_progress());
  EXPECT_TRUE(index.ok());
  return std::move(index).value();
}

const auto kAll = [](std::uint32_t) { return true; };

struct Case {
  std::uint32_t dim;
  Metric metric;
};
class EveryShape : public testing::TestWithParam<Case> {};

TEST_P(EveryShape, CalibratedRecallIsReachedAndScoresAreExact) {
  const auto [dim, metric] = GetParam();
  const std::size_t n = dim > 500 ? 3000 : 12000;
  const auto rows = made_rows(n, dim, 1);
  const auto queries = made_rows(40, dim, 2);
  BuildOptions options;
  options.metric = metric;
  options.lists = 64;
  const Index index = built(rows, dim, options);
  Searcher searcher(index);
  double total = 0;
  for (std::size_t q = 0; q < 40; ++q) {
    const auto want = slow(rows, dim, metric, queries.data() + q * dim, 10, kAll);
    const auto got = searcher.search(queries.data() + q * dim, {.k = 10, .recall = 0.95});
    ASSERT_EQ(got.size(), 10U);
    total += recall(got, want);
    for (const Neighbor& g : got) {
      const auto exact = slow(rows, dim, metric, queries.data() + q * dim, 1,
                              [&](std::uint32_t id) { return id == g.id; });
      EXPECT_NEAR(g.score, exact[0].score, 1e-4 * (1 + std::fabs(exact[0].score)));
    }
  }
  EXPECT_GE(total / 40, 0.90);
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShape,
                         testing::Values(Case{2, Metric::kL2}, Case{3, Metric::kCosine},
                                         Case{17, Metric::kL2}, Case{96, Metric::kL2},
                                         Case{128, Metric::kInnerProduct},
                                         Case{128, Metric::kCosine}, Case{2048, Metric::kL2}));

TEST(Index, GoalsAboveTheHighestThatIsWantedGetNoPlanAndTheOthersTheSame) {
  const auto rows = made_rows(3000, 24, 1);
  BuildOptions options;
  options.graph = GraphChoice::kNever;
  const Index all = built(rows, 24, options);
  options.calibration.goal_max = 0.95F;
  const Index some = built(rows, 24, options);
  ASSERT_EQ(some.plans().size(), 3u);
  for (std::size_t i = 0; i < some.plans().size(); ++i) {
    EXPECT_LE(some.plans()[i].recall, 0.95F);
    EXPECT_EQ(some.plans()[i].single, all.plans()[i].single);
  }
  // Who asks for more gets the highest there is.
  EXPECT_EQ(some.plan({.k = 10, .recall = 0.999}, false), some.plans().back().single);
}

TEST(Index, VisitingEverythingFindsEverything) {
  const auto rows = made_rows(5000, 32, 1);
  const Index index = built(rows, 32);
  Searcher searcher(index);
  SearchOptions all;
  all.k = 1000;
  all.plan = Plan{1000000, 5000, 5000, 0};
  const auto got = searcher.search(rows.data(), all);
  const auto want = slow(rows, 32, Metric::kL2, rows.data(), 1000, kAll);
  EXPECT_GE(recall(got, want), 0.999);  // a tie at the border may fall either way
}

TEST(Index, ABatchAnswersAsSingleQueriesDoWhateverTheThreads) {
  const auto rows = made_rows(20000, 64, 1);
  const auto queries = made_rows(333, 64, 2);
  const Index index = built(rows, 64, {.metric = Metric::kInnerProduct, .lists = 128});
  std::vector<std::uint64_t> tenth((20000 + 63) / 64);
  for (std::size_t i = 0; i < 20000; i += 10) tenth[i / 64] |= std::uint64_t{1} << (i % 64);
  std::vector<std::uint64_t> half(tenth.size(), 0x5555555555555555);
  const Filter narrow = index.filter(tenth);
  const Filter wide = index.filter(half);
  for (const Filter* filter : {static_cast<const Filter*>(nullptr), &narrow, &wide}) {
    for (const Plan plan : {Plan{1, 20, 12, 0}, Plan{9, 40, 16, 0}, Plan{60, 100, 50, 0},
                            Plan{6, 30, 12, 0, 0.35F, 3.5F}}) {
      const SearchOptions options{10, 0.95, plan, filter};
      Searcher one(index);
      Searcher batch(index);
      for (const unsigned threads : {1U, 3U}) {
        const auto many =
            batch.search_batch({queries.data(), 333, 64}, options, {&thread_executor(), threads});
        for (std::size_t q = 0; q < 333; ++q) {
          const auto single = one.search(queries.data() + q * 64, options);
          for (std::size_t i = 0; i < single.size(); ++i)
            ASSERT_EQ(many[q * 10 + i], single[i]) << "query " << q << ", place " << i;
        }
      }
    }
  }
}

TEST(Index, FiltersKeepRecallWhetherOrNotTheyFollowTheClusters) {
  const std::size_t n = 40000;
  const auto rows = made_rows(n, 48, 1);
  const auto queries = made_rows(60, 48, 2);
  const Index index = built(rows, 48, {.lists = 128});
  const auto check = [&](const std::function<bool(std::uint32_t)>& passes, double least,
                         const std::string& what) {
    std::vector<std::uint64_t> words((n + 63) / 64);
    for (std::uint32_t i = 0; i < n; ++i)
      if (passes(i)) words[i / 64] |= std::uint64_t{1} << (i % 64);
    const Filter filter = index.filter(words);
    Searcher searcher(index);
    double total = 0;
    for (std::size_t q = 0; q < 60; ++q) {
      const auto got =
          searcher.search(queries.data() + q * 48, {.k = 10, .recall = 0.95, .filter = &filter});
      for (const Neighbor& g : got) EXPECT_TRUE(passes(g.id));
      total += recall(got, slow(rows, 48, Metric::kL2, queries.data() + q * 48, 10, passes));
    }
    EXPECT_GE(total / 60, least) << what;
  };
  const auto one_in = [](std::uint32_t m) {
    return [m](std::uint32_t id) { return id * 2654435761U % m == 0; };
  };
  check(one_in(1000), 0.999, "0.1 %");
  check(one_in(100), 0.90, "1 %");
  check(one_in(10), 0.90, "10 %");
  check(one_in(2), 0.90, "50 %");
  // By the first coordinate: passes where that of the rows is large (queries near and far from it).
  const auto correlated = [&](std::uint32_t id) { return rows[id * 48] > 1.5F; };
  check(correlated, 0.90, "follows the clusters");
  const auto against = [&](std::uint32_t id) { return rows[id * 48] < -1.5F; };
  check(against, 0.90, "avoids most clusters");
  check([](std::uint32_t) { return false; }, 1, "nothing passes");
}

TEST(Index, AFilterForManySearchesAnswersAsOneForOnce) {
  const std::size_t n = 20000;
  const auto rows = made_rows(n, 40, 1);
  const auto queries = made_rows(40, 40, 2);
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    const Index index = built(rows, 40, {.metric = metric, .lists = 64});
    for (const std::uint32_t one_in : {5U, 13U, 50U}) {
      std::vector<std::uint64_t> words((n + 63) / 64);
      for (std::uint32_t i = 0; i < n; i += one_in) words[i / 64] |= std::uint64_t{1} << (i % 64);
      const Filter once = index.filter(words, FilterUse::kOnce);
      const Filter many = index.filter(words);
      EXPECT_EQ(once.copied(), nullptr);
      EXPECT_EQ(many.copied() != nullptr, many.count() > kExactSurvivors);
      EXPECT_EQ(many.few().size(), many.count() > kExactSurvivors ? 0 : many.count());
      Searcher searcher(index);
      SearchOptions options;
      options.plan = Plan{64, 4000, 4000, 0};  // everything is compared in the end
      for (std::size_t q = 0; q < 40; ++q) {
        options.filter = &once;
        const auto a = searcher.search(queries.data() + q * 40, options);
        const std::vector<Neighbor> want(a.begin(), a.end());
        options.filter = &many;
        const auto b = searcher.search(queries.data() + q * 40, options);
        ASSERT_TRUE(std::equal(want.begin(), want.end(), b.begin(), b.end())) << one_in;
      }
    }
  }
}

TEST(Index, PlansOfEqualVolumeVisitAboutTheSameNumberOfVectors) {
  const auto rows = made_rows(20000, 32, 1);
  const auto queries = made_rows(100, 32, 2);
  const Index index = built(rows, 32, {.lists = 128});
  const Lists& lists = index.lists();
  const double mean = 20000.0 / 128;
  SearchScratch scratch;
  for (std::size_t q = 0; q < 100; ++q) {
    ListSearch(lists).rank_lists(queries.data() + q * 32, Plan{40, 20, 12, 0, 0.35F, 6}, scratch);
    double seen = 0;
    for (std::size_t i = 0; i + 1 < scratch.lists.size(); ++i)
      seen += lists.sizes[scratch.lists[i]];
    EXPECT_LT(seen, 6 * mean) << "the last list was not needed";
    seen += lists.sizes[scratch.lists.back()];
    EXPECT_TRUE(seen >= 6 * mean || scratch.lists.size() == 80) << "too few lists";
  }
}

TEST(Index, TheSameSeedGivesTheSameFileWhateverTheThreads) {
  const auto rows = made_rows(9000, 24, 1);
  std::vector<std::string> saved;
  for (const unsigned threads : {1U, 2U, 5U}) {
    BuildOptions options;
    options.graph = GraphChoice::kAlways;
    options.calibration.queries = 50;
    auto index = Index::build({rows.data(), 9000, 24}, nullptr, options,
                              {&thread_executor(), threads}, no_progress());
    io::SimulatedFiles files;
    ASSERT_TRUE(save_index(files, "index", index.value()).ok());
    saved.push_back(files.contents("index").value());
  }
  EXPECT_EQ(saved[0], saved[1]);
  EXPECT_EQ(saved[0], saved[2]);
}

TEST(Index, TheGraphFindsWhatComparingEverythingFinds) {
  const auto rows = made_rows(20000, 40, 1);
  const auto queries = made_rows(50, 40, 2);
  const Index index = built(rows, 40, {.graph = GraphChoice::kAlways});
  ASSERT_FALSE(index.graph().empty());
  Searcher searcher(index);
  double total = 0;
  for (std::size_t q = 0; q < 50; ++q) {
    SearchOptions options;
    options.plan = Plan{1, 40, 24, 128};
    total += recall(searcher.search(queries.data() + q * 40, options),
                    slow(rows, 40, Metric::kL2, queries.data() + q * 40, 10, kAll));
  }
  EXPECT_GE(total / 50, 0.97);
}

TEST(Index, SmallAndEmptySetsAnswerWithWhatThereIs) {
  for (const std::size_t n : {0UL, 1UL, 7UL, 33UL}) {
    const auto rows = made_rows(n, 5, 1);
    const Index index = built(rows, 5);
    Searcher searcher(index);
    const std::vector<float> query(5, 0.1F);
    EXPECT_EQ(searcher.search(query.data(), {.k = 10}).size(), std::min<std::size_t>(n, 10));
    const auto batch = searcher.search_batch({query.data(), 1, 5}, {.k = 10}, kTwo);
    EXPECT_EQ(
        std::count_if(batch.begin(), batch.end(), [](const Neighbor& b) { return b.id != kNoId; }),
        static_cast<std::ptrdiff_t>(std::min<std::size_t>(n, 10)));
  }
}

TEST(Index, RowsThatAllAgreeAreNoTrouble) {
  const std::vector<float> rows(3000 * 16, 0.25F);
  const Index index = built(rows, 16, {.lists = 8});
  Searcher searcher(index);
  const auto found = searcher.search(rows.data(), {.k = 20});
  ASSERT_EQ(found.size(), 20U);
  EXPECT_EQ(found[0].score, 0);
}

TEST(Index, RefusesWhatItCanNotIndexAndSaysWhere) {
  std::vector<float> rows(40, 1.0F);
  rows[23] = NAN;
  const auto bad = Index::build({rows.data(), 10, 4}, nullptr, {}, {}, no_progress());
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(bad.error().message().find("row 5"), std::string::npos);
  rows[23] = 0;
  const std::vector<std::uint32_t> ids{1, 2, 3, 4, 5, 6, 7, 8, 9, 3};
  EXPECT_FALSE(Index::build({rows.data(), 10, 4}, ids.data(), {}, {}, no_progress()).ok());
  EXPECT_FALSE(Index::build({rows.data(), 1, 0}, nullptr, {}, {}, no_progress()).ok());
}

// ---- files ----

std::string saved_bytes(const Index& index) {
  io::SimulatedFiles files;
  EXPECT_TRUE(save_index(files, "index", index).ok());
  return files.contents("index").value();
}

Result<Index> loaded(const std::string& bytes) {
  auto memory = allocate_zeroed(bytes.size());
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  return index_from_bytes({reinterpret_cast<const char*>(memory.get()), bytes.size()}, memory);
}

TEST(IndexFile, AnswersAsTheIndexThatWasSaved) {
  const auto rows = made_rows(6000, 20, 1);
  const Index index = built(rows, 20, {.metric = Metric::kCosine, .graph = GraphChoice::kAlways});
  const auto again = loaded(saved_bytes(index));
  ASSERT_TRUE(again.ok()) << again.error().message();
  Searcher a(index);
  Searcher b(again.value());
  for (std::size_t q = 0; q < 50; ++q) {
    const auto x = a.search(rows.data() + q * 20, {.k = 10, .recall = 0.9});
    const auto y = b.search(rows.data() + q * 20, {.k = 10, .recall = 0.9});
    ASSERT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
  }
  EXPECT_EQ(saved_bytes(again.value()), saved_bytes(index));
}

TEST(IndexFile, RowsLeftOnDiskAnswerTheSameByTheLists) {
  const auto rows = made_rows(6000, 20, 1);
  const Index index = built(rows, 20, {.lists = 32, .graph = GraphChoice::kAlways});
  const std::string path = testing::TempDir() + "/rows_on_disk";
  ASSERT_TRUE(save_index(io::system_files(), path, index).ok());
  const auto again = load_index(io::system_files(), path, {.rows_on_disk = true});
  ASSERT_TRUE(again.ok()) << again.error().message();
  std::vector<std::uint64_t> third((6000 + 63) / 64);
  for (std::size_t i = 0; i < 6000; i += 3) third[i / 64] |= std::uint64_t{1} << (i % 64);
  for (const std::size_t words : {0UL, third.size(), 8UL}) {
    const std::span<const std::uint64_t> passing(third.data(), words);
    const Filter a = index.filter(passing, FilterUse::kOnce);
    const Filter b = again.value().filter(passing, FilterUse::kOnce);
    Searcher memory(index);
    Searcher disk(again.value());
    for (std::size_t q = 0; q < 30; ++q) {
      const float* query = rows.data() + q * 20;
      SearchOptions options{.k = 10, .recall = 0.95};
      options.plan = index.plan(options, true);
      options.filter = words == 0 ? nullptr : &a;
      const auto x = memory.search(query, options);
      const std::vector<Neighbor> want(x.begin(), x.end());
      options.plan.reset();
      options.filter = words == 0 ? nullptr : &b;
      const auto y = disk.search(query, options);
      ASSERT_TRUE(std::equal(want.begin(), want.end(), y.begin(), y.end()));
    }
  }
}

TEST(IndexFile, EveryDamagedByteOfItsPartsIsNoticed) {
  const auto rows = made_rows(300, 8, 1);
  const std::string bytes = saved_bytes(built(rows, 8, {.lists = 4}));
  Random random(1);
  int noticed = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 1 + random.below(97)) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    // Padding between sections carries nothing; everything else is under a checksum.
    if (!loaded(damaged).ok()) ++noticed;
  }
  EXPECT_GT(noticed, 100);
  for (std::size_t size = 0; size + 4096 < bytes.size(); size += 1000)
    EXPECT_FALSE(loaded(bytes.substr(0, size)).ok()) << size;
}

TEST(IndexFile, TheOldFileStaysWhenTheDiskFailsAtAnyStep) {
  const auto rows = made_rows(200, 8, 1);
  const Index old_index = built(rows, 8);
  const Index new_index = built(made_rows(150, 8, 3), 8);
  for (std::uint64_t step = 0;; ++step) {
    io::SimulatedFiles files;
    ASSERT_TRUE(save_index(files, "index", old_index).ok());
    const std::uint64_t before = files.operations();
    files.fail_operation(before + step, 5);
    const bool ok = save_index(files, "index", new_index).ok();
    files.crash(step);
    const auto now = files.contents("index");
    ASSERT_TRUE(now.ok());
    const auto index = loaded(now.value());
    ASSERT_TRUE(index.ok()) << "after failing step " << step;
    if (ok) {
      EXPECT_EQ(index.value().size(), 150U);
      EXPECT_GT(step, 5U);
      break;
    }
  }
}

// ---- life ----

TEST(LiveIndex, WritesAreSeenByTheNextSearchAndOldSnapshotsStay) {
  const std::uint32_t dim = 12;
  auto rows = made_rows(4000, dim, 1);
  LiveIndex live(built(rows, dim, {.lists = 16}), {});
  Searcher searcher(live.snapshot()->base());
  const auto before = live.snapshot();
  std::vector<float> far(dim, 50.0F);
  ASSERT_TRUE(live.put(90000, far.data()).ok());
  EXPECT_EQ(live.snapshot()->search(far.data(), {.k = 1}, {}, searcher)[0].id, 90000U);
  EXPECT_NE(before->search(far.data(), {.k = 1}, {}, searcher)[0].id, 90000U);
  ASSERT_TRUE(live.put(7, far.data()).ok());  // replaced: gone from where it was
  EXPECT_EQ(live.snapshot()->size(), 4001U);
  const auto at_old =
      live.snapshot()->search(rows.data() + 7 * dim, {.k = 5, .recall = 0.999}, {}, searcher);
  EXPECT_TRUE(
      std::none_of(at_old.begin(), at_old.end(), [](const Neighbor& n) { return n.id == 7; }));
  EXPECT_TRUE(live.remove(90000));
  EXPECT_FALSE(live.remove(90000));
  EXPECT_EQ(live.snapshot()->search(far.data(), {.k = 1}, {}, searcher)[0].id, 7U);
  far[3] = INFINITY;
  EXPECT_FALSE(live.put(8, far.data()).ok());
}

// Method: random writes against a plain map, merged now and then; searches that visit everything
// must find exactly what the map holds.
TEST(LiveIndex, AgreesWithAMapThroughWritesAndMerges) {
  const std::uint32_t dim = 6;
  std::vector<float> rows = made_rows(500, dim, 1);
  std::vector<std::vector<float>> model(1500);
  for (std::size_t i = 0; i < 500; ++i)
    model[i].assign(rows.begin() + static_cast<std::ptrdiff_t>(i * dim),
                    rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * dim));
  LiveIndex live(built(rows, dim, {.lists = 8}), {.fresh_max = 100, .drift = 1.3});
  Random random(3);
  Searcher searcher(live.snapshot()->base());
  for (int step = 0; step < 1200; ++step) {
    const auto id = static_cast<std::uint32_t>(random.below(model.size()));
    if (random.below(3) == 0) {
      EXPECT_EQ(live.remove(id), !model[id].empty());
      model[id].clear();
    } else {
      const auto row = made_rows(1, dim, 1000 + static_cast<std::uint64_t>(step));
      ASSERT_TRUE(live.put(id, row.data()).ok());
      model[id] = row;
    }
    if (live.merge_needed()) {
      ASSERT_TRUE(live.merge(kTwo, no_progress()).ok());
    }
    if (step % 50 != 0) continue;
    std::vector<Neighbor> want;
    const auto query = made_rows(1, dim, 7000 + static_cast<std::uint64_t>(step));
    for (std::uint32_t i = 0; i < model.size(); ++i)
      if (!model[i].empty())
        want.push_back({i, kernels().squared_distance(query.data(), model[i].data(), dim)});
    std::sort(want.begin(), want.end(), [](const Neighbor& a, const Neighbor& b) {
      return a.score != b.score ? a.score < b.score : a.id < b.id;
    });
    const auto snapshot = live.snapshot();
    ASSERT_EQ(snapshot->size(), want.size());
    SearchOptions all;
    all.plan = Plan{100000, 4000, 4000, 0};
    const auto got = snapshot->search(query.data(), all, {}, searcher);
    ASSERT_EQ(got.size(), 10U);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(got[i].id, want[i].id);
  }
  EXPECT_GT(live.rebuilds(), 0U);
}

TEST(LiveIndex, WritesDuringAMergeAreKept) {
  const std::uint32_t dim = 8;
  const auto rows = made_rows(3000, dim, 1);
  LiveIndex live(built(rows, dim, {.lists = 16}), {});
  const std::vector<float> far(dim, 30.0F);
  ASSERT_TRUE(live.put(5000, far.data()).ok());
  // A progress that writes while the merge encodes.
  struct Writing final : Progress {
    explicit Writing(LiveIndex& live_) : live(live_) {}
    void start(std::string_view, std::uint64_t, std::string_view) override {
      if (done) return;
      done = true;
      const std::vector<float> row(8, 40.0F);
      EXPECT_TRUE(live.put(6000, row.data()).ok());
      EXPECT_TRUE(live.remove(5000));
      EXPECT_TRUE(live.remove(11));
    }
    void update(std::uint64_t) override {}
    void finish() override {}
    LiveIndex& live;
    bool done = false;
  } writing(live);
  ASSERT_TRUE(live.merge(kTwo, writing).ok());
  EXPECT_EQ(live.snapshot()->size(), 3000U);
  Searcher searcher(live.snapshot()->base());
  const auto found = live.snapshot()->search(far.data(), {.k = 2}, {}, searcher);
  EXPECT_EQ(found[0].id, 6000U);
  EXPECT_NE(found[1].id, 5000U);
}

TEST(LiveIndex, ReadersAndAWriterDoNotDisturbEachOther) {
  const std::uint32_t dim = 8;
  const auto rows = made_rows(2000, dim, 1);
  LiveIndex live(built(rows, dim, {.lists = 8}), {.fresh_max = 64});
  parallel_for({&thread_executor(), 3}, 3, [&](std::size_t i, unsigned) {
    if (i == 0) {
      for (std::uint32_t id = 0; id < 300; ++id) {
        EXPECT_TRUE(live.put(id + 1900, rows.data() + id * dim).ok());
        if (live.merge_needed()) {
          EXPECT_TRUE(live.merge({}, no_progress()).ok());
        }
      }
      return;
    }
    Searcher searcher(live.snapshot()->base());
    for (int round = 0; round < 300; ++round) {
      const auto snapshot = live.snapshot();
      EXPECT_GE(snapshot->size(), 2000U);
      EXPECT_EQ(snapshot->search(rows.data(), {.k = 5}, {}, searcher).size(), 5U);
    }
  });
}

}  // namespace
}  // namespace vitrine::vec
