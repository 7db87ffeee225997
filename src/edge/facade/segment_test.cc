#include "edge/facade/segment.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/event/vocabulary.h"
#include "platform/codec/time_format.h"

namespace vitrine::facade {
namespace {

using event::EventType;
using testing::ElementsAre;
using testing::HasSubstr;

const TimeUs kNow = codec::parse_rfc3339("2026-11-22T16:00:00Z").value();

class Segment : public testing::Test {
 protected:
  Translation translate(SegmentCall call, std::string_view body) {
    auto out = translate_segment(call, body, 0, {&custom_, "salt"});
    EXPECT_TRUE(out.ok()) << out.error().to_string();
    return out.ok() ? *out : Translation{};
  }
  // The line of a track message with these properties, read as the Collector reads it.
  const event::Event& track(const std::string& name, const std::string& properties,
                            const std::string& more = {}) {
    line_ = translate(SegmentCall::kTrack,
                      R"({"type":"track","messageId":"m-1","userId":"u1","anonymousId":"a1",)"
                      R"("timestamp":"2026-11-22T15:59:00.250Z","event":")" +
                          name + "\"," + more + "\"properties\":" + properties + "}")
                .events;
    return read();
  }
  const event::Event& read() {
    EXPECT_TRUE(reader_.read(line_, 0, event::EventRules::live(kNow, &custom_), event_, why_))
        << why_.detail << "\n"
        << line_;
    return event_;
  }

  event::TypeNames custom_{"checkout-started"};
  event::EventReader reader_;
  event::Event event_;
  event::Rejection why_;
  std::string line_;
};

TEST_F(Segment, AProductViewedIsADetailPageViewOfItsProduct) {
  const auto& event =
      track("Product Viewed", R"({"product_id":"p-7","sku":"G-7","category":"Games",
      "name":"Chess","brand":"Wood","variant":"large","price":"18.99","quantity":1,"coupon":"MAY",
      "currency":"usd","position":3,"value":18.99,"url":"https://shop.example/p","image_url":"x",
      "shelf":"top"})",
            R"("context":{"locale":"de-DE","timezone":"Europe/Berlin","ip":"10.0.0.1",
      "library":{"name":"x"},"page":{"url":"https://shop.example/p","path":"/p"}},)");
  EXPECT_EQ(event.type, EventType::kDetailPageView);
  EXPECT_EQ(event.event_id, "m-1");
  EXPECT_EQ(event.event_time, kNow - 59'750'000);
  EXPECT_EQ(event.user_id, "u1");
  EXPECT_EQ(event.anonymous_id, "a1");
  ASSERT_EQ(event.items.size(), 1u);
  EXPECT_EQ(event.items[0], (event::EventItem{"p-7", "large", 18.99, 1, 2, ""}));
  EXPECT_EQ(event.value, 18.99);
  EXPECT_EQ(event.currency, "USD");
  EXPECT_EQ(event.transaction, R"({"coupon":"MAY"})");
  EXPECT_EQ(event.page, R"({"url":"https://shop.example/p","path":"/p"})");
  EXPECT_EQ(event.context, R"({"locale":"de-DE","timezone":"Europe/Berlin"})");
  EXPECT_EQ(event.properties, R"({"category":"Games","shelf":"top"})");
  EXPECT_EQ(event.attribution, "");
}

TEST_F(Segment, AnOrderCompletedIsAPurchaseWithItsProductsAndTotals) {
  const auto& event =
      track("Order Completed", R"({"checkout_id":"c-1","order_id":"o-1","affiliation":"store",
      "subtotal":22.5,"total":27.5,"revenue":25.0,"shipping":3,"tax":2,"discount":2.5,"coupon":"hasbros",
      "currency":"EUR","products":[
        {"product_id":"p-1","sku":"s-1","name":"A","price":19,"quantity":1,"category":"Games"},
        {"sku":"s-2","name":"B","price":3,"quantity":2}]})");
  EXPECT_EQ(event.type, EventType::kPurchaseComplete);
  ASSERT_EQ(event.items.size(), 2u);
  EXPECT_EQ(event.items[0], (event::EventItem{"p-1", "", 19.0, 1, -1, ""}));
  EXPECT_EQ(event.items[1], (event::EventItem{"s-2", "", 3.0, 2, -1, ""}));
  EXPECT_EQ(event.value, 27.5);
  EXPECT_THAT(std::string(event.transaction), HasSubstr(R"("order_id":"o-1")"));
  EXPECT_THAT(std::string(event.transaction), HasSubstr(R"("tax":2)"));
  EXPECT_EQ(event.properties, "");
}

TEST_F(Segment, AListSearchReviewAndEmailSayWhatTheyMean) {
  track("Product List Viewed", R"({"list_id":"deals","category":"Deals","products":[
      {"product_id":"a","price":19,"position":1},{"product_id":"b","position":2}]})");
  EXPECT_EQ(event_.type, EventType::kImpression);
  ASSERT_EQ(event_.items.size(), 2u);
  EXPECT_EQ(event_.items[0], (event::EventItem{"a", "", 19.0, 1, 0, "deals"}));
  EXPECT_EQ(event_.items[1].position, 1);

  track("Products Searched", R"({"query":"blue roses"})");
  EXPECT_EQ(event_.type, EventType::kSearch);
  EXPECT_EQ(event_.search, R"({"query":"blue roses"})");
  EXPECT_EQ(event_.properties, "");

  track("Product Reviewed",
        R"({"product_id":"p","review_id":"r","review_body":"fine","rating":"4"})");
  EXPECT_EQ(event_.type, EventType::kRating);
  EXPECT_EQ(event_.value, 4);
  EXPECT_EQ(event_.properties, R"({"review_id":"r","review_body":"fine"})");

  track("Email Opened",
        R"({"email_id":"e-5","email_subject":"Hi","campaign":{"id":"c","name":"n"}})");
  EXPECT_EQ(event_.type, EventType::kMessageOpen);
  EXPECT_EQ(event_.attribution, R"({"message_id":"e-5","campaign":{"id":"c","name":"n"}})");

  track("Product Clicked", R"({"product_id":17,"request_id":"0f1e","placement":"home"})");
  EXPECT_EQ(event_.items[0].item_id, "17");
  EXPECT_EQ(event_.attribution, R"({"request_id":"0f1e","placement":"home"})");
}

TEST_F(Segment, EveryNameOfTheTableIsTakenByATrackMessage) {
  for (const auto& synonym : event::synonyms()) {
    track(std::string(synonym.name),
          R"({"product_id":"p","query":"q","rating":3,"email_id":"e","quantity":1})");
    EXPECT_EQ(event_.type, synonym.type) << synonym.name;
  }
}

TEST_F(Segment, PagesAreTheHomePageOrThatOfACategory) {
  const auto type_of = [&](std::string_view message) -> std::string {
    const auto out = translate(SegmentCall::kPage, message);
    if (out.events.empty()) return "ignored: " + out.ignored.at(0).reason;
    line_ = out.events;
    return std::string(event::event_type_name(read().type));
  };
  EXPECT_EQ(type_of(R"({"userId":"u","name":"home"})"), "home-page-view");
  EXPECT_EQ(type_of(R"({"userId":"u","properties":{"path":"/","title":"T"}})"), "home-page-view");
  EXPECT_EQ(event_.page, R"({"path":"/","title":"T"})");
  EXPECT_EQ(type_of(R"({"userId":"u","context":{"page":{"path":"/"}}})"), "home-page-view");
  EXPECT_EQ(type_of(R"({"userId":"u","category":"Shoes","name":"List"})"), "category-page-view");
  EXPECT_EQ(event_.page, R"({"name":"List","category":"Shoes"})");
  EXPECT_THAT(type_of(R"({"userId":"u","name":"About us"})"), HasSubstr("ignored"));
}

TEST_F(Segment, ABatchIsTakenMessageByMessage) {
  const auto out = translate(SegmentCall::kBatch, R"({"sentAt":"2026-11-22T15:59:00Z","batch":[
      {"type":"identify","userId":"u","traits":{"email":"x@example.org"}},
      {"type":"track","messageId":"1","userId":"u","event":"Product Added","properties":{"product_id":"p"}},
      {"type":"track","messageId":"2","userId":"u","event":"Signed Up"},
      {"type":"track","messageId":"3","userId":"u","event":"Checkout Started","properties":{"step":1}},
      {"type":"dance"}, 7,
      {"type":"track","messageId":"4","userId":"u","event":"Product Viewed","properties":{"product_id":"p"}}]})");
  EXPECT_EQ(out.messages, 7u);
  EXPECT_THAT(out.origin, ElementsAre(1, 3, 6));
  ASSERT_EQ(out.ignored.size(), 4u);
  EXPECT_EQ(out.ignored[0].index, 0u);
  EXPECT_EQ(out.ignored[1].index, 2u);
  EXPECT_THAT(out.ignored[1].reason, HasSubstr("'signed-up'"));
  EXPECT_EQ(std::count(out.events.begin(), out.events.end(), '\n'), 3);
}

TEST_F(Segment, AMessageThatIsSentAgainIsTheSameEventAndOneWithoutIdIsItsOwn) {
  const std::string_view first = R"({"messageId":"m","userId":"u","event":"Product Viewed",
      "sentAt":"2026-11-22T15:00:00Z","properties":{"product_id":"p"}})";
  const std::string_view again = R"({"messageId":"m","userId":"u","event":"Product Viewed",
      "sentAt":"2026-11-22T15:30:00Z","_metadata":{"retry":1},"properties":{"product_id":"p"}})";
  EXPECT_EQ(translate(SegmentCall::kTrack, first).events,
            translate(SegmentCall::kTrack, again).events);
  const std::string_view bare =
      R"({"userId":"u","event":"Product Viewed","properties":{"product_id":"p"}})";
  const auto one = translate_segment(SegmentCall::kTrack, bare, 0, {nullptr, "salt 1"});
  const auto two = translate_segment(SegmentCall::kTrack, bare, 0, {nullptr, "salt 2"});
  EXPECT_NE(one->events, two->events);
}

TEST_F(Segment, AWrongBodyIsRefusedWithItsReason) {
  const auto refusal = [](SegmentCall call, std::string_view body) {
    const auto out = translate_segment(call, body, 0, {});
    return out.ok() ? std::string("taken") : std::string(out.error().reason());
  };
  EXPECT_EQ(refusal(SegmentCall::kTrack, "{"), "invalid_json");
  EXPECT_EQ(refusal(SegmentCall::kTrack, "[]"), "invalid_request");
  EXPECT_EQ(refusal(SegmentCall::kBatch, "{}"), "invalid_request");
  EXPECT_EQ(refusal(SegmentCall::kBatch, R"({"batch":{}})"), "invalid_request");
  std::string many = "{\"batch\":[0";
  for (int i = 0; i < 1000; ++i) many += ",0";
  EXPECT_EQ(refusal(SegmentCall::kBatch, many + "]}"), "too_many_events");
}

}  // namespace
}  // namespace vitrine::facade
