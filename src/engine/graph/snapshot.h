// An immutable user-item graph on disk: which user touched which item, both ways.
//
// Users and items are nodes of one numbering, in descending order of degree: node 0 has the most
// neighbours. So what is used most is a prefix, in the row file as in the neighbour lists.
//
// A folder with
//   neighbours   blocks of compressed lists (neighbour_block.h), block i at i * 64 KiB
//   attributes   time, weight, type of the entries of each block (edge_attributes.h)
//   nodes        checked file: for each node its number in the source, top bit set for an item
//   MANIFEST     checked file: counts and the directory of blocks; a snapshot is there when it is
// The same edges, in any order, give the same bytes.
//
// Snapshot is read only and safe for many threads, except scan(), which is for one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/graph/bulk_io.h"
#include "engine/graph/edge.h"
#include "engine/graph/edge_attributes.h"
#include "engine/graph/memory_budget.h"
#include "engine/graph/neighbour_block.h"
#include "platform/io/file_system.h"

namespace vitrine::graph {

struct SnapshotInfo {
  std::uint64_t users = 0;
  std::uint64_t items = 0;
  std::uint64_t edges = 0;    // of the source; lists have twice as many entries
  std::uint64_t entries = 0;  // in lists
  std::uint64_t blocks = 0;
  std::uint32_t degree_max = 0;
  std::int64_t time_first_us = 0;
  std::int64_t time_last_us = 0;
  std::uint64_t attribute_bytes = 0;

  std::uint64_t nodes() const { return users + items; }
};

struct BuildOptions {
  io::FileSystem* files = nullptr;  // required
  std::string directory;            // created; must hold no snapshot yet
  MemoryBudget* budget =
      nullptr;  // required; for degrees and numbers (20 bytes a node) and sorting
  // For sorting. Less: more runs to merge, hardly slower until there are hundreds.
  std::uint64_t sort_bytes = 256 << 20;
};

// Peak disk use is 84 bytes for each edge, checked before it is needed.
inline constexpr std::uint64_t kBuildDiskBytesPerEdge = 84;

// Reads `edges` to its end. kConflict where the folder holds a snapshot, kExhausted where memory or
// disk do not suffice, kInvalidArgument where there are no edges or a number is above kSourceIdMax;
// temporary files are removed, whatever happens.
Result<SnapshotInfo> build_snapshot(EdgeStream& edges, const BuildOptions& options,
                                    Progress& progress);

class Snapshot {
 public:
  // Holds 24 bytes a block and a bit a node. kCorrupt, kUnsupported, kNotFound.
  static Result<std::unique_ptr<Snapshot>> open(io::FileSystem& files, std::string directory,
                                                MemoryBudget& budget);

  const SnapshotInfo& info() const { return info_; }
  bool is_item(NodeId node) const { return (item_bits_[node / 64] >> (node % 64)) & 1; }

  // The static neighbour cache: keeps blocks in memory, those first whose lists are asked for most
  // by `requests` draws of a random edge's end (see docs/graph.md), as many as fit into `bytes`.
  Status pin(std::uint64_t bytes, std::uint64_t requests);
  std::uint64_t pinned_blocks() const { return pinned_count_; }

  // The block where the list of `node` begins; the last one with that first node or below.
  std::uint32_t block_of(NodeId node) const;
  std::uint32_t block_of_entry(std::uint64_t entry) const;
  // First node of block `block`, and whether its list began before.
  NodeId first_node(std::uint32_t block) const { return directory_[block].first_node; }
  std::uint32_t first_position(std::uint32_t block) const {
    return directory_[block].first_position;
  }
  std::uint64_t first_entry(std::uint32_t block) const { return directory_[block].first_entry; }

  using TakeBlock = std::function<Status(std::uint32_t block, const BlockView& view)>;
  // The given blocks, ascending; those not in memory are read in large pieces, checked.
  Status scan(std::span<const std::uint32_t> blocks, const TakeBlock& take);
  // Reserved by the first scan that reads.
  static constexpr std::uint64_t kReadBytes = 6u << 20;
  std::uint64_t bytes_scanned() const { return bytes_scanned_; }

  // All neighbours of one node; for tools and tests.
  Result<std::vector<NodeId>> neighbours(NodeId node);
  // Of the entries of one block.
  Status attributes(std::uint32_t block, EdgeAttributes& out) const;
  // The source's number of each node, top bit set for an item.
  Result<std::vector<std::uint32_t>> sources() const;
  // Reads and checks everything.
  Status verify(Progress& progress);

  struct DirectoryEntry {
    NodeId first_node = 0;
    std::uint32_t first_position = 0;
    std::uint64_t first_entry = 0;
    std::uint64_t attribute_offset = 0;
  };

 private:
  Snapshot(io::FileSystem& files, std::string directory)
      : files_(files), directory_path_(std::move(directory)) {}
  Status load_manifest();
  Status load_kinds();
  Status take_block(std::uint32_t block, std::span<const char> bytes, const TakeBlock& take) const;
  std::uint64_t nodes_in(std::uint32_t block) const;
  std::uint64_t entries_in(std::uint32_t block) const;

  io::FileSystem& files_;
  std::string directory_path_;
  SnapshotInfo info_;
  std::vector<DirectoryEntry> directory_;
  std::vector<std::uint64_t> item_bits_;
  Reservation held_;
  MemoryBudget* budget_ = nullptr;

  std::unique_ptr<BulkReader> reader_;
  Reservation held_reader_;
  std::vector<std::uint32_t> pinned_at_;  // block -> place in pinned_, or kNotPinned; may be empty
  AlignedBuffer pinned_;
  std::uint64_t pinned_count_ = 0;
  Reservation held_pinned_;
  std::uint64_t bytes_scanned_ = 0;
};

}  // namespace vitrine::graph
