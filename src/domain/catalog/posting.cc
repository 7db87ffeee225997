#include "domain/catalog/posting.h"

#include <algorithm>

namespace vitrine::catalog {

void Posting::add(std::uint32_t item) {
  if (many_ == nullptr) {
    if (only_ == kNone || only_ == item) {
      only_ = item;
      return;
    }
    many_ = std::make_unique<Many>();
    many_->few = {std::min(only_, item), std::max(only_, item)};
    only_ = kNone;
    return;
  }
  if (many_->is_bitmap) {
    if (many_->bitmap.addChecked(item)) ++many_->bitmap_size;
    return;
  }
  auto& few = many_->few;
  const auto at = std::lower_bound(few.begin(), few.end(), item);
  if (at != few.end() && *at == item) return;
  few.insert(at, item);
  if (few.size() > kFewMax) promote();
}

void Posting::promote() {
  many_->bitmap.addMany(many_->few.size(), many_->few.data());
  many_->bitmap_size = many_->few.size();
  many_->few = {};
  many_->is_bitmap = true;
}

// At half of kFewMax, so that a value at the border does not flip with each change.
void Posting::demote() {
  many_->few.resize(many_->bitmap_size);
  many_->bitmap.toUint32Array(many_->few.data());
  many_->bitmap = Roaring();
  many_->bitmap_size = 0;
  many_->is_bitmap = false;
}

void Posting::remove(std::uint32_t item) {
  if (many_ == nullptr) {
    if (only_ == item) only_ = kNone;
    return;
  }
  if (many_->is_bitmap) {
    if (!many_->bitmap.removeChecked(item)) return;
    if (--many_->bitmap_size <= kFewMax / 2) demote();
    return;
  }
  auto& few = many_->few;
  const auto at = std::lower_bound(few.begin(), few.end(), item);
  if (at == few.end() || *at != item) return;
  few.erase(at);
  if (few.size() == 1) {
    only_ = few.front();
    many_.reset();
  }
}

std::uint64_t Posting::size() const {
  if (many_ == nullptr) return only_ == kNone ? 0 : 1;
  return many_->is_bitmap ? many_->bitmap_size : many_->few.size();
}

bool Posting::contains(std::uint32_t item) const {
  if (many_ == nullptr) return only_ == item && item != kNone;
  if (many_->is_bitmap) return many_->bitmap.contains(item);
  return std::binary_search(many_->few.begin(), many_->few.end(), item);
}

const Roaring* Posting::bitmap() const {
  return many_ != nullptr && many_->is_bitmap ? &many_->bitmap : nullptr;
}

void Posting::append_to(std::vector<std::uint32_t>& out) const {
  if (many_ == nullptr) {
    if (only_ != kNone) out.push_back(only_);
  } else if (many_->is_bitmap) {
    const std::size_t at = out.size();
    out.resize(at + many_->bitmap_size);
    many_->bitmap.toUint32Array(out.data() + at);
  } else {
    out.insert(out.end(), many_->few.begin(), many_->few.end());
  }
}

void Posting::unite_into(Roaring& out) const {
  if (many_ == nullptr) {
    if (only_ != kNone) out.add(only_);
  } else if (many_->is_bitmap) {
    out |= many_->bitmap;
  } else {
    out.addMany(many_->few.size(), many_->few.data());
  }
}

std::uint64_t Posting::memory_bytes() const {
  if (many_ == nullptr) return 0;
  const std::uint64_t items = many_->is_bitmap ? many_->bitmap.getSizeInBytes(false)
                                               : many_->few.capacity() * sizeof(std::uint32_t);
  return sizeof(Many) + items;
}

}  // namespace vitrine::catalog
