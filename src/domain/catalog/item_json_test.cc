#include "domain/catalog/item_json.h"

#include <cmath>

#include <gtest/gtest.h>

#include "domain/catalog/columns.h"
#include "domain/catalog/time_text.h"

namespace vitrine::catalog {
namespace {

using Strings = std::vector<std::string>;

TEST(ItemJson, ReadsEachTypeAndGivesItBack) {
  const auto parsed =
      parse_item(R"({"item_id":"sku-1","title":"Boot \"x\"\n","category":"Shoes","price":79.9,
    "stock":3,"waterproof":true,"sizes":["40","41","40"],"season":{"$time":"2026-10-01T00:00:00+02:00"},
    "available_from":"2026-01-02","note":"2026-01-02","gone":null,"zero":-0.0,
    "created":"2020-01-01T00:00:00Z","updated":null})");
  ASSERT_TRUE(parsed.ok()) << to_string(parsed.errors);
  const Item& item = parsed.value;
  EXPECT_EQ(item.id, "sku-1");
  EXPECT_EQ(*item.find("title"), AttributeValue(std::string("Boot \"x\"\n")));
  EXPECT_EQ(*item.find("categories"), AttributeValue(Strings{"Shoes"}));
  EXPECT_EQ(*item.find("sizes"), AttributeValue(Strings{"40", "41"}));
  EXPECT_EQ(*item.find("season"), AttributeValue(Time{parse_time("2026-09-30T22:00:00Z").value()}));
  EXPECT_EQ(*item.find("available_from"), AttributeValue(Time{parse_time("2026-01-02").value()}));
  EXPECT_EQ(*item.find("note"), AttributeValue(std::string("2026-01-02"))) << "a string stays one";
  EXPECT_FALSE(std::signbit(std::get<double>(*item.find("zero"))));
  EXPECT_EQ(item.find("gone"), nullptr);
  EXPECT_EQ(item.find("created"), nullptr);

  std::string json;
  append_json(item, {kTimeMin, 1'500'000}, json);
  EXPECT_NE(json.find("\"updated\":\"1970-01-01T00:00:01.500Z\""), std::string::npos) << json;
  const auto again = parse_item(json);
  ASSERT_TRUE(again.ok()) << to_string(again.errors);
  EXPECT_EQ(again.value, item);
}

struct Wrong {
  std::string json;
  std::string field;
};

TEST(ItemJson, NamesTheFieldOfEachError) {
  const std::vector<Wrong> cases{
      {R"({"title":"x"})", "item_id"},
      {R"({"item_id":5})", "item_id"},
      {R"({"item_id":""})", "item_id"},
      {R"({"item_id":"a\u0007"})", "item_id"},
      {R"({"item_id":")" + std::string(257, 'x') + "\"}", "item_id"},
      {R"({"item_id":"a","id":"a"})", "id"},
      {R"({"item_id":"a","price":-1})", "price"},
      {R"({"item_id":"a","price":2e12})", "price"},
      {R"({"item_id":"a","price":"12.50"})", "price"},
      {R"({"item_id":"a","price":1e400})", "price"},
      {R"({"item_id":"a","title":"b","price":NaN})", "price"},
      {R"({"item_id":"a","stock":1.5})", "stock"},
      {R"({"item_id":"a","stock":-2e9})", "stock"},
      {R"({"item_id":"a","in_stock":true})", "in_stock"},
      {R"({"item_id":"a","brand":"x","brand":"y"})", "brand"},
      {R"({"item_id":"a","category":"x","categories":["y"]})", "categories"},
      {R"({"item_id":"a","brand":7})", "brand"},
      {R"({"item_id":"a","Brand":"x"})", "Brand"},
      {R"({"item_id":"a","deep":{"x":1}})", "deep"},
      {R"({"item_id":"a","tags":["x",1]})", "tags"},
      {R"({"item_id":"a","tags":[""]})", "tags"},
      {R"({"item_id":"a","available_from":"soon"})", "available_from"},
      {R"({"item_id":"a","available_from":"1801-01-01"})", "available_from"},
      {R"({"item_id":"a","t":{"$time":"2026-02-30T00:00:00Z"}})", "t"},
      {R"({"item_id":"a","s":")" + std::string(kStringBytesMax + 1, 'x') + "\"}", "s"},
      {"{\"item_id\":\"a\",\"s\":\"\xFF\"}", ""},
      {R"({"item_id":"a",)", ""},
      {R"([1])", ""},
      {"", ""},
      {std::string(100'000, '['), ""},
  };
  for (const Wrong& wrong : cases) {
    SCOPED_TRACE(wrong.json.substr(0, 80));
    const auto parsed = parse_item(wrong.json);
    ASSERT_EQ(parsed.errors.size(), 1u) << to_string(parsed.errors);
    EXPECT_EQ(parsed.errors.front().field, wrong.field) << parsed.errors.front().reason;
    EXPECT_FALSE(parsed.errors.front().reason.empty());
  }
}

TEST(ItemJson, ReportsAllErrorsAtOnce) {
  const auto parsed = parse_item(R"({"item_id":"a","price":-1,"stock":"x","title":3})");
  EXPECT_EQ(to_string(parsed.errors),
            "price: must not be negative; stock: must be a number, not a string; title: must be a "
            "string, not a number");
}

TEST(ItemJson, RefusesMoreAttributesOrBytesThanAllowed) {
  std::string many = R"({"item_id":"a")";
  for (int i = 0; i <= 100; ++i) many += ",\"n" + std::to_string(i) + "\":1";
  EXPECT_FALSE(parse_item(many + "}").ok());
  std::string large = R"({"item_id":"a")";
  for (int i = 0; i < 9; ++i)
    large += ",\"s" + std::to_string(i) + "\":\"" + std::string(8000, 'x') + "\"";
  EXPECT_FALSE(parse_item(large + "}").ok());
}

TEST(ItemJson, PatchRemovesWithNullAndTakesTheIdOfThePath) {
  const auto patch = parse_patch(R"({"brand":null,"price":5})", "a");
  ASSERT_TRUE(patch.ok());
  EXPECT_EQ(patch.value, (ItemPatch{"a", {{"brand", std::nullopt}, {"price", 5.0}}}));
  EXPECT_FALSE(parse_patch(R"({"item_id":"b"})", "a").ok());
  EXPECT_TRUE(parse_inventory(R"({"stock":null})", "a").ok());
  EXPECT_FALSE(parse_inventory(R"({})", "a").ok());
  EXPECT_EQ(parse_inventory(R"({"stock":1,"brand":"x"})", "a").errors.front().field, "brand");
}

TEST(TimeText, ReadsWhatItWritesAndRefusesWhatIsNoTime) {
  for (const TimeUs time :
       {kTimeMin, TimeUs{-1}, TimeUs{0}, TimeUs{1}, 951'782'400 * kSecondUs, kTimeMax}) {
    EXPECT_EQ(parse_time(format_time(time)).value(), time) << format_time(time);
  }
  EXPECT_EQ(parse_time("2000-02-29t12:00:00.5-01:30").value(),
            parse_time("2000-02-29T13:30:00.500000Z").value());
  for (const char* wrong : {"", "2026", "2026-1-01", "2026-02-29", "2026-01-01T",
                            "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
                            "2026-01-01T00:00:00+1:00", "2026-01-01x"}) {
    EXPECT_FALSE(parse_time(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace vitrine::catalog
