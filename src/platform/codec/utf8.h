// Is this text UTF-8? Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace vitrine::codec {

// Eight bytes at once: true if one of them is not ASCII.
inline bool word_has_non_ascii(std::uint64_t word) { return (word & 0x8080808080808080u) != 0; }

// Eight ASCII bytes at once: true if one of them is below `limit` (limit <= 0x80). Only right if
// none of them is above 0x7F.
inline bool ascii_word_has_below(std::uint64_t word, std::uint8_t limit) {
  return ((word - 0x0101010101010101u * limit) & 0x8080808080808080u) != 0;
}

// Eight ASCII bytes at once: true if one of them is `byte`. Only right if none is above 0x7F.
inline bool ascii_word_has(std::uint64_t word, std::uint8_t byte) {
  return ascii_word_has_below(word ^ (0x0101010101010101u * byte), 1);
}

// Length (1..4) of the well-formed sequence at the start of `text`, 0 if there is none.
std::size_t utf8_sequence_length(std::string_view text);

// Length of the longest valid prefix: text.size() if all of it is valid, otherwise the offset of
// the first byte that is wrong. About 0.2 ns a byte for ASCII, 2 ns for the rest.
std::size_t valid_utf8_prefix(std::string_view text);

inline bool is_valid_utf8(std::string_view text) { return valid_utf8_prefix(text) == text.size(); }

// Valid UTF-8 without control characters (U+0000..1F, U+007F..9F): what an id may consist of.
bool is_printable_utf8(std::string_view text);

}  // namespace vitrine::codec
