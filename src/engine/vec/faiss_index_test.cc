// Faiss's files, written here field by field as the format lays them down; what Faiss itself
// answers is in faiss_compare_test.cc, which needs the library.
#include "engine/vec/faiss_index.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace vitrine::vec {
namespace {

void put_header(ByteWriter& out, std::string_view kind, std::uint32_t dim, std::uint64_t count,
                std::uint32_t metric) {
  out.raw(kind);
  out.u32(dim);
  out.u64(count);
  out.u64(1 << 20);
  out.u64(1 << 20);
  out.u8(1);
  out.u32(metric);
}

std::string flat(std::string_view kind, const std::vector<float>& values, std::uint32_t dim) {
  std::string text;
  ByteWriter out(text);
  put_header(out, kind, dim, values.size() / dim, kind == "IxFI" ? 0 : 1);
  out.u64(values.size());
  for (const float value : values) out.fixed(value);
  return text;
}

// Two lists with centroids (0, 0) and (5, 5); squared distance.
std::string lists_up_to_codes(std::string_view kind, std::uint64_t count) {
  std::string text;
  ByteWriter out(text);
  put_header(out, kind, 2, count, 1);
  out.u64(2);  // lists
  out.u64(1);  // probes
  out.raw(flat("IxF2", {0, 0, 5, 5}, 2));
  out.u8(0);  // no direct map
  out.u64(0);
  return text;
}

void put_sizes(ByteWriter& out, std::uint64_t code_size, const std::vector<std::uint64_t>& sizes) {
  out.raw("ilar");
  out.u64(sizes.size());
  out.u64(code_size);
  out.raw("full");
  out.u64(sizes.size());
  for (const std::uint64_t size : sizes) out.u64(size);
}

std::string row_lists() {
  std::string text = lists_up_to_codes("IwFl", 3);
  ByteWriter out(text);
  put_sizes(out, 8, {1, 2});
  for (const float value : {0.5F, 0.25F}) out.fixed(value);
  out.u64(30);
  for (const float value : {5.0F, 4.0F, 6.0F, 5.5F}) out.fixed(value);
  out.u64(10);
  out.u64(20);
  return text;
}

// One-dimensional codewords 0, 0.5, 1 .. 7.5 for the first and ten times that for the second part.
void put_words(ByteWriter& out) {
  out.u64(2);
  out.u64(2);
  out.u64(4);
  out.u64(32);
  for (const float times : {0.5F, 5.0F})
    for (int i = 0; i < 16; ++i) out.fixed(times * static_cast<float>(i));
}

std::string product_lists(bool by_residual) {
  std::string text = lists_up_to_codes("IwPQ", 3);
  ByteWriter out(text);
  out.u8(by_residual ? 1 : 0);
  out.u64(1);
  put_words(out);
  put_sizes(out, 1, {1, 2});
  out.u8(0x12);  // (1, 5): the first part is in the low nibble
  out.u64(30);
  out.u8(0x02);  // (1, 0)
  out.u8(0x10);  // (0, 5)
  out.u64(10);
  out.u64(20);
  return text;
}

// 35 vectors in the first list, the second empty: vector v has the codes (v % 16, v / 3).
std::string packed_lists() {
  std::string text = lists_up_to_codes("IwPf", 35);
  ByteWriter out(text);
  out.u8(0);
  out.u64(1);
  out.u32(32);
  out.u64(2);
  out.u32(0);
  out.u64(0);
  put_words(out);
  out.raw("ilbl");
  out.u64(2);
  out.u64(~std::uint64_t{0});
  out.u64(32);
  out.u64(32);
  out.u64(35);
  for (std::uint64_t v = 0; v < 35; ++v) out.u64(100 + v);
  out.u64(64);
  const auto code = [](std::size_t v, std::size_t part) {
    return v >= 35 ? 0U : static_cast<unsigned>(part == 0 ? v % 16 : v / 3);
  };
  for (std::size_t block = 0; block < 2; ++block)
    for (std::size_t part = 0; part < 2; ++part)
      for (const std::size_t v :
           {0U, 8U, 1U, 9U, 2U, 10U, 3U, 11U, 4U, 12U, 5U, 13U, 6U, 14U, 7U, 15U})
        out.u8(static_cast<std::uint8_t>(code(block * 32 + v, part) |
                                         code(block * 32 + v + 16, part) << 4));
  out.u64(0);
  out.u64(0);
  return text;
}

TEST(FaissIndex, GivesVectorsAndIdsOfEveryKind) {
  const auto rows = FaissIndex::parse(flat("IxFI", {1, 2, 3, 4}, 2));
  ASSERT_TRUE(rows.ok()) << rows.error().message();
  EXPECT_EQ(rows.value().metric(), Metric::kInnerProduct);
  EXPECT_EQ(rows.value().vectors().count(), 2U);
  const auto lists = FaissIndex::parse(row_lists());
  ASSERT_TRUE(lists.ok()) << lists.error().message();
  EXPECT_EQ(lists.value().vectors().ids, (std::vector<std::uint32_t>{30, 10, 20}));
  EXPECT_EQ(lists.value().vectors().values, (std::vector<float>{0.5F, 0.25F, 5, 4, 6, 5.5F}));
  const auto whole = FaissIndex::parse(product_lists(false));
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  EXPECT_EQ(whole.value().vectors().values, (std::vector<float>{1, 5, 1, 0, 0, 5}));
  const auto residual = FaissIndex::parse(product_lists(true));
  ASSERT_TRUE(residual.ok()) << residual.error().message();
  EXPECT_EQ(residual.value().vectors().values, (std::vector<float>{1, 5, 6, 5, 5, 10}));
  const auto packed = FaissIndex::parse(packed_lists());
  ASSERT_TRUE(packed.ok()) << packed.error().message();
  const VectorFile unpacked = packed.value().vectors();
  ASSERT_EQ(unpacked.count(), 35U);
  for (std::size_t v = 0; v < 35; ++v) {
    EXPECT_EQ(unpacked.ids[v], 100 + v);
    EXPECT_EQ(unpacked.values[2 * v], 0.5F * static_cast<float>(v % 16)) << v;
    EXPECT_EQ(unpacked.values[2 * v + 1], 5.0F * static_cast<float>(v / 3)) << v;
  }
}

TEST(FaissIndex, ScoresAreDistancesToTheDecodedVectorsOfTheListsVisited) {
  for (const bool by_residual : {false, true}) {
    const auto index = FaissIndex::parse(product_lists(by_residual));
    ASSERT_TRUE(index.ok());
    const VectorFile decoded = index.value().vectors();
    const std::vector<float> query{4.5F, 4.0F};
    std::vector<Neighbor> found(3);
    EXPECT_EQ(index.value().search(query.data(), 3, 1, found.data()), 2U) << "the nearer list";
    EXPECT_EQ(found[2].id, kNoId);
    ASSERT_EQ(index.value().search(query.data(), 3, 9, found.data()), 3U);
    for (const Neighbor& neighbor : found) {
      const auto at = static_cast<std::size_t>(
          std::find(decoded.ids.begin(), decoded.ids.end(), neighbor.id) - decoded.ids.begin());
      const float x = decoded.values[2 * at] - query[0];
      const float y = decoded.values[2 * at + 1] - query[1];
      EXPECT_FLOAT_EQ(neighbor.score, x * x + y * y);
    }
    EXPECT_TRUE(found[0].score <= found[1].score && found[1].score <= found[2].score);
  }
}

TEST(FaissIndex, OtherKindsAreNamedAndCutOffOrDamagedFilesRefused) {
  const auto other = FaissIndex::parse("IHNf----");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(other.error().message().find("IHNf"), std::string::npos);
  for (const std::string& whole :
       {flat("IxF2", {1, 2, 3, 4}, 2), row_lists(), product_lists(true), packed_lists()}) {
    ASSERT_TRUE(FaissIndex::parse(whole).ok());
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(FaissIndex::parse(whole.substr(0, size)).ok()) << size;
    // Any single byte may be anything: refused, or an index that can be searched.
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0xFF);
      const auto index = FaissIndex::parse(damaged);
      if (!index.ok()) continue;
      const std::vector<float> query(index.value().dim(), 1.0F);
      std::vector<Neighbor> found(4);
      EXPECT_LE(index.value().search(query.data(), 4, 2, found.data()), index.value().size());
    }
  }
}

TEST(FaissIndex, NumbersThatAreNotFiniteAreRefused) {
  EXPECT_FALSE(
      FaissIndex::parse(flat("IxF2", {1, 2, 3, std::numeric_limits<float>::infinity()}, 2)).ok());
}

}  // namespace
}  // namespace vitrine::vec
