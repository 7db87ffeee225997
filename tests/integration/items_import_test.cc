// Items in the forms that files have: CSV, NDJSON, packed or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/gzip.h"
#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::HasSubstr;

class ItemsImport : public testing::Test {
 protected:
  ItemsImport() : shop_(server_.create_shop("shop")) {}
  Answer import(std::string_view body, std::string_view type, std::string_view encoding = {}) {
    return server_.call({"POST", "/v1/items:import", shop_.secret, std::string(body),
                         std::string(type), std::string(encoding)});
  }
  std::string item(std::string_view id) { return server_.get(item_path(id), shop_.secret).body; }

  TestServer server_;
  Shop shop_;
};

TEST_F(ItemsImport, ACsvHasTheTypesOfItsHeadings) {
  const auto answer = import(
      "\xEF\xBB\xBFitem_id,title,price,stock,categories,size:number,waterproof:boolean,season:"
      "time\r\n"
      "a,\"Boot, \"\"low\"\"\",79.90,3,Shoes|Boots,42,yes,2026-10-01\r\n"
      "b,\"two\nlines\",,,,,,\r\n",
      "text/csv; charset=utf-8");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/accepted"), 2) << answer.body;
  const std::string a = item("a");
  EXPECT_EQ(text_at(a, "/title"), "Boot, \"low\"");
  EXPECT_EQ(number_at(a, "/price"), 79.9);
  EXPECT_EQ(number_at(a, "/stock"), 3);
  EXPECT_EQ(text_at(a, "/categories/1"), "Boots");
  EXPECT_EQ(number_at(a, "/size"), 42);
  EXPECT_TRUE(has(a, "/waterproof"));
  EXPECT_THAT(text_at(a, "/season/$time"), HasSubstr("2026-10-01"));
  EXPECT_EQ(text_at(item("b"), "/title"), "two\nlines");
  EXPECT_THAT(item("b"), testing::Not(HasSubstr("price"))) << "an empty cell is no value";
}

TEST_F(ItemsImport, ABadRowIsRejectedAloneByItsNumber) {
  const auto answer = import("item_id,price\na,1\nb,dear\nc\n,5\n\"d\"x,1\ne,2\n", "text/csv");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/accepted"), 2) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/rejected/0/index"), 1);
  EXPECT_THAT(text_at(answer.body, "/rejected/0/detail"), HasSubstr("'dear' is no number"));
  EXPECT_EQ(number_at(answer.body, "/rejected/1/index"), 2);
  EXPECT_EQ(number_at(answer.body, "/rejected/2/index"), 3);
  EXPECT_EQ(number_at(answer.body, "/rejected/3/index"), 4);
}

TEST_F(ItemsImport, AHeadThatCantBeIsRefusedWhole) {
  for (const char* head :
       {"item_id,Screen Size", "item_id,price:string", "item_id,size:length", "\"item_id", ""}) {
    expect_problem(import(std::string(head) + "\na,1\n", "text/csv"), 400);
  }
  expect_problem(import("item_id,price\n", "text/csv"), 400, "invalid_argument");
  std::string many = "item_id\n";
  for (int i = 0; i < 1001; ++i) many += std::to_string(i) + "\n";
  expect_problem(import(many, "text/csv"), 413, "too_many_items");
}

TEST_F(ItemsImport, PackedBodiesAreUnpackedOnEveryItemRoute) {
  const std::string csv = codec::gzip("item_id,price\na,1\n");
  EXPECT_EQ(number_at(import(csv, "text/csv", "gzip").body, "/accepted"), 1);
  const std::string lines = codec::gzip("{\"item_id\":\"b\"}\n{\"item_id\":\"c\"}\n");
  EXPECT_EQ(number_at(import(lines, "application/x-ndjson", "gzip").body, "/accepted"), 2);
  const auto call = [&](std::string method, std::string target, std::string_view body) {
    return server_.call({std::move(method), std::move(target), shop_.secret, codec::gzip(body),
                         "application/json", "gzip"});
  };
  EXPECT_EQ(call("PUT", "/v1/items/d", R"({"price":1,"stock":1})").status, 200);
  EXPECT_EQ(call("PATCH", "/v1/items/d", R"({"price":2})").status, 200);
  EXPECT_EQ(call("POST", "/v1/items/d:inventory", R"({"stock":7})").status, 200);
  EXPECT_EQ(number_at(item("d"), "/price"), 2);
  EXPECT_EQ(number_at(item("d"), "/stock"), 7);
  expect_problem(import("no gzip", "text/csv", "gzip"), 400, "invalid_gzip");
  expect_problem(import("item_id\na\n", "text/csv", "br"), 415, "unsupported_encoding");
  const std::string bomb = codec::gzip(std::string(64 << 20, ' '));
  expect_problem(import(bomb, "text/csv", "gzip"), 413, "body_too_large");
}

}  // namespace
}  // namespace vitrine::integration
