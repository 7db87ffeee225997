#pragma once
// An index as one file that is mapped, not read: it serves as soon as it is checked, and what is
// larger than memory (the exact rows above all) is fetched by the operating system when touched.
//
// Layout, little-endian:
//   0     "VTRNVEC\n", version (u32), number of sections (u32), then for each section
//         kind (u32), 0 (u32), offset (u64), bytes (u64), XXH3 of the bytes (u64)
//   4088  XXH3 of the 4,088 bytes before
//   4096  sections, each at a multiple of 4,096 bytes

#include <string>

#include "engine/vec/index.h"

namespace vitrine::vec {

inline constexpr std::uint32_t kIndexFileVersion = 3;

/// Writes `path`.tmp and renames it: readers of the old file keep it.
Status save_index(io::FileSystem& files, const std::string& path, const Index& index);

struct LoadOptions {
  /// Checks the sums of the exact rows too. Everything else is always checked; the rows are by far
  /// the largest part, and a wrong one can spoil an answer but not crash.
  bool check_rows = true;
  /// For rows that do not fit memory: they are neither checked nor read ahead, and searches ask the
  /// disk for all they need at once. Single searches then use the lists even where there is a
  /// graph, whose walks would wait for one row after the other.
  bool rows_on_disk = false;
};

/// kCorrupt with section and offset where the file is not what was written, kUnsupported for
/// another version. The file must not be truncated while the index is in use.
Result<Index> load_index(io::FileSystem& files, const std::string& path,
                         const LoadOptions& options = {});

/// As load_index, of bytes in memory that start at a multiple of 64; `owner` keeps them alive.
Result<Index> index_from_bytes(std::span<const char> bytes, std::shared_ptr<const void> owner,
                               const LoadOptions& options = {});

}  // namespace vitrine::vec
