#include "domain/event/event_json.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"

namespace vitrine::event {
namespace {

void write_text(codec::JsonWriter& json, std::string_view key, std::string_view text) {
  if (!text.empty()) json.key(key).string(text);
}

void write_object(codec::JsonWriter& json, std::string_view key, std::string_view object) {
  if (!object.empty()) json.key(key).raw(object);
}

void write_item(codec::JsonWriter& json, const EventItem& item) {
  json.begin_object();
  write_text(json, "item_id", item.item_id);
  write_text(json, "variant_id", item.variant_id);
  if (item.quantity != 1) json.key("quantity").number(item.quantity);
  if (item.price) json.key("price").number(*item.price);
  if (item.position >= 0) json.key("position").number(item.position);
  write_text(json, "list_id", item.list_id);
  json.end_object();
}

}  // namespace

void write_event_json(const Event& event, codec::JsonWriter& json) {
  json.begin_object();
  write_text(json, "event_id", event.event_id);
  json.key("type").string(event.type == EventType::kCustom ? event.custom_type
                                                           : event_type_name(event.type));
  json.key("event_time").string(codec::format_rfc3339(event.event_time));
  json.key("user").begin_object();
  write_text(json, "user_id", event.user_id);
  write_text(json, "anonymous_id", event.anonymous_id);
  write_text(json, "session_id", event.session_id);
  json.end_object();
  if (!event.items.empty()) {
    json.key("items").begin_array();
    for (const auto& item : event.items) write_item(json, item);
    json.end_array();
  }
  if (event.value) json.key("value").number(*event.value);
  write_text(json, "currency", event.currency);
  write_object(json, "transaction", event.transaction);
  write_object(json, "search", event.search);
  write_object(json, "page", event.page);
  write_object(json, "attribution", event.attribution);
  write_object(json, "context", event.context);
  write_object(json, "properties", event.properties);
  json.end_object();
}

}  // namespace vitrine::event
