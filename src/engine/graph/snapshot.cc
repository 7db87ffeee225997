#include "engine/graph/snapshot.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/graph/internal/manifest.h"
#include "platform/io/checked_file.h"

namespace vitrine::graph {
namespace {

constexpr std::uint32_t kItemBit = 0x80000000u;
constexpr std::uint32_t kNotPinned = 0xFFFFFFFFu;
constexpr std::uint32_t kBlocksPerRead = 16;
constexpr unsigned kReadsInFlight = 6;

}  // namespace

Result<std::unique_ptr<Snapshot>> Snapshot::open(io::FileSystem& files, std::string directory,
                                                 MemoryBudget& budget) {
  auto snapshot = std::unique_ptr<Snapshot>(new Snapshot(files, std::move(directory)));
  snapshot->budget_ = &budget;
  VITRINE_TRY(snapshot->load_manifest());
  VITRINE_TRY(snapshot->held_,
              budget.reserve("graph directory",
                             snapshot->directory_.size() * 24 + snapshot->info_.nodes() / 8 + 8));
  VITRINE_TRY(snapshot->load_kinds());
  const std::string path = io::join_path(snapshot->directory_path_, "neighbours");
  VITRINE_TRY(auto file, files.open(path, io::OpenMode::kRead));
  VITRINE_TRY(const std::uint64_t size, file->size());
  if (size != snapshot->info_.blocks * kBlockBytes) {
    return Error(ErrorCode::kCorrupt, path + " has " + std::to_string(size) +
                                          " bytes, but the manifest says " +
                                          std::to_string(snapshot->info_.blocks) + " blocks");
  }
  return snapshot;
}

Status Snapshot::load_manifest() {
  const std::string path = io::join_path(directory_path_, "MANIFEST");
  VITRINE_TRY(auto in, io::CheckedFileReader::open(files_, path, kManifestName, kManifestFormat));
  Status status = read_manifest(*in, info_, directory_);
  if (status.ok()) status = in->expect_end();
  if (!status.ok()) return std::move(status).error().context(path);
  return ok_status();
}

Status Snapshot::load_kinds() {
  const std::string path = io::join_path(directory_path_, "nodes");
  VITRINE_TRY(auto in, io::CheckedFileReader::open(files_, path, "graph nodes", 1));
  std::uint64_t count = 0;
  VITRINE_TRY(in->value(count));
  if (count != info_.nodes()) {
    return Error(ErrorCode::kCorrupt, path + ": has another number of nodes than the manifest");
  }
  item_bits_.resize(count / 64 + 1);
  std::vector<std::uint32_t> part(16 * 1024);
  std::uint64_t items = 0;
  for (std::uint64_t node = 0; node < count; node += part.size()) {
    part.resize(std::min<std::uint64_t>(part.size(), count - node));
    VITRINE_TRY(in->read(reinterpret_cast<char*>(part.data()), part.size() * 4));
    for (std::size_t i = 0; i < part.size(); ++i) {
      if ((part[i] & kItemBit) == 0) continue;
      item_bits_[(node + i) / 64] |= 1ull << ((node + i) % 64);
      ++items;
    }
  }
  if (items != info_.items) {
    return Error(ErrorCode::kCorrupt, path + ": has another number of items than the manifest");
  }
  return in->expect_end();
}

Result<std::vector<std::uint32_t>> Snapshot::sources() const {
  const std::string path = io::join_path(directory_path_, "nodes");
  VITRINE_TRY(auto in, io::CheckedFileReader::open(files_, path, "graph nodes", 1));
  std::vector<std::uint32_t> sources;
  VITRINE_TRY(in->array(sources));
  VITRINE_TRY(in->expect_end());
  return sources;
}

std::uint64_t Snapshot::entries_in(std::uint32_t block) const {
  const std::uint64_t end =
      block + 1 < directory_.size() ? directory_[block + 1].first_entry : info_.entries;
  return end - directory_[block].first_entry;
}

std::uint64_t Snapshot::nodes_in(std::uint32_t block) const {
  const std::uint64_t end =
      block + 1 < directory_.size() ? directory_[block + 1].first_node : info_.nodes();
  return std::max<std::uint64_t>(end - directory_[block].first_node, 1);
}

Status Snapshot::pin(std::uint64_t bytes, std::uint64_t requests) {
  held_pinned_.release();
  pinned_at_.clear();
  pinned_ = AlignedBuffer();
  pinned_count_ = std::min<std::uint64_t>(bytes / kBlockBytes, directory_.size());
  if (pinned_count_ == 0) return ok_status();
  VITRINE_TRY(held_pinned_, budget_->reserve("neighbour cache",
                                             pinned_count_ * kBlockBytes + directory_.size() * 16));
  // A node of degree d is asked for at least once by n draws with probability 1 - exp(-n d / e);
  // asking again in the same superbatch costs nothing. Blocks are equally large, so the sum over
  // the nodes of a block is its worth.
  const double per_entry = static_cast<double>(requests) / static_cast<double>(info_.entries);
  std::vector<std::pair<double, std::uint32_t>> worth;
  for (std::uint32_t b = 0; b < directory_.size(); ++b) {
    const auto nodes = static_cast<double>(nodes_in(b));
    const double degree = static_cast<double>(entries_in(b)) / nodes;
    worth.emplace_back(-nodes * (1 - std::exp(-per_entry * degree)), b);
  }
  std::sort(worth.begin(), worth.end());
  std::vector<std::uint32_t> chosen;
  for (std::uint64_t i = 0; i < pinned_count_; ++i) chosen.push_back(worth[i].second);
  std::sort(chosen.begin(), chosen.end());
  AlignedBuffer memory(pinned_count_ * kBlockBytes);
  std::uint32_t place = 0;
  std::vector<std::uint32_t> places(directory_.size(), kNotPinned);
  VITRINE_TRY(scan(chosen, [&](std::uint32_t block, const BlockView& view) {
    std::memcpy(memory.data() + std::uint64_t{place} * kBlockBytes, view.bytes().data(),
                kBlockBytes);
    places[block] = place++;
    return ok_status();
  }));
  pinned_ = std::move(memory);
  pinned_at_ = std::move(places);
  return ok_status();
}

std::uint32_t Snapshot::block_of(NodeId node) const {
  // The first block whose first node is beyond, less one; a list may have begun blocks before.
  auto at =
      std::upper_bound(directory_.begin(), directory_.end(), node,
                       [](NodeId n, const DirectoryEntry& entry) { return n < entry.first_node; });
  auto block = static_cast<std::uint32_t>(at - directory_.begin() - 1);
  while (directory_[block].first_node == node && directory_[block].first_position > 0) --block;
  return block;
}

std::uint32_t Snapshot::block_of_entry(std::uint64_t entry) const {
  auto at = std::upper_bound(
      directory_.begin(), directory_.end(), entry,
      [](std::uint64_t e, const DirectoryEntry& there) { return e < there.first_entry; });
  return static_cast<std::uint32_t>(at - directory_.begin() - 1);
}

Status Snapshot::take_block(std::uint32_t block, std::span<const char> bytes,
                            const TakeBlock& take) const {
  auto view = BlockView::open(bytes);
  if (!view.ok()) {
    return std::move(view).error().context(io::join_path(directory_path_, "neighbours") +
                                           " at offset " +
                                           std::to_string(std::uint64_t{block} * kBlockBytes));
  }
  const auto& entry = directory_[block];
  if (view->first_node() != entry.first_node || view->first_edge() != entry.first_entry ||
      view->edges() != entries_in(block) || view->first_position() != entry.first_position ||
      std::uint64_t{view->first_node()} + view->pieces() > info_.nodes()) {
    return Error(ErrorCode::kCorrupt, io::join_path(directory_path_, "neighbours") + ": block " +
                                          std::to_string(block) +
                                          " is not the one of the directory");
  }
  return take(block, *view);
}

Status Snapshot::scan(std::span<const std::uint32_t> blocks, const TakeBlock& take) {
  std::vector<Piece> pieces;
  std::vector<std::size_t> first;  // index in `blocks` of the first block of each piece
  const auto pinned = [&](std::uint32_t block) {
    return !pinned_at_.empty() && pinned_at_[block] != kNotPinned;
  };
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (pinned(blocks[i])) continue;
    const std::uint64_t offset = std::uint64_t{blocks[i]} * kBlockBytes;
    if (!pieces.empty() && pieces.back().offset + pieces.back().bytes == offset &&
        pieces.back().bytes < kBlocksPerRead * kBlockBytes) {
      pieces.back().bytes += kBlockBytes;
    } else {
      pieces.push_back({offset, kBlockBytes});
      first.push_back(i);
    }
  }
  std::size_t next = 0;  // of `blocks`
  const auto take_pinned = [&](std::size_t until) -> Status {
    for (; next < until; ++next) {
      const std::uint32_t block = blocks[next];
      const auto* at = pinned_.data() + std::uint64_t{pinned_at_[block]} * kBlockBytes;
      VITRINE_TRY(take_block(block, {at, kBlockBytes}, take));
    }
    return ok_status();
  };
  if (!pieces.empty() && reader_ == nullptr) {
    constexpr std::uint32_t kPieceBytes = kBlocksPerRead * kBlockBytes;
    static_assert(kReadsInFlight * kPieceBytes == kReadBytes);
    VITRINE_TRY(held_reader_, budget_->reserve("neighbour reads", kReadBytes));
    BulkOptions bulk{&files_, kReadsInFlight, kPieceBytes, {}};
    VITRINE_TRY(reader_, BulkReader::open(io::join_path(directory_path_, "neighbours"), bulk));
  }
  if (!pieces.empty()) {
    const TakePiece take_piece = [&](std::size_t p, std::span<const char> bytes) -> Status {
      VITRINE_TRY(take_pinned(first[p]));
      for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes, ++next) {
        VITRINE_TRY(take_block(blocks[next], bytes.subspan(at, kBlockBytes), take));
      }
      bytes_scanned_ += bytes.size();
      return ok_status();
    };
    VITRINE_TRY(reader_->read(pieces, Delivery::kInOrder, take_piece));
  }
  return take_pinned(blocks.size());
}

Result<std::vector<NodeId>> Snapshot::neighbours(NodeId node) {
  if (node >= info_.nodes()) {
    return Error(ErrorCode::kNotFound, "node " + std::to_string(node) + " is beyond the last");
  }
  std::vector<std::uint32_t> blocks;
  for (std::uint32_t b = block_of(node);
       b < directory_.size() && (blocks.empty() || directory_[b].first_node == node); ++b) {
    if (!blocks.empty() && directory_[b].first_position == 0) break;
    blocks.push_back(b);
  }
  std::vector<NodeId> out;
  const TakeBlock collect = [&](std::uint32_t, const BlockView& view) -> Status {
    const std::uint64_t index = node - view.first_node();
    if (index >= view.pieces()) return ok_status();
    ListPiece piece;
    VITRINE_TRY(view.piece(static_cast<std::uint32_t>(index), piece));
    return decode_piece(piece, out);
  };
  VITRINE_TRY(scan(blocks, collect));
  return out;
}

Status Snapshot::attributes(std::uint32_t block, EdgeAttributes& out) const {
  const std::string path = io::join_path(directory_path_, "attributes");
  VITRINE_TRY(auto file, files_.open(path, io::OpenMode::kRead));
  const std::uint64_t begin = directory_[block].attribute_offset;
  const std::uint64_t end = block + 1 < directory_.size() ? directory_[block + 1].attribute_offset
                                                          : info_.attribute_bytes;
  std::string bytes(end - begin, '\0');
  VITRINE_TRY(const std::size_t got, file->read_at(begin, bytes));
  Status status = decode_attributes(std::string_view(bytes).substr(0, got), out);
  if (status.ok() && out.times_us.size() != entries_in(block)) {
    status = Error(ErrorCode::kCorrupt, "there are attributes of another number of edges");
  }
  if (!status.ok()) {
    return std::move(status).error().context(path + " at offset " + std::to_string(begin));
  }
  return ok_status();
}

Status Snapshot::verify(Progress& progress) {
  progress.start("checking lists", info_.entries, "entries");
  std::vector<std::uint32_t> all(directory_.size());
  for (std::uint32_t b = 0; b < all.size(); ++b) all[b] = b;
  std::vector<NodeId> list;
  EdgeAttributes attributes_of_block;
  const TakeBlock check = [&](std::uint32_t block, const BlockView& view) -> Status {
    std::uint64_t entries = 0;
    for (std::uint32_t i = 0; i < view.pieces(); ++i) {
      ListPiece piece;
      VITRINE_TRY(view.piece(i, piece));
      list.clear();
      VITRINE_TRY(decode_piece(piece, list));
      for (const NodeId neighbour : list) {
        if (neighbour >= info_.nodes()) {
          return Error(ErrorCode::kCorrupt, "block " + std::to_string(block) +
                                                " names a neighbour beyond the last node");
        }
      }
      entries += piece.count;
    }
    if (entries != view.edges()) {
      return Error(ErrorCode::kCorrupt,
                   "block " + std::to_string(block) + " has another number of entries");
    }
    VITRINE_TRY(attributes(block, attributes_of_block));
    progress.update(view.first_edge() + view.edges());
    return ok_status();
  };
  VITRINE_TRY(scan(all, check));
  progress.finish();
  return ok_status();
}

}  // namespace vitrine::graph
