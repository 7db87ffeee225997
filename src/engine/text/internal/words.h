// Cuts UTF-8 text into words for the analyser: what belongs together, before stop lists and stems.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::text::internal {

struct Word {
  enum class Kind : std::uint8_t {
    kPlain,   // parts[0]
    kJoined,  // parts joined by - ' & and the like; `whole` without the joiners
    kNumber,  // parts[0] is the number; `whole` number and unit, or empty
    kCjk,     // parts are single characters
  };
  Kind kind = Kind::kPlain;
  std::uint32_t begin = 0, end = 0;  // bytes of the text
  std::vector<std::string> parts;    // NFKC, case folded, UTF-8
  std::string whole;
};

// NFKC and case folding; broken bytes become U+FFFD.
std::string normalise(std::string_view utf8);
// Without accents on Latin, Greek and Cyrillic letters; other scripts need their marks.
std::string without_accents(const std::string& utf8);

std::vector<Word> cut_words(std::string_view text);

}  // namespace vitrine::text::internal
