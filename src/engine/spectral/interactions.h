// Who turned to what, as a sparse 0/1 matrix in both directions: what models without a notion of
// time learn from.
//
// Immutable after build(); safe to read from many threads. Memory: 8 bytes an interaction and
// 8 bytes a user and an item.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace vitrine::spectral {

class Interactions {
 public:
  Interactions() = default;
  // Pairs (user, item) in any order; repeats count once. Users are below `users`, items below
  // `items`: checked.
  static Interactions build(std::uint32_t users, std::uint32_t items,
                            std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs);

  std::uint32_t users() const { return static_cast<std::uint32_t>(user_begin_.size()) - 1; }
  std::uint32_t items() const { return static_cast<std::uint32_t>(item_begin_.size()) - 1; }
  std::size_t size() const { return user_items_.size(); }
  // In rising order.
  std::span<const std::uint32_t> items_of(std::uint32_t user) const {
    return {user_items_.data() + user_begin_[user], user_items_.data() + user_begin_[user + 1]};
  }
  std::span<const std::uint32_t> users_of(std::uint32_t item) const {
    return {item_users_.data() + item_begin_[item], item_users_.data() + item_begin_[item + 1]};
  }

 private:
  std::vector<std::uint64_t> user_begin_{0};
  std::vector<std::uint64_t> item_begin_{0};
  std::vector<std::uint32_t> user_items_;
  std::vector<std::uint32_t> item_users_;
};

}  // namespace vitrine::spectral
