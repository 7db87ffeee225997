// The items that have one value: exact, ascending, small when the value is rare.
//
// 16 bytes while it holds one item (most values of an attribute like `sku`), a sorted array up to
// kFewMax, a roaring bitmap above.
#pragma once

#include <cstdint>
#include <memory>
#include <roaring/roaring.hh>
#include <vector>

namespace vitrine::catalog {

class Posting {
 public:
  static constexpr std::size_t kFewMax = 64;

  void add(std::uint32_t item);     // no effect if it is in
  void remove(std::uint32_t item);  // no effect if it is not in

  std::uint64_t size() const;
  bool empty() const { return only_ == kNone && many_ == nullptr; }
  bool contains(std::uint32_t item) const;
  // The items as a bitmap if they are held as one, else null: then append_to is cheap.
  const Roaring* bitmap() const;
  // Appends all items in ascending order.
  void append_to(std::vector<std::uint32_t>& out) const;
  // Puts all items into `out`.
  void unite_into(Roaring& out) const;
  // Beyond sizeof(Posting).
  std::uint64_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;
  struct Many {
    std::vector<std::uint32_t> few;  // used while !is_bitmap
    Roaring bitmap;
    std::uint64_t bitmap_size = 0;
    bool is_bitmap = false;
  };
  void promote();
  void demote();

  // Invariant: at most one of the two is set.
  std::uint32_t only_ = kNone;
  std::unique_ptr<Many> many_;
};

}  // namespace vitrine::catalog
