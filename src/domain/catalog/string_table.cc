#include "domain/catalog/string_table.h"

#include <bit>
#include <random>

#include "base/hash.h"

namespace vitrine::catalog {

namespace {

std::uint32_t tag_of(std::string_view text) {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }();
  return static_cast<std::uint32_t>(hash64(text, seed));
}

}  // namespace

// The slot that holds `text`, or the empty one where it would go.
std::size_t StringTable::probe(std::string_view text, std::uint32_t tag) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = tag & mask;
  while (slots_[at].number != kNone) {
    if (slots_[at].tag == tag && get(slots_[at].number) == text) break;
    at = (at + 1) & mask;
  }
  return at;
}

std::uint32_t StringTable::find(std::string_view text) const {
  if (slots_.empty()) return kNone;
  return slots_[probe(text, tag_of(text))].number;
}

void StringTable::prefetch(std::string_view text) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[tag_of(text) & (slots_.size() - 1)]);
}

std::uint32_t StringTable::add(std::string_view text) {
  if ((count() + 1) * 4 > slots_.size() * 3) grow(slots_.empty() ? 16 : slots_.size() * 2);
  const std::uint32_t tag = tag_of(text);
  const std::size_t at = probe(text, tag);
  if (slots_[at].number != kNone) return slots_[at].number;
  const StringPool::Ref ref = pool_.add(text);
  if (ref == StringPool::kNone || refs_.size() >= kNone - 1) return kNone;
  std::uint32_t number = 0;
  if (free_.empty()) {
    number = static_cast<std::uint32_t>(refs_.size());
    refs_.push_back(ref);
  } else {
    number = free_.back();
    free_.pop_back();
    refs_[number] = ref;
  }
  slots_[at] = {tag, number};
  return number;
}

// Closes the gap by moving back each follower that would no longer be found (Knuth, volume 3,
// section 6.4, algorithm R), so there are no tombstones to clean up.
void StringTable::remove(std::uint32_t number) {
  const std::string_view text = get(number);
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = probe(text, tag_of(text));
  for (std::size_t at = (gap + 1) & mask; slots_[at].number != kNone; at = (at + 1) & mask) {
    const std::size_t home = slots_[at].tag & mask;
    if (((at - home) & mask) < ((at - gap) & mask)) continue;  // its home is after the gap
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = {0, kNone};
  pool_.remove(refs_[number]);
  refs_[number] = StringPool::kNone;
  free_.push_back(number);
}

void StringTable::reserve(std::size_t strings) {
  refs_.reserve(strings);
  const std::size_t slots = std::bit_ceil(strings * 4 / 3 + 16);
  if (slots > slots_.size()) grow(slots);
}

void StringTable::grow(std::size_t slots) {
  HugeVector<Slot> old(slots, Slot{0, kNone});
  old.swap(slots_);
  const std::size_t mask = slots - 1;
  for (const Slot& slot : old) {
    if (slot.number == kNone) continue;
    std::size_t at = slot.tag & mask;
    while (slots_[at].number != kNone) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

std::uint64_t StringTable::memory_bytes() const {
  return pool_.memory_bytes() + refs_.capacity() * sizeof(StringPool::Ref) +
         free_.capacity() * sizeof(std::uint32_t) + slots_.capacity() * sizeof(Slot);
}

}  // namespace vitrine::catalog
