#include "service/collect/body_split.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "platform/codec/json_parse.h"

namespace vitrine::collect {
namespace {

std::string split(std::string_view body, std::size_t most = 1000) {
  auto elements = split_json_body(body, most);
  if (!elements.ok()) {
    return std::string(elements.error().reason()) + ": " + elements.error().message();
  }
  std::string all;
  for (const auto element : elements.value()) all += std::string(element) + "|";
  return all;
}

TEST(SplitJsonBody, FindsTheElements) {
  EXPECT_EQ(split(R"([{"a":1},{"b":[1,2]}])"), R"({"a":1}|{"b":[1,2]}|)");
  EXPECT_EQ(split(" [ 1 , \"x,]\" ,\n null ] "), "1|\"x,]\"|null|");
  EXPECT_EQ(split(R"({"a":"}"})"), R"({"a":"}"}|)");
  EXPECT_EQ(split(R"(["a\"b","c\\"])"), R"("a\"b"|"c\\"|)");
  EXPECT_EQ(split("[]"), "");
  EXPECT_EQ(split("[ ]"), "");
}

TEST(SplitJsonBody, LeavesWhatIsInAnElementToItsReader) {
  EXPECT_EQ(split(R"([{"a":1e400},{"b":NaN},{a:}])"), R"({"a":1e400}|{"b":NaN}|{a:}|)");
  EXPECT_EQ(split("[\"\xFF\",1]"), "\"\xFF\"|1|");
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  EXPECT_EQ(split("[" + deep + ",1]"), deep + "|1|");
}

TEST(SplitJsonBody, SaysWhereTheStructureBreaks) {
  for (const auto& [body, offset] :
       {std::pair{"", 0}, std::pair{"7", 0}, std::pair{"[1", 2}, std::pair{"[1}", 2},
        std::pair{"{]", 1}, std::pair{"[\"a]", 1}, std::pair{"[1,]", 3}, std::pair{"[,1]", 1},
        std::pair{"[1]]", 3}, std::pair{"{} {}", 3}, std::pair{"[{\"a\":1}", 8},
        std::pair{"[[}]", 2}, std::pair{"\"x\"", 0}}) {
    const std::string refusal = split(body);
    EXPECT_TRUE(refusal.starts_with("invalid_json: ")) << body << " gave " << refusal;
    EXPECT_TRUE(refusal.ends_with("at byte " + std::to_string(offset)))
        << body << " gave " << refusal;
  }
}

TEST(SplitJsonBody, StopsAtTooManyElements) {
  EXPECT_EQ(split("[1,2,3]", 3), "1|2|3|");
  EXPECT_TRUE(split("[1,2,3,4]", 3).starts_with("too_many_events: "));
}

// Goal: on valid JSON the splitter finds exactly what the parser finds.
TEST(SplitJsonBody, AgreesWithTheParserOnValidArrays) {
  std::mt19937_64 random(1);
  const std::vector<std::string> values = {
      "1",    "\"a,b\"",  "\"\\\"]\"", "{\"k\":[1,{\"x\":\"}\"}]}", "[[],[\",\"]]",
      "null", "\"\\\\\"", "-2.5e3"};
  codec::JsonParser parser;
  for (int round = 0; round < 5000; ++round) {
    std::string body = "[";
    const std::size_t count = random() % 6;
    for (std::size_t i = 0; i < count; ++i) {
      body +=
          (i > 0 ? "," : "") + std::string(random() % 3, ' ') + values[random() % values.size()];
    }
    body += "]";
    auto parsed = parser.parse(body);
    ASSERT_TRUE(parsed.ok());
    auto elements = split_json_body(body, 1000);
    ASSERT_TRUE(elements.ok()) << body;
    ASSERT_EQ(elements->size(), parsed->get_array().size());
    std::string joined = "[";
    for (const auto element : elements.value())
      joined += (joined.size() > 1 ? "," : "") + std::string(element);
    ASSERT_EQ(simdjson::minify(parser.parse(joined + "]").value()),
              simdjson::minify(parser.parse(body).value()));
  }
}

TEST(TrimJson, RemovesBlanksAndTheByteOrderMark) {
  EXPECT_EQ(trim_json(" \r\n\t x \n"), "x");
  EXPECT_EQ(trim_json("\xEF\xBB\xBF[1]"), "[1]");
  EXPECT_EQ(trim_json(""), "");
}

}  // namespace
}  // namespace vitrine::collect
