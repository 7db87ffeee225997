#include "platform/codec/json_writer.h"

#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"
#include "platform/codec/utf8.h"

namespace vitrine::codec {
namespace {

std::string string_json(std::string_view text) {
  std::string out;
  JsonWriter(out).string(text).finish();
  return out;
}

template <class T>
std::string number_json(T value) {
  std::string out;
  JsonWriter(out).number(value).finish();
  return out;
}

TEST(JsonWriter, PutsCommasBetweenValuesAndNowhereElse) {
  std::string out = "before ";
  JsonWriter json(out);
  json.begin_object();
  json.key("a").number(1).key("b").begin_array().string("x").null().boolean(true).begin_object();
  json.end_object().begin_array().end_array().end_array();
  json.key("c").raw("{\"d\":1}").escaped_key("e\"").number(2.5);
  json.end_object();
  json.finish();
  EXPECT_EQ(out, R"(before {"a":1,"b":["x",null,true,{},[]],"c":{"d":1},"e\"":2.5})");
}

TEST(JsonWriter, WritesOneDocumentPerLine) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().end_object().newline().number(7).newline();
  json.finish();
  EXPECT_EQ(out, "{}\n7\n");
}

TEST(JsonWriter, EscapesWhatMustBeAndLeavesTheRest) {
  EXPECT_EQ(string_json("plain/text \xE2\x82\xAC"), "\"plain/text \xE2\x82\xAC\"");
  EXPECT_EQ(string_json("\"\\\b\f\n\r\t\x01\x1f"), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"");
  EXPECT_EQ(string_json("a\xFF"
                        "b\xC3"),
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\"");
}

TEST(JsonWriter, AnyBytesBecomeValidJsonThatReadsBackTheSame) {
  std::mt19937_64 random(2);
  JsonParser parser;
  const std::string alphabet("abcdefgh\"\\\n\x01\x7F\xC3\xA9\xE2\x82\xAC\xFF\xF0\x9F\x91\x9F", 22);
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const std::string json = string_json(text);
    auto parsed = parser.parse(json);
    ASSERT_TRUE(parsed.ok()) << json;
    const std::string_view back = parsed->get_string().value();
    if (is_valid_utf8(text)) {
      ASSERT_EQ(back, text);
    } else {
      ASSERT_NE(back.find("\xEF\xBF\xBD"), std::string_view::npos);
    }
  }
}

TEST(JsonWriter, NumbersReadBackAsTheSameValue) {
  std::mt19937_64 random(3);
  JsonParser parser;
  for (int round = 0; round < 50000; ++round) {
    const auto bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    const std::string json = number_json(value);
    auto parsed = parser.parse(json);
    ASSERT_TRUE(parsed.ok()) << json;
    ASSERT_EQ(parsed->get_double().value(), value) << json;
  }
  EXPECT_EQ(number_json(0.1f), "0.1");
  EXPECT_EQ(number_json(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(number_json(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(JsonWriter, ALargeFloatNeverLooksLikeAnIntegerThatIsTooLong) {
  JsonParser parser;
  for (const double value : {1e18, 123456789012345680000.0, 1e22, -4e19, 1e300}) {
    EXPECT_TRUE(parser.parse(number_json(value)).ok()) << number_json(value);
  }
}

TEST(JsonWriter, WhatIsNotANumberIsNull) {
  EXPECT_EQ(number_json(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(number_json(-std::numeric_limits<float>::infinity()), "null");
}

TEST(JsonWriter, AStringOfMegabytesOfEscapesFits) {
  const std::string text(1 << 20, '\x01');
  EXPECT_EQ(string_json(text).size(), 2 + text.size() * 6);
}

}  // namespace
}  // namespace vitrine::codec
