// The same answers as Faiss, asked of the library itself: built only where it is installed.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexIVFPQFastScan.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <gtest/gtest.h>

#include "engine/vec/faiss_index.h"
#include "engine/vec/random.h"

namespace vitrine::vec {
namespace {

// Newer releases have it outside of the class.
using idx_t = decltype(faiss::Index::ntotal);

constexpr std::uint32_t kDim = 24;
constexpr std::size_t kRows = 3000;
constexpr std::size_t kQueries = 50;
constexpr std::size_t kTop = 10;
constexpr std::size_t kLists = 16;

std::vector<float> normal_rows(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> out(count * kDim);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

FaissIndex read_back(const faiss::Index& index) {
  faiss::VectorIOWriter writer;
  faiss::write_index(&index, &writer);
  auto ours =
      FaissIndex::parse({reinterpret_cast<const char*>(writer.data.data()), writer.data.size()});
  EXPECT_TRUE(ours.ok()) << ours.error().message();
  return std::move(ours).value();
}

struct Agreement {
  double same_ids = 0;     // of all answers
  double score_error = 0;  // the largest, relative to the largest score
  std::size_t answers = 0;
};

Agreement compare(const faiss::Index& theirs, std::size_t probes) {
  const FaissIndex ours = read_back(theirs);
  EXPECT_EQ(ours.size(), static_cast<std::size_t>(theirs.ntotal));
  const auto queries = normal_rows(kQueries, 2);
  std::vector<float> scores(kQueries * kTop);
  std::vector<idx_t> ids(kQueries * kTop);
  theirs.search(kQueries, queries.data(), kTop, scores.data(), ids.data());
  Agreement out;
  float largest = 0;
  std::size_t same = 0;
  for (std::size_t q = 0; q < kQueries; ++q) {
    std::vector<Neighbor> found(kTop);
    const std::size_t n = ours.search(queries.data() + q * kDim, kTop, probes, found.data());
    for (std::size_t i = 0; i < n; ++i) {
      ++out.answers;
      largest = std::max(largest, std::fabs(scores[q * kTop + i]));
      out.score_error =
          std::max<double>(out.score_error, std::fabs(found[i].score - scores[q * kTop + i]));
      const auto* begin = ids.data() + q * kTop;
      same +=
          std::find(begin, begin + kTop, static_cast<idx_t>(found[i].id)) != begin + kTop ? 1 : 0;
    }
  }
  out.same_ids = static_cast<double>(same) / static_cast<double>(out.answers);
  out.score_error /= largest;
  return out;
}

class BothMetrics : public testing::TestWithParam<faiss::MetricType> {
 protected:
  void fill(faiss::Index& index) const {
    index.train(kRows, rows_.data());
    index.add(kRows, rows_.data());
  }
  std::vector<float> rows_ = normal_rows(kRows, 1);
};

TEST_P(BothMetrics, FlatAndIvfFlatGiveTheSameIdsAndScores) {
  const bool product = GetParam() == faiss::METRIC_INNER_PRODUCT;
  std::unique_ptr<faiss::IndexFlat> all;
  if (product)
    all = std::make_unique<faiss::IndexFlatIP>(kDim);
  else
    all = std::make_unique<faiss::IndexFlatL2>(kDim);
  fill(*all);
  const Agreement exact = compare(*all, 1);
  EXPECT_EQ(exact.same_ids, 1);
  EXPECT_LT(exact.score_error, 1e-5);
  faiss::IndexFlatL2 by_distance(kDim);
  faiss::IndexFlatIP by_product(kDim);
  faiss::IndexFlat& coarse = product ? static_cast<faiss::IndexFlat&>(by_product) : by_distance;
  faiss::IndexIVFFlat lists(&coarse, kDim, kLists, GetParam());
  fill(lists);
  for (const std::size_t probes : {1UL, 4UL, kLists}) {
    lists.nprobe = probes;
    const Agreement some = compare(lists, probes);
    EXPECT_EQ(some.same_ids, 1) << probes;
    EXPECT_LT(some.score_error, 1e-5) << probes;
  }
}

TEST_P(BothMetrics, ProductCodesOfBothSizesGiveTheSameIdsAndScores) {
  for (const std::size_t bits : {4UL, 8UL}) {
    for (const bool by_residual : {false, true}) {
      SCOPED_TRACE(std::to_string(bits) + (by_residual ? " bits, residuals" : " bits"));
      faiss::IndexFlatL2 coarse(kDim);
      faiss::IndexIVFPQ lists(&coarse, kDim, kLists, 12, bits, GetParam());
      lists.by_residual = by_residual;
      fill(lists);
      for (const std::size_t probes : {1UL, 5UL, kLists}) {
        lists.nprobe = probes;
        const Agreement some = compare(lists, probes);
        // Vectors with the same codes have the same score: which of them is answered is open.
        EXPECT_GE(some.same_ids, bits == 4 ? 0.97 : 0.99) << probes;
        EXPECT_LT(some.score_error, 1e-4) << probes;
      }
    }
  }
}

TEST_P(BothMetrics, FastScanAgreesUpToItsTablesOfBytes) {
  for (const std::size_t parts : {12UL, 3UL}) {
    faiss::IndexFlatL2 coarse(kDim);
    faiss::IndexIVFPQFastScan lists(&coarse, kDim, kLists, parts, 4, GetParam());
    fill(lists);
    lists.nprobe = kLists;
    const Agreement all = compare(lists, kLists);
    EXPECT_GE(all.same_ids, 0.8) << parts;
    EXPECT_LT(all.score_error, 0.03) << parts;
  }
}

INSTANTIATE_TEST_SUITE_P(Faiss, BothMetrics,
                         testing::Values(faiss::METRIC_L2, faiss::METRIC_INNER_PRODUCT));

}  // namespace
}  // namespace vitrine::vec
