#include "platform/codec/utf8.h"

namespace vitrine::codec {
namespace {

std::uint8_t at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

bool is_tail(std::string_view text, std::size_t i, std::uint8_t low = 0x80,
             std::uint8_t high = 0xBF) {
  return i < text.size() && at(text, i) >= low && at(text, i) <= high;
}

std::uint64_t load_word(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

}  // namespace

// Table 3-7 of the Unicode standard: only the second byte's range depends on the first.
std::size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const std::uint8_t first = at(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return is_tail(text, 1) ? 2 : 0;
  if (first < 0xF0) {
    const std::uint8_t low = first == 0xE0 ? 0xA0 : 0x80;   // overlong below
    const std::uint8_t high = first == 0xED ? 0x9F : 0xBF;  // surrogates above
    return is_tail(text, 1, low, high) && is_tail(text, 2) ? 3 : 0;
  }
  if (first > 0xF4) return 0;
  const std::uint8_t low = first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
  return is_tail(text, 1, low, high) && is_tail(text, 2) && is_tail(text, 3) ? 4 : 0;
}

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8 && !word_has_non_ascii(load_word(text.data() + i))) {
      i += 8;
      continue;
    }
    const std::size_t length = utf8_sequence_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return i;
}

bool is_printable_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8) {
      const std::uint64_t word = load_word(text.data() + i);
      if (!word_has_non_ascii(word) && !ascii_word_has_below(word, 0x20) &&
          !ascii_word_has(word, 0x7F)) {
        i += 8;
        continue;
      }
    }
    const std::size_t length = utf8_sequence_length(text.substr(i));
    if (length == 0) return false;
    if (length == 1 && (at(text, i) < 0x20 || at(text, i) == 0x7F)) return false;
    if (length == 2 && at(text, i) == 0xC2 && at(text, i + 1) < 0xA0) return false;
    i += length;
  }
  return true;
}

}  // namespace vitrine::codec
