// Many short strings in few large blocks, four bytes a reference.
//
// A freed slot goes to the free list of its size class and is the next one of that class to be
// given out, so a shop that rewrites its titles all day does not grow. What that can't reuse
// (all titles became longer) shows in free_bytes(); the owner then copies the live ones
// into a fresh pool, as TextColumn does when half is free.
//
// Slot: length u16, the bytes, rounded up to its class. Classes are multiples of 8 up to 256 bytes
// and eighths of a power of two above (at most 12.5 % lost). Blocks are 1 MiB and never move,
// so growth copies nothing and a view stays valid until its own string is removed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "domain/catalog/item.h"

namespace vitrine::catalog {

class StringPool {
 public:
  using Ref = std::uint32_t;
  static constexpr Ref kNone = 0;
  static constexpr std::size_t kTextBytesMax = kStringBytesMax;

  // Room for `size` <= kTextBytesMax bytes, to be filled by the caller through `out`.
  // kNone when the pool holds 32 GiB, its end.
  Ref allocate(std::size_t size, char*& out);
  Ref add(std::string_view text);
  void remove(Ref ref);
  std::string_view get(Ref ref) const;
  void prefetch(Ref ref) const { __builtin_prefetch(at(ref)); }

  std::uint64_t free_bytes() const { return free_bytes_; }  // in free slots and lost block ends
  std::uint64_t used_bytes() const { return blocks_.size() * kBlockBytes; }
  std::uint64_t memory_bytes() const { return used_bytes() + blocks_.capacity() * sizeof(void*); }

 private:
  static constexpr std::size_t kUnit = 8;
  static constexpr std::size_t kBlockBytes = 1 << 20;
  static constexpr std::uint32_t kBlockUnits = kBlockBytes / kUnit;
  static constexpr std::size_t kClasses = 80;

  static std::size_t class_of(std::size_t slot_bytes);
  static std::size_t class_bytes(std::size_t size_class);
  char* at(Ref ref) const;

  std::vector<std::unique_ptr<char[]>> blocks_;
  std::uint32_t next_unit_ = kBlockUnits;  // in the last block
  std::array<Ref, kClasses> free_{};  // head of each class; the next is in the slot's first bytes
  std::uint64_t free_bytes_ = 0;
};

}  // namespace vitrine::catalog
