#include "domain/event/event_json.h"

#include <gtest/gtest.h>

#include "domain/event/event_codec.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"

namespace vitrine::event {
namespace {

const TimeUs kNow = codec::parse_rfc3339("2026-11-22T16:00:00Z").value();

class EventJson : public testing::Test {
 protected:
  bool read(std::string_view json) { return reader_.read(json, 0, rules_, event_, why_); }
  std::string_view refusal(std::string_view json) {
    if (read(json)) return "accepted";
    EXPECT_FALSE(why_.detail.empty());
    return reject_code_name(why_.code);
  }
  // A search event with the given fields added to the required ones.
  std::string_view refusal_with(const std::string& fields) {
    json_ = R"({"event_id":"e","type":"search","search":{"query":"q"},"user":{"user_id":"u"},)" +
            fields + "}";
    return refusal(json_);
  }

  EventReader reader_;
  TypeNames custom_{"wishlist-shared"};
  EventRules rules_ = EventRules::live(kNow, &custom_);
  Event event_;
  Rejection why_;
  std::string json_;
};

TEST_F(EventJson, ReadsEveryField) {
  ASSERT_TRUE(read(
      R"({"event_id":"01J/\ud83d\ude00","type":"add-to-cart","event_time":"2026-11-22T15:59:00.5Z",
    "user":{"user_id":"u1","anonymous_id":"a1","session_id":"s1"},
    "items":[{"item_id":"sku-1","variant_id":"red","quantity":2,"price":9.5,"position":3,"list_id":"home"},{"item_id":"b"}],
    "value":19,"currency":"EUR","transaction":{"id":"t"},"search":{"query":"shoes"},"page":{"url":"/a"},
    "attribution":{"request_id":"r"},"context":{"consent":{"marketing":true}},"properties":{"x":[1,2.5,null,"\u00e9"], "big":18446744073709551615}})"))
      << why_.detail;
  EXPECT_EQ(event_.event_id, "01J/\xF0\x9F\x98\x80");
  EXPECT_EQ(event_.type, EventType::kAddToCart);
  EXPECT_EQ(event_.event_time, kNow - 60 * kSecondUs + 500000);
  EXPECT_FALSE(event_.time_assigned);
  EXPECT_EQ(event_.user_id, "u1");
  EXPECT_EQ(event_.anonymous_id, "a1");
  EXPECT_EQ(event_.session_id, "s1");
  ASSERT_EQ(event_.items.size(), 2u);
  EXPECT_EQ(event_.items[0], (EventItem{"sku-1", "red", 9.5, 2, 3, "home"}));
  EXPECT_EQ(event_.items[1], (EventItem{.item_id = "b"}));
  EXPECT_EQ(event_.value, 19);
  EXPECT_EQ(event_.currency, "EUR");
  EXPECT_EQ(event_.transaction, R"({"id":"t"})");
  EXPECT_EQ(event_.search, R"({"query":"shoes"})");
  EXPECT_EQ(event_.page, R"({"url":"/a"})");
  EXPECT_EQ(event_.attribution, R"({"request_id":"r"})");
  EXPECT_EQ(event_.context, R"({"consent":{"marketing":true}})");
  EXPECT_EQ(event_.properties, "{\"x\":[1,2.5,null,\"\xC3\xA9\"],\"big\":18446744073709551615}");
}

TEST_F(EventJson, WhatIsPrintedReadsBackAsTheSameEvent) {
  ASSERT_TRUE(
      read(R"({"event_id":"e\"\\","type":"wishlist-shared","event_time":"2026-11-22T15:59:00.5Z",
    "user":{"anonymous_id":"a1"},"items":[{"item_id":"sku-1","quantity":0.5,"position":0}],
    "value":0.1,"properties":{"x":{"y":[]}}})"))
      << why_.detail;
  std::string first, printed, second;
  encode_event(event_, first);
  codec::JsonWriter json(printed);
  write_event_json(event_, json);
  json.finish();
  ASSERT_TRUE(read(printed)) << printed << why_.detail;
  encode_event(event_, second);
  EXPECT_EQ(first, second) << printed;
}

TEST_F(EventJson, ABatchOfReadsLeavesNothingOfTheEventBefore) {
  ASSERT_TRUE(read(
      R"({"event_id":"1","type":"rating","user":{"user_id":"u","session_id":"s"},"items":[{"item_id":"a"}],
    "value":4,"currency":"EUR","properties":{"a":1},"search":{"query":"x"}})"))
      << why_.detail;
  ASSERT_TRUE(read(R"({"event_id":"2","type":"home-page-view","user":{"anonymous_id":"b"}})"))
      << why_.detail;
  Event expected;
  expected.event_id = "2";
  expected.type = EventType::kHomePageView;
  expected.anonymous_id = "b";
  expected.event_time = kNow;
  expected.time_assigned = true;
  EXPECT_EQ(event_, expected);
}

TEST_F(EventJson, NullIsTheSameAsAbsent) {
  ASSERT_TRUE(read(
      R"({"event_id":"2","type":"home-page-view","event_time":null,"value":null,"items":null,"page":null,
    "user":{"user_id":null,"anonymous_id":"b"}})"))
      << why_.detail;
  EXPECT_EQ(event_.event_time, kNow);
  EXPECT_TRUE(event_.time_assigned);
}

TEST_F(EventJson, TakesTheNamesOfOtherVocabularies) {
  for (const auto& [name, type] : {std::pair{"Product Viewed", EventType::kDetailPageView},
                                   std::pair{"add_to_cart", EventType::kAddToCart},
                                   std::pair{"purchase", EventType::kPurchaseComplete}}) {
    ASSERT_TRUE(
        read(std::string(
                 R"({"event_id":"e","user":{"user_id":"u"},"items":[{"item_id":"a"}],"type":")") +
             name + "\"}"));
    EXPECT_EQ(event_.type, type);
  }
}

TEST_F(EventJson, TakesAnEventInTheShapeOfGa4) {
  constexpr std::string_view kParameters =
      R"("transaction_id":"t","tax":1.5,"search_term":"boots","item_list_id":"home",
      "items":[{"item_id":"a","item_name":"A","item_brand":"B","item_category5":"C","discount":2,"index":4,
                "item_variant":"red","item_list_id":"spring","price":9.5,"quantity":2},
               {"item_id":"b","item_variant":"","index":null}],"value":19,"currency":"EUR")";
  const std::string head =
      R"({"event_id":"e","event_time":1795363200,"user":{"user_id":"u"},"properties":{"x":1},)";
  for (const std::string& json :
       {head + R"("type":"purchase",)" + std::string(kParameters) + "}",
        head + R"("params":{)" + std::string(kParameters) + R"(},"name":"purchase"})"}) {
    ASSERT_TRUE(read(json)) << why_.detail;
    EXPECT_EQ(event_.type, EventType::kPurchaseComplete);
    ASSERT_EQ(event_.items.size(), 2u);
    EXPECT_EQ(event_.items[0], (EventItem{"a", "red", 9.5, 2, 4, "spring"}));
    EXPECT_EQ(event_.items[1], (EventItem{.item_id = "b", .list_id = "home"}));
    EXPECT_EQ(event_.value, 19);
    EXPECT_EQ(event_.currency, "EUR");
    EXPECT_EQ(event_.transaction, R"({"order_id":"t","tax":1.5})");
    EXPECT_EQ(event_.search, R"({"query":"boots"})");
    EXPECT_EQ(event_.properties, R"({"x":1})");
    std::string first, printed, second;
    encode_event(event_, first);
    codec::JsonWriter writer(printed);
    write_event_json(event_, writer);
    writer.finish();
    ASSERT_TRUE(read(printed)) << printed << why_.detail;
    encode_event(event_, second);
    EXPECT_EQ(first, second) << printed;
  }
}

TEST_F(EventJson, OtherParametersOfGa4JoinThePropertiesAndNothingIsLeftOfThem) {
  ASSERT_TRUE(read(
      R"({"event_id":"e","name":"view_item","user":{"user_id":"u"},"properties":{"x":1},
    "params":{"items":[{"item_id":"a"}],"page_title":"A","own":{"b":[1]},"item_list_name":"L","item_list_id":"l","coupon":"C"}})"))
      << why_.detail;
  EXPECT_EQ(event_.properties, R"({"x":1,"page_title":"A","own":{"b":[1]},"item_list_name":"L"})");
  ASSERT_TRUE(read(
      R"({"event_id":"e","type":"view_item","user":{"user_id":"u"},"items":[{"item_id":"a"}]})"));
  EXPECT_EQ(event_.properties, "");
  EXPECT_EQ(event_.transaction, "");
  EXPECT_EQ(event_.items[0].list_id, "");
}

TEST_F(EventJson, RefusesWhatIsWrongInTheShapeOfGa4) {
  EXPECT_EQ(refusal_with(R"("name":"search")"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("search_term":"q")"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("tax":1,"tax":1)"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("tax":1,"params":{"tax":1})"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("value":1,"params":{"value":1})"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("params":{},"params":{})"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","position":1,"index":1}])"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("params":[])"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("item_list_id":7)"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","index":"1"}])"), "wrong_type");
  EXPECT_NE(why_.detail.find("items[0]: index must be"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","index":-1}])"), "out_of_range");
  EXPECT_EQ(refusal_with(R"("items":[{"item_name":"a"}])"), "missing_field");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","item_nmae":"a"}])"), "unknown_field");
  EXPECT_EQ(refusal_with(R"("page_title":"x")"), "unknown_field");
  EXPECT_EQ(refusal_with(R"("coupon":"\udc00")"), "invalid_utf8");
  const std::string half(5000, 'x');
  EXPECT_EQ(refusal_with(R"("params":{"a":")" + half + "\"}"), "accepted");
  EXPECT_EQ(refusal_with(R"("params":{"a":")" + half + R"(","b":")" + half + "\"}"), "too_large");
  EXPECT_EQ(refusal_with(R"("properties":{"a":")" + half + R"("},"params":{"b":")" + half + "\"}"),
            "too_large");
  EXPECT_EQ(refusal_with(R"("params":{"a":[[[[[[[]]]]]]]})"), "accepted");
  EXPECT_EQ(refusal_with(R"("params":{"a":[[[[[[[[]]]]]]]]})"), "too_deep");
}

TEST_F(EventJson, RefusesWhatGa4AndOurOwnObjectsBothSay) {
  EXPECT_EQ(refusal_with(R"("properties":{"a":1},"params":{"a":2})"), "duplicate_field");
  EXPECT_NE(why_.detail.find("properties has 'a' twice"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("params":{"a":2},"properties":{"b":0,"\u0061":1})"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("item_list_name":"L","properties":{"item_list_name":"L"})"),
            "duplicate_field");
  EXPECT_EQ(refusal_with(R"("transaction":{"order_id":"o"},"transaction_id":"o")"),
            "duplicate_field");
  EXPECT_NE(why_.detail.find("transaction has 'order_id' twice"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("params":{"a":1,"b":2,"a":1})"), "duplicate_field");
  ASSERT_TRUE(read(
      R"({"event_id":"e","name":"home-page-view","user":{"user_id":"u"},"transaction":{"tax":1},
    "properties":{"a":{"b":1},"\u0062":"b\"b"},"params":{"c":{"b":2},"a,":3,"tax":null,"coupon":"a"}})"))
      << why_.detail;
  EXPECT_EQ(event_.properties, R"({"a":{"b":1},"b":"b\"b","c":{"b":2},"a,":3})");
  EXPECT_EQ(event_.transaction, R"({"tax":1,"coupon":"a"})");
}

TEST_F(EventJson, ANameIsGivenOnceInEachObject) {
  for (const char* object :
       {"transaction", "search", "page", "attribution", "context", "properties"}) {
    EXPECT_EQ(refusal(R"({"event_id":"e","type":"home-page-view","user":{"user_id":"u"},")" +
                      std::string(object) + R"(":{"a":1,"b":2,"\u0061":1}})"),
              "duplicate_field");
    EXPECT_NE(why_.detail.find(object), std::string::npos);
  }
  EXPECT_EQ(refusal_with(R"("properties":{"a":[{"b":{"c":1,"c":1}}]})"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("params":{"a":{"b":1,"b":1}})"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("properties":{"a":{"a":1},"b":[{"a":1},{"a":2}],"A":0,"":0})"),
            "accepted");
  // What is looked at is what counts: the second would be acted on.
  EXPECT_EQ(refusal_with(R"("context":{"consent":{},"consent":{"personalisation":false}})"),
            "duplicate_field");
  EXPECT_EQ(refusal_with(R"("context":{"consent":{"marketing":false,"marketing":true}})"),
            "duplicate_field");
}

// Goal: the quick look at names overlooks none. Method: every number of names, with each of them
// again at the end.
TEST_F(EventJson, FindsANameGivenTwiceAmongAnyNumberOfThem) {
  for (std::size_t count = 1; count <= 40; ++count) {
    std::string names = "\"properties\":{";
    for (std::size_t i = 0; i < count; ++i) {
      names += (i > 0 ? "," : "") + std::string("\"n") + std::to_string(i * i) + "\":0";
    }
    EXPECT_EQ(refusal_with(names + "}"), "accepted");
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(refusal_with(names + ",\"n" + std::to_string(i * i) + "\":0}"), "duplicate_field");
    }
  }
}

TEST_F(EventJson, ANameOfGa4WithoutCounterpartIsTakenWhereItIsDeclared) {
  const std::string json = R"({"event_id":"e","type":"begin_checkout","user":{"user_id":"u"}})";
  EXPECT_EQ(refusal(json), "unknown_type");
  EXPECT_NE(why_.detail.find("declare 'begin-checkout'"), std::string::npos);
  custom_.insert("begin-checkout");
  ASSERT_TRUE(read(json)) << why_.detail;
  EXPECT_EQ(event_.type, EventType::kCustom);
  EXPECT_EQ(event_.custom_type, "begin-checkout");
}

TEST_F(EventJson, SaysWhatIsMissing) {
  EXPECT_EQ(refusal(R"({})"), "missing_field");
  EXPECT_EQ(refusal(R"({"type":"search","search":{"query":"q"},"user":{"user_id":"u"}})"),
            "missing_field");
  EXPECT_EQ(refusal(R"({"event_id":"e","user":{"user_id":"u"}})"), "missing_field");
  EXPECT_EQ(refusal(R"({"event_id":"e","type":"search","search":{"query":"q"}})"), "missing_field");
  EXPECT_EQ(refusal(R"({"event_id":"e","type":"search","user":{"user_id":"u"}})"), "missing_field");
  EXPECT_EQ(
      refusal(R"({"event_id":"e","type":"search","search":{"query":""},"user":{"user_id":"u"}})"),
      "missing_field");
  EXPECT_EQ(
      refusal(
          R"({"event_id":"e","type":"rating","items":[{"item_id":"a"}],"user":{"user_id":"u"}})"),
      "missing_field");
  EXPECT_EQ(refusal(R"({"event_id":"e","type":"message-open","user":{"user_id":"u"}})"),
            "missing_field");
  EXPECT_EQ(refusal_with(R"("items":[{"price":1}])"), "missing_field");
  for (std::uint8_t type = 1; type <= 17; ++type) {
    const auto known = static_cast<EventType>(type);
    if (!needs_items(known)) continue;
    EXPECT_EQ(refusal(R"({"event_id":"e","user":{"user_id":"u"},"value":1,"type":")" +
                      std::string(event_type_name(known)) + "\"}"),
              "missing_field");
  }
}

TEST_F(EventJson, RefusesWithAStableCode) {
  EXPECT_EQ(refusal_with(R"("user_id":"u")"), "unknown_field");
  EXPECT_NE(why_.detail.find("user{}"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("colour":"red")"), "unknown_field");
  EXPECT_NE(why_.detail.find("properties{}"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","title":"x"}])"), "unknown_field");
  EXPECT_EQ(refusal_with(R"("value":1,"value":2)"), "duplicate_field");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","item_id":"b"}])"), "duplicate_field");
  EXPECT_EQ(refusal("[]"), "wrong_type");
  EXPECT_EQ(refusal("7"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("value":"7")"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("items":{})"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("items":[5])"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":5}])"), "wrong_type");
  EXPECT_NE(why_.detail.find("items[0]"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","position":1.5}])"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("properties":[])"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("currency":5)"), "wrong_type");
  EXPECT_EQ(refusal(R"({"event_id":"e","type":"teleport","user":{"user_id":"u"}})"),
            "unknown_type");
  EXPECT_EQ(refusal_with(R"("value":-1)"), "out_of_range");
  EXPECT_EQ(refusal_with(R"("value":1.1e12)"), "out_of_range");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","quantity":0}])"), "out_of_range");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","quantity":1000001}])"), "out_of_range");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","price":-0.01}])"), "out_of_range");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","position":-1}])"), "out_of_range");
  EXPECT_EQ(
      refusal(
          R"({"event_id":"e","type":"rating","value":5.5,"items":[{"item_id":"a"}],"user":{"user_id":"u"}})"),
      "out_of_range");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":""}])"), "invalid_id");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a\u0000b"}])"), "invalid_id");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a\u0085b"}])"), "invalid_id");
  EXPECT_EQ(refusal_with(R"("currency":"eur")"), "invalid_currency");
  EXPECT_EQ(refusal_with(R"("currency":"EURO")"), "invalid_currency");
  EXPECT_EQ(refusal_with(R"("event_time":"yesterday")"), "invalid_time");
  EXPECT_EQ(refusal_with(R"("event_time":1e300)"), "invalid_time");
  EXPECT_EQ(refusal_with(R"("event_time":true)"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("value":1e400)"), "invalid_number");
  EXPECT_EQ(refusal_with(R"("value":NaN)"), "invalid_number");
  EXPECT_EQ(refusal_with("\"properties\":{\"a\":\"\xFF\"}"), "invalid_utf8");
  EXPECT_EQ(refusal_with(R"("properties":{"a":"\udc00"})"), "invalid_utf8");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"\ud800"}])"), "invalid_utf8");
  EXPECT_EQ(refusal_with(R"("properties":{"a":)"), "invalid_json");
}

TEST_F(EventJson, BoundsTimesToTheWindowOfTheRules) {
  EXPECT_EQ(refusal_with(R"("event_time":"1901-01-01T00:00:00Z")"), "time_too_old");
  EXPECT_EQ(refusal_with(R"("event_time":"2999-01-01T00:00:00Z")"), "time_in_future");
  EXPECT_EQ(refusal_with(R"("event_time":"2026-11-19T16:00:00Z")"), "accepted");
  EXPECT_EQ(refusal_with(R"("event_time":"2026-11-19T15:59:59.999999Z")"), "time_too_old");
  EXPECT_EQ(refusal_with(R"("event_time":"2026-11-22T16:10:00Z")"), "accepted");
  EXPECT_EQ(refusal_with(R"("event_time":"2026-11-22T16:10:00.000001Z")"), "time_in_future");
  EXPECT_EQ(refusal_with(R"("event_time":0)"), "time_too_old");
  EXPECT_EQ(refusal_with(R"("event_time":1795363200)"), "accepted");
  rules_ = EventRules::imported(kNow);
  EXPECT_EQ(refusal_with(R"("event_time":"1901-01-01T00:00:00Z")"), "accepted");
  EXPECT_EQ(refusal_with(R"("event_time":0)"), "accepted");
  EXPECT_FALSE(event_.time_assigned);
  EXPECT_EQ(refusal_with(R"("event_time":"1899-12-31T23:59:59Z")"), "time_too_old");
  EXPECT_EQ(refusal_with(R"("event_time":"2999-01-01T00:00:00Z")"), "time_in_future");
}

TEST_F(EventJson, BoundsIdsByBytes) {
  const auto with_id = [](std::size_t event_id, std::size_t user_id) {
    return R"({"type":"home-page-view","event_id":")" + std::string(event_id, 'e') +
           R"(","user":{"user_id":")" + std::string(user_id, 'u') + "\"}}";
  };
  EXPECT_EQ(refusal(with_id(128, 256)), "accepted");
  EXPECT_EQ(refusal(with_id(129, 256)), "id_too_long");
  EXPECT_EQ(refusal(with_id(128, 257)), "id_too_long");
  EXPECT_EQ(refusal(with_id(1, 300)), "id_too_long");
  EXPECT_EQ(refusal(with_id(0, 1)), "invalid_id");
}

TEST_F(EventJson, TakesIdsWithSlashesAndEmojis) {
  EXPECT_EQ(refusal_with("\"items\":[{\"item_id\":\"shoes/42/\xF0\x9F\x91\x9F\"}]"), "accepted");
}

TEST_F(EventJson, RefusesIdsThatAreNotWhatTheyLookLike) {
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"sku\u200b1"}])"), "invalid_id");
  EXPECT_NE(why_.detail.find("items[0]: item_id contains characters that can't be seen"),
            std::string::npos);
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"sku\u202e1"}])"), "invalid_id");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a","list_id":"<img src=x>"}])"), "invalid_id");
  EXPECT_NE(why_.detail.find("markup"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a<b"}])"), "invalid_id");
  EXPECT_EQ(refusal_with(R"("items":[{"item_id":"a < b"}])"), "accepted");
}

TEST_F(EventJson, ChecksTheShapeOfAddressesLocalesAndTimezones) {
  EXPECT_EQ(refusal_with(R"("page":{"url":"https://shop.example/a","title":"<b>"})"), "accepted");
  EXPECT_EQ(refusal_with(R"("page":{"url":"","referrer":null})"), "accepted");
  EXPECT_EQ(refusal_with(R"("page":{"referrer":"/b"})"), "accepted");
  EXPECT_EQ(refusal_with(R"("page":{"url":"javascript:alert(1);"})"), "invalid_url");
  EXPECT_NE(why_.detail.find("page.url must be"), std::string::npos);
  EXPECT_EQ(refusal_with(R"("page":{"referrer":"https://a b"})"), "invalid_url");
  EXPECT_EQ(refusal_with(R"("page":{"url":7})"), "wrong_type");
  EXPECT_EQ(refusal_with(R"("context":{"locale":"en-GB","timezone":"Europe/Berlin"})"), "accepted");
  EXPECT_EQ(refusal_with(R"("context":{"locale":"english; drop table"})"), "invalid_locale");
  EXPECT_EQ(refusal_with(R"("context":{"timezone":"../../etc"})"), "invalid_timezone");
  EXPECT_EQ(refusal_with(R"("context":{"locale":{}})"), "wrong_type");
}

TEST_F(EventJson, BoundsDepthAndSizeOfOwnData) {
  const auto nested = [](std::size_t depth) {
    std::string json = "\"properties\":";
    for (std::size_t i = 1; i < depth; ++i) json += "{\"a\":";
    json += "{}";
    return json + std::string(depth - 1, '}');
  };
  EXPECT_EQ(refusal_with(nested(8)), "accepted");
  EXPECT_EQ(refusal_with(nested(9)), "too_deep");
  EXPECT_EQ(refusal_with(nested(60)), "too_deep");
  EXPECT_EQ(refusal_with(nested(1000000)), "too_deep");
  const auto sized = [](std::size_t bytes) {
    return R"("context":{"a":")" + std::string(bytes - 8, 'x') + "\"}";
  };
  EXPECT_EQ(refusal_with(sized(8192)), "accepted");
  EXPECT_EQ(refusal_with(sized(8193)), "too_large");
  EXPECT_EQ(refusal_with(sized(1 << 20)), "too_large");
  std::string many = R"("properties":{"a":[)";
  for (int i = 0; i < 100000; ++i) many += "1,";
  EXPECT_EQ(refusal_with(many + "1]}"), "too_large");
}

TEST_F(EventJson, BoundsTheNumberOfItemsAndTheWholeEvent) {
  const auto with_items = [](std::size_t count, std::size_t id_bytes) {
    std::string json = "\"items\":[";
    for (std::size_t i = 0; i < count; ++i) {
      const std::string id = "\"" + std::string(id_bytes, 'i') + "\"";
      json += (i > 0 ? "," : "") + std::string("{\"item_id\":") + id + ",\"variant_id\":" + id +
              ",\"list_id\":" + id + "}";
    }
    return json + "]";
  };
  EXPECT_EQ(refusal_with(with_items(100, 100)), "accepted");
  EXPECT_EQ(refusal_with(with_items(101, 100)), "too_many_items");
  EXPECT_EQ(refusal_with(with_items(100, 256)), "too_large");
}

// Goal: the limit is one of the stored form, to the byte. Method: grow an event item by item.
TEST_F(EventJson, AcceptsEventsUpToTheLimitAndEncodesNoMore) {
  std::string json;
  for (const char* object : {"transaction", "page", "attribution", "context", "properties"}) {
    json += "\"" + std::string(object) + R"(":{"a":")" + std::string(8184, 'x') + "\"},";
  }
  json += R"("items":[{"item_id":"first"})";
  std::size_t largest = 0;
  while (refusal_with(json + "]") == "accepted") {
    std::string bytes;
    encode_event(event_, bytes);
    ASSERT_LE(bytes.size(), kEventBytesMax);
    largest = bytes.size();
    json += R"(,{"item_id":")" + std::string(250, 'i') + "\"}";
  }
  EXPECT_EQ(why_.code, RejectCode::kTooLarge);
  EXPECT_GT(largest, kEventBytesMax - 260);
}

TEST_F(EventJson, AConsentThatIsMisspeltIsRefusedRatherThanOverlooked) {
  const auto with = [](std::string_view consent) {
    return R"({"event_id":"1","type":"home-page-view","user":{"user_id":"u"},"context":{"consent":)" +
           std::string(consent) + "}}";
  };
  EXPECT_TRUE(read(with(R"({"analytics":false,"personalization":null})")));
  EXPECT_TRUE(read(with(R"({"categoryPreferences":{"Advertising":false}})")));
  EXPECT_TRUE(read(with("null")));
  EXPECT_FALSE(read(with(R"({"personalisation":false})")));
  EXPECT_EQ(why_.code, RejectCode::kUnknownField);
  EXPECT_FALSE(read(with(R"({"analytics":"no"})")));
  EXPECT_EQ(why_.code, RejectCode::kWrongType);
  EXPECT_FALSE(read(with("false")));
  EXPECT_EQ(why_.code, RejectCode::kWrongType);
}

}  // namespace
}  // namespace vitrine::event
