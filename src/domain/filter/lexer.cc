#include "domain/filter/lexer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "base/source_error.h"

namespace vitrine::filter {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

void append_utf8(std::uint32_t point, std::string& out) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (point >> 6)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (point >> 12)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (point >> 18)));
    out.push_back(static_cast<char>(0x80 | ((point >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

// 0 for a letter that is no unit.
double unit_us(char unit) {
  switch (unit) {
    case 's': return static_cast<double>(kSecondUs);
    case 'm': return static_cast<double>(kMinuteUs);
    case 'h': return static_cast<double>(kHourUs);
    case 'd': return static_cast<double>(kDayUs);
    case 'w': return static_cast<double>(7 * kDayUs);
    default: return 0;
  }
}

}  // namespace

Error error_at(std::string_view text, std::size_t offset, const std::string& what,
               std::string_view reason) {
  return vitrine::error_at(text, offset, what).with_reason(reason);
}

Result<Token> Lexer::next() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  Token token;
  token.offset = at_;
  if (at_ == text_.size()) return token;
  const char c = text_[at_];
  if (c == '"' || c == '\'') return read_string(std::move(token));
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
    return read_number(std::move(token));
  }
  std::size_t size = 0;
  if (is_word(c)) {
    token.kind = TokenKind::kWord;
    while (at_ + size < text_.size() && is_word(text_[at_ + size])) ++size;
  } else if (std::string_view("()=,+-").find(c) != std::string_view::npos) {
    token.kind = TokenKind::kSymbol;
    size = text_.substr(at_, 2) == "==" ? 2 : 1;
  } else if (c == '<' || c == '>' || c == '!') {
    token.kind = TokenKind::kSymbol;
    size = at_ + 1 < text_.size() && text_[at_ + 1] == '=' ? 2 : 1;
  }
  token.text = text_.substr(at_, size);
  if (token.text == "==") return error_at(text_, at_, "write = for equality, not ==", kSyntax);
  if (token.text == "!") return error_at(text_, at_, "write `not`, or != for inequality", kSyntax);
  if (size == 0) {
    return error_at(text_, at_, "this character has no meaning here; texts stand in quotes",
                    kSyntax);
  }
  at_ += size;
  return token;
}

Result<Token> Lexer::read_string(Token token) {
  const char quote = text_[at_++];
  token.kind = TokenKind::kString;
  while (true) {
    if (at_ == text_.size()) {
      return error_at(text_, token.offset, "the text that begins here is not closed: add a quote",
                      kSyntax);
    }
    const char c = text_[at_];
    if (c == quote) break;
    if (c == '\\') {
      VITRINE_TRY(read_escape(token.string));
      continue;
    }
    token.string.push_back(c);
    ++at_;
  }
  ++at_;
  token.text = text_.substr(token.offset, at_ - token.offset);
  return token;
}

bool Lexer::read_hex4(std::uint32_t& out) {
  if (text_.size() - at_ < 4) return false;
  const char* const begin = text_.data() + at_;
  const auto parsed = std::from_chars(begin, begin + 4, out, 16);
  if (parsed.ec != std::errc() || parsed.ptr != begin + 4) return false;
  at_ += 4;
  return true;
}

Status Lexer::read_escape(std::string& out) {
  const std::size_t start = at_++;
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  switch (c) {
    case '"':
    case '\'':
    case '\\':
    case '/': out.push_back(c); return ok_status();
    case 'b': out.push_back('\b'); return ok_status();
    case 'f': out.push_back('\f'); return ok_status();
    case 'n': out.push_back('\n'); return ok_status();
    case 'r': out.push_back('\r'); return ok_status();
    case 't': out.push_back('\t'); return ok_status();
    case 'u': {
      std::uint32_t point = 0;
      bool good = read_hex4(point) && (point & 0xFC00) != 0xDC00;
      if (good && (point & 0xFC00) == 0xD800) {
        std::uint32_t low = 0;
        good = text_.substr(at_, 2) == "\\u";
        at_ += good ? 2 : 0;
        good = good && read_hex4(low) && (low & 0xFC00) == 0xDC00;
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      }
      if (good) {
        append_utf8(point, out);
        return ok_status();
      }
      break;
    }
    default: break;
  }
  return error_at(text_, start, R"(unknown escape: \" \' \\ \/ \b \f \n \r \t \uXXXX are possible)",
                  kSyntax);
}

Result<Token> Lexer::read_number(Token token) {
  const char* const begin = text_.data() + at_;
  const char* const end = text_.data() + text_.size();
  const auto parsed = std::from_chars(begin, end, token.number);
  if (parsed.ec != std::errc() || !std::isfinite(token.number)) {
    return error_at(text_, at_, "this number is out of range", kSyntax);
  }
  at_ = static_cast<std::size_t>(parsed.ptr - text_.data());
  token.kind = TokenKind::kNumber;
  std::size_t tail = at_;
  while (tail < text_.size() && (is_word(text_[tail]) || text_[tail] == '.')) ++tail;
  if (tail > at_) {
    const double unit = tail == at_ + 1 ? unit_us(text_[at_]) : 0;
    if (unit == 0) {
      return error_at(
          text_, token.offset,
          "this is no number; a text stands in quotes, a duration is a number and one of s m h d w",
          kSyntax);
    }
    token.kind = TokenKind::kDuration;
    token.number *= unit;
    at_ = tail;
  }
  token.text = text_.substr(token.offset, at_ - token.offset);
  return token;
}

}  // namespace vitrine::filter
