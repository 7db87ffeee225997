#include "platform/codec/utf8.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace vitrine::codec {
namespace {

// The definition, written without tricks: decode, then check what was decoded.
bool is_valid_by_decoding(const std::string& text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int length = first < 0x80       ? 1
                       : first >> 5 == 6  ? 2
                       : first >> 4 == 14 ? 3
                       : first >> 3 == 30 ? 4
                                          : 0;
    if (length == 0 || i + static_cast<std::size_t>(length) > text.size()) return false;
    std::uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
    for (int k = 1; k < length; ++k) {
      const auto tail = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if (tail >> 6 != 2) return false;
      point = point << 6 | (tail & 0x3F);
    }
    const std::uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < lowest[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
      return false;
    i += static_cast<std::size_t>(length);
  }
  return true;
}

TEST(Utf8, AgreesWithDecodingOnRandomBytes) {
  std::mt19937_64 random(1);
  // Bytes that sit at the borders of the ranges, so that valid sequences happen often.
  const std::string bytes(
      "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xE1\xED\xEF\xF0\xF1\xF4\xF5\xFF");
  int valid = 0;
  for (int round = 0; round < 300000; ++round) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += bytes[random() % bytes.size()];
    const bool expected = is_valid_by_decoding(text);
    ASSERT_EQ(is_valid_utf8(text), expected) << testing::PrintToString(text);
    valid += expected;
  }
  EXPECT_GT(valid, 20000);
}

TEST(Utf8, PrefixEndsAtTheFirstWrongByte) {
  EXPECT_EQ(valid_utf8_prefix("0123456789\xFFrest"), 10u);
  EXPECT_EQ(valid_utf8_prefix("h\xC3\xA9\xC3"), 3u);
  EXPECT_EQ(valid_utf8_prefix(""), 0u);
}

TEST(Utf8, PrintableMeansNoControlCharacterAnywhere) {
  EXPECT_TRUE(is_printable_utf8("shoes/42 \xF0\x9F\x91\x9F \xE2\x82\xAC"));
  for (const int control : {0, 1, 9, 10, 31, 127}) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string text(20, 'x');
      text[at] = static_cast<char>(control);
      EXPECT_FALSE(is_printable_utf8(text)) << control << " at " << at;
    }
  }
  EXPECT_FALSE(is_printable_utf8("\xC2\x85"));  // U+0085, next line
  EXPECT_TRUE(is_printable_utf8("\xC2\xA0"));   // U+00A0, a blank
}

}  // namespace
}  // namespace vitrine::codec
