#include "platform/codec/json_writer.h"

#include <algorithm>
#include <array>

#include "platform/codec/utf8.h"

namespace vitrine::codec {
namespace {

// Longest escape of one input byte: \u001f, or EF BF BD for a wrong byte.
constexpr std::size_t kEscapeBytesMax = 6;

bool is_plain(std::uint8_t c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

char* write_escaped(char* p, std::uint8_t c) {
  constexpr char kHex[] = "0123456789abcdef";
  *p++ = '\\';
  switch (c) {
    case '"': *p++ = '"'; return p;
    case '\\': *p++ = '\\'; return p;
    case '\b': *p++ = 'b'; return p;
    case '\f': *p++ = 'f'; return p;
    case '\n': *p++ = 'n'; return p;
    case '\r': *p++ = 'r'; return p;
    case '\t': *p++ = 't'; return p;
    default: break;
  }
  *p++ = 'u';
  *p++ = '0';
  *p++ = '0';
  *p++ = kHex[c >> 4];
  *p++ = kHex[c & 15];
  return p;
}

}  // namespace

void JsonWriter::grow(std::size_t bytes) {
  out_.resize(std::max({used_ + bytes, out_.size() * 2, std::size_t{256}}));
}

JsonWriter& JsonWriter::string(std::string_view text) {
  // Usually nothing needs an escape: room for the text as it is, more only when the first does.
  reserve(text.size() + kRoom);
  comma();
  char* p = at();
  *p++ = '"';
  std::size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, sizeof(word));
      if (!word_has_non_ascii(word) && !ascii_word_has_below(word, 0x20) &&
          !ascii_word_has(word, '"') && !ascii_word_has(word, '\\')) {
        std::memcpy(p, &word, sizeof(word));
        p += 8;
        i += 8;
        continue;
      }
    }
    const auto c = static_cast<std::uint8_t>(text[i]);
    if (is_plain(c)) {
      *p++ = text[i++];
      continue;
    }
    if (c >= 0x80) {
      if (const std::size_t length = utf8_sequence_length(text.substr(i)); length != 0) {
        std::memcpy(p, text.data() + i, length);
        p += length;
        i += length;
        continue;
      }
    }
    // This byte grows: keep room for the rest at its own length plus one escape and the end.
    advance_to(p);
    reserve(text.size() - i + kEscapeBytesMax + kRoom);
    p = at();
    if (c >= 0x80) {
      std::memcpy(p, "\xEF\xBF\xBD", 3);
      p += 3;
    } else {
      p = write_escaped(p, c);
    }
    ++i;
  }
  *p++ = '"';
  advance_to(p);
  return *this;
}

}  // namespace vitrine::codec
