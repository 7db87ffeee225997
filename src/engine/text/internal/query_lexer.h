// Splits a query as written into tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::text::internal {

enum class TokenKind : std::uint8_t {
  kEnd,
  kWord,    // string: without escapes
  kPrefix,  // the same, without the *
  kPhrase,  // string: what the quotes hold
  kField,   // string: the name; what it is about follows directly
  kOpen,
  kClose,  // least: the number behind ~, or 0
  kAnd,
  kOr,
  kNot,
};

struct QueryToken {
  TokenKind kind = TokenKind::kEnd;
  std::size_t offset = 0;
  std::string string;
  std::uint32_t least = 0;
};

class QueryLexer {
 public:
  explicit QueryLexer(std::string_view text) : text_(text) {}
  // kEnd again and again behind the last one. Errors are those of parse_query().
  Result<QueryToken> next();

 private:
  Result<QueryToken> read_word(QueryToken token);
  Result<QueryToken> read_phrase(QueryToken token);
  Result<QueryToken> read_close(QueryToken token);
  char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace vitrine::text::internal
