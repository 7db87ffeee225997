#include "engine/spectral/interactions.h"

#include <algorithm>

#include "base/check.h"

namespace vitrine::spectral {

Interactions Interactions::build(std::uint32_t users, std::uint32_t items,
                                 std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs) {
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  Interactions out;
  out.user_begin_.assign(std::size_t{users} + 1, 0);
  out.item_begin_.assign(std::size_t{items} + 1, 0);
  out.user_items_.reserve(pairs.size());
  for (const auto& [user, item] : pairs) {
    VITRINE_CHECK(user < users);
    VITRINE_CHECK(item < items);
    ++out.user_begin_[user + 1];
    ++out.item_begin_[item + 1];
    out.user_items_.push_back(item);
  }
  for (std::uint32_t u = 0; u < users; ++u) out.user_begin_[u + 1] += out.user_begin_[u];
  for (std::uint32_t i = 0; i < items; ++i) out.item_begin_[i + 1] += out.item_begin_[i];
  out.item_users_.resize(pairs.size());
  std::vector<std::uint64_t> next(out.item_begin_.begin(), out.item_begin_.end() - 1);
  for (const auto& [user, item] : pairs) out.item_users_[next[item]++] = user;
  return out;
}

}  // namespace vitrine::spectral
