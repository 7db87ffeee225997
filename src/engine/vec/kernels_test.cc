// Every level against plain C++: integers exactly, floats to rounding.
#include "engine/vec/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "engine/vec/quantize.h"
#include "engine/vec/random.h"
#include "engine/vec/rotation.h"
#include "engine/vec/shortlist.h"

namespace vitrine::vec {
namespace {

class EveryLevel : public testing::TestWithParam<simd::Level> {
 protected:
  void SetUp() override {
    if (GetParam() > simd::detected_level()) GTEST_SKIP() << "this machine lacks the level";
  }
  const Kernels& fast() const { return kernels_for(GetParam()); }
  const Kernels& plain() const { return kernels_for(simd::Level::kScalar); }
};

std::vector<std::int8_t> query_codes(std::size_t dims, Random& random) {
  std::vector<std::int8_t> out(dims);
  for (auto& code : out) code = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return out;
}

std::vector<std::uint8_t> bytes(std::size_t n, Random& random) {
  std::vector<std::uint8_t> out(n);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

// Blocks with random nibbles, and factors that are powers of two so that floats are exact.
std::vector<std::uint8_t> blocks_of(std::size_t blocks, std::size_t dims, Random& random) {
  auto out = bytes(blocks * block_bytes(dims), random);
  for (std::size_t b = 0; b < blocks; ++b) {
    for (std::size_t i = 0; i < 2 * kLanes; ++i) {
      const auto factor = static_cast<std::uint16_t>(i < kLanes ? 32 : random.below(65536));
      std::memcpy(out.data() + b * block_bytes(dims) + dims / 8 * 4 * kLanes + i * 2, &factor, 2);
    }
  }
  return out;
}

struct Scanned {
  std::vector<std::vector<float>> estimates;
  std::vector<std::vector<std::uint32_t>> slots;
};

Scanned scanned(const Kernels& kernels, const std::vector<std::uint8_t>& codes, std::size_t blocks,
                std::size_t dims, const std::uint32_t* allowed,
                const std::vector<std::vector<std::int8_t>>& queries, float threshold) {
  const std::size_t n = queries.size();
  Scanned out{std::vector(n, std::vector<float>((blocks + 1) * kLanes)),
              std::vector(n, std::vector<std::uint32_t>((blocks + 1) * kLanes))};
  std::vector<ScanQuery> scan(n);
  for (std::size_t q = 0; q < n; ++q) {
    scan[q] = {queries[q].data(),
               3.0F,
               0.0078125F,
               -0.0625F,
               0.0009765625F,
               threshold,
               out.estimates[q].data(),
               out.slots[q].data(),
               0};
  }
  kernels.scan(codes.data(), blocks, dims, 64, allowed, scan.data(), n);
  for (std::size_t q = 0; q < n; ++q) {
    out.estimates[q].resize(scan[q].count);
    out.slots[q].resize(scan[q].count);
  }
  return out;
}

TEST_P(EveryLevel, ScanKeepsWhatPlainCodeKeepsForEveryNumberOfQueries) {
  Random random(1);
  for (const std::size_t dims : {8UL, 16UL, 96UL, 104UL, 128UL, 768UL, 2048UL}) {
    const std::size_t blocks = 5;
    const auto codes = blocks_of(blocks, dims, random);
    const std::array<std::uint32_t, 5> allowed{0xFFFFFFFF, 0, 0x80000001, 0x0000FFFF, 0xFFFF0000};
    for (std::size_t n = 1; n <= kQueriesPerPass; ++n) {
      std::vector<std::vector<std::int8_t>> queries;
      for (std::size_t q = 0; q < n; ++q) queries.push_back(query_codes(dims, random));
      for (const std::uint32_t* filter :
           {static_cast<const std::uint32_t*>(nullptr), allowed.data()}) {
        SCOPED_TRACE(std::to_string(dims) + " dims, " + std::to_string(n) + " queries");
        const auto want = scanned(plain(), codes, blocks, dims, filter, queries, 40);
        const auto got = scanned(fast(), codes, blocks, dims, filter, queries, 40);
        EXPECT_EQ(got.slots, want.slots);
        EXPECT_EQ(got.estimates, want.estimates);
      }
    }
  }
}

TEST_P(EveryLevel, DotsOfBytesAndNibblesAreExact) {
  Random random(2);
  for (const std::size_t dims : {8UL, 24UL, 64UL, 96UL, 128UL, 200UL, 1024UL, 2048UL}) {
    SCOPED_TRACE(dims);
    const auto row = bytes(dims, random);
    const auto a = query_codes(dims, random);
    const auto b = query_codes(dims, random);
    EXPECT_EQ(fast().dot_bytes(row.data(), dims, a.data()),
              plain().dot_bytes(row.data(), dims, a.data()));
    std::vector<std::vector<std::uint8_t>> rows;
    std::vector<const std::uint8_t*> pointers;
    for (std::size_t i = 0; i < 11; ++i) rows.push_back(bytes(dims, random));
    for (const auto& r : rows) pointers.push_back(r.data());
    std::vector<std::int32_t> many(rows.size() + 1, -1);
    fast().dot_bytes_many(pointers.data(), rows.size(), dims, a.data(), many.data());
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(many[i], plain().dot_bytes(rows[i].data(), dims, a.data())) << i;
    EXPECT_EQ(many.back(), -1);
    std::array<std::int32_t, 4> sums{};
    fast().dot_nibbles(row.data(), dims, a.data(), b.data(), &sums[0], &sums[1]);
    plain().dot_nibbles(row.data(), dims, a.data(), b.data(), &sums[2], &sums[3]);
    EXPECT_EQ(sums[0], sums[2]);
    EXPECT_EQ(sums[1], sums[3]);
  }
}

TEST_P(EveryLevel, ExtremeCodesDoNotOverflow) {
  const std::size_t dims = 2048;
  const std::vector<std::uint8_t> row(dims, 255);
  const std::vector<std::int8_t> low(dims, -127);
  EXPECT_EQ(fast().dot_bytes(row.data(), dims, low.data()), -127 * 255 * 2048);
  std::int32_t a = 0;
  std::int32_t b = 0;
  fast().dot_nibbles(row.data(), dims, low.data(), low.data(), &a, &b);
  EXPECT_EQ(a, -127 * 15 * 2048);
  std::vector<std::uint8_t> block(block_bytes(dims), 255);
  for (std::size_t i = 0; i < 2 * kLanes; ++i) {
    const std::uint16_t factor = i < kLanes ? 65535 : 0;
    std::memcpy(block.data() + dims / 8 * 4 * kLanes + i * 2, &factor, 2);
  }
  for (std::size_t n = 1; n <= 2; ++n) {
    const auto got = scanned(fast(), block, 1, dims, nullptr, std::vector(n, low), -1e12F);
    ASSERT_EQ(got.estimates[0].size(), kLanes);
    const float want = 65535.0F * (0.0078125F * (-127.0F * 15 * 2048) - 0.0625F) + 3.0F;
    EXPECT_NEAR(got.estimates[0][31], want, 1e-5F * -want);
  }
}

TEST_P(EveryLevel, DotBlocksAreExactForAnyNumberOfQueries) {
  Random random(3);
  for (const std::size_t dims : {8UL, 96UL, 128UL}) {
    const std::size_t blocks = 3;
    const auto codes = bytes(blocks * kLanes * dims, random);
    for (std::size_t n = 1; n <= 13; ++n) {
      std::vector<std::vector<std::int8_t>> queries;
      std::vector<const std::int8_t*> pointers;
      for (std::size_t q = 0; q < n; ++q) queries.push_back(query_codes(dims, random));
      for (const auto& query : queries) pointers.push_back(query.data());
      std::vector<std::int32_t> want(n * blocks * kLanes);
      std::vector<std::int32_t> got(want.size());
      plain().dot_blocks(codes.data(), blocks, dims, pointers.data(), n, want.data(),
                         blocks * kLanes);
      fast().dot_blocks(codes.data(), blocks, dims, pointers.data(), n, got.data(),
                        blocks * kLanes);
      EXPECT_EQ(got, want);
    }
  }
}

TEST_P(EveryLevel, RankFindsTheFirstOfTheLargest) {
  Random random(4);
  const std::size_t n = 96;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int32_t> dots(n);
    for (auto& dot : dots) dot = static_cast<std::int32_t>(random.below(20));  // many ties
    const std::vector<float> scales(n, 0.5F);
    const std::vector<float> biases(n, 1.0F);
    std::vector<float> want(n);
    std::vector<float> got(n);
    const auto place =
        plain().rank(dots.data(), n, 2, 4, scales.data(), biases.data(), want.data());
    EXPECT_EQ(fast().rank(dots.data(), n, 2, 4, scales.data(), biases.data(), got.data()), place);
    EXPECT_EQ(got, want);
  }
}

TEST_P(EveryLevel, CutKeepsTheBestOrSaysThatTiesForbidIt) {
  Random random(5);
  for (std::uint32_t round = 0; round < 500; ++round) {
    const auto n = static_cast<std::uint32_t>(2 + random.below(300));
    const auto keep = static_cast<std::uint32_t>(1 + random.below(n - 1));
    const bool ties = round % 2 == 0;
    std::vector<float> estimates(n + kLanes);
    std::vector<std::uint32_t> slots(n + kLanes);
    for (std::uint32_t i = 0; i < n; ++i) {
      estimates[i] =
          ties ? static_cast<float>(random.below(8)) : static_cast<float>(random.uniform() * 2 - 1);
      slots[i] = i;
    }
    const std::vector<float> before = estimates;
    auto sorted = std::vector<float>(before.begin(), before.begin() + n);
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    float threshold = 0;
    const auto kept = fast().cut(estimates.data(), slots.data(), n, keep, keep, &threshold);
    ASSERT_GE(kept, keep);
    if (kept > keep) {
      EXPECT_EQ(sorted[keep - 1], sorted[keep]) << "only ties may keep more";
    }
    for (std::uint32_t i = 0; i < kept; ++i) {
      EXPECT_GE(estimates[i], threshold);
      EXPECT_EQ(estimates[i], before[slots[i]]);
    }
    EXPECT_EQ(std::count_if(sorted.begin(), sorted.end(), [&](float v) { return v >= threshold; }),
              kept);
  }
}

TEST_P(EveryLevel, FloatDistancesAgreeToRounding) {
  Random random(6);
  for (std::size_t dims = 1; dims <= 130; ++dims) {
    std::vector<float> a(dims);
    std::vector<float> b(dims);
    double dot = 0;
    double distance = 0;
    for (std::size_t i = 0; i < dims; ++i) {
      a[i] = static_cast<float>(random.normal());
      b[i] = static_cast<float>(random.normal());
      dot += static_cast<double>(a[i]) * b[i];
      distance += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    }
    EXPECT_NEAR(fast().dot(a.data(), b.data(), dims), dot, 1e-4);
    EXPECT_NEAR(fast().squared_distance(a.data(), b.data(), dims), distance,
                1e-4 * distance + 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryLevel,
                         testing::Values(simd::Level::kScalar, simd::Level::kSse42,
                                         simd::Level::kAvx2, simd::Level::kAvx512,
                                         simd::Level::kAvx512Vnni));

TEST(Rotation, KeepsLengthsAndProductsForEveryDimension) {
  Random random(7);
  for (const std::uint32_t dim : {1U, 2U, 3U, 8U, 13U, 64U, 96U, 100U, 128U, 300U, 2048U}) {
    const Rotation rotation(dim, 5);
    std::vector<float> a(dim), b(dim), ra(rotation.dims()), rb(rotation.dims());
    for (std::uint32_t i = 0; i < dim; ++i) {
      a[i] = static_cast<float>(random.normal());
      b[i] = static_cast<float>(random.normal());
    }
    rotation.apply(a.data(), ra.data());
    rotation.apply(b.data(), rb.data());
    const Kernels& k = kernels_for(simd::Level::kScalar);
    EXPECT_NEAR(k.dot(a.data(), b.data(), dim), k.dot(ra.data(), rb.data(), rotation.dims()),
                1e-3 * std::sqrt(static_cast<double>(dim)));
    EXPECT_NEAR(k.dot(a.data(), a.data(), dim), k.dot(ra.data(), ra.data(), rotation.dims()),
                1e-4 * dim);
  }
}

TEST(Shortlist, KeysSortByEstimateThenSlotAndReadBack) {
  const std::vector<float> values{-1e30F, -2.5F, -0.0F, 0.0F, 1e-20F, 3.0F, 1e30F};
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    EXPECT_LE(key_of(values[i], 5), key_of(values[i + 1], 5));
    EXPECT_GT(key_of(values[i], 4), key_of(values[i], 5)) << "the smaller slot comes first";
    EXPECT_EQ(candidate_of(key_of(values[i], 77)).estimate, values[i]);
    EXPECT_EQ(candidate_of(key_of(values[i], 77)).slot, 77U);
  }
}

TEST(Quantize, NumbersThatAreNotFiniteBecomeZeros) {
  const std::vector<float> bad{1.0F, INFINITY, 2.0F, NAN, 0, 0, 0, 0};
  std::array<std::int8_t, 8> codes{};
  EXPECT_EQ(quantize_signed(bad.data(), 8, codes.data()).step, 0);
  std::array<float, 8> mixed{};
  mixed.fill(1);
  mixed[3] = std::numeric_limits<float>::quiet_NaN();  // among finite ones
  EXPECT_EQ(quantize_signed(mixed.data(), 8, codes.data()).step, 0);
  std::array<std::uint8_t, 8> bytes{};
  EXPECT_EQ(quantize_unsigned(mixed.data(), 8, bytes.data()), 0);
  for (const auto code : codes) EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace vitrine::vec
