#include "engine/graph/snapshot.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "engine/graph/internal/edge_sorter.h"
#include "platform/io/simulated_files.h"

namespace vitrine::graph {
namespace {

class VectorStream final : public EdgeStream {
 public:
  explicit VectorStream(std::vector<Edge> edges) : edges_(std::move(edges)) {}
  Result<std::size_t> next(std::span<Edge> out) override {
    const std::size_t count = std::min<std::size_t>({out.size(), edges_.size() - at_, 777});
    std::copy_n(edges_.begin() + static_cast<std::ptrdiff_t>(at_), count, out.begin());
    at_ += count;
    return count;
  }
  std::uint64_t edges_max() const override { return edges_.size(); }

 private:
  std::vector<Edge> edges_;
  std::size_t at_ = 0;
};

std::vector<Edge> random_edges(std::uint64_t seed, std::size_t count, std::uint32_t users,
                               std::uint32_t items) {
  std::mt19937_64 random(seed);
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < count; ++i) {
    const double u = static_cast<double>(random() % 100000) / 100000;
    Edge edge;
    edge.user = static_cast<std::uint32_t>(random() % users);
    edge.item = static_cast<std::uint32_t>(u * u * u * items);
    edge.time_us = 1'700'000'000'000'000 + static_cast<std::int64_t>(random() % 1'000'000'000);
    edge.weight = static_cast<float>(random() % 5);
    edge.type = static_cast<std::uint8_t>(random() % 3);
    edges.push_back(edge);
  }
  return edges;
}

struct Built {
  io::SimulatedFiles files;
  MemoryBudget budget;
  std::unique_ptr<Snapshot> snapshot;

  Result<SnapshotInfo> build(std::vector<Edge> edges, std::uint64_t sort_bytes = 64 << 20) {
    VectorStream stream(std::move(edges));
    BuildOptions options;
    options.files = &files;
    options.directory = "graph";
    options.budget = &budget;
    options.sort_bytes = sort_bytes;
    return build_snapshot(stream, options, no_progress());
  }
  void open() { snapshot = Snapshot::open(files, "graph", budget).value(); }
};

using Entry = std::tuple<std::uint32_t, std::int64_t, std::uint8_t, float>;

// Every list with its attributes, by the source's numbers, read block by block.
std::map<std::uint32_t, std::vector<Entry>> read_back(Snapshot& snapshot) {
  const auto sources = snapshot.sources().value();
  std::map<std::uint32_t, std::vector<Entry>> lists;
  std::vector<std::uint32_t> all(snapshot.info().blocks);
  for (std::uint32_t b = 0; b < all.size(); ++b) all[b] = b;
  const auto status = snapshot.scan(all, [&](std::uint32_t block, const BlockView& view) -> Status {
    EdgeAttributes attributes;
    VITRINE_TRY(snapshot.attributes(block, attributes));
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < view.pieces(); ++i) {
      ListPiece piece;
      VITRINE_TRY(view.piece(i, piece));
      std::vector<NodeId> neighbours;
      VITRINE_TRY(decode_piece(piece, neighbours));
      auto& list = lists[sources[piece.node]];
      EXPECT_EQ(list.size(), piece.first);
      for (const NodeId n : neighbours) {
        list.emplace_back(sources[n], attributes.times_us[at], attributes.types[at],
                          attributes.weights[at]);
        ++at;
      }
    }
    return ok_status();
  });
  EXPECT_TRUE(status.ok());
  return lists;
}

TEST(Snapshot, HoldsEveryEdgeBothWaysWithTimeWeightAndType) {
  for (const std::uint64_t sort_bytes : {1000u, 100'000u, 64u << 20}) {
    const auto edges = random_edges(1, 30000, 500, 200);
    Built built;
    const auto info = built.build(edges, sort_bytes);
    ASSERT_TRUE(info.ok()) << info.error().to_string();
    EXPECT_EQ(info->edges, edges.size());
    built.open();
    std::map<std::uint32_t, std::vector<Entry>> expected;
    for (const Edge& edge : edges) {
      const std::uint32_t item = edge.item | 0x80000000u;
      expected[edge.user].emplace_back(item, edge.time_us, edge.type, edge.weight);
      expected[item].emplace_back(edge.user, edge.time_us, edge.type, edge.weight);
    }
    auto lists = read_back(*built.snapshot);
    std::size_t edges_found = 0;
    for (auto& [source, list] : lists) {
      std::sort(list.begin(), list.end());
      std::sort(expected[source].begin(), expected[source].end());
      EXPECT_EQ(list, expected[source]);
      edges_found += list.size();
    }
    EXPECT_EQ(edges_found, edges.size() * 2);
    EXPECT_TRUE(built.snapshot->verify(no_progress()).ok());
  }
}

TEST(Snapshot, NumbersNodesByDescendingDegree) {
  Built built;
  ASSERT_TRUE(built.build(random_edges(2, 20000, 300, 100)).ok());
  built.open();
  const auto sources = built.snapshot->sources().value();
  std::size_t before = ~std::size_t{0};
  for (NodeId node = 0; node < built.snapshot->info().nodes(); ++node) {
    const auto list = built.snapshot->neighbours(node).value();
    EXPECT_TRUE(std::is_sorted(list.begin(), list.end()));
    EXPECT_LE(list.size(), before);
    before = list.size();
    EXPECT_EQ(built.snapshot->is_item(node), (sources[node] & 0x80000000u) != 0);
    for (const NodeId n : list)
      EXPECT_NE(built.snapshot->is_item(n), built.snapshot->is_item(node));
  }
}

TEST(Snapshot, AListLongerThanABlockIsCutAndFoundWhole) {
  std::vector<Edge> edges;
  std::mt19937_64 random(3);
  for (std::uint32_t i = 0; i < 150'000; ++i) {
    edges.push_back({static_cast<std::uint32_t>(random() % 2'000'000), 7, i, 1, 0});
    if (i % 3 == 0) edges.push_back({i, 8, i, 1, 0});
  }
  Built built;
  ASSERT_TRUE(built.build(edges, 500'000).ok());
  built.open();
  EXPECT_GT(built.snapshot->info().blocks, 4u);
  EXPECT_EQ(built.snapshot->neighbours(0).value().size(), 150'000u);
  EXPECT_EQ(built.snapshot->neighbours(1).value().size(), 50'000u);
  for (NodeId node = 2; node < 2'000'000; node += 20'011) {
    const auto list = built.snapshot->neighbours(node).value();
    const std::uint32_t block = built.snapshot->block_of(node);
    EXPECT_LE(built.snapshot->first_node(block), node);
    for (const NodeId n : list) EXPECT_TRUE(built.snapshot->is_item(n));
  }
  for (std::uint64_t entry = 0; entry < built.snapshot->info().entries; entry += 999) {
    const std::uint32_t block = built.snapshot->block_of_entry(entry);
    EXPECT_LE(built.snapshot->first_entry(block), entry);
    if (block + 1 < built.snapshot->info().blocks) {
      EXPECT_GT(built.snapshot->first_entry(block + 1), entry);
    }
  }
}

TEST(Snapshot, TheSameEdgesInAnyOrderGiveTheSameBytes) {
  auto edges = random_edges(4, 20000, 300, 100);
  Built a;
  ASSERT_TRUE(a.build(edges, 50'000).ok());
  std::shuffle(edges.begin(), edges.end(), std::mt19937_64(1));
  Built b;
  ASSERT_TRUE(b.build(edges, 80'000).ok());
  for (const char* name :
       {"graph/neighbours", "graph/attributes", "graph/nodes", "graph/MANIFEST"}) {
    EXPECT_TRUE(a.files.contents(name).value() == b.files.contents(name).value()) << name;
  }
  EXPECT_EQ(a.files.list("graph").value().size(), 4u);  // nothing temporary is left
}

TEST(Snapshot, PinnedBlocksGiveTheSameLists) {
  Built built;
  ASSERT_TRUE(built.build(random_edges(5, 200'000, 30'000, 5'000)).ok());
  built.open();
  auto& snapshot = *built.snapshot;
  const auto plain = read_back(snapshot);
  for (const std::uint64_t blocks : {1u, 3u, 1000u}) {
    ASSERT_TRUE(snapshot.pin(blocks * kBlockBytes, 10'000).ok());
    EXPECT_EQ(snapshot.pinned_blocks(), std::min<std::uint64_t>(blocks, snapshot.info().blocks));
    const std::uint64_t before = snapshot.bytes_scanned();
    EXPECT_EQ(read_back(snapshot), plain);
    EXPECT_EQ(snapshot.bytes_scanned() - before,
              (snapshot.info().blocks - snapshot.pinned_blocks()) * kBlockBytes);
  }
}

TEST(Snapshot, DamageAnywhereIsReportedAndNeverRead) {
  Built built;
  ASSERT_TRUE(built.build(random_edges(6, 3000, 300, 100)).ok());
  std::mt19937_64 random(6);
  for (const char* name :
       {"graph/neighbours", "graph/attributes", "graph/nodes", "graph/MANIFEST"}) {
    const std::string good = built.files.contents(name).value();
    for (int round = 0; round < 40; ++round) {
      const std::size_t at = random() % good.size();
      std::string flipped(1, static_cast<char>(good[at] ^ (1 << random() % 8)));
      built.files.overwrite(name, at, flipped);
      auto snapshot = Snapshot::open(built.files, "graph", built.budget);
      const Status status =
          snapshot.ok() ? snapshot.value()->verify(no_progress()) : Status(snapshot.error());
      ASSERT_FALSE(status.ok()) << name << " at " << at;
      EXPECT_TRUE(status.error().code() == ErrorCode::kCorrupt ||
                  status.error().code() == ErrorCode::kUnsupported);
      built.files.overwrite(name, at, good.substr(at, 1));
    }
  }
}

TEST(Snapshot, ADiskThatFailsAtAnyOperationLeavesNoSnapshotAndAClearError) {
  const auto edges = random_edges(7, 3000, 300, 100);
  Built counted;
  ASSERT_TRUE(counted.build(edges, 20'000).ok());
  const std::uint64_t operations = counted.files.operations();
  ASSERT_GT(operations, 10u);
  for (std::uint64_t n = 0; n < operations; ++n) {
    for (const int error : {EIO, ENOSPC}) {
      Built built;
      built.files.fail_operation(n, error);
      const auto info = built.build(edges, 20'000);
      if (info.ok()) continue;  // removing a temporary file may fail unnoticed
      EXPECT_TRUE(info.error().code() == ErrorCode::kIo ||
                  info.error().code() == ErrorCode::kExhausted)
          << info.error().to_string();
      EXPECT_EQ(built.budget.used(), 0u);
      auto opened = Snapshot::open(built.files, "graph", built.budget);
      // Only the very last step, making the name durable, may fail with the snapshot in place.
      if (opened.ok()) {
        EXPECT_TRUE(opened.value()->verify(no_progress()).ok());
      }
    }
  }
}

TEST(Snapshot, RefusesWhatDoesNotFitBeforeItWrites) {
  const auto edges = random_edges(8, 30000, 500, 200);
  Built small_disk;
  small_disk.files.set_capacity(edges.size() * 40);
  EXPECT_EQ(small_disk.build(edges).error().code(), ErrorCode::kExhausted);

  Built small_memory;
  MemoryBudget budget(1000);
  VectorStream stream(edges);
  BuildOptions options{&small_memory.files, "graph", &budget, 10'000};
  const auto refused = build_snapshot(stream, options, no_progress());
  EXPECT_EQ(refused.error().code(), ErrorCode::kExhausted);
  EXPECT_NE(refused.error().message().find("would do"), std::string::npos);

  Built twice;
  ASSERT_TRUE(twice.build(edges).ok());
  EXPECT_EQ(twice.build(edges).error().code(), ErrorCode::kConflict);
  Built none;
  EXPECT_EQ(none.build({}).error().code(), ErrorCode::kInvalidArgument);
  Built beyond;
  EXPECT_EQ(beyond.build({{kSourceIdMax + 1, 0, 0, 1, 0}}).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST(EdgeSorter, SortsLikeTheStandardLibraryHoweverManyRuns) {
  std::mt19937_64 random(9);
  for (const std::uint64_t memory : {24u * 16, 24u * 100, 24u * 5000}) {
    io::SimulatedFiles files;
    MemoryBudget budget;
    std::vector<std::tuple<std::uint32_t, std::uint32_t, std::int64_t>> expected;
    auto sorter = EdgeSorter::create(files, "runs", memory, budget).value();
    for (int i = 0; i < 3000; ++i) {
      DirectedEdge edge;
      edge.node = static_cast<std::uint32_t>(random() % 20);
      edge.neighbour = static_cast<std::uint32_t>(random() % 20);
      edge.time_us = static_cast<std::int64_t>(random() % 100) - 50;
      expected.emplace_back(edge.node, edge.neighbour, edge.time_us);
      ASSERT_TRUE(sorter->add(edge).ok());
    }
    ASSERT_TRUE(sorter->finish().ok());
    std::sort(expected.begin(), expected.end());
    for (const auto& [node, neighbour, time] : expected) {
      DirectedEdge edge;
      ASSERT_TRUE(sorter->next(edge).value());
      EXPECT_EQ(std::make_tuple(edge.node, edge.neighbour, edge.time_us),
                std::make_tuple(node, neighbour, time));
    }
    DirectedEdge edge;
    EXPECT_FALSE(sorter->next(edge).value());
  }
}

TEST(EdgeAttributes, RoundTrip) {
  std::mt19937_64 random(10);
  for (int round = 0; round < 100; ++round) {
    EdgeAttributes in;
    const std::size_t count = random() % 50;
    const int spread = static_cast<int>(random() % 64);
    for (std::size_t i = 0; i < count; ++i) {
      in.times_us.push_back(static_cast<std::int64_t>(random() >> spread));
      in.weights.push_back(round % 2 == 0 ? 1.0f : static_cast<float>(random() % 9));
      in.types.push_back(round % 3 == 0 ? 4 : static_cast<std::uint8_t>(random()));
    }
    std::string bytes;
    encode_attributes(in, bytes);
    EdgeAttributes out;
    ASSERT_TRUE(decode_attributes(bytes, out).ok());
    EXPECT_EQ(in, out);
  }
}

}  // namespace
}  // namespace vitrine::graph
