// Splits a filter into tokens, and says where in it something is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::filter {

enum class TokenKind : std::uint8_t { kEnd, kWord, kString, kNumber, kDuration, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t offset = 0;
  std::string_view text;  // as written
  std::string string;     // kString: without quotes and escapes
  double number = 0;      // kNumber; kDuration: in microseconds
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  // kEnd again and again after the last one.
  Result<Token> next();

 private:
  Result<Token> read_string(Token token);
  Result<Token> read_number(Token token);
  Status read_escape(std::string& out);
  bool read_hex4(std::uint32_t& out);

  std::string_view text_;
  std::size_t at_ = 0;
};

// "column 7: WHAT\n  ... excerpt\n      ^". `reason` is a literal, the Error's reason().
Error error_at(std::string_view text, std::size_t offset, const std::string& what,
               std::string_view reason);

inline constexpr std::string_view kSyntax = "filter_syntax";
inline constexpr std::string_view kLimit = "filter_limit";
inline constexpr std::string_view kUnknownAttribute = "filter_unknown_attribute";
inline constexpr std::string_view kType = "filter_type";

}  // namespace vitrine::filter
