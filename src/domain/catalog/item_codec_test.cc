#include "domain/catalog/item_codec.h"

#include <limits>

#include <gtest/gtest.h>

namespace vitrine::catalog {
namespace {

Item full_item() {
  return {"sku/1 \xF0\x9F\x91\x9F",
          {{"brand", std::string("Acme")},
           {"categories", std::vector<std::string>{"Shoes", "Boots"}},
           {"fragile", true},
           {"launch", Time{kTimeMin}},
           {"price", 79.9},
           {"tags", std::vector<std::string>{}},
           {"title", std::string()}}};
}

std::string encoded(const Item& item) {
  std::string bytes;
  ByteWriter out(bytes);
  encode_upsert(item, out);
  return bytes;
}

TEST(ItemCodec, GivesBackWhatWasEncoded) {
  EXPECT_EQ(decode_upsert(encoded(full_item())).value(), full_item());
  const ItemPatch patch{"a", {{"price", 3.0}, {"stock", std::nullopt}}};
  std::string bytes;
  ByteWriter out(bytes);
  encode_patch(patch, out);
  EXPECT_EQ(decode_patch(bytes).value(), patch);
  EXPECT_EQ(decode_inventory(bytes).value(), patch);
  EXPECT_FALSE(decode_upsert(bytes).ok()) << "an upsert removes nothing";
  bytes.clear();
  encode_delete("a", out);
  EXPECT_EQ(decode_delete(bytes).value(), "a");
}

TEST(ItemCodec, RefusesEveryCutAndEveryByteTooMany) {
  const std::string good = encoded(full_item());
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    const auto result = decode_upsert(good.substr(0, cut));
    ASSERT_FALSE(result.ok()) << cut;
    ASSERT_EQ(result.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(decode_upsert(good + '\0').ok());
}

TEST(ItemCodec, SaysThatALaterVersionIsUnsupported) {
  std::string later = encoded(full_item());
  later[0] = 2;
  EXPECT_EQ(decode_upsert(later).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(decode_delete(later).error().code(), ErrorCode::kUnsupported);
}

TEST(ItemCodec, RefusesWhatTheChecksForbid) {
  const std::vector<Item> wrong{
      {"", {}},
      {std::string(257, 'x'), {}},
      {"a\nb", {}},
      {"a", {{"b", 1.0}, {"a", 1.0}}},
      {"a", {{"a", 1.0}, {"a", 1.0}}},
      {"a", {{"Upper", 1.0}}},
      {"a", {{"category", std::vector<std::string>{"x"}}}},
      {"a", {{"created", Time{1}}}},
      {"a", {{"price", -1.0}}},
      {"a", {{"price", std::string("1")}}},
      {"a", {{"stock", 1.5}}},
      {"a", {{"n", std::numeric_limits<double>::infinity()}}},
      {"a", {{"n", -0.0}}},
      {"a", {{"s", std::string("\xFF")}}},
      {"a", {{"s", std::string(kStringBytesMax + 1, 'x')}}},
      {"a", {{"l", std::vector<std::string>{"x", "x"}}}},
      {"a", {{"l", std::vector<std::string>{""}}}},
      {"a", {{"t", Time{kTimeMax + 1}}}},
  };
  for (const Item& item : wrong) EXPECT_FALSE(decode_upsert(encoded(item)).ok()) << item.id;
  std::string bytes;
  ByteWriter out(bytes);
  encode_patch({"a", {{"brand", std::string("x")}}}, out);
  EXPECT_TRUE(decode_patch(bytes).ok());
  EXPECT_FALSE(decode_inventory(bytes).ok()) << "only stock and price";
}

}  // namespace
}  // namespace vitrine::catalog
