// Whatever the bytes of a snapshot are: a refusal or safe values, never a read beyond them. The
// checksums are put right first, or the search would end at them. Also the header of row files.
#include <cstring>
#include <string>

#include "base/stream.h"
#include "engine/graph/edge_attributes.h"
#include "engine/graph/internal/manifest.h"
#include "engine/graph/neighbour_block.h"
#include "engine/graph/row_file.h"
#include "platform/codec/crc32c.h"

using namespace vitrine;
using namespace vitrine::graph;

namespace {

void put_sum(std::string& bytes) {
  if (bytes.size() < 4) return;
  const std::uint32_t sum = codec::crc32c(std::string_view(bytes).substr(4));
  std::memcpy(bytes.data(), &sum, 4);
}

void read_block(std::string bytes) {
  bytes.resize(kBlockBytes, '\0');
  put_sum(bytes);
  const auto view = BlockView::open(bytes);
  if (!view.ok()) return;
  std::vector<NodeId> list;
  for (std::uint32_t i = 0; i < view->pieces(); ++i) {
    ListPiece piece;
    list.clear();
    if (!view->piece(i, piece).ok() || !decode_piece(piece, list).ok()) continue;
    if (list.size() != piece.count) __builtin_trap();
  }
}

void read_attributes(std::string bytes) {
  put_sum(bytes);
  EdgeAttributes attributes;
  if (!decode_attributes(bytes, attributes).ok()) return;
  std::string again;
  encode_attributes(attributes, again);
  EdgeAttributes twice;
  if (!decode_attributes(again, twice).ok()) __builtin_trap();
  if (twice.times_us != attributes.times_us) __builtin_trap();
  if (twice.types != attributes.types) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kBlockBytes) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: read_block(bytes); break;
    case 1: read_attributes(bytes); break;
    case 2: {
      StringSource source(bytes);
      SnapshotInfo info;
      std::vector<Snapshot::DirectoryEntry> directory;
      const Status status = read_manifest(source, info, directory);
      if (status.ok() && directory.size() != info.blocks) __builtin_trap();
      break;
    }
    default: {
      std::string header = bytes;
      header.resize(44, '\0');
      const std::uint32_t sum = codec::crc32c(std::string_view(header).substr(0, 36));
      std::memcpy(header.data() + 36, &sum, 4);
      const auto format = parse_row_header(header);
      if (format.ok() && format->count == 0) __builtin_trap();
    }
  }
  return 0;
}
