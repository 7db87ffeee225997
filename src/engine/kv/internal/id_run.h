// An immutable file of ids, sorted by hash.
//
// Layout, in pages of 4096 bytes:
//   page 0      header: magic (8 bytes), number, entries, first generation, hash of the index,
//               hash of the header before it (u64 each); the rest is zero
//   pages 1..P  170 entries of 24 bytes each (the last page maybe fewer), 8 zero bytes, XXH3 of
//               the 4088 bytes before it (u64)
//   index       P fences (u64: the page's first `low`), the hash of each page (u64), then the
//               Bloom filter; hashed as a whole into the header
// The index is kept in memory but for the page hashes: per id 16 bits of filter and 8 bytes
// in 170 of fences.
//
// The filter has blocks of 64 bytes, 32 ids to a block; the block is chosen by `low`, then one
// bit in each of its 8 words by 6 bits of the 48 of `high`. A word is 39 % full, so an id that
// isn't in the run passes with probability 0.39^8 = 0.0006, about 0.001 with uneven blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "engine/kv/internal/id_entry.h"
#include "platform/io/file_system.h"

namespace vitrine::kv::internal {

// How a snapshot names a run.
struct IdRunReference {
  std::uint64_t number = 0;
  std::uint64_t entries = 0;
  std::uint64_t first_generation = 0;
  std::uint64_t generations = 0;  // 1..65536, one after the other
  std::uint64_t header_hash = 0;  // and through it of every byte of the file
};
static_assert(sizeof(IdRunReference) == 40);

class IdRun {
 public:
  // Writes the run; `sorted` is by low, then high. Not synced.
  static Result<std::unique_ptr<IdRun>> write(io::FileSystem& files, const std::string& directory,
                                              const IdRunReference& name,
                                              const std::vector<IdEntry>& sorted);
  // Opens a run and reads its index. kCorrupt unless it is the very one referred to.
  static Result<std::unique_ptr<IdRun>> open(io::FileSystem& files, const std::string& directory,
                                             const IdRunReference& reference);
  static std::string file_name(std::uint64_t number);

  const IdRunReference& reference() const { return reference_; }
  std::uint64_t last_generation() const {
    return reference_.first_generation + reference_.generations - 1;
  }

  void prefetch(const Hash128& id) const { __builtin_prefetch(block_of(id.low)); }
  // False: the id is not in the run, for sure. One cache line.
  bool may_contain(const Hash128& id) const;
  // Fills `out`; false if the id is not in the run. One page is read.
  Result<bool> find(const Hash128& id, IdEntry& out) const;
  Status for_each(const std::function<void(const IdEntry&)>& visit) const;
  Status sync() const { return file_->sync_data(); }
  std::uint64_t memory_bytes() const;

 private:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kPerPage = 170;
  struct Page {
    IdEntry entries[kPerPage];
    std::uint64_t zero;
    std::uint64_t hash;
  };
  struct Header;
  struct alignas(64) Block {
    std::uint64_t words[8];
  };

  IdRun() = default;
  static std::uint64_t pages_for(std::uint64_t entries) {
    return (entries + kPerPage - 1) / kPerPage;
  }
  static std::uint64_t blocks_for(std::uint64_t entries) { return entries / 32 + 1; }
  const Block* block_of(std::uint64_t low) const {
    return &filter_[(low >> 32) * filter_.size() >> 32];  // in order of `low`
  }
  Block* block_of(std::uint64_t low) {
    return const_cast<Block*>(static_cast<const IdRun*>(this)->block_of(low));
  }
  std::size_t entries_in(std::uint64_t page) const;
  Status read_page(std::uint64_t page, Page& out) const;
  Status write_pages(const std::vector<IdEntry>& sorted);
  Status write_header();
  std::uint64_t index_hash() const;
  Header header() const;
  Status read_index();
  Status read_exactly(std::uint64_t offset, char* out, std::size_t size,
                      std::string_view what) const;
  Error corrupt(const std::string& what) const;

  std::string path_;
  std::unique_ptr<io::File> file_;
  IdRunReference reference_;
  std::vector<std::uint64_t> fences_;
  std::vector<std::uint64_t> page_hashes_;  // only while writing or opening
  std::vector<Block> filter_;
};

}  // namespace vitrine::kv::internal
