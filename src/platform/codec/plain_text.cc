#include "platform/codec/plain_text.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "platform/codec/utf8.h"

namespace vitrine::codec {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Format characters that change what is seen without being seen, fillers, and what is no character.
constexpr std::array kInvisible{
    Range{0xAD, 0xAD},     Range{0x34F, 0x34F},   Range{0x61C, 0x61C},   Range{0x115F, 0x1160},
    Range{0x17B4, 0x17B5}, Range{0x180E, 0x180E}, Range{0x200B, 0x200B}, Range{0x200E, 0x200F},
    Range{0x2028, 0x202E}, Range{0x2060, 0x206F}, Range{0x3164, 0x3164}, Range{0xFDD0, 0xFDEF},
    Range{0xFEFF, 0xFEFF}, Range{0xFFA0, 0xFFA0}, Range{0xFFF9, 0xFFFB}, Range{0xE0000, 0xE001F},
};

constexpr char32_t kBlackFlag = 0x1F3F4;  // before tags: the flags of England, Scotland, Wales

bool is_selector(char32_t c) {
  return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF);
}
bool is_joiner(char32_t c) { return c == 0x200C || c == 0x200D; }
bool is_tag(char32_t c) { return c >= 0xE0020 && c <= 0xE007F; }

bool is_invisible(char32_t c) {
  if (c < 0xAD) return false;
  if ((c & 0xFFFE) == 0xFFFE) return true;
  const auto range =
      std::find_if(kInvisible.begin(), kInvisible.end(), [c](Range r) { return c <= r.last; });
  return range != kInvisible.end() && c >= range->first;
}

// Of a well-formed sequence.
char32_t code_point(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(sequence[i]); };
  switch (sequence.size()) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
    case 3: return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    default:
      return (byte(0) & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 |
             (byte(3) & 0x3Fu);
  }
}

bool begins_tag(std::string_view rest) {
  if (rest.size() < 2) return false;
  const char next = rest[1];
  return (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '/' ||
         next == '!' || next == '?';
}

// `before`: the code point before it, 0 at the beginning.
bool is_seen(char32_t c, char32_t before, bool last) {
  if (is_joiner(c)) return before >= 0x80 && !is_joiner(before) && !last;
  if (is_selector(c)) return before != 0 && !is_selector(before);
  if (is_tag(c)) return before == kBlackFlag || is_tag(before);
  return !is_invisible(c);
}

}  // namespace

TextFault find_text_fault(std::string_view text) {
  std::size_t i = 0;
  char32_t before = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, sizeof word);
      if (!word_has_non_ascii(word) && !ascii_word_has_below(word, 0x20) &&
          !ascii_word_has(word, 0x7F) && !ascii_word_has(word, '<')) {
        i += 8;
        before = U'x';  // some ASCII
        continue;
      }
    }
    const std::string_view rest = text.substr(i);
    const std::size_t length = utf8_sequence_length(rest);
    if (length == 0) return TextFault::kNotUtf8;
    const char32_t c = code_point(rest.substr(0, length));
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return TextFault::kControl;
    if (c == U'<' && begins_tag(rest)) return TextFault::kMarkup;
    if (c >= 0xAD && !is_seen(c, before, length == rest.size())) return TextFault::kInvisible;
    before = c;
    i += length;
  }
  return TextFault::kNone;
}

std::string_view text_fault_name(TextFault fault) {
  switch (fault) {
    case TextFault::kNone: return "";
    case TextFault::kNotUtf8: return "is not valid UTF-8";
    case TextFault::kControl: return "contains control characters";
    case TextFault::kInvisible:
      return "contains characters that can't be seen (zero-width, direction marks and the like)";
    case TextFault::kMarkup: return "contains markup (a < that begins a tag)";
  }
  return "";
}

}  // namespace vitrine::codec
