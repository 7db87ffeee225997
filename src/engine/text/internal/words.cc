#include "engine/text/internal/words.h"

#include <algorithm>
#include <array>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "base/check.h"

namespace vitrine::text::internal {
namespace {

enum class Class : std::uint8_t { kOther, kLetter, kDigit, kCjk };

bool is_cjk(UChar32 c) {
  if (c < 0x1100) return false;
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &error);
  return script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ||
         script == USCRIPT_HANGUL || c == 0x30FC || c == 0xFF70 || c == 0xFF9E || c == 0xFF9F;
}

Class class_of(UChar32 c) {
  if (c < 0x80) {
    if (c >= '0' && c <= '9') return Class::kDigit;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? Class::kLetter : Class::kOther;
  }
  if (u_charDigitValue(c) >= 0) return Class::kDigit;
  if (is_cjk(c)) return Class::kCjk;
  const std::uint32_t mask = U_GET_GC_MASK(c);
  return (mask & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)) != 0 ? Class::kLetter : Class::kOther;
}

struct Character {
  UChar32 code;
  Class cls;
  std::uint32_t begin, end;
};

std::vector<Character> read_characters(std::string_view text) {
  std::vector<Character> all;
  all.reserve(text.size());
  const auto size = static_cast<std::int32_t>(std::min<std::size_t>(text.size(), INT32_MAX / 2));
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t begin = at;
    UChar32 c;
    U8_NEXT(text.data(), at, size, c);
    if (c < 0) c = 0xFFFD;
    all.push_back(
        {c, class_of(c), static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at)});
  }
  return all;
}

bool joins(UChar32 c) {
  return c == '-' || c == '\'' || c == 0x2019 || c == '&' || c == '_' || c == '/' || c == 0x2010 ||
         c == 0x2011 || c == '+';
}

// Units that may stand behind a number with a space between.
bool is_unit(std::string_view word) {
  static constexpr std::array<std::string_view, 42> kUnits{
      "a",  "ah", "cl", "cm",  "db", "dl", "ft",  "g",   "gb", "ghz", "h",   "hz", "in", "inch",
      "kb", "kg", "km", "kw",  "l",  "lb", "m",   "mah", "mb", "mg",  "mhz", "ml", "mm", "mp",
      "ms", "oz", "pa", "pcs", "pt", "px", "rpm", "s",   "tb", "v",   "w",   "wh", "yd", "zoll"};
  return std::find(kUnits.begin(), kUnits.end(), word) != kUnits.end();
}

struct Cutter {
  std::string_view text;
  std::vector<Character> all;
  std::vector<Word> words;

  std::string piece(std::size_t from, std::size_t to) const {
    return normalise(text.substr(all[from].begin, all[to - 1].end - all[from].begin));
  }
  Class at(std::size_t i) const { return i < all.size() ? all[i].cls : Class::kOther; }
  std::size_t run(std::size_t i, Class cls) const {
    while (at(i) == cls) ++i;
    return i;
  }
  std::size_t alphanumeric(std::size_t i) const {
    while (at(i) == Class::kLetter || at(i) == Class::kDigit) ++i;
    return i;
  }
  Word word(Word::Kind kind, std::size_t from, std::size_t to) const {
    Word w;
    w.kind = kind;
    w.begin = all[from].begin;
    w.end = all[to - 1].end;
    return w;
  }
  std::size_t cut_cjk(std::size_t from);
  std::size_t cut_number(std::size_t from);
  std::size_t cut_joined(std::size_t from);
};

std::size_t Cutter::cut_cjk(std::size_t from) {
  const std::size_t to = run(from, Class::kCjk);
  Word w = word(Word::Kind::kCjk, from, to);
  // Normalised as a whole: half-width kana and their marks become one character.
  const std::string folded = piece(from, to);
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(folded.size());) {
    const std::int32_t begin = i;
    U8_FWD_1(folded.data(), i, static_cast<std::int32_t>(folded.size()));
    w.parts.push_back(
        folded.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(i - begin)));
  }
  words.push_back(std::move(w));
  return to;
}

// "1.5l", "1,5 L", "1,000", "15": gives the place behind, or `from` where it is none of these.
std::size_t Cutter::cut_number(std::size_t from) {
  std::size_t to = run(from, Class::kDigit);
  std::string number = piece(from, to);
  while (to < all.size() && (all[to].code == '.' || all[to].code == ',') &&
         at(to + 1) == Class::kDigit) {
    const std::size_t end = run(to + 1, Class::kDigit);
    const std::string digits = piece(to + 1, end);
    const bool thousands = all[to].code == ',' && digits.size() == 3;
    if (!thousands && number.find('.') != std::string::npos) break;  // 1.2.3: a version
    number += thousands ? digits : "." + digits;
    to = end;
  }
  if (const std::size_t dot = number.find('.'); dot != std::string::npos) {
    while (number.back() == '0') number.pop_back();
    if (number.back() == '.') number.pop_back();
  }
  Word w = word(Word::Kind::kNumber, from, to);
  const std::size_t attached = run(to, Class::kLetter);
  if (attached > to && at(attached) != Class::kDigit) {
    w.whole = number + piece(to, attached);
    to = attached;
  } else if (attached > to) {
    return from;  // 4k60: a name, not a number
  } else if (to < all.size() && (all[to].code == ' ' || all[to].code == 0xA0)) {
    const std::size_t end = run(to + 1, Class::kLetter);
    if (end > to + 1 && at(end) == Class::kOther && is_unit(piece(to + 1, end))) {
      w.whole = number + piece(to + 1, end);
      to = end;
    }
  }
  w.end = all[to - 1].end;
  w.parts.push_back(std::move(number));
  words.push_back(std::move(w));
  return to;
}

std::size_t Cutter::cut_joined(std::size_t from) {
  std::size_t to = alphanumeric(from);
  Word w = word(Word::Kind::kPlain, from, to);
  w.parts.push_back(piece(from, to));
  w.whole = w.parts[0];
  while (to < all.size() && joins(all[to].code)) {
    const std::size_t end = alphanumeric(to + 1);
    if (end == to + 1 || w.parts.size() == 8) break;
    w.kind = Word::Kind::kJoined;
    w.parts.push_back(piece(to + 1, end));
    w.whole += w.parts.back();
    to = end;
  }
  w.end = all[to - 1].end;
  words.push_back(std::move(w));
  return to;
}

}  // namespace

std::string normalise(std::string_view utf8) {
  if (std::all_of(utf8.begin(), utf8.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    std::string lower(utf8);
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return lower;
  }
  UErrorCode error = U_ZERO_ERROR;
  static const icu::Normalizer2* const nfkc = icu::Normalizer2::getNFKCCasefoldInstance(error);
  VITRINE_CHECK(nfkc != nullptr);
  error = U_ZERO_ERROR;
  std::string out;
  nfkc->normalize(icu::UnicodeString::fromUTF8(
                      icu::StringPiece(utf8.data(), static_cast<std::int32_t>(utf8.size()))),
                  error)
      .toUTF8String(out);
  return out;
}

std::string without_accents(const std::string& utf8) {
  if (std::all_of(utf8.begin(), utf8.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return utf8;
  UErrorCode error = U_ZERO_ERROR;
  static const icu::Normalizer2* const nfd = icu::Normalizer2::getNFDInstance(error);
  static const icu::Normalizer2* const nfc = icu::Normalizer2::getNFCInstance(error);
  VITRINE_CHECK(nfd != nullptr);
  VITRINE_CHECK(nfc != nullptr);
  error = U_ZERO_ERROR;
  const icu::UnicodeString parts = nfd->normalize(icu::UnicodeString::fromUTF8(utf8), error);
  icu::UnicodeString kept;
  bool strip = false;
  for (std::int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    const UChar32 c = parts.char32At(i);
    if (u_charType(c) == U_NON_SPACING_MARK) {
      if (!strip) kept.append(c);
      continue;
    }
    UErrorCode script_error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &script_error);
    strip = script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_CYRILLIC;
    kept.append(c);
  }
  std::string out;
  nfc->normalize(kept, error).toUTF8String(out);
  return out;
}

std::vector<Word> cut_words(std::string_view text) {
  Cutter cutter{text, read_characters(text), {}};
  for (std::size_t i = 0; i < cutter.all.size();) {
    switch (cutter.at(i)) {
      case Class::kOther: ++i; break;
      case Class::kCjk: i = cutter.cut_cjk(i); break;
      case Class::kLetter: i = cutter.cut_joined(i); break;
      case Class::kDigit: {
        const std::size_t end = cutter.cut_number(i);
        i = end > i ? end : cutter.cut_joined(i);
        break;
      }
    }
  }
  return std::move(cutter.words);
}

}  // namespace vitrine::text::internal
