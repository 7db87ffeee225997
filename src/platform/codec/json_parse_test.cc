#include "platform/codec/json_parse.h"

#include <random>

#include <gtest/gtest.h>

namespace vitrine::codec {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

TEST(JsonParser, ReadsInPlaceWhenThereIsRoomBehind) {
  JsonParser parser;
  const std::string text = "{\"a\":1}" + std::string(kJsonPaddingBytes, '!');
  auto parsed = parser.parse(std::string_view(text).substr(0, 7), kJsonPaddingBytes);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)["a"].get_int64().value(), 1);
}

TEST(JsonParser, AllowsSixtyFourLevelsAndNotOneMore) {
  JsonParser parser;
  EXPECT_TRUE(parser.parse(nested(kJsonDepthMax)).ok());
  EXPECT_FALSE(parser.parse(nested(kJsonDepthMax + 1)).ok());
  EXPECT_EQ(parser.last_fault(), JsonFault::kTooDeep);
}

TEST(JsonParser, AMillionLevelsAreAnErrorAndNotACrash) {
  JsonParser parser;
  for (const std::string& text :
       {nested(1'000'000), std::string(1'000'000, '['), std::string(1'000'000, '{')}) {
    auto parsed = parser.parse(text);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  }
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(parser.parse(objects).ok());
  EXPECT_EQ(parser.last_fault(), JsonFault::kTooDeep);
}

TEST(JsonParser, IsUsableAfterEveryKindOfRefusal) {
  JsonParser parser;
  for (const std::string& bad : {std::string("{"), nested(100), std::string("\"\xFF\""),
                                 std::string("1e400"), std::string()}) {
    EXPECT_FALSE(parser.parse(bad).ok());
    EXPECT_TRUE(parser.parse("[1,2]").ok());
  }
}

TEST(JsonParser, GivesTheMemoryOfAGiantBack) {
  JsonParser parser;
  const std::string giant = "\"" + std::string(8 << 20, 'x') + "\"";
  ASSERT_TRUE(parser.parse(giant).ok());
  ASSERT_TRUE(parser.parse("[]").ok());
  EXPECT_FALSE(parser.parse(nested(65)).ok());  // and the depth limit survives it
  EXPECT_EQ(parser.last_fault(), JsonFault::kTooDeep);
}

struct Case {
  std::string text;
  JsonFault fault;
  std::size_t offset;
};

TEST(DiagnoseJson, FindsTheFirstWrongByte) {
  const Case cases[] = {
      {"", JsonFault::kInvalidJson, 0},
      {"  ", JsonFault::kInvalidJson, 2},
      {"{\"a\":1,}", JsonFault::kInvalidJson, 7},
      {"{\"a\" 1}", JsonFault::kInvalidJson, 5},
      {"{a:1}", JsonFault::kInvalidJson, 1},
      {"[1 2]", JsonFault::kInvalidJson, 3},
      {"[1,]", JsonFault::kInvalidJson, 3},
      {"[1}", JsonFault::kInvalidJson, 2},
      {"[1", JsonFault::kInvalidJson, 2},
      {"{} {}", JsonFault::kInvalidJson, 3},
      {"tru", JsonFault::kInvalidJson, 0},
      {"\"abc", JsonFault::kInvalidJson, 4},
      {"\"a\nb\"", JsonFault::kInvalidJson, 2},
      {"\"a\\x\"", JsonFault::kInvalidJson, 2},
      {"\"\\u12g4\"", JsonFault::kInvalidJson, 1},
      {"\"\\ud800\"", JsonFault::kInvalidUtf8, 1},
      {"\"\\udc00\"", JsonFault::kInvalidUtf8, 1},
      {"\"ab\xFF\"", JsonFault::kInvalidUtf8, 3},
      {"[NaN]", JsonFault::kInvalidNumber, 1},
      {"[-Infinity]", JsonFault::kInvalidNumber, 1},
      {"[1e400]", JsonFault::kInvalidNumber, 1},
      {"[01]", JsonFault::kInvalidNumber, 1},
      {"[1.]", JsonFault::kInvalidNumber, 1},
      {"[99999999999999999999]", JsonFault::kInvalidNumber, 1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const JsonError error = diagnose_json(c.text);
    EXPECT_EQ(error.fault, c.fault) << error.text;
    EXPECT_EQ(error.offset, c.offset) << error.text;
    EXPECT_NE(error.text.find("at byte " + std::to_string(c.offset)), std::string::npos);
  }
}

TEST(DiagnoseJson, NamesLineAndColumnBeyondTheFirstLine) {
  EXPECT_NE(diagnose_json("{\n \"a\": x}").text.find("(line 2, column 7)"), std::string::npos);
}

// Goal: the slow reader and simdjson refuse the same texts, so that an explanation always fits.
// Method: mutate a valid text; whenever simdjson refuses, the diagnosis must have found a place.
TEST(DiagnoseJson, FindsAFaultWheneverTheParserRefuses) {
  std::mt19937_64 random(4);
  JsonParser parser;
  const std::string good =
      R"({"a":[1,-2.5e3,true,null,"x\n\u00e9"],"b":{"c":"\ud83d\ude00"},"d":[]})";
  const std::string alphabet = "{}[],:\"\\0123e-+.utrnl \xC3\xA9\xFF";
  int refused = 0;
  for (int round = 0; round < 100000; ++round) {
    std::string text = good;
    for (std::size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1);
      } else {
        text[at] = alphabet[random() % alphabet.size()];
      }
    }
    simdjson::dom::element element;
    if (parser.try_parse(text, 0, element)) continue;
    ++refused;
    ASSERT_NE(diagnose_json(text).text.substr(0, 9), "this JSON") << text;
  }
  EXPECT_GT(refused, 50000);
}

}  // namespace
}  // namespace vitrine::codec
