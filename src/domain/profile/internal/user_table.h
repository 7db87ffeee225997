// Finds a user's dense number by its key. A slot holds the number and a 32-bit tag, the low half
// of Hash128::low, which also says where the slot belongs; the keys themselves stay with the
// users. So a slot is 8 bytes, an unknown key costs one cache line and growing looks at no key.
//
// The table is cut into 64 parts by the key's top bits. Each grows by itself, so that no single
// insertion waits for more than a 64th of all users to be placed anew.
//
// Keys are never removed. Not thread-safe for writers; any number of readers.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/ids.h"

namespace vitrine::profile::internal {

class UserTable {
 public:
  // `key_of(number)` gives the key of a user that was inserted.
  template <class KeyOf>
  UserIndex find(const Hash128& key, KeyOf&& key_of) const {
    const Part& part = parts_[key.low >> 58];
    if (part.slots.empty()) return kNoUser;
    const std::size_t mask = part.slots.size() - 1;
    for (std::size_t at = tag_of(key) & mask;; at = (at + 1) & mask) {
      const Slot slot = part.slots[at];
      if (slot.user == kNoUser.value) return kNoUser;
      if (slot.tag == tag_of(key) && key_of(slot.user) == key) return UserIndex{slot.user};
    }
  }

  // `key` must not be in the table.
  void insert(const Hash128& key, UserIndex user) {
    Part& part = parts_[key.low >> 58];
    if ((part.used + 1) * 4 > part.slots.size() * 3) {
      grow(part, part.slots.empty() ? 8 : part.slots.size() * 2);
    }
    place(part, {tag_of(key), user.value});
    ++part.used;
  }

  // Room for `users` keys in all, so that a load does not grow step by step.
  void reserve(std::uint64_t users) {
    std::size_t slots = 8;
    while (slots * 64 * 11 < users * 16) slots *= 2;  // load up to 0.69: parts differ in size
    for (Part& part : parts_) {
      if (part.used == 0) part.slots.assign(slots, Slot{});
    }
  }

  void prefetch(const Hash128& key) const {
    const Part& part = parts_[key.low >> 58];
    if (!part.slots.empty()) __builtin_prefetch(&part.slots[tag_of(key) & (part.slots.size() - 1)]);
  }

  std::uint64_t memory_bytes() const {
    std::uint64_t bytes = sizeof(*this);
    for (const Part& part : parts_) bytes += part.slots.capacity() * sizeof(Slot);
    return bytes;
  }

  void clear() { parts_ = {}; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t user = kNoUser.value;
  };
  struct Part {
    std::vector<Slot> slots;  // a power of two, at most 3/4 used; linear probing
    std::size_t used = 0;
  };

  static std::uint32_t tag_of(const Hash128& key) { return static_cast<std::uint32_t>(key.low); }

  static void place(Part& part, const Slot& slot) {
    const std::size_t mask = part.slots.size() - 1;
    std::size_t at = slot.tag & mask;
    while (part.slots[at].user != kNoUser.value) at = (at + 1) & mask;
    part.slots[at] = slot;
  }

  static void grow(Part& part, std::size_t slots) {
    Part bigger{std::vector<Slot>(slots), part.used};
    for (const Slot& slot : part.slots) {
      if (slot.user != kNoUser.value) place(bigger, slot);
    }
    part = std::move(bigger);
  }

  std::array<Part, 64> parts_;
};

}  // namespace vitrine::profile::internal
