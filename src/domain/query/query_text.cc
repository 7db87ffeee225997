#include "domain/query/query_text.h"

#include "platform/codec/json_parse.h"

namespace vitrine::query {
namespace {

// A letter of two bytes in lower case; both bytes of others as they are.
void append_lower(unsigned char first, unsigned char second, std::string& out) {
  unsigned code = (first & 0x1Fu) << 6 | (second & 0x3Fu);
  const bool latin = code >= 0xC0 && code <= 0xDE && code != 0xD7;
  const bool greek = code >= 0x391 && code <= 0x3A9;
  const bool cyrillic = code >= 0x410 && code <= 0x42F;
  if (latin || greek || cyrillic) code += 0x20;
  if (code >= 0x400 && code <= 0x40F) code += 0x50;
  out += static_cast<char>(0xC0 | code >> 6);
  out += static_cast<char>(0x80 | (code & 0x3F));
}

bool continues(unsigned char c) { return (c & 0xC0) == 0x80; }

void cut(std::string& text) {
  if (text.size() <= kQueryBytesMax) return;
  std::size_t end = kQueryBytesMax;
  while (end > 0 && continues(static_cast<unsigned char>(text[end]))) --end;
  text.resize(end);
}

}  // namespace

std::string normalise(std::string_view text) {
  std::string out;
  bool blank = false;
  // A few more than are kept: the cut looks at whole characters.
  for (std::size_t i = 0; i < text.size() && out.size() <= kQueryBytesMax + 4; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= ' ' || c == 0x7F) {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c >= 0xC3 && c <= 0xDF && continues(next)) {
      append_lower(c, next, out);
      ++i;
    } else {
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
    }
  }
  cut(out);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string query_of_search(std::string_view search_json) {
  if (search_json.find("\"query\"") == std::string_view::npos) return {};
  thread_local codec::JsonParser parser;
  simdjson::dom::element document;
  std::string_view text;
  if (!parser.try_parse(search_json, 0, document)) return {};
  if (document["query"].get(text) != simdjson::SUCCESS) return {};
  return normalise(text);
}

}  // namespace vitrine::query
