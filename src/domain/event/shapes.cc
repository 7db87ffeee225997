#include "domain/event/shapes.h"

#include <algorithm>
#include <array>

namespace vitrine::event {
namespace {

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_capital(c) || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }

bool fits_url(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7F && c != '"' && c != '<' && c != '>' && c != '\\';
}

// Behind a POSIX or ICU locale: ".UTF-8", "@calendar=buddhist".
bool fits_suffix(char c) {
  return is_alphanumeric(c) || c == '.' || c == '@' || c == '=' || c == ';' || c == '-' || c == '_';
}

}  // namespace

bool is_currency(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), is_capital);
}

bool is_url(std::string_view text) {
  constexpr std::array<std::string_view, 4> kSchemes = {"https://", "http://", "android-app://",
                                                        "ios-app://"};
  if (text.empty() || text.size() > kUrlBytesMax) return false;
  if (!std::all_of(text.begin(), text.end(), fits_url)) return false;
  if (text[0] == '/') return true;
  return std::any_of(kSchemes.begin(), kSchemes.end(), [text](std::string_view scheme) {
    if (text.size() <= scheme.size()) return false;
    return std::equal(scheme.begin(), scheme.end(), text.begin(), [](char wanted, char c) {
      return wanted == (is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c);
    });
  });
}

bool is_locale(std::string_view text) {
  if (text.empty() || text.size() > kLocaleBytesMax) return false;
  const std::size_t end = std::min(text.find_first_of(".@"), text.size());
  if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), fits_suffix)) {
    return false;
  }
  text = text.substr(0, end);
  std::size_t part = 0;  // its length so far
  bool first = true;
  for (const char c : text) {
    if (c == '-' || c == '_') {
      if (part == 0 || (first && part < 2)) return false;
      part = 0;
      first = false;
    } else {
      if (++part > 8 || !(first ? is_letter(c) : is_alphanumeric(c))) return false;
    }
  }
  return part > 0 && (!first || part >= 2);
}

bool is_timezone(std::string_view text) {
  if (text.empty() || text.size() > kTimezoneBytesMax) return false;
  if (text[0] == '+' || text[0] == '-') {
    const std::string_view rest = text.substr(1);
    const bool colon = rest.size() == 5 && rest[2] == ':';
    if (!colon && rest.size() != 4 && rest.size() != 2) return false;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (!(colon && i == 2) && !is_digit(rest[i])) return false;
    }
    return true;
  }
  const bool offset = text.starts_with("GMT") || text.starts_with("UTC");  // "GMT+01:00"
  bool begins = true;                                                      // a part between slashes
  std::size_t parts = 1;
  for (const char c : text) {
    if (begins) {
      if (!is_letter(c)) return false;
      begins = false;
    } else if (c == '/') {
      begins = true;
      ++parts;
    } else if (!is_alphanumeric(c) && c != '_' && c != '-' && c != '+' && !(offset && c == ':')) {
      return false;
    }
  }
  return !begins && parts <= 3;
}

}  // namespace vitrine::event
