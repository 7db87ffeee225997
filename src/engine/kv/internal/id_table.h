// Finds an entry of an IdLog by its id.
//
// A slot holds the entry's number and a 32-bit tag, the low half of Hash128::low; the tag also
// says where the slot belongs. So a lookup of an unknown id touches one cache line and no
// entry, and growing or closing a gap never looks at entries either. The table is cut into 64
// parts by the top bits of `low`, each of which grows by itself: no insertion waits for more
// than a 64th of the table.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace vitrine::kv::internal {

class IdTable {
 public:
  // Calls is(number) for each entry that may have this id until it says true.
  template <class Is>
  bool find(const Hash128& id, Is&& is) const {
    const Part& part = parts_[id.low >> 58];
    if (part.slots.empty()) return false;
    const std::uint32_t tag = tag_of(id.low);
    const std::size_t mask = part.slots.size() - 1;
    for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
      const Slot slot = part.slots[at];
      if (!slot.used()) return false;
      if (slot.tag == tag && is(slot.number())) return true;
    }
  }

  void insert(std::uint64_t low, std::uint32_t number) {
    Part& part = parts_[low >> 58];
    if ((part.used + 1) * 4 > part.slots.size() * 3) {
      grow(part, part.slots.empty() ? 8 : part.slots.size() * 2);
    }
    place(part, Slot::of(tag_of(low), number));
    ++part.used;
  }

  // Removes the slot of this number, which must be there, and closes the gap.
  void erase(std::uint64_t low, std::uint32_t number) {
    Part& part = parts_[low >> 58];
    const std::size_t mask = part.slots.size() - 1;
    std::size_t gap = tag_of(low) & mask;
    while (!(part.slots[gap] == Slot::of(tag_of(low), number))) gap = (gap + 1) & mask;
    for (std::size_t at = (gap + 1) & mask; part.slots[at].used(); at = (at + 1) & mask) {
      // A slot may move back to the gap unless it belongs somewhere behind it.
      const std::size_t home = part.slots[at].tag & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      part.slots[gap] = part.slots[at];
      gap = at;
    }
    part.slots[gap] = Slot{};
    --part.used;
  }

  void prefetch(std::uint64_t low) const {
    const Part& part = parts_[low >> 58];
    if (!part.slots.empty()) {
      __builtin_prefetch(&part.slots[tag_of(low) & (part.slots.size() - 1)], 1);
    }
  }

  void reserve(std::uint64_t ids) {
    std::size_t slots = 8;
    while (slots * 64 * 11 < ids * 16) slots *= 2;  // load up to 0.69: parts differ in size
    for (Part& part : parts_) {
      if (part.slots.size() < slots) grow(part, slots);
    }
  }

  void clear() { parts_ = {}; }

  std::uint64_t memory_bytes() const {
    std::uint64_t bytes = sizeof(*this);
    for (const Part& part : parts_) bytes += part.slots.capacity() * sizeof(Slot);
    return bytes;
  }

 private:
  static constexpr std::uint32_t kUsed = 0x8000'0000;

  // An empty slot is all zeros: fresh pages of the system are that without being touched.
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number_and_used = 0;  // the top bit says used
    static Slot of(std::uint32_t tag, std::uint32_t number) { return {tag, number | kUsed}; }
    bool used() const { return number_and_used != 0; }
    std::uint32_t number() const { return number_and_used & ~kUsed; }
    friend bool operator==(const Slot&, const Slot&) = default;
  };
  struct Part {
    std::vector<Slot> slots;  // a power of two, at most 3/4 used; linear probing
    std::size_t used = 0;
  };

  static std::uint32_t tag_of(std::uint64_t low) { return static_cast<std::uint32_t>(low); }

  static void place(Part& part, const Slot& slot) {
    const std::size_t mask = part.slots.size() - 1;
    std::size_t at = slot.tag & mask;
    while (part.slots[at].used()) at = (at + 1) & mask;
    part.slots[at] = slot;
  }

  static void grow(Part& part, std::size_t slots) {
    Part bigger{std::vector<Slot>(slots), part.used};
    for (const Slot& slot : part.slots) {
      if (slot.used()) place(bigger, slot);
    }
    part = std::move(bigger);
  }

  std::array<Part, 64> parts_;
};

}  // namespace vitrine::kv::internal
