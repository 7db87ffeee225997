#include "service/recommend/item_table.h"

namespace vitrine::recommend {

namespace {
constexpr std::size_t kFirstSlots = 4096;
}

ItemTable::ItemTable() : slots_(kFirstSlots), mask_(kFirstSlots - 1) {
  entries_.reserve(kFirstSlots / 2);
}

ItemEntry& ItemTable::insert_at(std::size_t at, ItemIndex item) {
  slots_[at] = {item.value, static_cast<std::uint32_t>(entries_.size()), epoch_};
  entries_.push_back({.item = item});
  if (entries_.size() * 2 > slots_.size()) grow();
  return entries_.back();
}

void ItemTable::grow() {
  slots_.assign(slots_.size() * 2, Slot{});
  mask_ = slots_.size() - 1;
  epoch_ = 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = hash(entries_[i].item) & mask_;
    while (slots_[at].epoch == epoch_) at = (at + 1) & mask_;
    slots_[at] = {entries_[i].item.value, static_cast<std::uint32_t>(i), epoch_};
  }
}

void ItemTable::forget_slots() {
  slots_.assign(slots_.size(), Slot{});
  epoch_ = 1;
}

}  // namespace vitrine::recommend
