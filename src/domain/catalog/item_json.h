// Items as JSON: one flat object, attribute names as keys.
//
//   {"item_id": "sku-1", "title": "Boot", "categories": ["Shoes", "Boots"], "price": 79.9,
//    "stock": 3, "waterproof": true, "season_start": {"$time": "2026-10-01T00:00:00Z"}}
//
// - `item_id` (or `id`) may be left out where the caller knows the id, and must agree otherwise.
// - `category` stands for `categories`, which may also be a single string.
// - A time is {"$time": "RFC 3339"}, so that no string is ever mistaken for one;
//   available_from and available_until are times by name and may be plain strings.
// - `created` and `updated` are ignored, so that what GET gave can be PUT back. `in_stock` follows
//   from `stock` and is refused with that explanation.
// - null: in an item the attribute is absent, in a patch it is removed.
// - Repeated list entries are kept once. -0 is 0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/catalog/item.h"

namespace simdjson::dom {
class element;
}

namespace vitrine::catalog {

// JSON text of one item above this is refused unread: kItemBytesMax with every byte escaped.
inline constexpr std::size_t kItemJsonBytesMax = 6 * kItemBytesMax + 64 * 1024;

// One thing wrong with one field. `field` is empty when the whole body is meant.
struct FieldError {
  std::string field;
  std::string reason;  // "must not be negative"
};
// "price: must not be negative; brand: must be a string, not a number"
std::string to_string(const std::vector<FieldError>& errors);

// `value` is good only if `errors` is empty. All fields are looked at, not only up to the first
// error.
template <class T>
struct Checked {
  T value;
  std::vector<FieldError> errors;
  bool ok() const { return errors.empty(); }
};

// `id` is what the caller knows already (from the path); empty: the body must say it.
Checked<Item> parse_item(std::string_view json, std::string_view id = {});
Checked<Item> parse_item(const simdjson::dom::element& json, std::string_view id = {});
Checked<ItemPatch> parse_patch(std::string_view json, std::string_view id = {});
Checked<ItemPatch> parse_patch(const simdjson::dom::element& json, std::string_view id = {});
// Only stock and price, at least one of them. `"stock": null`: no longer counted.
Checked<ItemPatch> parse_inventory(std::string_view json, std::string_view id = {});
Checked<ItemPatch> parse_inventory(const simdjson::dom::element& json, std::string_view id = {});

// Appends the object with item_id first and attributes by name. parse_item gives the same item
// back. Times that are given (not TimeColumn::kAbsent) are written as created and updated.
struct ItemTimes {
  TimeUs created;
  TimeUs updated;
};
void append_json(const Item& item, std::string& out);
void append_json(const Item& item, const ItemTimes& times, std::string& out);

}  // namespace vitrine::catalog
