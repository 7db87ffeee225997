// Everything one answer knows about the items it met: a hash table that is filled and emptied
// a thousand times a second and gives no memory back.
//
// Not thread-safe: one per thread, reused. clear() costs nothing that grows with the table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"
#include "service/recommend/source.h"

namespace vitrine::recommend {

// What is known of an item besides its scores. Bits.
enum ItemMark : std::uint16_t {
  kMarkSeen = 1,      // in the user's history, by any event about an item
  kMarkBought = 2,    // bought and not sent back
  kMarkDisliked = 4,  // the user asked not to see it
  kMarkContext = 8,   // the page or cart this answer is for
  kMarkTried = 16,    // already offered to the eligibility test, whatever came of it
  kMarkPaged = 32,    // on an earlier page of the same list
};

struct ItemEntry {
  ItemIndex item;
  std::uint16_t marks = 0;
  // How often the visitor looked at it without opening it, in units of 1/profile::kLook.
  std::uint16_t looks = 0;
  // Evidence of each candidate source, in [0, 1], by Source; 0 where there is none.
  float evidence[kEvidenceSources] = {};
};

class ItemTable {
 public:
  ItemTable();

  // Forgets every item. References from before are dangling.
  void clear() {
    entries_.clear();
    if (++epoch_ == 0) forget_slots();
  }

  // The entry of `item`, made if there is none. Valid until the next insert() or clear().
  ItemEntry& insert(ItemIndex item) {
    for (std::size_t at = hash(item) & mask_;; at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.epoch != epoch_) return insert_at(at, item);
      if (slot.item == item.value) return entries_[slot.entry];
    }
  }

  const ItemEntry* find(ItemIndex item) const {
    for (std::size_t at = hash(item) & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.epoch != epoch_) return nullptr;
      if (slot.item == item.value) return &entries_[slot.entry];
    }
  }

  // Takes a mark off all items.
  void remove_mark(ItemMark mark) {
    for (ItemEntry& entry : entries_) entry.marks &= static_cast<std::uint16_t>(~mark);
  }

  // In order of first insertion.
  std::span<const ItemEntry> entries() const { return entries_; }

 private:
  struct Slot {
    std::uint32_t item = 0;
    std::uint32_t entry = 0;
    std::uint32_t epoch = 0;  // the slot is empty unless this is the table's epoch
  };
  static std::size_t hash(ItemIndex item) {
    return static_cast<std::size_t>((item.value * 0x9E3779B97F4A7C15ull) >> 32);
  }
  ItemEntry& insert_at(std::size_t at, ItemIndex item);
  void grow();
  void forget_slots();

  std::vector<Slot> slots_;  // a power of two, at most half full
  std::vector<ItemEntry> entries_;
  std::size_t mask_ = 0;
  std::uint32_t epoch_ = 1;
};

}  // namespace vitrine::recommend
