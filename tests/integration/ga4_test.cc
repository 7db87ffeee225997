// Events as a shop's GA4 tag has them (one for each e-commerce event that Google recommends), and
// what becomes of them here. The table is the one in docs/api/events.md.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/answers.h"

namespace vitrine::integration {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Every parameter that GA4 documents for an item.
const std::string kClog =
    R"({"item_id":"clog","item_name":"Cork clog","affiliation":"Harbour branch","coupon":"SPRING",)"
    R"("discount":4.5,"index":2,"item_brand":"Kork","item_category":"Shoes","item_category2":"Women",)"
    R"("item_category3":"Clogs","item_category4":"Cork","item_category5":"Open","item_list_id":"spring",)"
    R"("item_list_name":"Spring shoes","item_variant":"sand","location_id":"branch-7","price":44.5,)"
    R"("quantity":2})";
// The least a tag sends, with what it doesn't know left blank.
const std::string kBoot =
    R"({"item_id":"boot","item_name":"Hiking boot","item_variant":"","coupon":"","price":119})";
const std::string kBoth = "\"items\":[" + kClog + "," + kBoot + "]";

class Ga4 : public testing::Test {
 protected:
  Ga4() : shop_(server_.create_shop("shop")) {
    for (const char* id : {"clog", "boot", "hat"}) server_.put_item(shop_, id, R"({"title":"T"})");
  }
  // What gtag("event", name, parameters) says, as an event with an id and a user.
  static std::string tag(std::string_view id, std::string_view name, std::string_view parameters) {
    return head(id) + R"(,"name":")" + std::string(name) + R"(","params":{)" +
           std::string(parameters) + "}}";
  }
  // The same with the parameters beside the type.
  static std::string flat(std::string_view id, std::string_view name, std::string_view parameters) {
    return head(id) + R"(,"type":")" + std::string(name) + "\"," + std::string(parameters) + "}";
  }
  static std::string head(std::string_view id) {
    return R"({"event_id":")" + std::string(id) + R"(","user":{"user_id":"u"})";
  }
  Answer post(const std::string& event) {
    auto answer = server_.post("/v1/events", shop_.publishable, event);
    if (answer.status == 202) version_ = text_at(answer.body, "/profile_version");
    return answer;
  }
  void take(const std::string& event) {
    const auto answer = post(event);
    ASSERT_EQ(answer.status, 202) << event << answer.body;
    EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << event << answer.body;
  }
  std::vector<std::string> seen() { return recently_viewed(server_, shop_, "u", version_); }
  // The stored form of the event, from the user's export.
  std::string stored(std::string_view id) {
    const auto page = server_.get("/v1/users/u:export", shop_.secret);
    EXPECT_EQ(page.status, 200) << page.body;
    const std::size_t at = page.body.find("\"event_id\":\"" + std::string(id) + "\"");
    if (at == std::string::npos) {
      ADD_FAILURE() << id << " is not in " << page.body;
      return {};
    }
    return page.body.substr(at, page.body.find('\n', at) - at);
  }
  double purchases() {
    seen();  // waits until what was sent last is applied
    return number_at(server_.get("/v1/users/u", shop_.secret).body, "/activity/purchases");
  }

  TestServer server_;
  Shop shop_;
  std::string version_;
};

constexpr std::string_view kClogKept =
    R"("items":[{"item_id":"clog","variant_id":"sand","quantity":2,"price":44.5,"position":2,"list_id":"spring"})";

TEST_F(Ga4, EachEventWithACounterpartIsTakenAsIt) {
  struct Case {
    std::string_view name, parameters, type;
  };
  const std::string priced = R"("currency":"EUR","value":208,)" + kBoth;
  const std::string listed = R"("item_list_id":"home","item_list_name":"For you",)" + kBoth;
  const std::string order =
      R"("transaction_id":"o-17","tax":33.21,"shipping":4.9,"coupon":"WELCOME",)" + priced;
  const std::vector<Case> cases = {
      {"view_item", priced, "detail-page-view"},
      {"view_item_list", listed, "impression"},
      {"select_item", listed, "item-click"},
      {"add_to_cart", priced, "add-to-cart"},
      {"remove_from_cart", priced, "remove-from-cart"},
      {"purchase", order, "purchase-complete"},
      {"refund", order, "refund"},
      {"search", R"("search_term":"cork clogs")", "search"},
      {"view_search_results", R"("search_term":"cork clogs","engagement_time_msec":41)", "search"},
  };
  for (const auto& [name, parameters, type] : cases) {
    take(tag("tag-" + std::string(name), name, parameters));
    const std::string kept = stored("tag-" + std::string(name));
    EXPECT_THAT(kept, HasSubstr("\"type\":\"" + std::string(type) + "\""));
    if (type != "search") {
      EXPECT_THAT(kept, HasSubstr(kClogKept));
    }
    // Beside the type only what GA4 documents is taken: the search above has more.
    if (name != "view_search_results") take(flat("flat-" + std::string(name), name, parameters));
  }
}

TEST_F(Ga4, EachEventWithoutIsRejectedUntilTheTenantDeclaresIt) {
  const std::string checkout = R"("currency":"EUR","value":208,"coupon":"WELCOME",)" + kBoth;
  const std::string promotion =
      R"("creative_name":"clogs.jpg","creative_slot":"top","promotion_id":"p-1","promotion_name":"Spring",)" +
      kBoth;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"view_cart", checkout},
      {"begin_checkout", checkout},
      {"add_payment_info", R"("payment_type":"Invoice",)" + checkout},
      {"add_shipping_info", R"("shipping_tier":"Express",)" + checkout},
      {"add_to_wishlist", R"("currency":"EUR","value":208,)" + kBoth},
      {"view_promotion", promotion},
      {"select_promotion", promotion},
  };
  std::string declared;
  for (const auto& [name, parameters] : cases) {
    std::string type = name;
    std::replace(type.begin(), type.end(), '_', '-');
    declared += (declared.empty() ? "\"" : ",\"") + type + "\"";
    const auto answer = post(tag(name, name, parameters));
    expect_problem(answer, 400, "unknown_type");
    EXPECT_THAT(text_at(answer.body, "/detail"), HasSubstr("declare '" + type + "'"));
  }
  const auto patched = server_.call({"PATCH", "/v1/admin/tenants/shop", server_.admin_key(),
                                     "{\"event_types\":[" + declared + "]}"});
  ASSERT_EQ(patched.status, 200) << patched.body;
  for (const auto& [name, parameters] : cases) {
    take(tag(name, name, parameters));
    take(flat(name + "-flat", name, parameters));
  }
  EXPECT_THAT(seen(), IsEmpty()) << "they say nothing about items";
  EXPECT_THAT(stored("begin_checkout"),
              AllOf(HasSubstr(R"("type":"begin-checkout")"), HasSubstr(kClogKept)));
  EXPECT_THAT(stored("add_payment_info"),
              HasSubstr(R"("transaction":{"payment_type":"Invoice","coupon":"WELCOME"})"));
  EXPECT_THAT(stored("view_promotion"), HasSubstr(R"("promotion_name":"Spring")"));
}

TEST_F(Ga4, APurchaseCountsAsOneWithPriceAndQuantity) {
  take(tag("1", "purchase",
           R"("transaction_id":"o-17","currency":"EUR","value":208,"tax":33.21,"shipping":4.9,)"
           R"("coupon":"WELCOME","customer_type":"new",)" +
               kBoth));
  EXPECT_EQ(purchases(), 1);
  EXPECT_THAT(stored("1"),
              AllOf(HasSubstr(kClogKept), HasSubstr(R"({"item_id":"boot","price":119})"),
                    HasSubstr(R"("value":208,"currency":"EUR")"),
                    HasSubstr(R"("transaction":{"order_id":"o-17","tax":33.21,"shipping":4.9,)"
                              R"("coupon":"WELCOME","customer_type":"new"})")));
}

TEST_F(Ga4, WhatIsLookedAtShowsInTheWindows) {
  take(tag("1", "view_item", "\"items\":[" + kBoot + "]"));
  take(tag("2", "select_item", R"("item_list_id":"home","items":[{"item_id":"hat"}])"));
  take(tag("3", "add_to_cart", "\"items\":[" + kClog + "]"));
  EXPECT_THAT(seen(), ElementsAre("clog", "hat", "boot"));
  EXPECT_THAT(stored("2"), HasSubstr(R"("items":[{"item_id":"hat","list_id":"home"}])"));
}

TEST_F(Ga4, ASearchTermIsTheQuery) {
  take(tag("1", "search", R"("search_term":"cork clogs","page_title":"Results")"));
  EXPECT_THAT(stored("1"), AllOf(HasSubstr(R"("search":{"query":"cork clogs"})"),
                                 HasSubstr(R"("properties":{"page_title":"Results"})")));
  expect_problem(post(tag("2", "search", R"("search_term":"")")), 400, "missing_field");
  expect_problem(post(tag("3", "view_search_results", "")), 400, "missing_field");
}

TEST_F(Ga4, WhatIsWrongIsSaidAndCostsOneEvent) {
  expect_problem(post(tag("1", "view_item", R"("items":[{"item_name":"Only a name"}])")), 400,
                 "missing_field");
  expect_problem(post(flat("2", "view_item", R"("engagement_time_msec":4,)" + kBoth)), 400,
                 "unknown_field");
  expect_problem(post(tag("3", "view_item", R"("items":[{"item_id":"a","item_nmae":"x"}])")), 400,
                 "unknown_field");
  const auto answer =
      server_.post("/v1/events", shop_.publishable,
                   batch({tag("4", "begin_checkout", kBoth), tag("5", "view_item", kBoth)}));
  EXPECT_EQ(number_at(answer.body, "/accepted"), 1) << answer.body;
  EXPECT_EQ(number_at(answer.body, "/rejected/0/index"), 0);
  EXPECT_EQ(text_at(answer.body, "/rejected/0/code"), "unknown_type");
}

}  // namespace
}  // namespace vitrine::integration
