#include "engine/vec/vector_file.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "engine/vec/cost_model.h"

namespace vitrine::vec {
namespace {

std::string fvecs(std::uint32_t dim, const std::vector<float>& values) {
  std::string text;
  ByteWriter out(text);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % dim == 0) out.u32(dim);
    out.fixed(values[i]);
  }
  return text;
}

TEST(VectorFile, FvecsAndBvecsReadBack) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const auto floats = parse_vectors(fvecs(3, values), "fvecs");
  ASSERT_TRUE(floats.ok());
  EXPECT_EQ(floats.value().dim, 3U);
  EXPECT_EQ(floats.value().values, values);
  const auto bytes = parse_vectors(std::string("\2\0\0\0\7\xFF", 6), "bvecs");
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes.value().values, (std::vector<float>{7, 255}));
}

TEST(VectorFile, NpyReadsBackAndWrongShapesAreRefused) {
  const auto npy = [](std::string header, std::size_t data) {
    std::string text("\x93NUMPY\x01\x00", 8);
    ByteWriter out(text);
    out.u16(static_cast<std::uint16_t>(header.size()));
    out.raw(header);
    for (std::size_t i = 0; i < data; ++i) out.fixed(static_cast<float>(i));
    return text;
  };
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
  const auto read = parse_vectors(npy(good, 6), "npy");
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read.value().dim, 3U);
  EXPECT_EQ(read.value().values[5], 5.0F);
  EXPECT_FALSE(parse_vectors(npy(good, 5), "npy").ok());
  EXPECT_FALSE(
      parse_vectors(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", 6), "npy")
          .ok());
  EXPECT_FALSE(
      parse_vectors(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 6), "npy")
          .ok());
  EXPECT_FALSE(
      parse_vectors(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", 6), "npy")
          .ok());
}

TEST(VectorFile, EveryCutOffFileIsRefused) {
  const std::string vecs = fvecs(3, {1, 2, 3, 4, 5, 6});
  for (std::size_t size = 1; size < vecs.size(); ++size)
    if (size != vecs.size() / 2) {
      EXPECT_FALSE(parse_vectors(vecs.substr(0, size), "fvecs").ok()) << size;
    }
}

TEST(CostModel, ReproducesThePapersExample) {
  EXPECT_NEAR(paper_saving(1000, 128, 10000), 12.8, 1e-9);
  // The same as a trace: 1,000 queries spread evenly over 10,000 equal lists.
  VisitTrace trace;
  trace.list_bytes.assign(10000, 4096);
  trace.list_vectors.assign(10000, 64);
  for (std::uint32_t q = 0; q < 1000; ++q) {
    trace.visits.emplace_back();
    for (std::uint32_t i = 0; i < 128; ++i) trace.visits.back().push_back((q * 128 + i) % 10000);
  }
  const Traffic whole = traffic(trace, 0);
  EXPECT_NEAR(whole.saved(), 12.8, 1e-9);
  EXPECT_EQ(traffic(trace, 1).saved(), 1.0);
  const AcceleratorTime alone = accelerator_time(trace, 1, {}, 16, 64);
  const AcceleratorTime shared = accelerator_time(trace, 0, {}, 16, 64);
  EXPECT_NEAR(alone.memory_s / shared.memory_s, 12.8, 1e-9);
  EXPECT_NEAR(shared.memory_s, 10000.0 * 4096 / 64e9, 1e-12);
  EXPECT_NEAR(shared.scan_s, 1000.0 * 128 * 64 * 64 / (64 * 16) / 1e9, 1e-12);
}

}  // namespace
}  // namespace vitrine::vec
