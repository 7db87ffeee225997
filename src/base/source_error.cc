#include "base/source_error.h"

#include <algorithm>

namespace vitrine {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

Error error_at(std::string_view text, std::size_t offset, const std::string& what) {
  offset = std::min(offset, text.size());
  constexpr std::size_t kBefore = 40;
  constexpr std::size_t kAfter = 30;
  std::size_t column = 1;
  for (std::size_t i = 0; i < offset; ++i) column += is_continuation(text[i]) ? 0 : 1;

  std::size_t begin = offset;
  std::size_t before = 0;
  for (; begin > 0 && before < kBefore; ++before) {
    do {
      --begin;
    } while (begin > 0 && is_continuation(text[begin]));
  }
  std::size_t end = offset;
  for (std::size_t after = 0; end < text.size() && after < kAfter; ++after) {
    do {
      ++end;
    } while (end < text.size() && is_continuation(text[end]));
  }
  std::string excerpt(text.substr(begin, end - begin));
  for (char& c : excerpt) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  const std::string lead = begin > 0 ? "  ..." : "  ";
  std::string message = "column " + std::to_string(column) + ": " + what + "\n" + lead + excerpt +
                        (end < text.size() ? "..." : "") + "\n" +
                        std::string(lead.size() + before, ' ') + "^";
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace vitrine
