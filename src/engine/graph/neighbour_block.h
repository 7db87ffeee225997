// Neighbour lists, compressed, in blocks of 64 KiB that stand alone.
//
// Layout of a block, little-endian:
//   0   crc32c (u32) of the rest of the block
//   4   list pieces (u32)        8  first node (u32)      12  first position (u32): of its list,
//   16  first edge (u64)         24 edges (u32)               where the list began in a block
//   before 28  data bytes (u32) 32  offset of each piece in the data (u16 each), then the data,
//   then zeros
// A piece is the part of one node's list that lies in this block; pieces are of consecutive nodes:
//   varint degree * 2 + (1 if the list is cut), and if so varint first position, varint count
//   if count > 64: the end of each chunk but the last, relative to the chunks (u16 each)
//   chunks of 64 neighbours: varint of the first, then varints of the differences
// So one neighbour out of a million costs the decoding of at most 64.
// "Edge" here is an entry of a list: each edge of the source is in two lists.
//
// Views own nothing. Every read is checked against the block's end: any bytes are safe to read.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::graph {

using NodeId = std::uint32_t;

inline constexpr std::size_t kBlockBytes = 64 * 1024;
inline constexpr std::uint32_t kChunkNeighbours = 64;

struct ListPiece {
  NodeId node = 0;
  std::uint32_t degree = 0;  // of the whole list
  std::uint32_t first = 0;   // position of this piece in it
  std::uint32_t count = 0;
  std::string_view chunk_ends;  // u16 each
  std::string_view chunks;
};

class BlockView {
 public:
  // `bytes`: kBlockBytes. kCorrupt says what is wrong.
  static Result<BlockView> open(std::span<const char> bytes);

  std::span<const char> bytes() const { return bytes_; }
  NodeId first_node() const { return first_node_; }
  std::uint32_t pieces() const { return pieces_; }
  std::uint64_t first_edge() const { return first_edge_; }
  std::uint32_t edges() const { return edges_; }
  std::uint32_t first_position() const { return first_position_; }
  Status piece(std::uint32_t index, ListPiece& out) const;

 private:
  std::span<const char> bytes_;
  std::string_view offsets_;
  std::string_view data_;
  NodeId first_node_ = 0;
  std::uint32_t pieces_ = 0;
  std::uint32_t first_position_ = 0;
  std::uint32_t edges_ = 0;
  std::uint64_t first_edge_ = 0;
};

// Decodes chunk `chunk` (neighbours [64 * chunk, ...) of the piece), at most its first `wanted`,
// and returns how many there are; 0 where the bytes are no such chunk.
std::uint32_t decode_chunk(const ListPiece& piece, std::uint32_t chunk,
                           std::array<NodeId, kChunkNeighbours>& out,
                           std::uint32_t wanted = kChunkNeighbours);

// All neighbours of the piece, appended.
Status decode_piece(const ListPiece& piece, std::vector<NodeId>& out);

// Puts lists into blocks. Not thread-safe.
class BlockBuilder {
 public:
  // Begins the list of `node`; nodes come in order from 0, none left out.
  void begin_list(NodeId node, std::uint32_t degree);
  // At most kChunkNeighbours neighbours, ascending, equal ones allowed; all but the last call of a
  // list give exactly that many. True when this began a new block: the one before is in finished().
  bool add_chunk(std::span<const NodeId> neighbours);
  // Ends the list; true as above.
  bool end_list();
  // The last block, if there is any.
  bool finish();

  struct Finished {
    std::string bytes;  // kBlockBytes
    NodeId first_node = 0;
    std::uint32_t first_position = 0;
    std::uint64_t first_edge = 0;
    std::uint32_t edges = 0;
  };
  const Finished& finished() const { return finished_; }

 private:
  void close_piece();
  void close_block();
  std::size_t size_with(std::size_t chunk_bytes) const;

  Finished finished_;
  // The open block.
  std::vector<std::uint16_t> offsets_;
  std::string data_;
  NodeId first_node_ = 0;
  std::uint32_t first_position_ = 0;
  std::uint64_t first_edge_ = 0;
  std::uint32_t edges_ = 0;
  // The open piece.
  bool open_ = false;
  NodeId node_ = 0;
  std::uint32_t degree_ = 0;
  std::uint32_t piece_first_ = 0;
  std::uint32_t piece_count_ = 0;
  std::vector<std::uint16_t> chunk_ends_;
  std::string chunks_;
};

}  // namespace vitrine::graph
