// The text of a search as the query log knows it: equal for what differs only in case and blanks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vitrine::query {

inline constexpr std::size_t kQueryBytesMax = 120;  // longer ones are cut between characters

// Blanks joined and cut at the ends, letters of Latin-1, Greek and Cyrillic in lower case, control
// characters gone. Its own table, because the state depends on it: a newer Unicode library must
// not change what a replay gives. Never fails; broken UTF-8 is kept as it is.
std::string normalise(std::string_view text);

// The text of `query` in an event's `search` object, normalised; empty where there is none.
std::string query_of_search(std::string_view search_json);

}  // namespace vitrine::query
