#include "edge/facade/segment.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "domain/event/vocabulary.h"
#include "edge/facade/json_value.h"
#include "edge/facade/segment_people.h"
#include "platform/codec/json_parse.h"

namespace vitrine::facade {
namespace {

using codec::JsonWriter;
using event::EventType;

// Properties that have a place of their own in any event, in one of items, in a search.
constexpr std::array<std::string_view, 10> kPlaced = {
    "products", "value",     "currency",   "email_id",      "message_id",
    "campaign", "placement", "request_id", "experiment_id", "list_id"};
constexpr std::array<std::string_view, 10> kOfProduct = {
    "product_id", "sku",  "variant", "price", "quantity",
    "position",   "name", "brand",   "url",   "image_url"};
constexpr std::array<std::string_view, 3> kOfSearch = {"query", "filters", "sorts"};

constexpr std::array<std::string_view, 11> kTransaction = {
    "order_id", "orderId",  "checkout_id", "subtotal", "total",      "revenue",
    "tax",      "shipping", "discount",    "coupon",   "affiliation"};

constexpr std::array<std::string_view, 7> kPage = {"url",  "path",     "referrer", "title",
                                                   "name", "category", "search"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return small(x) == small(y);
  });
}

std::string_view text_of(const std::optional<object>& of, std::string_view key) {
  std::string_view text;
  if (of && of->at_key(key).get(text) == simdjson::SUCCESS) return text;
  return {};
}

// An object that is only there if something is in it.
class LazyObject {
 public:
  LazyObject(std::string_view name, JsonWriter& json) : name_(name), json_(json) {}
  ~LazyObject() {
    if (open_) json_.end_object();
  }
  LazyObject(const LazyObject&) = delete;
  LazyObject& operator=(const LazyObject&) = delete;

  JsonWriter& key(std::string_view name) {
    if (!open_) json_.key(name_).begin_object();
    open_ = true;
    return json_.escaped_key(name);
  }
  void copy(std::string_view name, const element& value) { copy_value(value, key(name)); }

 private:
  std::string_view name_;
  JsonWriter& json_;
  bool open_ = false;
};

// One message being translated.
class Message {
 public:
  Message(const object& message, const TranslationContext& context)
      : message_(message),
        context_(context),
        properties_(object_member(message, "properties")),
        surroundings_(object_member(message, "context")) {}

  // Appends a line to `out` and is true, or says in `why` why it means nothing.
  bool run(SegmentCall call, std::uint32_t index, std::string& out, std::string& why) {
    std::string type;
    if (!find_type(call, type, why)) return false;
    JsonWriter json(out);
    json.begin_object();
    json.key("event_id").string(event_id(index));
    json.key("type").string(type);
    if (const auto time = time_of()) {
      json.key("event_time");
      copy_value(*time, json);
    }
    write_user(json);
    write_items(json);
    write_amount(json);
    write_named("transaction", kTransaction, json);
    if (type_ == EventType::kSearch) write_named("search", kOfSearch, json);
    write_page(call, json);
    write_attribution(json);
    write_context(json);
    write_rest(call, json);
    json.end_object();
    json.newline();
    json.finish();
    return true;
  }

 private:
  bool find_type(SegmentCall call, std::string& type, std::string& why) {
    switch (call) {
      case SegmentCall::kTrack: return find_track_type(type, why);
      case SegmentCall::kPage:
      case SegmentCall::kScreen: return find_page_type(type, why);
      default: return false;  // segment_people.h
    }
  }

  bool find_track_type(std::string& type, std::string& why) {
    std::string_view name;
    if (message_.at_key("event").get(name) != simdjson::SUCCESS || name.empty()) {
      why = "a track message names its event";
      return false;
    }
    if (const auto known = event::find_event_type(name)) {
      type_ = *known;
      type = event::event_type_name(*known);
      return true;
    }
    type = context_.custom_types != nullptr && context_.custom_types->contains(name)
               ? std::string(name)
               : event::declared_name(name);
    if (context_.custom_types != nullptr && context_.custom_types->contains(type)) return true;
    why = "the event has no counterpart; declare '" + type + "' as an event type to keep it";
    return false;
  }

  bool find_page_type(std::string& type, std::string& why) {
    std::string_view name;
    if (message_.at_key("name").get(name) != simdjson::SUCCESS) name = text_of(properties_, "name");
    std::string_view path = text_of(properties_, "path");
    if (path.empty()) path = text_of(object_of_context("page"), "path");
    std::string_view category;
    if (message_.at_key("category").get(category) != simdjson::SUCCESS) {
      category = text_of(properties_, "category");
    }
    if (path == "/" || same_letters(name, "home")) {
      type_ = EventType::kHomePageView;
    } else if (!category.empty()) {
      type_ = EventType::kCategoryPageView;
    } else {
      why = "of pages only the home page and pages of a category mean something here";
      return false;
    }
    type = event::event_type_name(*type_);
    return true;
  }

  std::optional<object> object_of_context(std::string_view key) const {
    return surroundings_ ? object_member(*surroundings_, key) : std::nullopt;
  }

  std::optional<element> time_of() const {
    if (const auto time = member(message_, "timestamp")) return time;
    return member(message_, "originalTimestamp");
  }

  std::string event_id(std::uint32_t index) const {
    if (auto id = id_member(message_, "messageId")) return *id;
    const Hash128 hash = hash128(std::string(context_.salt) + ":" + std::to_string(index));
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string id = "segment-";
    for (const std::uint64_t half : {hash.high, hash.low}) {
      for (int shift = 60; shift >= 0; shift -= 4) id += kDigits[(half >> shift) & 15];
    }
    return id;
  }

  void write_id(std::string_view from, std::string_view to, JsonWriter& json) const {
    if (const auto id = id_member(message_, from)) json.key(to).string(*id);
  }

  void write_user(JsonWriter& json) const {
    json.key("user").begin_object();
    write_id("userId", "user_id", json);
    write_id("anonymousId", "anonymous_id", json);
    json.end_object();
  }

  static void write_product(const object& product, std::string_view list_id, JsonWriter& json) {
    json.begin_object();
    auto id = id_member(product, "product_id");
    if (!id) id = id_member(product, "sku");
    if (id) json.key("item_id").string(*id);
    if (const auto variant = id_member(product, "variant")) {
      json.key("variant_id").string(*variant);
    }
    if (const auto price = number_member(product, "price")) json.key("price").number(*price);
    const auto quantity = number_member(product, "quantity");
    if (quantity && *quantity != 0) json.key("quantity").number(*quantity);
    const auto position = number_member(product, "position");
    if (position && *position >= 0 && *position <= 1e6 && *position == std::floor(*position)) {
      json.key("position").number(std::max<std::int64_t>(0, std::int64_t(*position) - 1));
    }
    if (!list_id.empty()) json.key("list_id").string(list_id);
    json.end_object();
  }

  void write_items(JsonWriter& json) const {
    if (!properties_) return;
    const std::string_view list_id = text_of(properties_, "list_id");
    simdjson::dom::array products;
    if (properties_->at_key("products").get(products) == simdjson::SUCCESS) {
      json.key("items").begin_array();
      for (const auto entry : products) {
        object product;
        if (entry.get(product) == simdjson::SUCCESS) {
          write_product(product, list_id, json);
        } else {
          copy_value(entry, json);  // for the reader to refuse
        }
      }
      json.end_array();
      return;
    }
    if (!member(*properties_, "product_id") && !member(*properties_, "sku")) return;
    json.key("items").begin_array();
    write_product(*properties_, list_id, json);
    json.end_array();
  }

  void write_amount(JsonWriter& json) const {
    if (!properties_) return;
    std::optional<double> value;
    if (type_ == EventType::kRating) {
      value = number_member(*properties_, "rating");
    } else {
      for (const std::string_view key : {"total", "value", "revenue"}) {
        if (!value) value = number_member(*properties_, key);
      }
    }
    if (value) json.key("value").number(*value);
    const std::string_view currency = text_of(properties_, "currency");
    if (currency.empty()) return;
    std::string capitals(currency);
    for (char& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    json.key("currency").string(capitals);
  }

  void write_named(std::string_view into, std::span<const std::string_view> names,
                   JsonWriter& json) const {
    if (!properties_) return;
    LazyObject out(into, json);
    for (const auto field : *properties_) {
      if (contains(names, field.key)) out.copy(field.key, field.value);
    }
  }

  void write_page(SegmentCall call, JsonWriter& json) const {
    if (call == SegmentCall::kTrack) {
      if (const auto page = object_of_context("page")) {
        json.key("page");
        copy_object(*page, json);
      }
      return;
    }
    LazyObject out("page", json);
    for (const std::string_view key : {"name", "category"}) {
      std::string_view text;
      if (message_.at_key(key).get(text) == simdjson::SUCCESS) out.key(key).string(text);
    }
    if (!properties_) return;
    for (const auto field : *properties_) {
      if (contains(kPage, field.key) && !member(message_, field.key)) {
        out.copy(field.key, field.value);
      }
    }
  }

  void write_attribution(JsonWriter& json) const {
    if (!properties_) return;
    std::optional<std::string> message_id = id_member(*properties_, "message_id");
    if (!message_id) message_id = id_member(*properties_, "email_id");
    const auto campaign = object_member(*properties_, "campaign");
    if (!message_id && campaign && type_ && *type_ >= EventType::kMessageSent &&
        *type_ <= EventType::kMessageUnsubscribe) {
      message_id = id_member(*campaign, "id");
      if (!message_id) message_id = id_member(*campaign, "name");
    }
    LazyObject out("attribution", json);
    for (const std::string_view key : {"request_id", "placement", "experiment_id"}) {
      if (const auto id = id_member(*properties_, key)) out.key(key).string(*id);
    }
    if (message_id) out.key("message_id").string(*message_id);
    if (campaign) copy_object(*campaign, out.key("campaign"));
  }

  void write_context(JsonWriter& json) const {
    if (!surroundings_) return;
    LazyObject out("context", json);
    for (const std::string_view key : {"locale", "timezone", "consent"}) {
      if (const auto value = member(*surroundings_, key)) out.copy(key, *value);
    }
  }

  // Has the property a place of its own?
  bool placed(SegmentCall call, std::string_view key) const {
    if (call != SegmentCall::kTrack) return contains(kPage, key);
    if (contains(kPlaced, key) || contains(kTransaction, key)) return true;
    if (type_ == EventType::kRating && key == "rating") return true;
    if (type_ == EventType::kSearch && contains(kOfSearch, key)) return true;
    return contains(kOfProduct, key) &&
           (member(*properties_, "product_id") || member(*properties_, "sku"));
  }

  void write_rest(SegmentCall call, JsonWriter& json) const {
    if (!properties_) return;
    LazyObject out("properties", json);
    for (const auto field : *properties_) {
      if (!placed(call, field.key)) out.copy(field.key, field.value);
    }
  }

  const object& message_;
  const TranslationContext& context_;
  std::optional<object> properties_;
  std::optional<object> surroundings_;
  std::optional<EventType> type_;  // none for a declared one
};

std::optional<SegmentCall> call_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, SegmentCall>, 6> kCalls = {{
      {"track", SegmentCall::kTrack},
      {"page", SegmentCall::kPage},
      {"screen", SegmentCall::kScreen},
      {"identify", SegmentCall::kIdentify},
      {"group", SegmentCall::kGroup},
      {"alias", SegmentCall::kAlias},
  }};
  for (const auto& [text, call] : kCalls) {
    if (text == name) return call;
  }
  return std::nullopt;
}

void take(SegmentCall call, const element& json, const TranslationContext& context,
          Translation& out) {
  const std::uint32_t index = out.messages++;
  std::string why;
  object message;
  if (json.get(message) != simdjson::SUCCESS) {
    out.ignored.push_back({index, "a message is a JSON object"});
    return;
  }
  std::optional<SegmentCall> kind = call;
  if (call == SegmentCall::kBatch) {
    std::string_view name;
    kind = message.at_key("type").get(name) == simdjson::SUCCESS ? call_named(name) : std::nullopt;
  }
  if (!kind) {
    out.ignored.push_back(
        {index, "type is none of track, page, screen, identify, group and alias"});
  } else if (is_about_a_person(*kind)) {
    translate_person(*kind, message, index, context.describes_users, out);
  } else if (Message(message, context).run(*kind, index, out.events, why)) {
    out.origin.push_back(index);
  } else {
    out.ignored.push_back({index, std::move(why)});
  }
}

Error wrong_body(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, std::string(what)).with_reason("invalid_request");
}

}  // namespace

Result<Translation> translate_segment(SegmentCall call, std::string_view body,
                                      std::size_t readable_behind,
                                      const TranslationContext& context) {
  thread_local codec::JsonParser parser;
  auto parsed = parser.parse(body, readable_behind);
  if (!parsed.ok()) return Error(parsed.error()).with_reason("invalid_json");
  const element& document = *parsed;
  if (!document.is_object()) return wrong_body("the body must be a JSON object");
  Translation out;
  if (call != SegmentCall::kBatch) {
    take(call, document, context, out);
    return out;
  }
  simdjson::dom::array batch;
  if (document["batch"].get(batch) != simdjson::SUCCESS) {
    return wrong_body("batch: must be an array of messages");
  }
  if (batch.size() > kSegmentMessagesMax) {
    return Error(ErrorCode::kTooLarge, "a batch may hold " + std::to_string(kSegmentMessagesMax) +
                                           " messages: send it in parts")
        .with_reason("too_many_events");
  }
  for (const auto message : batch) take(call, message, context, out);
  return out;
}

}  // namespace vitrine::facade
