// Making any bytes valid UTF-8 for texts that others will parse.
#pragma once

#include <cstddef>
#include <string_view>

namespace vitrine::obs::internal {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Bytes of the well-formed sequence at the start of `text` (RFC 3629: no overlong forms, no
// surrogates, at most U+10FFFF); 0 if there is none. `text` must not be empty.
std::size_t utf8_sequence(std::string_view text);

}  // namespace vitrine::obs::internal
