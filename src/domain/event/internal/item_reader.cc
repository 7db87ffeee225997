#include "domain/event/internal/item_reader.h"

#include "domain/event/internal/ga4_names.h"
#include "domain/event/internal/rejecting.h"
#include "domain/event/internal/value_reader.h"

namespace vitrine::event::internal {

using simdjson::dom::element;

namespace {

bool item_field(Field field, const element& value, EventItem& out, Rejection& why) {
  switch (field) {
    case kItemId: return read_id(value, "item_id", kIdBytesMax, out.item_id, why);
    case kVariantId: return read_id(value, "variant_id", kIdBytesMax, out.variant_id, why);
    case kListId: return read_id(value, "list_id", kIdBytesMax, out.list_id, why);
    case kPrice: return read_amount(value, "price", kMoneyMax, out.price, why);
    case kQuantity:
      if (!read_amount(value, "quantity", kQuantityMax, out.quantity, why)) return false;
      if (out.quantity > 0) return true;
      return reject(RejectCode::kOutOfRange, "quantity must be above 0", why);
    default: return read_position(value, "position", out.position, why);
  }
}

bool ga4_item_field(std::string_view key, const element& value, SeenFields& seen, EventItem& out,
                    Rejection& why) {
  const Ga4Name* known = find_ga4(kGa4OfItem, key);
  if (known == nullptr) {
    return reject(RejectCode::kUnknownField,
                  "an item of an event has no field " + shown(key) +
                      ": what describes the item belongs into the catalog",
                  why);
  }
  if (known->place == kNoField) return true;
  if (!seen.once(known->place, why)) return false;
  if (value.is_null() || is_blank(value)) return true;
  switch (known->place) {
    case kVariantId: return read_id(value, key, kIdBytesMax, out.variant_id, why);
    case kListId: return read_id(value, key, kIdBytesMax, out.list_id, why);
    default: return read_position(value, key, out.position, why);
  }
}

bool read_item(const element& json, EventItem& out, Rejection& why) {
  simdjson::dom::object object;
  if (json.get(object) != simdjson::SUCCESS) return wrong_type("an item", "an object", json, why);
  SeenFields seen;
  for (const auto field : object) {
    const Field known = find_field(field.key, kItemId, kListId);
    if (known == kNoField) {
      if (!ga4_item_field(field.key, field.value, seen, out, why)) return false;
      continue;
    }
    if (!seen.once(known, why)) return false;
    if (field.value.is_null()) continue;
    if (!item_field(known, field.value, out, why)) return false;
  }
  return !out.item_id.empty() || missing("item_id is missing", why);
}

}  // namespace

bool read_items(const element& value, std::vector<EventItem>& out, Rejection& why) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return wrong_type("items", "an array", value, why);
  for (const auto json : array) {
    if (out.size() == kItemsMax) {
      return reject(RejectCode::kTooManyItems,
                    "items has more than " + std::to_string(kItemsMax) + " entries", why);
    }
    if (!read_item(json, out.emplace_back(), why)) {
      // Items are named when something is wrong, not before.
      why.detail.insert(0, "items[" + std::to_string(out.size() - 1) + "]: ");
      return false;
    }
  }
  return true;
}

}  // namespace vitrine::event::internal
