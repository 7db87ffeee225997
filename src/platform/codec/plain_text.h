// Is this text what it looks like? For ids and names that machines compare and people read.
#pragma once

#include <cstdint>
#include <string_view>

namespace vitrine::codec {

enum class TextFault : std::uint8_t {
  kNone,
  kNotUtf8,
  kControl,    // U+0000..1F, U+007F..9F
  kInvisible,  // nothing to see, or text that runs the other way: zero-width, bidi controls,
               // line separators, noncharacters, joiners and selectors that join or select nothing
  kMarkup,     // the beginning of a tag: <a, </, <!, <?
};

// The first fault, in the order of the text. Every letter, digit, mark, punctuation and symbol of
// any script passes, slashes and emoji with their joiners, selectors and tags among them.
// About 0.2 ns a byte for ASCII, 3 ns for the rest.
TextFault find_text_fault(std::string_view text);

// "contains control characters" and so on; empty for kNone.
std::string_view text_fault_name(TextFault fault);

}  // namespace vitrine::codec
