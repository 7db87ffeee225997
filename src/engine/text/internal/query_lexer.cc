#include "engine/text/internal/query_lexer.h"

#include <algorithm>
#include <charconv>

#include "base/source_error.h"

namespace vitrine::text::internal {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }
bool ends_word(char c) { return is_space(c) || c == '(' || c == ')' || c == '"'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What may be a field's name; "12:30" and ":)" are words.
bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || is_digit(c) || c == '.' || c == '-';
  });
}

}  // namespace

Result<QueryToken> QueryLexer::next() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  QueryToken token;
  token.offset = at_;
  if (at_ == text_.size()) return token;
  switch (text_[at_]) {
    case '(':
      token.kind = TokenKind::kOpen;
      ++at_;
      return token;
    case ')': return read_close(std::move(token));
    case '"': return read_phrase(std::move(token));
    case '-':
      // A dash by itself is a word, of which nothing is left.
      if (at_ + 1 == text_.size() || is_space(text_[at_ + 1]) || text_[at_ + 1] == ')') break;
      token.kind = TokenKind::kNot;
      ++at_;
      return token;
    default: break;
  }
  return read_word(std::move(token));
}

Result<QueryToken> QueryLexer::read_word(QueryToken token) {
  token.kind = TokenKind::kWord;
  bool plain = true;  // nothing was escaped
  for (; at_ < text_.size() && !ends_word(text_[at_]); ++at_) {
    const char c = text_[at_];
    if (c == '\\') {
      if (++at_ == text_.size())
        return error_at(text_, at_ - 1,
                        "a backslash takes the meaning from the next character: there is none");
      plain = false;
    } else if (c == '*') {
      if (at_ + 1 < text_.size() && !ends_word(text_[at_ + 1]))
        return error_at(text_, at_,
                        "* stands at the end of a word only; write \\* for the character");
      if (token.string.empty())
        return error_at(text_, at_, "expected the beginning of a word in front of *");
      token.kind = TokenKind::kPrefix;
      ++at_;
      return token;
    } else if (c == ':' && plain && is_name(token.string) && at_ + 1 < text_.size() &&
               !is_space(text_[at_ + 1]) && text_[at_ + 1] != ')') {
      token.kind = TokenKind::kField;
      ++at_;
      return token;
    }
    token.string += text_[at_];
  }
  if (!plain) return token;
  if (token.string == "AND") token.kind = TokenKind::kAnd;
  if (token.string == "OR") token.kind = TokenKind::kOr;
  if (token.string == "NOT") token.kind = TokenKind::kNot;
  return token;
}

Result<QueryToken> QueryLexer::read_phrase(QueryToken token) {
  token.kind = TokenKind::kPhrase;
  for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    if (text_[at_] == '\\' && (at(at_ + 1) == '"' || at(at_ + 1) == '\\')) ++at_;
    token.string += text_[at_];
  }
  if (at_ == text_.size())
    return error_at(text_, token.offset,
                    "the phrase that begins here is not closed: add a quote, or write \\\"");
  ++at_;
  if (at(at_) == '~' && is_digit(at(at_ + 1)))
    return error_at(text_, at_, "phrases match word by word: leave out ~ and the number");
  return token;
}

Result<QueryToken> QueryLexer::read_close(QueryToken token) {
  token.kind = TokenKind::kClose;
  ++at_;
  if (at(at_) != '~') return token;
  const char* const end = text_.data() + text_.size();
  const auto parsed = std::from_chars(text_.data() + at_ + 1, end, token.least);
  if (parsed.ec != std::errc() || token.least == 0)
    return error_at(text_, at_, "expected behind ~ how many must match, such as (a b c)~2");
  at_ = static_cast<std::size_t>(parsed.ptr - text_.data());
  return token;
}

}  // namespace vitrine::text::internal
