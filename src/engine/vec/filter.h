#pragma once
// A filter in list order: which slots may be answered, and how many of each list.
//
// Preparing one from a bitmap of ids costs about a nanosecond or two a vector; searches then skip
// whole lists and blocks without a survivor, and choose how many lists to visit from the counts.

#include <cstdint>
#include <span>
#include <vector>

#include "engine/vec/lists.h"

namespace vitrine::vec {

/// Immutable; any number of threads may read. Belongs to the Lists it was made for.
class Filter {
 public:
  /// Bit (id % 64) of word id / 64 says whether the id passes; ids beyond the words don't.
  Filter(const Lists& lists, std::span<const std::uint64_t> ids);
  /// Everything in `lists` passes.
  explicit Filter(const Lists& lists);
  /// One word a block, one bit a lane: for what was decided in list order (deletions).
  Filter(const Lists& lists, std::vector<std::uint32_t> words);

  std::size_t count() const { return count_; }
  std::uint32_t in_list(std::size_t list) const { return in_list_[list]; }
  const std::uint32_t* words() const { return words_.data(); }
  /// Both filters at once.
  Filter operator&(const Filter& other) const;

 private:
  void recount(const Lists& lists);
  std::vector<std::uint32_t> words_;
  std::vector<std::uint32_t> in_list_;
  std::vector<std::uint32_t> first_block_;
  std::size_t count_ = 0;
};

/// Lists with fewer survivors than one in so many are read row by row instead of scanned: a scan
/// reads 2.3 KB (128 dimensions) for 32 vectors, a row 512 bytes, and needs no second look.
inline constexpr std::uint32_t kSparseOneIn = 10;

/// Filters with at most this many survivors are answered by comparing all of them exactly.
inline constexpr std::size_t kExactSurvivors = 400;

}  // namespace vitrine::vec
