// Different things have different types: a tenant can't be passed where an item is meant.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace vitrine {

template <class Tag, class Rep>
struct StrongId {
  Rep value{};
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

// A tenant's number in this installation. 0 is never given out.
using TenantId = StrongId<struct TenantTag, std::uint32_t>;

// Dense numbers in one tenant's state, given in order of first appearance in the log,
// so that every replay gives the same ones. They never leave the process: the outside
// knows items and users by their own string ids.
using ItemIndex = StrongId<struct ItemTag, std::uint32_t>;
using UserIndex = StrongId<struct UserTag, std::uint32_t>;

inline constexpr ItemIndex kNoItem{0xFFFFFFFFu};
inline constexpr UserIndex kNoUser{0xFFFFFFFFu};

}  // namespace vitrine

template <class Tag, class Rep>
struct std::hash<vitrine::StrongId<Tag, Rep>> {
  std::size_t operator()(vitrine::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
