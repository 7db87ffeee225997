#include "engine/graph/sampler.h"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "platform/io/simulated_files.h"

namespace vitrine::graph {
namespace {

class OneStream final : public EdgeStream {
 public:
  explicit OneStream(std::vector<Edge> edges) : edges_(std::move(edges)) {}
  Result<std::size_t> next(std::span<Edge> out) override {
    const std::size_t count = std::min(out.size(), edges_.size() - at_);
    std::copy_n(edges_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
    at_ += count;
    return count;
  }
  std::uint64_t edges_max() const override { return edges_.size(); }

 private:
  std::vector<Edge> edges_;
  std::size_t at_ = 0;
};

class Sampling : public testing::Test {
 protected:
  void SetUp() override {
    std::mt19937_64 random(1);
    std::vector<Edge> edges;
    for (int i = 0; i < 120'000; ++i) {
      const double u = static_cast<double>(random() % 100000) / 100000;
      edges.push_back({static_cast<std::uint32_t>(random() % 20'000),
                       static_cast<std::uint32_t>(u * u * u * u * 3000), i, 1, 0});
    }
    // One list longer than a block.
    for (std::uint32_t i = 0; i < 80'000; ++i) edges.push_back({i % 20'000, 0, i, 1, 0});
    OneStream stream(edges);
    BuildOptions build{&files_, "graph", &budget_, 64 << 20};
    ASSERT_TRUE(build_snapshot(stream, build, no_progress()).ok());
    graph_ = Snapshot::open(files_, "graph", budget_).value();
    scratch_ = SegmentStore::create({}, budget_).value();
  }

  struct Sampled {
    std::vector<std::vector<NodeId>> rows;
    std::vector<MiniBatch> batches;
  };

  Sampled sample(std::uint64_t epoch, std::uint64_t first, std::uint32_t count,
                 bool on_disk = false) {
    SegmentOptions disk{&files_, "structures", 64 << 20, 4096, 2, 2, {}};
    auto structures = SegmentStore::create(on_disk ? disk : SegmentOptions{}, budget_).value();
    Sampler sampler(*graph_, options_, *scratch_, budget_);
    AccessTrace trace;
    const Status status = sampler.sample(epoch, first, count, trace, *structures);
    EXPECT_TRUE(status.ok());
    Sampled out;
    for (std::uint32_t b = 0; b < count; ++b) {
      trace.decode(b, out.rows.emplace_back());
      std::string bytes;
      EXPECT_TRUE(read_segment(*structures, b, bytes).ok());
      EXPECT_TRUE(decode_mini_batch(bytes, out.batches.emplace_back()).ok());
      EXPECT_EQ(out.batches.back().rows, out.rows.back().size());
    }
    return out;
  }

  io::SimulatedFiles files_;
  MemoryBudget budget_;
  std::unique_ptr<Snapshot> graph_;
  std::unique_ptr<SegmentStore> scratch_;
  SampleOptions options_{7, 64, 6, 4};
};

TEST_F(Sampling, EveryDrawnNeighbourIsOneAndNoneIsDrawnTwice) {
  const Sampled sampled = sample(3, 5, 4);
  for (std::size_t b = 0; b < sampled.batches.size(); ++b) {
    const MiniBatch& batch = sampled.batches[b];
    const auto& rows = sampled.rows[b];
    const auto check = [&](NodeId node, std::vector<NodeId> drawn, std::uint32_t fanout) {
      auto all = graph_->neighbours(node).value();
      EXPECT_EQ(drawn.size(), std::min<std::size_t>(fanout, all.size()));
      // As multisets: an edge that is there twice may be drawn twice.
      std::sort(drawn.begin(), drawn.end());
      EXPECT_TRUE(std::includes(all.begin(), all.end(), drawn.begin(), drawn.end()));
    };
    for (std::size_t i = 0; i < batch.inner.size(); i += 7) {
      std::vector<NodeId> drawn;
      for (auto e = batch.inner_begin[i]; e < batch.inner_begin[i + 1]; ++e) {
        drawn.push_back(rows[batch.inner_from[e]]);
      }
      check(rows[batch.inner[i]], drawn, options_.fanout_inner);
    }
    for (std::size_t i = 0; i < batch.outer.size(); ++i) {
      std::vector<NodeId> drawn;
      for (auto e = batch.outer_begin[i]; e < batch.outer_begin[i + 1]; ++e) {
        drawn.push_back(rows[batch.inner[batch.outer_from[e]]]);
      }
      check(rows[batch.inner[batch.outer[i]]], drawn, options_.fanout_outer);
    }
    ASSERT_EQ(batch.triples.size(), 64u * 3);
    for (std::size_t i = 0; i < batch.triples.size(); i += 3) {
      NodeId of[3];
      for (int k = 0; k < 3; ++k) of[k] = rows[batch.inner[batch.outer[batch.triples[i + k]]]];
      EXPECT_FALSE(graph_->is_item(of[0]));
      EXPECT_TRUE(graph_->is_item(of[1]));
      EXPECT_TRUE(graph_->is_item(of[2]));
      const auto items = graph_->neighbours(of[0]).value();
      EXPECT_TRUE(std::binary_search(items.begin(), items.end(), of[1]));
    }
  }
}

TEST_F(Sampling, ABatchIsTheSameInWhateverSuperbatchAndFromMemoryOrDisk) {
  const Sampled whole = sample(2, 10, 12);
  for (const std::uint64_t first : {10u, 13u, 21u}) {
    const Sampled part = sample(2, first, 1, true);
    EXPECT_EQ(part.rows[0], whole.rows[first - 10]);
    EXPECT_EQ(part.batches[0], whole.batches[first - 10]);
  }
  ASSERT_TRUE(graph_->pin(1 << 30, 1000).ok());
  const Sampled pinned = sample(2, 10, 12, true);
  EXPECT_EQ(pinned.rows, whole.rows);
  EXPECT_EQ(pinned.batches, whole.batches);
  EXPECT_NE(sample(3, 10, 1).rows[0], whole.rows[0]);
}

TEST_F(Sampling, AnEpochHasEveryEntryOnce) {
  const std::uint64_t entries = 1000;
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{5}, entries}) {
    const Permutation order(size, 1, 2);
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < size; ++i) seen.insert(order.at(i));
    EXPECT_EQ(seen.size(), size);
    EXPECT_EQ(*seen.rbegin(), size - 1);
  }
}

TEST(DrawNeighbours, EachIsDrawnEquallyOften) {
  std::vector<int> counts(20);
  std::vector<std::uint32_t> drawn;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    draw_neighbours(RandomStream(1, i), 20, 5, drawn);
    ASSERT_EQ(drawn.size(), 5u);
    EXPECT_TRUE(std::adjacent_find(drawn.begin(), drawn.end(), std::greater_equal<>()) ==
                drawn.end());
    for (const std::uint32_t d : drawn) ++counts.at(d);
  }
  for (const int count : counts) EXPECT_NEAR(count, 5000, 300);  // 5 standard deviations
}

TEST_F(Sampling, ADamagedGraphEndsTheSampling) {
  const std::string good = files_.contents("graph/neighbours").value();
  files_.overwrite("graph/neighbours", good.size() / 2, "damage");
  auto structures = SegmentStore::create({}, budget_).value();
  Sampler sampler(*graph_, options_, *scratch_, budget_);
  AccessTrace trace;
  EXPECT_EQ(sampler.sample(1, 0, 8, trace, *structures).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace vitrine::graph
