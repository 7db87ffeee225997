#include "domain/catalog/string_pool.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace vitrine::catalog {

namespace {
constexpr std::size_t kLengthBytes = sizeof(std::uint16_t);
constexpr std::size_t kSmallMax = 256;  // one class for each 8 bytes up to here
constexpr std::size_t kSmallClasses = kSmallMax / 8;
}  // namespace

std::size_t StringPool::class_of(std::size_t slot_bytes) {
  if (slot_bytes <= kSmallMax) return (slot_bytes + 7) / 8 - 1;
  // 256 < s <= 2^(k+1): eighths of 2^k, k >= 8.
  const auto log = static_cast<std::size_t>(std::bit_width(slot_bytes - 1) - 1);
  const std::size_t eighth = (slot_bytes - 1 - (std::size_t{1} << log)) >> (log - 3);
  return kSmallClasses + (log - 8) * 8 + eighth;
}

std::size_t StringPool::class_bytes(std::size_t size_class) {
  if (size_class < kSmallClasses) return (size_class + 1) * 8;
  const std::size_t log = 8 + (size_class - kSmallClasses) / 8;
  const std::size_t eighth = (size_class - kSmallClasses) % 8;
  return (std::size_t{1} << log) + ((eighth + 1) << (log - 3));
}

char* StringPool::at(Ref ref) const {
  return blocks_[ref / kBlockUnits].get() + (ref % kBlockUnits) * kUnit;
}

StringPool::Ref StringPool::allocate(std::size_t size, char*& out) {
  VITRINE_CHECK(size <= kTextBytesMax);
  const std::size_t size_class = class_of(size + kLengthBytes);
  const std::size_t bytes = class_bytes(size_class);
  Ref ref = free_[size_class];
  if (ref != kNone) {
    std::memcpy(&free_[size_class], at(ref), sizeof(Ref));
    free_bytes_ -= bytes;
  } else {
    const auto units = static_cast<std::uint32_t>(bytes / kUnit);
    if (next_unit_ + units > kBlockUnits) {
      if (blocks_.size() >= (std::uint64_t{1} << 32) / kBlockUnits) return kNone;
      free_bytes_ += std::uint64_t{kBlockUnits - next_unit_} * kUnit;
      // make_unique would touch every page of a block that may stay nearly empty.
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
      next_unit_ = blocks_.size() == 1 ? 1 : 0;  // reference 0 is kNone
    }
    ref = static_cast<Ref>((blocks_.size() - 1) * kBlockUnits + next_unit_);
    next_unit_ += units;
  }
  const auto length = static_cast<std::uint16_t>(size);
  std::memcpy(at(ref), &length, kLengthBytes);
  out = at(ref) + kLengthBytes;
  return ref;
}

StringPool::Ref StringPool::add(std::string_view text) {
  char* out = nullptr;
  const Ref ref = allocate(text.size(), out);
  if (ref != kNone && !text.empty()) std::memcpy(out, text.data(), text.size());
  return ref;
}

void StringPool::remove(Ref ref) {
  if (ref == kNone) return;
  const std::size_t size_class = class_of(get(ref).size() + kLengthBytes);
  std::memcpy(at(ref), &free_[size_class], sizeof(Ref));
  free_[size_class] = ref;
  free_bytes_ += class_bytes(size_class);
}

std::string_view StringPool::get(Ref ref) const {
  if (ref == kNone) return {};
  const char* slot = at(ref);
  std::uint16_t length = 0;
  std::memcpy(&length, slot, kLengthBytes);
  return {slot + kLengthBytes, length};
}

}  // namespace vitrine::catalog
