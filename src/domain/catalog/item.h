// What a shop sells, as it is said from outside: an id and typed attributes.
//
// An attribute is a string, a number, a boolean, a list of strings or a time. Its type is fixed
// by the name: for the known names below by this file, for all others by their first use in the
// tenant (domain/catalog/catalog.h decides that when a change is applied).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace vitrine::catalog {

inline constexpr std::size_t kItemIdBytesMax = 256;
inline constexpr std::size_t kAttributesPerItemMax = 100;
inline constexpr std::size_t kAttributeNameBytesMax = 64;
inline constexpr std::size_t kStringBytesMax = 8 * 1024;
inline constexpr std::size_t kListEntriesMax = 100;
inline constexpr std::size_t kListEntryBytesMax = 256;
inline constexpr std::size_t kItemBytesMax = 64 * 1024;
inline constexpr double kPriceMax = 1e12;
inline constexpr double kStockMax = 1e9;  // and at least -kStockMax: shops do oversell
// Times from 1900-01-01 to 3000-01-01, so that sums with durations can't overflow.
inline constexpr TimeUs kTimeMin = -2'208'988'800LL * kSecondUs;
inline constexpr TimeUs kTimeMax = 32'503'680'000LL * kSecondUs;

// Values are on disk: add, never renumber. In the order of AttributeValue's alternatives.
enum class AttributeType : std::uint8_t {
  kString = 0,
  kNumber = 1,
  kBoolean = 2,
  kList = 3,
  kTime = 4,
};
std::string_view attribute_type_name(AttributeType type);  // "string", "list of strings", ...

struct Time {
  TimeUs us = 0;  // kTimeMin..kTimeMax
  friend auto operator<=>(const Time&, const Time&) = default;
};

// Strings are UTF-8 (control characters allowed), numbers finite and never -0, list entries not
// empty and each named once.
using AttributeValue = std::variant<std::string, double, bool, std::vector<std::string>, Time>;
inline AttributeType type_of(const AttributeValue& value) {
  return static_cast<AttributeType>(value.index());
}

struct Attribute {
  std::string name;
  AttributeValue value;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

// A whole item, as PUT gives it: what it does not name, the item does not have.
struct Item {
  std::string id;                     // 1..256 bytes of UTF-8 without control characters
  std::vector<Attribute> attributes;  // by name, ascending, each once
  friend bool operator==(const Item&, const Item&) = default;

  // Null where the item has no such attribute.
  const AttributeValue* find(std::string_view name) const;
};

struct AttributeEdit {
  std::string name;
  std::optional<AttributeValue> value;  // empty: remove the attribute
  friend bool operator==(const AttributeEdit&, const AttributeEdit&) = default;
};

// A change of some attributes; the others stay as they are. An inventory change is a patch
// that names nothing but stock and price.
struct ItemPatch {
  std::string id;
  std::vector<AttributeEdit> edits;  // by name, ascending, each once
  friend bool operator==(const ItemPatch&, const ItemPatch&) = default;
};

// A name whose type and rules every shop shares. `writable` is false for what Vitrine itself
// gives: created (append time of the first listing, kept over delete and return), updated
// (append time of the last change), in_stock (stock is absent or above 0), item_id.
struct KnownAttribute {
  std::string_view name;
  AttributeType type;
  bool writable;
};
// title description image url brand (strings), categories (list), price stock (numbers),
// available_from available_until (times), and the four above. Null for any other name.
const KnownAttribute* find_known_attribute(std::string_view name);

// `category` is another way to say `categories`; any other name stands for itself.
std::string_view canonical_name(std::string_view name);

// Bytes an attribute counts towards kItemBytesMax: name, text and 8 for a fixed-size value.
std::size_t attribute_bytes(std::string_view name, const AttributeValue& value);

// The rules above, one by one; the message says which is broken and what would be right, and
// does not repeat the name. item_json and item_codec let nothing pass that fails these.
Status check_item_id(std::string_view id);
Status check_attribute_name(std::string_view name);  // shape only: [a-z0-9_]{1,64}
Status check_attribute_value(std::string_view name, const AttributeValue& value);
// Everything at once: order, counts, sizes, names, values.
Status check_item(const Item& item);
Status check_patch(const ItemPatch& patch);
Status check_inventory(const ItemPatch& patch);  // and that it names only stock and price

// True for well-formed UTF-8 without control characters (U+0000..U+001F, U+007F..U+009F).
bool is_plain_utf8(std::string_view text);

}  // namespace vitrine::catalog
