#include "platform/codec/plain_text.h"

#include <gtest/gtest.h>

#include "platform/codec/utf8.h"

namespace vitrine::codec {
namespace {

std::string utf8(char32_t c) {
  std::string out;
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
  return out;
}

std::string text(std::u32string_view code_points) {
  std::string out;
  for (const char32_t c : code_points) out += utf8(c);
  return out;
}

TEST(PlainText, TakesWhatShopsCallTheirThings) {
  for (const std::u32string_view id :
       {U"sku-1", U"shoes/42/\U0001F45F", U"a<3", U"3 < 4", U"1 <", U"Größe 10,5", U"ﾃｽﾄ", U"靴",
        U"كتاب", U"ספר", U"किताब", U"me@example.com", U"{\"a\":\"b\"}", U"100%", U"a b",
        // Emoji with selector, joiner, keycap, tags; a Persian word with its non-joiner.
        U"❤\uFE0F", U"\U0001F469\u200D\U0001F4BB", U"1\uFE0F\u20E3",
        U"\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F",
        U"می\u200Cخواهم"}) {
    EXPECT_EQ(find_text_fault(text(id)), TextFault::kNone) << text(id);
  }
}

TEST(PlainText, RefusesWhatIsNotSeenOrRunsBackwards) {
  for (const std::u32string_view id :
       {U"sku\u200B1", U"\uFEFFsku", U"sku\u202Egpj", U"a\u2066b", U"a\u200Fb", U"a\u2028b",
        U"a\u00ADb", U"\u3164", U"sku\u200D", U"sk\u200Du", U"\u200Da", U"é\u200D\u200Dé",
        U"\uFE0Fa", U"a\U000E0061", U"a\uFFFE", U"a\U0001FFFF", U"a\uFDD0", U"a\u061C"}) {
    EXPECT_EQ(find_text_fault(text(id)), TextFault::kInvisible) << text(id);
  }
}

TEST(PlainText, RefusesControlsMarkupAndBrokenBytes) {
  EXPECT_EQ(find_text_fault(std::string_view("a\0b", 3)), TextFault::kControl);
  EXPECT_EQ(find_text_fault("a\tb"), TextFault::kControl);
  EXPECT_EQ(find_text_fault("a\x7F"), TextFault::kControl);
  EXPECT_EQ(find_text_fault(text(U"a\u0085b")), TextFault::kControl);
  for (const char* id :
       {"<script>alert(1)</script>", "x</td>", "12345678<b>", "<!--", "<?php", "<A"})
    EXPECT_EQ(find_text_fault(id), TextFault::kMarkup) << id;
  for (const char* id : {"\xFF", "a\xC3", "\xED\xA0\x80", "12345678\xC0\x80"})
    EXPECT_EQ(find_text_fault(id), TextFault::kNotUtf8);
}

// Whatever stands where: the same verdict as a look at each character by itself.
TEST(PlainText, TheFastWayThroughAsciiMissesNothing) {
  for (std::size_t length = 1; length < 20; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string id(length, 'x');
        id[at] = static_cast<char>(c);
        const TextFault fault = find_text_fault(id);
        const bool markup = c == '<' && at + 1 < length;
        const bool control = c < 0x20 || c == 0x7F;
        const auto expected = c >= 0x80 ? TextFault::kNotUtf8
                              : control ? TextFault::kControl
                              : markup  ? TextFault::kMarkup
                                        : TextFault::kNone;
        ASSERT_EQ(fault, expected) << length << " " << at << " " << c;
        if (fault == TextFault::kNone) {
          ASSERT_TRUE(is_printable_utf8(id));
        }
      }
    }
  }
}

}  // namespace
}  // namespace vitrine::codec
