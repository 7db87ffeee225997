// Product codes: their kernels against plain C++, and whole indexes against comparing everything.
#include "engine/vec/coding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "engine/vec/index_file.h"
#include "engine/vec/live_index.h"
#include "engine/vec/random.h"
#include "platform/io/simulated_files.h"

namespace vitrine::vec {
namespace {

const Workers kTwo{&thread_executor(), 2};

class WordsAtEveryLevel : public testing::TestWithParam<simd::Level> {
 protected:
  void SetUp() override {
    if (GetParam() > simd::detected_level()) GTEST_SKIP() << "this machine lacks the level";
  }
  const Kernels& fast() const { return kernels_for(GetParam()); }
  const Kernels& plain() const { return kernels_for(simd::Level::kScalar); }
};

struct Scanned {
  std::vector<std::vector<float>> estimates;
  std::vector<std::vector<std::uint32_t>> slots;
  friend bool operator==(const Scanned&, const Scanned&) = default;
};

Scanned scanned(const Kernels& kernels, bool many_words, const std::vector<std::uint8_t>& codes,
                std::size_t blocks, std::size_t rows, const std::uint32_t* allowed,
                const std::vector<std::vector<std::uint8_t>>& tables, float threshold) {
  const std::size_t n = tables.size();
  Scanned out{std::vector(n, std::vector<float>((blocks + 1) * kLanes)),
              std::vector(n, std::vector<std::uint32_t>((blocks + 1) * kLanes))};
  std::vector<ScanQuery> scan(n);
  for (std::size_t q = 0; q < n; ++q) {
    scan[q] = {nullptr,
               3.0F,
               0.0078125F,
               -0.0625F,
               0.0009765625F,
               threshold,
               out.estimates[q].data(),
               out.slots[q].data(),
               0,
               tables[q].data()};
  }
  (many_words ? kernels.scan_words256 : kernels.scan_words16)(codes.data(), blocks, rows, 64,
                                                              allowed, scan.data(), n);
  for (std::size_t q = 0; q < n; ++q) {
    out.estimates[q].resize(scan[q].count);
    out.slots[q].resize(scan[q].count);
  }
  return out;
}

TEST_P(WordsAtEveryLevel, ScansOfWordsKeepWhatPlainCodeKeepsForEveryNumberOfQueries) {
  Random random(1);
  for (const bool many_words : {false, true}) {
    for (const std::size_t rows : {2UL, 6UL, 32UL, 64UL, 512UL}) {
      const std::size_t blocks = 5;
      std::vector<std::uint8_t> codes(blocks * word_block_bytes(rows));
      for (auto& byte : codes) byte = static_cast<std::uint8_t>(random.next());
      for (std::size_t b = 0; b < blocks; ++b)  // scales that keep the floats exact
        for (std::size_t i = 0; i < kLanes; ++i) {
          const std::uint16_t scale = 32;
          std::memcpy(codes.data() + b * word_block_bytes(rows) + rows * kLanes + i * 2, &scale, 2);
        }
      // All that the sum's 16 bits take.
      const std::uint64_t most =
          std::min<std::uint64_t>(127, 65535 / (rows * (many_words ? 1 : 2)));
      const std::array<std::uint32_t, 5> allowed{0xFFFFFFFF, 0, 0x80000001, 0, 0xFFFF0000};
      for (std::size_t n = 1; n <= kQueriesPerPass; ++n) {
        std::vector<std::vector<std::uint8_t>> tables(
            n, std::vector<std::uint8_t>(rows * (many_words ? 256 : 64)));
        for (auto& table : tables) {
          for (auto& entry : table)
            entry = static_cast<std::uint8_t>(n == 1 ? most : random.below(most + 1));
          for (std::size_t at = 0; !many_words && at < table.size(); at += 32)
            std::copy_n(table.begin() + static_cast<std::ptrdiff_t>(at), 16,
                        table.begin() + static_cast<std::ptrdiff_t>(at) + 16);
        }
        for (const std::uint32_t* filter :
             {static_cast<const std::uint32_t*>(nullptr), allowed.data()}) {
          SCOPED_TRACE(std::to_string(rows) + " rows, " + std::to_string(n) + " queries");
          const float threshold = n == 1 ? -1e9F : 0.25F * static_cast<float>(rows * most) * 0.5F;
          EXPECT_EQ(scanned(fast(), many_words, codes, blocks, rows, filter, tables, threshold),
                    scanned(plain(), many_words, codes, blocks, rows, filter, tables, threshold));
        }
      }
    }
  }
}

TEST_P(WordsAtEveryLevel, TheNearestWordIsTheFirstOfTheLargest) {
  Random random(2);
  constexpr std::size_t kParts = 3;
  for (const std::size_t n : {16UL, 256UL}) {
    for (const std::size_t width : {2UL, 4UL, 8UL}) {
      for (int round = 0; round < 30; ++round) {
        // Small whole numbers: exact at every level, with many equals.
        const auto small = [&](std::size_t count) {
          std::vector<float> out(count);
          for (float& value : out) value = static_cast<float>(random.below(5)) - 2;
          return out;
        };
        const auto words = small(kParts * n * width);
        const auto biases = small(kParts * n);
        const auto x = small(kParts * width);
        std::array<std::uint8_t, kParts + 1> places{9, 9, 9, 9};
        std::array<std::uint8_t, kParts + 1> expected{9, 9, 9, 9};
        fast().nearest_words(words.data(), biases.data(), n, kParts, width, x.data(),
                             places.data());
        plain().nearest_words(words.data(), biases.data(), n, kParts, width, x.data(),
                              expected.data());
        EXPECT_EQ(places, expected);
        std::vector<float> got(n);
        std::vector<float> want(n);
        std::array<float, 4> ends{};
        fast().word_products(words.data(), n, width, x.data(), got.data(), &ends[0], &ends[1]);
        plain().word_products(words.data(), n, width, x.data(), want.data(), &ends[2], &ends[3]);
        EXPECT_EQ(got, want);
        EXPECT_EQ(ends[0], ends[2]);
        EXPECT_EQ(ends[1], ends[3]);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, WordsAtEveryLevel,
                         testing::Values(simd::Level::kScalar, simd::Level::kSse42,
                                         simd::Level::kAvx2, simd::Level::kAvx512,
                                         simd::Level::kAvx512Vnni));

// Clusters around random centers.
std::vector<float> made_rows(std::size_t n, std::uint32_t dim, std::uint64_t seed) {
  Random centers(99);
  std::vector<float> center(20 * dim);
  for (float& c : center) c = static_cast<float>(centers.normal());
  Random random(seed);
  std::vector<float> out(n * dim);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t cluster = random.below(20);
    for (std::uint32_t d = 0; d < dim; ++d)
      out[i * dim + d] = center[cluster * dim + d] + 0.5F * static_cast<float>(random.normal());
  }
  return out;
}

struct Family {
  CodeOptions codes;
  std::uint32_t dim;
  Metric metric;
};
class EveryFamily : public testing::TestWithParam<Family> {
 protected:
  Index built(const std::vector<float>& rows, const Workers& workers = kTwo) const {
    BuildOptions options;
    options.metric = GetParam().metric;
    options.codes = GetParam().codes;
    options.lists = 16;
    options.graph = GraphChoice::kNever;
    options.calibration.queries = 60;
    const std::uint32_t dim = GetParam().dim;
    auto index = Index::build({rows.data(), rows.size() / dim, dim}, nullptr, options, workers,
                              no_progress());
    EXPECT_TRUE(index.ok());
    return std::move(index).value();
  }
};

// The k best of those that pass, the slow way.
std::vector<std::uint32_t> slow(const std::vector<float>& rows, std::uint32_t dim, Metric metric,
                                const float* query, std::size_t k, std::uint32_t every) {
  std::vector<std::pair<double, std::uint32_t>> all;
  for (std::uint32_t i = 0; i < rows.size() / dim; i += every) {
    double dot = 0;
    double square = 0;
    double distance = 0;
    for (std::uint32_t d = 0; d < dim; ++d) {
      const double x = rows[i * dim + d];
      dot += query[d] * x;
      square += x * x;
      distance += (query[d] - x) * (query[d] - x);
    }
    all.emplace_back(metric == Metric::kL2             ? distance
                     : metric == Metric::kInnerProduct ? -dot
                                                       : -dot / std::sqrt(square),
                     i);
  }
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(k), all.end());
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < k; ++i) out.push_back(all[i].second);
  return out;
}

double recall(std::span<const Neighbor> got, const std::vector<std::uint32_t>& want) {
  std::size_t hits = 0;
  for (const Neighbor& n : got) hits += std::count(want.begin(), want.end(), n.id) != 0 ? 1 : 0;
  return static_cast<double>(hits) / static_cast<double>(want.size());
}

TEST_P(EveryFamily, CalibratedRecallIsReachedAloneInABatchAndWithAFilter) {
  const auto [codes, dim, metric] = GetParam();
  const auto rows = made_rows(4400, dim, 1);
  const auto queries = made_rows(50, dim, 2);
  const Index index = built(rows);
  EXPECT_EQ(index.lists().coding.family(), codes.family);
  std::vector<std::uint64_t> passing(69);
  for (std::size_t i = 0; i < 4400; i += 3) passing[i / 64] |= std::uint64_t{1} << (i % 64);
  const Filter once = index.filter(passing, FilterUse::kOnce);
  std::vector<std::uint64_t> few(69);
  for (std::size_t i = 0; i < 4400; i += 4) few[i / 64] |= std::uint64_t{1} << (i % 64);
  const Filter many = index.filter(few);
  EXPECT_NE(many.copied(), nullptr);
  Searcher searcher(index);
  double alone = 0;
  double filtered = 0;
  for (const Filter* filter : {static_cast<const Filter*>(nullptr), &once, &many}) {
    const SearchOptions options{10, 0.95, {}, filter};
    Searcher batch(index);
    const auto together = batch.search_batch({queries.data(), 50, dim}, options, kTwo);
    for (std::size_t q = 0; q < 50; ++q) {
      const auto got = searcher.search(queries.data() + q * dim, options);
      ASSERT_EQ(got.size(), 10U);
      ASSERT_TRUE(std::equal(got.begin(), got.end(), together.begin() + q * 10)) << q;
      if (filter == nullptr)
        alone += recall(got, slow(rows, dim, metric, queries.data() + q * dim, 10, 1));
      if (filter == &once)
        filtered += recall(got, slow(rows, dim, metric, queries.data() + q * dim, 10, 3));
    }
  }
  EXPECT_GE(alone / 50, 0.92);
  EXPECT_GE(filtered / 50, 0.90);
}

TEST_P(EveryFamily, EstimatesOfTheScanAreNearTheTruth) {
  const auto [codes, dim, metric] = GetParam();
  if (metric == Metric::kCosine) GTEST_SKIP() << "rows are scaled first";
  const auto rows = made_rows(4000, dim, 1);
  const auto queries = made_rows(20, dim, 3);
  const Index index = built(rows);
  const Lists& lists = index.lists();
  const ListSearch search(lists);
  double error = 0;
  double spread = 0;
  for (std::size_t q = 0; q < 20; ++q) {
    const float* query = queries.data() + q * dim;
    // Everything, in whatever order, by a scan of single lists that keeps all.
    SearchScratch scratch;
    std::vector<Neighbor> found(4000);
    Plan all{1000, 4000, 4000, 0};
    ASSERT_EQ(search.search(query, 1000, all, nullptr, scratch, found.data()), 1000U);
    ASSERT_EQ(scratch.found.size(), 4000U) << "a vector was lost on the way";
    // The same plan with one exact comparison in ten: those that the codes rank best must hold
    // the true best.
    const auto want = slow(rows, dim, metric, query, 10, 1);
    all.exact = 400;
    search.search(query, 400, all, nullptr, scratch, found.data());
    error += 1 - recall({found.data(), 400}, want);
    spread += 1;
  }
  EXPECT_LE(error / spread, 0.02);
}

TEST_P(EveryFamily, FilesAndMergesKeepTheCodes) {
  const auto [codes, dim, metric] = GetParam();
  const auto rows = made_rows(1500, dim, 1);
  const Index index = built(rows, Workers{});
  io::SimulatedFiles files;
  ASSERT_TRUE(save_index(files, "one", index).ok());
  ASSERT_TRUE(save_index(files, "three", built(rows, {&thread_executor(), 3})).ok());
  const std::string bytes = files.contents("one").value();
  EXPECT_EQ(bytes, files.contents("three").value()) << "threads changed the index";
  auto memory = allocate_zeroed(bytes.size());
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  const auto again =
      index_from_bytes({reinterpret_cast<const char*>(memory.get()), bytes.size()}, memory);
  ASSERT_TRUE(again.ok()) << again.error().message();
  Searcher a(index);
  Searcher b(again.value());
  LiveIndex live(again.value(), {});
  const std::vector<float> far(dim, 20.0F);
  ASSERT_TRUE(live.put(9000, far.data()).ok());
  EXPECT_TRUE(live.remove(3));
  ASSERT_TRUE(live.merge(kTwo, no_progress()).ok());
  const auto snapshot = live.snapshot();
  EXPECT_EQ(snapshot->base().lists().coding.family(), codes.family);
  EXPECT_EQ(snapshot->size(), 1500U);
  Searcher c(snapshot->base());
  for (std::size_t q = 0; q < 20; ++q) {
    const auto x = a.search(rows.data() + q * dim, {.k = 10, .recall = 0.9});
    const auto y = b.search(rows.data() + q * dim, {.k = 10, .recall = 0.9});
    ASSERT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
    const auto z = snapshot->search(rows.data() + q * dim, {.k = 1, .recall = 0.99}, {}, c);
    if (metric == Metric::kL2 && q != 3) {
      EXPECT_EQ(z[0].id, q);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, EveryFamily,
    testing::Values(Family{{CodeFamily::kNibbles, 0, false}, 32, Metric::kL2},
                    Family{{CodeFamily::kPq16, 0, true}, 48, Metric::kL2},
                    Family{{CodeFamily::kPq16, 4, false}, 40, Metric::kCosine},
                    Family{{CodeFamily::kPq16, 8, true}, 3, Metric::kL2},
                    Family{{CodeFamily::kPq256, 0, true}, 64, Metric::kInnerProduct},
                    Family{{CodeFamily::kPq256, 2, false}, 24, Metric::kL2},
                    Family{{CodeFamily::kPq256, 8, true}, 100, Metric::kL2}));

TEST(Words, ManyRepeatedValuesGetWordsOfTheirOwn) {
  // 16 distinct pairs: k-means must find them all, whatever it started from.
  const std::size_t n = 4000;
  std::vector<float> rows(n * 8);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < 8; ++d)
      rows[i * 8 + d] = static_cast<float>(i * 7 / (1 + d / 2) % 4) * (d % 2 == 0 ? 1.0F : 0.0F);
  const CodeOptions options{CodeFamily::kPq256, 2, true};
  const Column<float> words = train_words(rows.data(), n, 8, options, 1, kTwo, no_progress());
  for (std::size_t part = 0; part < 4; ++part)
    for (std::size_t i = 0; i < n; ++i) {
      float best = 1e9F;
      for (std::size_t word = 0; word < 256; ++word) {
        const float a = words[part * 512 + word] - rows[i * 8 + part * 2];
        const float b = words[part * 512 + 256 + word] - rows[i * 8 + part * 2 + 1];
        best = std::min(best, a * a + b * b);
      }
      ASSERT_LT(best, 1e-6F) << part << " " << i;
    }
}

TEST(Words, TablesAddUpToTheProductWithTheCodedVector) {
  const std::uint32_t dims = 64;
  const auto rows = made_rows(3000, dims, 5);
  for (const CodeFamily family : {CodeFamily::kPq16, CodeFamily::kPq256}) {
    const CodeOptions options{family, 0, true};
    const Coding coding(options, dims,
                        train_words(rows.data(), 3000, dims, options, 1, kTwo, no_progress()));
    std::vector<std::uint8_t> space(coding.table_bytes() + 64);
    std::uint8_t* tables = space.data();
    while (reinterpret_cast<std::uintptr_t>(tables) % 64 != 0) ++tables;
    const Coding::Slope slope = coding.make_tables(rows.data(), tables);
    const std::vector<float> zeros(dims);
    for (std::size_t i = 1; i < 200; ++i) {
      const float* row = rows.data() + i * dims;
      std::vector<std::uint8_t> block(coding.block_bytes());
      std::vector<std::uint8_t> second(coding.second_bytes());
      coding.encode(row, zeros.data(), row, 0, 5, block.data(), second.data());
      // By hand: the words that the code names, and what the tables have for them.
      const std::size_t n = coding.word_count();
      double want = 0;
      double sum = 0;
      for (std::size_t part = 0; part < coding.parts(); ++part) {
        const bool nibble = family == CodeFamily::kPq16;
        const std::uint8_t byte = block[(nibble ? part / 2 : part) * kLanes + 5];
        const std::size_t word = !nibble ? byte : part % 2 == 0 ? byte & 15 : byte >> 4;
        for (std::size_t d = 0; d < coding.width(); ++d)
          want += rows[part * coding.width() + d] *
                  coding.words()[(part * coding.width() + d) * n + word];
        sum += nibble ? tables[part / 4 * 128 + part % 2 * 64 + part / 2 % 2 * 32 + word]
                      : tables[part * 256 + word];
      }
      EXPECT_NEAR(slope.slope * sum + slope.offset, want,
                  0.5 * slope.slope * coding.parts() + 1e-3);
    }
  }
}

}  // namespace
}  // namespace vitrine::vec
