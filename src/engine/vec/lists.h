#pragma once
// The inverted lists: vectors grouped by nearest centroid, as codes in blocks, with the second
// nibbles and the exact rows beside them, all in list order.
//
// A "slot" is a place in list order: block * kLanes + lane. Lists start at block borders; unused
// lanes of a list's last block hold id kNoId, and scans leave them out.

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "engine/vec/coarse.h"
#include "engine/vec/coding.h"
#include "engine/vec/column.h"
#include "engine/vec/kernels.h"
#include "engine/vec/quantize.h"
#include "engine/vec/rotation.h"
#include "engine/vec/types.h"
#include "engine/vec/workers.h"

namespace vitrine::vec {

/// Codes of consecutive vectors of one list, as a scan takes them.
struct CodeView {
  const std::uint8_t* codes = nullptr;  ///< blocks; place p is lane p % kLanes of block p / kLanes
  std::size_t begin = 0;                ///< places
  std::size_t end = 0;
  const std::uint32_t* allowed = nullptr;  ///< one word a block; null: every place of the range

  std::size_t first_block() const { return begin / kLanes; }
  std::size_t end_block() const { return (end + kLanes - 1) / kLanes; }
  /// The words that a scan of `some` blocks from `block` on needs, written to `space` where they
  /// are not stored; null where it may keep every lane.
  const std::uint32_t* words(std::size_t block, std::size_t some, std::uint32_t* space) const;
};

/// Immutable once built or loaded; any number of threads may read.
struct Lists {
  Metric metric = Metric::kL2;
  std::uint32_t dim = 0;   ///< of the rows
  std::uint32_t dims = 0;  ///< of the codes: dim rounded up to a multiple of 8
  std::size_t count = 0;   ///< vectors
  Rotation rotation;
  CoarseTable coarse;
  Coding coding;
  Column<std::uint32_t> first_block;  ///< of each list, and the end
  Column<std::uint32_t> sizes;        ///< vectors of each list
  Column<std::uint32_t> list_of_block;
  Column<ListFactors> factors;  ///< of each list
  Column<std::uint8_t> codes;   ///< blocks of coding.block_bytes()
  Column<std::uint8_t> low;     ///< coding.second_bytes() a slot
  Column<std::uint32_t> ids;    ///< a slot
  Column<float> rows;           ///< dim floats a slot, scaled to length 1 for kCosine
  /// The rows map a file that may not be in memory: searches ask for all rows that they are about
  /// to compare at once, so that the disk has many reads to do side by side.
  bool rows_on_disk = false;

  std::size_t list_count() const { return sizes.size(); }
  std::size_t block_count() const { return list_of_block.size(); }
  std::size_t slot_count() const { return ids.size(); }
  CodeView view(std::uint32_t list) const;
  /// What the second codes (`low_row`) make of an estimate of the scan, for the vector of `list` at
  /// `place` of `blocks`, which may be a copy of some of ours.
  float second_look(float estimate, const RotatedQuery& query, std::uint32_t list,
                    const std::uint8_t* blocks, std::size_t place,
                    const std::uint8_t* low_row) const;
  /// Before `n` rows are compared; does nothing unless rows_on_disk.
  void ask_rows(const std::uint32_t* slots, std::size_t n) const;
  /// The score as callers see it: squared distance or similarity, from the exact rows.
  float exact(const float* original, std::uint32_t slot) const;
  /// Bytes a search reads or may read for ranking, without ids and exact rows.
  std::size_t code_bytes() const { return codes.bytes() + low.bytes(); }
  std::size_t total_bytes() const;
};

struct ListOptions {
  Metric metric = Metric::kL2;
  std::uint32_t lists = 0;  ///< 0: about the square root of the number of rows
  CoarseOrder order = CoarseOrder::kDistance;
  unsigned iterations = 10;             ///< of k-means
  std::uint32_t sample_per_list = 128;  ///< rows that train k-means: more is slower, a bit better
  std::uint64_t seed = 1;
  CodeOptions codes{};
};

/// `ids` may be null: then row i has id i. `rows` need not outlive the call.
Lists build_lists(const Rows& rows, const std::uint32_t* ids, const ListOptions& options,
                  const Workers& workers, Progress& progress);

/// The same centroids and words for another set of rows: what merging inserts needs.
Lists encode_lists(const Rows& rows, const std::uint32_t* ids, Metric metric,
                   const Rotation& rotation, CoarseTable coarse, Coding coding,
                   const Workers& workers, Progress& progress);

/// Scales `row` to length 1 into `out`; a row of zeros stays one.
void normalize(const float* row, std::size_t dim, float* out);

}  // namespace vitrine::vec
