#include "domain/event/event_codec.h"

#include <random>

#include <gtest/gtest.h>

#include "domain/event/event_json.h"
#include "platform/codec/json_writer.h"

namespace vitrine::event {
namespace {

// A random valid event whose strings live in `strings`.
Event random_event(std::mt19937_64& random, std::vector<std::string>& strings) {
  strings.clear();
  strings.reserve(2000);
  const auto text = [&](std::size_t bytes_max) -> std::string_view {
    strings.emplace_back(1 + random() % bytes_max, static_cast<char>('a' + random() % 26));
    return strings.back();
  };
  const auto maybe = [&] { return random() % 2 == 0; };
  Event event;
  event.event_id = text(kEventIdBytesMax);
  event.type = static_cast<EventType>(1 + random() % 17);
  if (random() % 8 == 0) {
    event.type = EventType::kCustom;
    event.custom_type = text(40);
  }
  event.event_time = static_cast<TimeUs>(random() >> 14) - (TimeUs{1} << 49);
  event.time_assigned = maybe();
  if (maybe()) event.user_id = text(kIdBytesMax);
  if (maybe() || event.user_id.empty()) event.anonymous_id = text(kIdBytesMax);
  if (maybe()) event.session_id = text(kIdBytesMax);
  for (std::size_t n = maybe() ? 0 : random() % (kItemsMax + 1); n > 0; --n) {
    EventItem item;
    item.item_id = text(kIdBytesMax);
    if (maybe()) item.variant_id = text(kIdBytesMax);
    if (maybe()) item.price = static_cast<double>(random() % 100000) / 100;
    if (maybe()) item.quantity = static_cast<double>(1 + random() % 50) / 4;
    if (maybe()) item.position = static_cast<std::int32_t>(random() % 1000);
    if (maybe()) item.list_id = text(kIdBytesMax);
    event.items.push_back(item);
  }
  if (maybe()) event.value = static_cast<double>(random() % 1000) / 8;
  if (maybe()) event.currency = "EUR";
  if (maybe()) event.transaction = R"({"id":"t1"})";
  if (maybe()) event.search = R"({"query":"red shoes"})";
  if (maybe()) event.page = R"({"url":"/"})";
  if (maybe()) event.attribution = R"({"request_id":"r","message_id":"m"})";
  if (maybe()) event.context = R"({"locale":"de"})";
  if (maybe()) event.properties = R"({"a":[1,2,{"b":null}]})";
  return event;
}

std::string encoded(const Event& event) {
  std::string out;
  encode_event(event, out);
  return out;
}

TEST(EventCodec, EveryEventComesBackAsItWas) {
  std::mt19937_64 random(1);
  std::vector<std::string> strings;
  Event back;
  for (int round = 0; round < 3000; ++round) {
    const Event event = random_event(random, strings);
    const std::string bytes = encoded(event);
    const auto status = decode_event(bytes, back);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
    ASSERT_EQ(back, event);
  }
}

TEST(EventCodec, AppendsBehindWhatIsThere) {
  std::string out = "tenant";
  Event event;
  event.event_id = "e";
  event.type = EventType::kSearch;
  encode_event(event, out);
  EXPECT_EQ(out.substr(0, 6), "tenant");
  Event back;
  EXPECT_TRUE(decode_event(std::string_view(out).substr(6), back).ok());
}

TEST(EventCodec, EveryCutIsCorrupt) {
  std::mt19937_64 random(2);
  std::vector<std::string> strings;
  Event back;
  for (int round = 0; round < 20; ++round) {
    const std::string bytes = encoded(random_event(random, strings));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto status = decode_event(std::string_view(bytes).substr(0, size), back);
      ASSERT_FALSE(status.ok()) << size << " of " << bytes.size();
      ASSERT_EQ(status.error().code(), ErrorCode::kCorrupt);
    }
    EXPECT_FALSE(decode_event(bytes + "x", back).ok());
  }
}

TEST(EventCodec, AnotherVersionIsUnsupportedAndNotCorrupt) {
  Event event;
  event.event_id = "e";
  event.type = EventType::kSearch;
  std::string bytes = encoded(event);
  bytes[0] = 2;
  EXPECT_EQ(decode_event(bytes, event).error().code(), ErrorCode::kUnsupported);
}

TEST(EventCodec, NeverDeliversWhatIsNotAnAmount) {
  Event event;
  event.event_id = "e";
  event.type = EventType::kRating;
  event.value = 3;
  const std::string bytes = encoded(event);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), -1.0, std::numeric_limits<double>::infinity()}) {
    std::string changed = bytes;
    std::memcpy(changed.data() + kEventHeaderBytes + 2, &bad, sizeof(bad));
    Event back;
    EXPECT_FALSE(decode_event(changed, back).ok()) << bad;
  }
}

TEST(BodyHash, DiffersWhenAnyFieldDoes) {
  std::mt19937_64 random(3);
  std::vector<std::string> strings;
  for (int round = 0; round < 500; ++round) {
    const Event event = random_event(random, strings);
    const auto hash = body_hash(encoded(event));
    std::vector<Event> changed(7, event);
    changed[0].event_time += event.time_assigned ? 0 : 1;
    changed[0].session_id = event.session_id == "q" ? "p" : "q";
    changed[1].user_id = event.user_id == "q" ? "p" : "q";
    changed[2].value = event.value.value_or(0) + 1;
    changed[3].items.push_back({.item_id = "extra"});
    changed[4].properties = R"({"other":1})";
    changed[5].type = event.type == EventType::kSearch ? EventType::kRefund : EventType::kSearch;
    changed[5].custom_type = {};
    changed[6].time_assigned = !event.time_assigned;
    for (const auto& other : changed) ASSERT_NE(body_hash(encoded(other)), hash);
  }
}

TEST(BodyHash, LeavesOutATimeTheSenderDidNotGive) {
  Event event;
  event.event_id = "e";
  event.type = EventType::kSearch;
  event.event_time = 1000;
  Event later = event;
  later.event_time = 2000;
  EXPECT_NE(body_hash(encoded(event)), body_hash(encoded(later)));
  event.time_assigned = later.time_assigned = true;
  EXPECT_EQ(body_hash(encoded(event)), body_hash(encoded(later)));
}

// The values are kept on disk for 73 hours: a change of layout must not change them.
TEST(BodyHash, IsTheSameInEveryVersion) {
  Event event;
  event.event_id = "order-1";
  event.type = EventType::kPurchaseComplete;
  event.event_time = 1'795'363'843'000'000;
  event.user_id = "u1";
  event.value = 19.5;
  event.currency = "EUR";
  event.items = {{.item_id = "sku-1", .price = 9.75, .quantity = 2}};
  EXPECT_EQ(body_hash(encoded(event)), 3601546706040769609u);
}

}  // namespace
}  // namespace vitrine::event
