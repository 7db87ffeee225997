// Ids to dense numbers, in the order of their first appearance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vitrine::evaluate {

class Interner {
 public:
  // Entry n of `ids` becomes the id with number n; it outlives the interner.
  explicit Interner(std::vector<std::string>& ids) : ids_(ids) {}
  std::uint32_t operator()(std::string_view id) {
    const auto [it, fresh] =
        numbers_.try_emplace(std::string(id), static_cast<std::uint32_t>(ids_.size()));
    if (fresh) ids_.emplace_back(id);
    return it->second;
  }

 private:
  std::vector<std::string>& ids_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace vitrine::evaluate
