// Why a JSON text is refused: a plain state machine over the grammar of RFC 8259. It runs only on
// texts that simdjson refused, so it is written for clear answers, not for speed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "platform/codec/json_parse.h"
#include "platform/codec/utf8.h"

namespace vitrine::codec {
namespace {

class Diagnosis {
 public:
  explicit Diagnosis(std::string_view text) : text_(text) {}

  JsonError run() {
    if (document()) {
      at_ = text_.size();
      fail(JsonFault::kInvalidJson, "this JSON can't be read");
    }
    return std::move(error_);
  }

 private:
  bool document() {
    skip_blanks();
    if (at_ == text_.size()) return fail(JsonFault::kInvalidJson, "there is no JSON value");
    if (!nested_value()) return false;
    skip_blanks();
    if (at_ == text_.size()) return true;
    return fail(JsonFault::kInvalidJson,
                "more text follows the value (several values, one on each line, are NDJSON)");
  }

  // One value of any depth up to the limit. The kinds of the open brackets are the bits of a word.
  bool nested_value() {
    static_assert(kJsonDepthMax <= 64);
    std::uint64_t is_object = 0;
    std::size_t depth = 0;
    bool value_next = true;
    for (;;) {
      if (value_next) {
        skip_blanks();
        const char c = peek();
        if (c == '{' || c == '[') {
          const std::size_t opened_at = at_++;
          skip_blanks();
          if (peek() == (c == '{' ? '}' : ']')) {  // empty: simdjson does not count it as a level
            ++at_;
            value_next = false;
            continue;
          }
          if (depth == kJsonDepthMax) {
            at_ = opened_at;
            return fail(JsonFault::kTooDeep,
                        "more than " + std::to_string(kJsonDepthMax) + " levels of nesting");
          }
          is_object = (is_object << 1) | (c == '{');
          ++depth;
          if (c == '{' && !key()) return false;
          continue;
        }
        if (!scalar(c)) return false;
        value_next = false;
      }
      if (depth == 0) return true;
      skip_blanks();
      const bool in_object = (is_object & 1) != 0;
      if (peek() == ',') {
        ++at_;
        skip_blanks();
        if (in_object && !key()) return false;
        value_next = true;
      } else if (peek() == (in_object ? '}' : ']')) {
        ++at_;
        is_object >>= 1;
        --depth;
      } else {
        return fail(JsonFault::kInvalidJson,
                    in_object ? "expected a comma or '}'" : "expected a comma or ']'");
      }
    }
  }

  bool key() {
    if (peek() != '"') return fail(JsonFault::kInvalidJson, "expected a key in double quotes");
    if (!string()) return false;
    skip_blanks();
    if (peek() != ':') return fail(JsonFault::kInvalidJson, "expected ':' behind the key");
    ++at_;
    return true;
  }

  bool scalar(char c) {
    if (c == '"') return string();
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    if (c == 't') return literal("true");
    if (c == 'f') return literal("false");
    if (c == 'n') return literal("null");
    if (at_ == text_.size()) return fail(JsonFault::kInvalidJson, "the text ends within a value");
    for (const std::string_view word : {"NaN", "Infinity", "+", "nan", "inf", "."}) {
      if (text_.substr(at_).starts_with(word)) {
        return fail(JsonFault::kInvalidNumber, "'" + std::string(word) + "' is not a JSON number");
      }
    }
    return fail(JsonFault::kInvalidJson, "expected a value");
  }

  bool literal(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) {
      return fail(JsonFault::kInvalidJson, "expected " + std::string(word));
    }
    at_ += word.size();
    return true;
  }

  bool string() {
    ++at_;
    for (;;) {
      if (at_ == text_.size()) return fail(JsonFault::kInvalidJson, "a string is not closed");
      const auto c = static_cast<std::uint8_t>(text_[at_]);
      if (c == '"') break;
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x20) {
        return fail(JsonFault::kInvalidJson, "a control character in a string must be escaped");
      } else {
        const std::size_t length = utf8_sequence_length(text_.substr(at_));
        if (length == 0) return fail(JsonFault::kInvalidUtf8, "this byte is not valid UTF-8");
        at_ += length;
      }
    }
    ++at_;
    return true;
  }

  // Value of the four hex digits at `at`, or -1.
  int hex4(std::size_t at) const {
    if (at + 4 > text_.size()) return -1;
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      const char c = text_[i];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  bool escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c != 'u') {
      constexpr std::string_view kKnown = "\"\\/bfnrt";
      if (kKnown.find(c) == std::string_view::npos || c == '\0') {
        return fail(JsonFault::kInvalidJson, "an escape that JSON does not have");
      }
      at_ += 2;
      return true;
    }
    const int unit = hex4(at_ + 2);
    if (unit < 0) return fail(JsonFault::kInvalidJson, "\\u needs four hex digits");
    std::size_t length = 6;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
      const bool has_second = text_.substr(at_ + 6).starts_with("\\u");
      const int second = has_second ? hex4(at_ + 8) : -1;
      if (unit >= 0xDC00 || second < 0xDC00 || second > 0xDFFF) {
        return fail(JsonFault::kInvalidUtf8, "half of a surrogate pair");
      }
      length = 12;
    }
    at_ += length;
    return true;
  }

  std::size_t digits() {
    const std::size_t first = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ - first;
  }

  bool number() {
    const std::size_t first = at_;
    bool is_integer = true;
    if (peek() == '-') ++at_;
    const char leading = peek();
    const std::size_t whole = digits();
    bool good = whole > 0 && !(whole > 1 && leading == '0');
    if (peek() == '.') {
      is_integer = false;
      ++at_;
      good = digits() > 0 && good;
    }
    if (peek() == 'e' || peek() == 'E') {
      is_integer = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      good = digits() > 0 && good;
    }
    const std::string token(text_.substr(first, at_ - first));
    const char next = peek();
    const bool ends =
        at_ == text_.size() || next == ',' || next == '}' || next == ']' || is_blank(next);
    if (!good || !ends) {
      at_ = first;
      return fail(JsonFault::kInvalidNumber, "this is not a number as JSON writes it");
    }
    if (is_integer ? !fits_64_bits(token)
                   : !(std::abs(std::strtod(token.c_str(), nullptr)) <=
                       std::numeric_limits<double>::max())) {
      at_ = first;
      return fail(JsonFault::kInvalidNumber,
                  is_integer ? "an integer of more than 64 bits (send it as a string)"
                             : "a number too large for a double");
    }
    return true;
  }

  static bool fits_64_bits(const std::string& token) {
    errno = 0;
    if (token.front() == '-') {
      (void)std::strtoll(token.c_str(), nullptr, 10);
    } else {
      (void)std::strtoull(token.c_str(), nullptr, 10);
    }
    return errno != ERANGE;
  }

  static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  bool fail(JsonFault fault, std::string_view what) {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    error_.fault = fault;
    error_.offset = at_;
    error_.text = std::string(what) + " at byte " + std::to_string(at_);
    if (line > 1) {
      error_.text += " (line " + std::to_string(line) + ", column " +
                     std::to_string(at_ - line_start + 1) + ")";
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  JsonError error_;
};

}  // namespace

JsonError diagnose_json(std::string_view text) { return Diagnosis(text).run(); }

}  // namespace vitrine::codec
