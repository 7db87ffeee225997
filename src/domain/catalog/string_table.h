// A set of strings, each with a dense number: item ids, and the values of a dictionary.
//
// find and add take one hash and usually one cache miss in the slots and one in the pool
// (1 M ids: about 0.1 us). Numbers of removed strings are given out again, last freed first.
// Slots are open-addressed with linear probing, at most 3/4 full; a slot holds 32 bits of the
// hash, so that growing rehashes no string. The hash is seeded per process: slot order is
// nothing anybody outside can see or choose.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/huge_pages.h"
#include "domain/catalog/string_pool.h"

namespace vitrine::catalog {

class StringTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;

  // kNone where there is no such string.
  std::uint32_t find(std::string_view text) const;
  // Fetches the slot that find() and add() will look at first.
  void prefetch(std::string_view text) const;
  // The number of `text`, new or old. kNone when full (2^32 - 2 strings or the pool's end).
  std::uint32_t add(std::string_view text);
  void remove(std::uint32_t number);
  // `number` must be in use. Valid until that string is removed.
  std::string_view get(std::uint32_t number) const { return pool_.get(refs_[number]); }

  void reserve(std::size_t strings);
  // One past the largest number ever in use; equals count() if nothing was removed.
  std::size_t size() const { return refs_.size(); }
  std::size_t count() const { return refs_.size() - free_.size(); }
  std::uint64_t memory_bytes() const;

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t number;  // kNone: empty
  };
  std::size_t probe(std::string_view text, std::uint32_t tag) const;
  void grow(std::size_t slots);

  StringPool pool_;
  HugeVector<StringPool::Ref> refs_;
  std::vector<std::uint32_t> free_;
  HugeVector<Slot> slots_;  // a power of two, or empty
};

}  // namespace vitrine::catalog
