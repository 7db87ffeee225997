#include "engine/graph/internal/row_fetch.h"

#include <algorithm>
#include <cstring>

#include "platform/codec/crc32c.h"

namespace vitrine::graph {

Result<std::unique_ptr<RowFetch>> RowFetch::open(const StoreOptions& options,
                                                 const RowFormat& format) {
  auto fetch = std::unique_ptr<RowFetch>(new RowFetch(format));
  fetch->piece_bytes_max_ = std::max<std::uint32_t>(
      kFetchBytesMax, static_cast<std::uint32_t>(round_up(format.stride(), kPage) + kPage));
  VITRINE_TRY(fetch->held_, options.budget->reserve("page reads", std::uint64_t{options.depth} *
                                                                      fetch->piece_bytes_max_));
  const BulkOptions bulk{options.files, options.depth, fetch->piece_bytes_max_, options.tamper};
  VITRINE_TRY(fetch->reader_, BulkReader::open(options.path, bulk));
  return fetch;
}

void RowFetch::reserve_lists(std::size_t ids) {
  pieces_.reserve(ids);
  first_.reserve(ids + 1);
}

void RowFetch::make_pieces(std::span<const RowId> ids) {
  pieces_.clear();
  first_.clear();
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // of the pages of the piece being made
  const auto close = [&] {
    if (end > begin) pieces_.push_back({begin, static_cast<std::uint32_t>(end - begin)});
  };
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::uint64_t from = format_.offset(ids[i]) / kPage * kPage;
    const std::uint64_t to = round_up(format_.offset(ids[i]) + format_.stride(), kPage);
    if (first_.empty() || from > end || to - begin > piece_bytes_max_) {
      close();
      first_.push_back(i);
      begin = from;
    }
    end = to;
  }
  close();
  first_.push_back(ids.size());
}

Status RowFetch::fetch(std::span<const RowId> ids,
                       const std::function<void(std::size_t i, const char* row)>& take,
                       const OtherWork& meanwhile) {
  make_pieces(ids);
  return reader_->read(
      pieces_, Delivery::kAnyOrder,
      [&](std::size_t piece, std::span<const char> bytes) {
        const std::uint64_t begin = pieces_[piece].offset;
        for (std::size_t i = first_[piece]; i < first_[piece + 1]; ++i) {
          take(i, bytes.data() + (format_.offset(ids[i]) - begin));
        }
        return ok_status();
      },
      meanwhile);
}

Status scan_rows(const StoreOptions& options, const RowFormat& format, std::uint64_t rows,
                 BulkStats& stats,
                 const std::function<Status(std::uint64_t first, std::span<const char>)>& take) {
  VITRINE_TRY(const auto sums, read_row_sums(*options.files, options.path, format));
  const std::uint64_t chunk_bytes = std::uint64_t{format.chunk_rows()} * format.stride();
  BulkOptions bulk{options.files, kScanDepth, static_cast<std::uint32_t>(chunk_bytes),
                   options.tamper};
  VITRINE_TRY(const Reservation held, options.budget->reserve("scan", chunk_bytes * kScanDepth));
  VITRINE_TRY(auto reader, BulkReader::open(options.path, bulk));
  std::vector<Piece> pieces;
  for (std::uint64_t row = 0; row < rows; row += format.chunk_rows()) {
    const std::uint64_t bytes =
        std::min<std::uint64_t>(format.chunk_rows(), format.count - row) * format.stride();
    pieces.push_back({format.offset(row), static_cast<std::uint32_t>(round_up(bytes, kPage))});
  }
  Status status = reader->read(
      pieces, Delivery::kInOrder, [&](std::size_t i, std::span<const char> bytes) -> Status {
        const std::uint64_t first = i * format.chunk_rows();
        const auto whole = bytes.first(
            std::min<std::uint64_t>(format.chunk_rows(), format.count - first) * format.stride());
        if (codec::crc32c({whole.data(), whole.size()}) != sums[i]) {
          return Error(ErrorCode::kCorrupt,
                       options.path + ": the rows from " + std::to_string(first) + " at offset " +
                           std::to_string(format.offset(first)) + " are not what was written");
        }
        return take(first, whole);
      });
  stats.requests += reader->stats().requests;
  stats.bytes += reader->stats().bytes;
  return status;
}

}  // namespace vitrine::graph
