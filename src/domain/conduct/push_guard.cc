#include "domain/conduct/push_guard.h"

#include <algorithm>
#include <limits>

namespace vitrine::conduct {
namespace {

constexpr std::size_t kWhoMost = 10'000;  // the largest push_visitors

std::uint32_t hour_of(TimeUs at) {
  return static_cast<std::uint32_t>(
      std::clamp<TimeUs>(at / kHourUs, 0, std::numeric_limits<std::uint32_t>::max() - 2));
}

}  // namespace

PushGuard::Slot& PushGuard::slot_of(ItemIndex item) {
  Slot* least = nullptr;
  for (Slot& slot : slots_) {
    if (slot.item == item.value) return slot;
    if (slot.pushed_until >= hour_ && slot.pushed_until != 0) continue;
    if (least == nullptr || slot.visitors < least->visitors) least = &slot;
  }
  if (least == nullptr) least = &slots_[0];  // all of them are pushed: the first gives way
  least->item = item.value;
  least->taken_over = least->visitors;
  least->pushed_until = 0;
  least->who.clear();
  return *least;
}

bool PushGuard::begins(UserIndex visitor, ItemIndex item, TimeUs arrived,
                       const Settings& settings) {
  suspects_.clear();
  if (settings.push_visitors == 0) return false;
  if (const std::uint32_t hour = hour_of(arrived); hour > hour_) {
    hour_ = hour;
    visitors_ = 0;
    for (Slot& slot : slots_) {
      slot.visitors = slot.taken_over = 0;
      slot.who.clear();
    }
  }
  ++visitors_;
  Slot& slot = slot_of(item);
  ++slot.visitors;
  const std::uint32_t certain = slot.visitors - slot.taken_over;
  const bool over =
      certain >= settings.push_visitors &&
      std::uint64_t{certain} * 100 >= std::uint64_t{visitors_} * settings.push_percent;
  const bool was = slot.pushed_until != 0 && slot.pushed_until >= hour_;
  if (over) {
    slot.pushed_until = hour_ + 1;
    if (!was) suspects_.swap(slot.who);
    slot.who.clear();
    return true;
  }
  if (was) return true;
  if (slot.who.size() < std::min<std::size_t>(kWhoMost, settings.push_visitors)) {
    slot.who.push_back(visitor);
  }
  return false;
}

void PushGuard::save(Sink& sink) const {
  sink.value(hour_);
  sink.value(visitors_);
  for (const Slot& slot : slots_) {
    sink.value(slot.item);
    sink.value(slot.visitors);
    sink.value(slot.taken_over);
    sink.value(slot.pushed_until);
    sink.array(std::span<const UserIndex>(slot.who));
  }
}

Status PushGuard::load(Source& source, std::uint32_t users) {
  VITRINE_TRY(source.value(hour_));
  VITRINE_TRY(source.value(visitors_));
  for (Slot& slot : slots_) {
    VITRINE_TRY(source.value(slot.item));
    VITRINE_TRY(source.value(slot.visitors));
    VITRINE_TRY(source.value(slot.taken_over));
    VITRINE_TRY(source.value(slot.pushed_until));
    VITRINE_TRY(source.array(slot.who));
    const bool known = std::all_of(slot.who.begin(), slot.who.end(),
                                   [users](UserIndex user) { return user.value < users; });
    if (!known || slot.who.size() > kWhoMost || slot.taken_over > slot.visitors) {
      return Error(ErrorCode::kCorrupt, "conduct: counts of new visitors make no sense");
    }
  }
  return ok_status();
}

std::uint64_t PushGuard::memory_bytes() const {
  std::uint64_t bytes = sizeof(*this) + suspects_.capacity() * sizeof(UserIndex);
  for (const Slot& slot : slots_) bytes += slot.who.capacity() * sizeof(UserIndex);
  return bytes;
}

}  // namespace vitrine::conduct
