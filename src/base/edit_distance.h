// How far two names are apart, for "did you mean".
#pragma once

#include <cstddef>
#include <string_view>

namespace vitrine {

// Levenshtein distance: the fewest bytes to insert, delete or replace that make `a` of `b`.
// O(|a| |b|) time, O(|b|) memory: for names of tens of bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace vitrine
