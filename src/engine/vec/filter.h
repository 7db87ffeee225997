#pragma once
// A filter in list order: which slots may be answered, and how many of each list.
//
// Preparing one from a bitmap of ids costs a nanosecond or two a vector; searches then skip whole
// lists and blocks without a survivor, and choose how many lists to visit from the counts. For a
// filter that serves many searches the codes of the survivors are copied side by side, so that a
// search reads those and nothing else.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/vec/lists.h"

namespace vitrine::vec {

/// kMany copies the survivors' codes where they are few (kCopiedOneIn): some 0.1 to 0.2 us each,
/// repaid after a few dozen searches.
enum class FilterUse { kOnce, kMany };

/// Immutable; any number of threads may read; copies share. Belongs to the Lists it was made for.
class Filter {
 public:
  /// Bit (id % 64) of word id / 64 says whether the id passes; ids beyond the words don't.
  Filter(const Lists& lists, std::span<const std::uint64_t> ids, FilterUse use = FilterUse::kOnce);
  /// Everything in `lists` passes.
  explicit Filter(const Lists& lists);
  /// One word a block, one bit a lane: for what was decided in list order (deletions).
  Filter(const Lists& lists, std::vector<std::uint32_t> words);

  std::size_t count() const { return count_; }
  std::uint32_t in_list(std::size_t list) const { return in_list_[list]; }
  const std::uint32_t* words() const { return words_.data(); }
  /// Both filters at once, for one use.
  Filter operator&(const Filter& other) const;

  /// The survivors of all lists without gaps: `begin[list]` is the place of a list's first.
  struct Copied {
    std::vector<std::uint32_t> begin;
    std::vector<std::uint32_t> slots;  ///< of each place
    Column<std::uint8_t> codes;
    Column<std::uint8_t> low;
  };
  /// Null where codes were not copied.
  const Copied* copied() const { return copied_.get(); }
  /// The survivors' slots where they are at most kExactSurvivors, else empty.
  const std::vector<std::uint32_t>& few() const { return few_; }
  /// What a scan of `list` reads.
  CodeView view(const Lists& lists, std::uint32_t list) const;

 private:
  void recount(const Lists& lists);
  void note_few();
  void copy_codes(const Lists& lists);
  std::vector<std::uint32_t> words_;
  std::vector<std::uint32_t> in_list_;
  std::vector<std::uint32_t> first_block_;
  std::size_t count_ = 0;
  std::shared_ptr<const Copied> copied_;
  std::vector<std::uint32_t> few_;
};

/// Codes are copied where at most one vector in so many passes: beyond it most of every cache line
/// is wanted anyway, and the copies would be large.
inline constexpr std::size_t kCopiedOneIn = 4;

/// Without copies, lists with fewer survivors than one in so many are read row by row instead of
/// scanned: a scan reads 2.2 KB (128 dimensions) for 32 vectors, a row 512 bytes, and needs no
/// second look.
inline constexpr std::uint32_t kSparseOneIn = 10;

/// Filters with at most this many survivors are answered by comparing all of them exactly: some 20
/// ns each, less than ranking lists that hold a survivor now and then.
inline constexpr std::size_t kExactSurvivors = 1000;

}  // namespace vitrine::vec
