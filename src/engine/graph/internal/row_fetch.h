// Reads single rows of a row file past the page cache: sorted ids in, rows out.
// Rows on the same or neighbouring pages share a request of up to kFetchBytesMax.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/graph/access_trace.h"
#include "engine/graph/bulk_io.h"
#include "engine/graph/row_file.h"
#include "engine/graph/row_store.h"

namespace vitrine::graph {

class RowFetch {
 public:
  static Result<std::unique_ptr<RowFetch>> open(const StoreOptions& options,
                                                const RowFormat& format);
  // Gives each row ids[i] (ascending) to `take(i, row)` as it comes, in any order; its stride()
  // bytes live until that returns. `meanwhile` as of BulkReader::read().
  Status fetch(std::span<const RowId> ids,
               const std::function<void(std::size_t i, const char* row)>& take,
               const OtherWork& meanwhile = {});
  const BulkStats& stats() const { return reader_->stats(); }
  // What fetch() takes for each id beside the buffers; the caller holds it from the budget and
  // says how many ids there will be at most.
  static constexpr std::uint64_t kListBytes = sizeof(Piece) + sizeof(std::size_t);
  void reserve_lists(std::size_t ids);

 private:
  RowFetch(const RowFormat& format) : format_(format) {}
  void make_pieces(std::span<const RowId> ids);

  RowFormat format_;
  std::uint32_t piece_bytes_max_ = 0;
  Reservation held_;
  std::unique_ptr<BulkReader> reader_;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> first_;  // of the ids in each piece, and the end
};

// Every row in order, in large pieces, checked against the file's checksums. `take` gets whole
// rows: the number of the first and the bytes of a chunk.
Status scan_rows(const StoreOptions& options, const RowFormat& format, std::uint64_t rows,
                 BulkStats& stats,
                 const std::function<Status(std::uint64_t first, std::span<const char>)>& take);

inline constexpr std::uint32_t kFetchBytesMax = 16 * 1024;
inline constexpr unsigned kScanDepth = 6;

}  // namespace vitrine::graph
