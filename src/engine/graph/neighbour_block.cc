#include "engine/graph/neighbour_block.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "platform/codec/crc32c.h"

namespace vitrine::graph {
namespace {

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kPieceHeaderMax = 15;

Error corrupt(std::string_view what) { return {ErrorCode::kCorrupt, std::string(what)}; }

std::uint16_t u16_at(std::string_view bytes, std::size_t index) {
  std::uint16_t value;
  std::memcpy(&value, bytes.data() + index * 2, 2);
  return value;
}

}  // namespace

Result<BlockView> BlockView::open(std::span<const char> bytes) {
  if (bytes.size() != kBlockBytes) return corrupt("a block has 65536 bytes");
  const std::string_view all(bytes.data(), bytes.size());
  ByteReader header(all);
  const std::uint32_t sum = header.u32();
  if (sum != codec::crc32c(all.substr(4))) return corrupt("the block's checksum differs");
  BlockView view;
  view.bytes_ = bytes;
  view.pieces_ = header.u32();
  view.first_node_ = header.u32();
  view.first_position_ = header.u32();
  view.first_edge_ = header.u64();
  view.edges_ = header.u32();
  const std::uint32_t data_bytes = header.u32();
  const std::uint64_t data_at = kHeaderBytes + std::uint64_t{view.pieces_} * 2;
  if (data_at + data_bytes > kBlockBytes) return corrupt("the block says impossible sizes");
  view.offsets_ = all.substr(kHeaderBytes, view.pieces_ * 2);
  view.data_ = all.substr(data_at, data_bytes);
  return view;
}

Status BlockView::piece(std::uint32_t index, ListPiece& out) const {
  const std::size_t begin = u16_at(offsets_, index);
  const std::size_t end = index + 1 < pieces_ ? u16_at(offsets_, index + 1) : data_.size();
  if (begin > end || end > data_.size()) return corrupt("a list lies outside its block");
  ByteReader reader(data_.substr(begin, end - begin));
  const std::uint64_t head = reader.varint();
  out.node = first_node_ + index;
  out.degree = static_cast<std::uint32_t>(head >> 1);
  std::uint64_t first = 0;
  std::uint64_t count = head >> 1;
  if ((head & 1) != 0) {
    first = reader.varint();
    count = reader.varint();
  }
  if (!reader.ok() || head >> 33 != 0 || first > out.degree || count > out.degree - first) {
    return corrupt("a list says an impossible degree");
  }
  out.first = static_cast<std::uint32_t>(first);
  out.count = static_cast<std::uint32_t>(count);
  const std::uint64_t chunks = (count + kChunkNeighbours - 1) / kChunkNeighbours;
  out.chunk_ends = reader.raw(chunks > 1 ? (chunks - 1) * 2 : 0);
  out.chunks = reader.raw(reader.remaining());
  // A neighbour takes a byte at least.
  if (!reader.ok() || out.chunks.size() < count) return corrupt("a list is cut short");
  return ok_status();
}

std::uint32_t decode_chunk(const ListPiece& piece, std::uint32_t chunk,
                           std::array<NodeId, kChunkNeighbours>& out, std::uint32_t wanted) {
  const std::size_t inner_ends = piece.chunk_ends.size() / 2;
  if (std::uint64_t{chunk} * kChunkNeighbours >= piece.count) return 0;
  const std::size_t begin = chunk == 0 ? 0 : u16_at(piece.chunk_ends, chunk - 1);
  const std::size_t end =
      chunk < inner_ends ? u16_at(piece.chunk_ends, chunk) : piece.chunks.size();
  if (begin > end || end > piece.chunks.size()) return 0;
  const std::uint32_t count =
      std::min({kChunkNeighbours, piece.count - chunk * kChunkNeighbours, wanted});
  const char* at = piece.chunks.data() + begin;
  const char* const stop = piece.chunks.data() + end;
  NodeId id = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t difference = 0;
    for (int shift = 0;; shift += 7) {
      if (at == stop || shift > 28) return 0;
      const auto byte = static_cast<std::uint8_t>(*at++);
      difference |= std::uint32_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) break;
    }
    id += difference;
    out[i] = id;
  }
  return count;
}

Status decode_piece(const ListPiece& piece, std::vector<NodeId>& out) {
  std::array<NodeId, kChunkNeighbours> chunk;
  for (std::uint32_t c = 0; std::uint64_t{c} * kChunkNeighbours < piece.count; ++c) {
    const std::uint32_t count = decode_chunk(piece, c, chunk);
    if (count == 0) return corrupt("a chunk of neighbours is damaged");
    out.insert(out.end(), chunk.begin(), chunk.begin() + count);
  }
  return ok_status();
}

void BlockBuilder::begin_list(NodeId node, std::uint32_t degree) {
  VITRINE_CHECK(!open_);
  open_ = true;
  node_ = node;
  degree_ = degree;
  piece_first_ = piece_count_ = 0;
  chunk_ends_.clear();
  chunks_.clear();
}

std::size_t BlockBuilder::size_with(std::size_t chunk_bytes) const {
  return kHeaderBytes + (offsets_.size() + 1) * 2 + data_.size() + kPieceHeaderMax +
         (chunk_ends_.size() + 1) * 2 + chunks_.size() + chunk_bytes;
}

bool BlockBuilder::add_chunk(std::span<const NodeId> neighbours) {
  VITRINE_CHECK(open_);
  std::string chunk;
  ByteWriter writer(chunk);
  NodeId last = 0;
  for (const NodeId id : neighbours) {
    writer.varint(id - last);
    last = id;
  }
  bool full = false;
  if (size_with(chunk.size()) > kBlockBytes) {
    const std::uint32_t reached = piece_first_ + piece_count_;
    if (piece_count_ > 0) close_piece();
    close_block();
    piece_first_ = reached;
    full = true;
  }
  if (offsets_.empty() && piece_count_ == 0) {
    first_node_ = node_;
    first_position_ = piece_first_;
  }
  chunks_ += chunk;
  chunk_ends_.push_back(static_cast<std::uint16_t>(chunks_.size()));
  piece_count_ += static_cast<std::uint32_t>(neighbours.size());
  edges_ += static_cast<std::uint32_t>(neighbours.size());
  return full;
}

void BlockBuilder::close_piece() {
  const bool cut = piece_count_ < degree_;
  offsets_.push_back(static_cast<std::uint16_t>(data_.size()));
  ByteWriter writer(data_);
  writer.varint(std::uint64_t{degree_} * 2 + (cut ? 1 : 0));
  if (cut) {
    writer.varint(piece_first_);
    writer.varint(piece_count_);
  }
  for (std::size_t i = 0; i + 1 < chunk_ends_.size(); ++i) writer.u16(chunk_ends_[i]);
  data_ += chunks_;
  chunk_ends_.clear();
  chunks_.clear();
  piece_count_ = 0;
}

bool BlockBuilder::end_list() {
  VITRINE_CHECK(open_);
  bool full = false;
  if (degree_ == 0) {
    if (size_with(0) > kBlockBytes) {
      close_block();
      full = true;
    }
    if (offsets_.empty()) {
      first_node_ = node_;
      first_position_ = 0;
    }
  }
  close_piece();
  open_ = false;
  return full;
}

bool BlockBuilder::finish() {
  if (offsets_.empty()) return false;
  close_block();
  return true;
}

void BlockBuilder::close_block() {
  finished_.bytes.clear();
  ByteWriter writer(finished_.bytes);
  writer.u32(0);
  writer.u32(static_cast<std::uint32_t>(offsets_.size()));
  writer.u32(first_node_);
  writer.u32(first_position_);
  writer.u64(first_edge_);
  writer.u32(edges_);
  writer.u32(static_cast<std::uint32_t>(data_.size()));
  for (const std::uint16_t offset : offsets_) writer.u16(offset);
  writer.raw(data_);
  VITRINE_CHECK(finished_.bytes.size() <= kBlockBytes);
  finished_.bytes.resize(kBlockBytes, '\0');
  const std::uint32_t sum = codec::crc32c(std::string_view(finished_.bytes).substr(4));
  std::memcpy(finished_.bytes.data(), &sum, 4);
  finished_.first_node = first_node_;
  finished_.first_position = first_position_;
  finished_.first_edge = first_edge_;
  finished_.edges = edges_;
  first_edge_ += edges_;
  edges_ = 0;
  offsets_.clear();
  data_.clear();
}

}  // namespace vitrine::graph
