// Percent-encoding of paths and queries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::net {

// "a%2Fb" -> "a/b". nullopt for a '%' without two hex digits. The bytes may be anything,
// also NUL or invalid UTF-8: the caller validates what it needs.
std::optional<std::string> percent_decode(std::string_view text);

// Everything but letters, digits and "-._~" becomes %XX: safe as a path segment or query value.
std::string percent_encode(std::string_view text);

// The segments of a path between slashes, decoded one by one: "/v1/items/a%2Fb" gives
// {"v1", "items", "a/b"}. "/" and "" give none; a trailing slash gives a last empty segment.
// nullopt for a bad escape.
std::optional<std::vector<std::string>> path_segments(std::string_view path);

// The first value of `name` in "a=1&b=x+y": '+' is a blank, escapes are decoded. nullopt if
// absent or badly escaped; "" for a name without '='.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace vitrine::net
