// Bodies and paths that nobody means well with. After each the server serves as before, and has
// not grown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/codec/gzip.h"
#include "tests/integration/answers.h"
#include "tests/integration/route_calls.h"

namespace vitrine::integration {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HostileInput : public testing::Test {
 protected:
  ~HostileInput() override { expect_serving(server_, shop_); }

  Answer post_gzip(const std::string& bytes, const char* target = "/v1/events") {
    return server_.call({"POST", target, shop_.secret, bytes, "application/json", "gzip"});
  }
  Answer post_events(std::string_view body) {
    return server_.post("/v1/events", shop_.secret, body);
  }
  // Every route that reads JSON.
  std::vector<Answer> everywhere(const std::string& body) {
    const std::string admin = server_.admin_key();
    return {post_events(body),
            server_.post("/v1/events", shop_.secret, body, "application/x-ndjson"),
            server_.post("/v1/events:import", shop_.secret, body),
            server_.put_item(shop_, "x", body),
            server_.call({"PATCH", "/v1/items/x", shop_.secret, body}),
            server_.post("/v1/items/x:inventory", shop_.secret, body),
            server_.post("/v1/recommend/home", shop_.secret, body),
            server_.post("/v1/admin/tenants", admin, body),
            server_.call({"PATCH", "/v1/admin/tenants/shop", admin, body}),
            server_.post("/v1/admin/tenants/shop/keys", admin, body)};
  }
  void expect_refused_everywhere(const std::string& body) {
    for (const auto& answer : everywhere(body)) {
      // A batch of lines is refused line by line.
      if (answer.status == 202) {
        EXPECT_EQ(number_at(answer.body, "/accepted"), 0) << answer.body;
      } else {
        EXPECT_THAT(answer.status, AnyOf(400, 413)) << answer.body;
        expect_problem(answer, answer.status);
      }
      EXPECT_LT(answer.body.size(), 10'000u) << "the answer repeats what was sent";
    }
    const auto lines = server_.post("/v1/items:import", shop_.secret, body, "application/x-ndjson");
    if (lines.status == 200) {
      EXPECT_EQ(number_at(lines.body, "/accepted"), 0);
    } else {
      expect_problem(lines, lines.status);
    }
  }

  TestServer server_;
  Shop shop_ = server_.create_shop("shop");
};

// The body of every route that reads one, from the table of routes.
TEST_F(HostileInput, NoRouteTakesABrokenBody) {
  const Shop other = server_.create_shop("other");
  const std::string deep = std::string(200'000, '[');
  const std::string packed = codec::gzip("{}");
  const struct {
    std::string body, encoding;
  } broken[] = {{deep, ""},
                {"{\"a\":\"\xff\xfe\"}", ""},
                {"{\"a\":1e400}", ""},
                {"{\"a\":", ""},
                {std::string("{\"a\0b\":1", 9), ""},
                {packed.substr(0, packed.size() / 2), "gzip"},
                {"{}", "br"}};
  int number = 0, tried = 0;
  for (const api::Route& route : api::routes()) {
    const auto good =
        route_call(route, {"item", "user", "event-" + std::to_string(++number), "other",
                           "new-" + std::to_string(number), "vt_key_of_nobody"});
    ASSERT_TRUE(good) << route.name;
    if (good->call.body.empty()) continue;
    ++tried;
    for (const auto& [body, encoding] : broken) {
      Call call = good->call;
      call.key = is_tenant_route(route) ? shop_.secret : server_.admin_key();
      call.body = body;
      call.content_encoding = encoding;
      const Answer answer = server_.call(call);
      if (answer.status == 200 || answer.status == 202) {
        // Lines and Segment's batches are refused one by one.
        EXPECT_THAT(answer.body, AnyOf(HasSubstr("\"accepted\":0"), HasSubstr("\"RowAffected\":0")))
            << route.name << ": " << answer.body;
        continue;
      }
      EXPECT_THAT(answer.status, AnyOf(400, 413, 415)) << route.name << ": " << answer.body;
      expect_problem(answer, answer.status);
      EXPECT_LT(answer.body.size(), 10'000u) << route.name << " repeats what was sent";
    }
  }
  EXPECT_GT(tried, 25);
}

TEST_F(HostileInput, TruncatedGzipIsRefusedWhereverItIsCut) {
  const std::string whole =
      codec::gzip(batch({view_event("a", "u", "i"), view_event("b", "u", "i")}));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ASSERT_EQ(post_gzip(whole.substr(0, size)).status, 400) << size;
  }
  const auto taken = post_gzip(whole);
  EXPECT_EQ(taken.status, 202) << taken.body;
  EXPECT_EQ(number_at(taken.body, "/accepted"), 2);
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x40);
  EXPECT_EQ(post_gzip(flipped).status, 400);
}

TEST_F(HostileInput, AGzipBombIsRefusedAndNotUnpacked) {
  const std::string member = codec::gzip(std::string(64u << 20, ' '), 9);
  std::string bomb;
  while (bomb.size() < (8u << 20)) bomb += member;  // unpacks to about 8 GiB
  const MemoryBound bound(128u << 20);
  for (int i = 0; i < 5; ++i) {
    for (const char* target : {"/v1/events", "/v1/events:import"}) {
      expect_problem(post_gzip(bomb, target), 413);
    }
  }
}

TEST_F(HostileInput, JsonAMillionDeepIsRefused) {
  const MemoryBound bound(256u << 20);
  const std::string brackets(1'000'000, '[');
  expect_refused_everywhere(brackets);
  expect_refused_everywhere(brackets + std::string(1'000'000, ']'));
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
  expect_refused_everywhere(objects);
  std::string one = view_event("deep", "u", "i");
  one.insert(
      1, "\"properties\":{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "},");
  expect_problem(post_events(one), 400);
}

TEST_F(HostileInput, InvalidUtf8IsRefusedAloneInABatch) {
  const std::string bad = "caf\xe9";
  expect_refused_everywhere("{\"a\":\"" + bad + "\"}");
  const auto event_with = [&](const std::string& id, const std::string& raw_user) {
    return "{\"event_id\":\"" + id + "\",\"type\":\"detail-page-view\",\"user\":{\"user_id\":\"" +
           raw_user + "\"},\"items\":[{\"item_id\":\"i\"}]}";
  };
  for (const char* sequence :
       {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    const std::string id = "u8-" + std::to_string(static_cast<unsigned char>(sequence[0])) +
                           std::to_string(static_cast<unsigned char>(sequence[1]));
    const auto answer = post_events(batch({event_with(id, "good"), event_with("bad", sequence)}));
    ASSERT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << answer.body;
    EXPECT_EQ(text_at(answer.body, "/rejected/0/code"), "invalid_utf8") << answer.body;
  }
  // In a path it is an id that nobody may use.
  EXPECT_EQ(server_.call({"PUT", "/v1/items/%ff%fe", shop_.secret, R"({"price":1})"}).status, 400);
}

TEST_F(HostileInput, OneEventOfAThousandWithANumberThatIsNoneIsRejectedAlone) {
  int round = 0;
  for (const char* price : {"NaN", "1e400", "-1e400", "Infinity", "1e13", "\"9\"", "0x10", "01"}) {
    SCOPED_TRACE(price);
    std::vector<std::string> events;
    const std::string tag = std::to_string(round++) + "-";
    for (int i = 0; i < 1000; ++i) {
      events.push_back(event(tag + std::to_string(i), "detail-page-view",
                             "u" + tag + std::to_string(i), "i",
                             i == 617 ? std::string("\"price\":") + price : "\"price\":9.5"));
    }
    for (const bool lines : {false, true}) {
      std::string body = batch(events);
      if (lines) {
        body.clear();
        for (const auto& one : events) body += one + "\n";
      }
      const auto answer = server_.post("/v1/events", shop_.publishable, body,
                                       lines ? "application/x-ndjson" : "application/json");
      ASSERT_EQ(answer.status, 202) << answer.body;
      EXPECT_EQ(number_at(answer.body, lines ? "/duplicates" : "/accepted"), 999) << answer.body;
      EXPECT_EQ(number_at(answer.body, "/rejected/0/index"), 617);
      EXPECT_FALSE(has(answer.body, "/rejected/1"));
    }
  }
}

TEST_F(HostileInput, ItemPricesThatAreNoNumbersAreRefused) {
  for (const char* price : {"NaN", "1e400", "-1", "1e13", "\"x\"", "[1]"}) {
    const auto answer =
        server_.put_item(shop_, "item", std::string("{\"title\":\"x\",\"price\":") + price + "}");
    expect_problem(answer, 400);
  }
  EXPECT_EQ(server_.get("/v1/items/item", shop_.secret).status, 404);
}

TEST_F(HostileInput, TimesFarOutsideAreRefusedOrImportedButNeverHarm) {
  const auto at = [&](const std::string& id, const std::string& time) {
    std::string one = view_event(id, "time-user", "item");
    one.insert(1, "\"event_time\":" + time + ",");
    return one;
  };
  server_.put_item(shop_, "item", R"({"title":"x","price":1})");
  expect_problem(post_events(at("a", "\"1901-01-01T00:00:00Z\"")), 400, "time_too_old");
  expect_problem(post_events(at("b", "\"2999-01-01T00:00:00Z\"")), 400, "time_in_future");
  for (const char* time :
       {"\"0000-00-00T00:00:00Z\"", "\"2026-13-01T00:00:00Z\"", "-1e300", "1e300",
        "9223372036854775807", "-9223372036854775808", "\"\"", "\"now\"", "[]"}) {
    EXPECT_EQ(post_events(at("c", time)).status, 400) << time;
  }
  const auto import = [&](const std::string& body) {
    return server_.post("/v1/events:import", shop_.secret, body);
  };
  const auto old = import(at("d", "\"1901-01-01T00:00:00Z\""));
  EXPECT_EQ(old.status, 202) << old.body;
  expect_problem(import(at("e", "\"2999-01-01T00:00:00Z\"")), 400, "time_in_future");
  EXPECT_EQ(import(at("f", "\"2199-12-31T00:00:00Z\"")).status, 202);
  // The item of 1901 and 2199 is still one among others; live events still count.
  const auto live = post_events(view_event("g", "other", "item"));
  EXPECT_EQ(live.status, 202);
  EXPECT_THAT(recently_viewed(server_, shop_, "time-user", text_at(live.body, "/profile_version")),
              ElementsAre("item"));
  const auto digests = server_.digests();
  server_.restart();
  EXPECT_EQ(server_.digests(), digests);
}

TEST_F(HostileInput, IdsOfThreeHundredBytesAreRefused) {
  const std::string id(300, 'i');
  expect_problem(post_events(view_event("a", "u", id)), 400, "id_too_long");
  expect_problem(post_events(view_event("a", id, "i")), 400, "id_too_long");
  expect_problem(post_events(view_event(id, "u", "i")), 400, "id_too_long");
  expect_problem(server_.put_item(shop_, id, R"({"price":1})"), 400);
  expect_problem(server_.call({"PATCH", item_path(id), shop_.secret, R"({"price":1})"}), 400);
  expect_problem(server_.call({"DELETE", item_path(id), shop_.secret}), 400);
  EXPECT_THAT(server_.get(item_path(id), shop_.secret).status, AnyOf(400, 404));
  expect_problem(
      server_.post("/v1/recommend/home", shop_.secret, "{\"item_ids\":[" + json_text(id) + "]}"),
      400);
  expect_problem(server_.post("/v1/recommend/home", shop_.secret,
                              "{\"user\":{\"user_id\":" + json_text(id) + "}}"),
                 400);
  // As long as allowed is allowed.
  const std::string longest(256, 'l');
  EXPECT_EQ(server_.put_item(shop_, longest, R"({"price":1})").status, 200);
  EXPECT_EQ(server_.get(item_path(longest), shop_.secret).status, 200);
}

TEST_F(HostileInput, IdsWithSlashesEmojisAndReservedCharactersWork) {
  for (const std::string id :
       {"shoes/red/42", "🥾", "a b+c", "50%", "what?#&=", "..", ".", "x:inventory", ":import",
        "\"quoted\\\"", "naïve-ǆ-漢字", "/", "a//b", "{item_id}"}) {
    SCOPED_TRACE(id);
    const auto put = server_.put_item(shop_, id, R"({"title":"Odd","price":5})");
    ASSERT_EQ(put.status, 200) << put.body;
    const auto item = server_.get(item_path(id), shop_.secret);
    ASSERT_EQ(item.status, 200) << item.body;
    EXPECT_EQ(text_at(item.body, "/item_id"), id);
    EXPECT_EQ(server_.post(item_path(id) + ":inventory", shop_.secret, R"({"stock":2})").status,
              200);
    EXPECT_EQ(server_.call({"PATCH", item_path(id), shop_.secret, R"({"price":6})"}).status, 200);
    const auto taken = post_events(view_event("e" + id, "user of " + id, id));
    ASSERT_EQ(taken.status, 202) << taken.body;
    EXPECT_THAT(
        recently_viewed(server_, shop_, "user of " + id, text_at(taken.body, "/profile_version")),
        ElementsAre(id));
    const auto filtered =
        server_.post("/v1/recommend/popular", shop_.publishable,
                     "{\"limit\":100,\"filter\":" + json_text("item_id = " + json_text(id)) + "}");
    EXPECT_EQ(filtered.status, 200) << filtered.body;
    EXPECT_THAT(item_ids(filtered.body), ElementsAre(id));
    EXPECT_EQ(server_.call({"DELETE", item_path(id), shop_.secret}).status, 200);
    EXPECT_EQ(server_.get(item_path(id), shop_.secret).status, 404);
  }
}

TEST_F(HostileInput, AFilterOfTenThousandTermsIsFastOrAClearError) {
  std::string lines;
  for (int i = 0; i < 1000; ++i) {
    lines += "{\"item_id\":\"" + std::to_string(i) + "\",\"price\":" + std::to_string(i) + "}\n";
  }
  server_.post("/v1/items:import", shop_.secret, lines, "application/x-ndjson");
  std::string any = "price = 1", in = "price in (1", nested;
  for (int i = 0; i < 9'999; ++i) {
    any += " or price = " + std::to_string(i);
    in += "," + std::to_string(i);
    nested += "not (";
  }
  in += ")";
  nested += "in_stock" + std::string(9'999, ')');
  for (const std::string& filter : {any, in, nested, in + " and price > 0"}) {
    const auto began = std::chrono::steady_clock::now();
    const auto answer = server_.post("/v1/recommend/popular", shop_.publishable,
                                     "{\"filter\":" + json_text(filter) + "}");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
    if (answer.status == 200) {
      EXPECT_FALSE(item_ids(answer.body).empty()) << filter.substr(0, 100);
    } else {
      expect_problem(answer, 400);
      EXPECT_LT(answer.body.size(), 2000u);
    }
  }
}

TEST_F(HostileInput, OneIdTwiceInABatchCountsOnceAndTwoBodiesOfItAreAConflict) {
  const auto answer =
      post_events(batch({view_event("same", "u", "i"), view_event("same", "u", "i"),
                         view_event("same", "u", "another"), view_event("other", "u", "i")}));
  ASSERT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/accepted"), 2);
  EXPECT_EQ(number_at(answer.body, "/duplicates"), 1);
  EXPECT_EQ(number_at(answer.body, "/rejected/0/index"), 2);
  EXPECT_EQ(text_at(answer.body, "/rejected/0/code"), "event_id_conflict");
}

TEST_F(HostileInput, WhatIsNoRequestOfThisApiGetsAProblemAndNothingElse) {
  expect_problem(server_.get("/v1/nothing", shop_.secret), 404, "no_such_route");
  const auto wrong = server_.call({"DELETE", "/v1/events", shop_.secret});
  expect_problem(wrong, 405, "method_not_allowed");
  EXPECT_THAT(std::string(wrong.header("allow")), HasSubstr("POST"));
  expect_problem(server_.get("/v1/items/%zz", shop_.secret), 400, "invalid_path");
  expect_problem(server_.get("/v1/items/%00", shop_.secret), 400, "invalid_path");
  expect_problem(server_.get("/v1/items?limit=-1", shop_.secret), 400);
  expect_problem(server_.get("/v1/items?cursor=99999999999999999999", shop_.secret), 400);
  EXPECT_THAT(item_ids(server_.get("/v1/items?cursor=4294967295", shop_.secret).body), IsEmpty());
  expect_problem(server_.post("/v1/recommend/nowhere", shop_.secret, "{}"), 404,
                 "placement_not_found");
  expect_problem(post_events(""), 400);
  expect_problem(post_events("[]"), 400);
  expect_problem(server_.call({"POST", "/v1/events", shop_.secret, "[]", "application/json", "br"}),
                 415, "unsupported_encoding");
  std::vector<std::string> many;
  for (int i = 0; i < 1001; ++i) many.push_back(view_event("m" + std::to_string(i), "u", "i"));
  expect_problem(post_events(batch(many)), 413);
  expect_problem(post_events(std::string(17u << 20, ' ')), 413);
}

}  // namespace
}  // namespace vitrine::integration
