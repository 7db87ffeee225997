#include "domain/catalog/item.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <simdjson.h>

namespace vitrine::catalog {

namespace {

constexpr std::array<KnownAttribute, 14> kKnown{{
    {"available_from", AttributeType::kTime, true},
    {"available_until", AttributeType::kTime, true},
    {"brand", AttributeType::kString, true},
    {"categories", AttributeType::kList, true},
    {"created", AttributeType::kTime, false},
    {"description", AttributeType::kString, true},
    {"image", AttributeType::kString, true},
    {"in_stock", AttributeType::kBoolean, false},
    {"item_id", AttributeType::kString, false},
    {"price", AttributeType::kNumber, true},
    {"stock", AttributeType::kNumber, true},
    {"title", AttributeType::kString, true},
    {"updated", AttributeType::kTime, false},
    {"url", AttributeType::kString, true},
}};

Error invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

Status check_string(std::string_view text) {
  if (text.size() > kStringBytesMax) {
    return invalid("is " + std::to_string(text.size()) + " bytes long; at most " +
                   std::to_string(kStringBytesMax) + " are allowed");
  }
  if (!is_utf8(text)) return invalid("is not valid UTF-8");
  return ok_status();
}

Status check_number(std::string_view name, double number) {
  if (!std::isfinite(number)) return invalid("must be a finite number");
  if (name == "price") {
    if (number < 0) return invalid("must not be negative");
    if (number > kPriceMax) return invalid("must be at most 1e12");
  } else if (name == "stock") {
    if (number != std::floor(number)) return invalid("must be a whole number");
    if (std::abs(number) > kStockMax) return invalid("must be between -1e9 and 1e9");
  }
  return ok_status();
}

Status check_list(const std::vector<std::string>& list) {
  if (list.size() > kListEntriesMax) {
    return invalid("has " + std::to_string(list.size()) + " entries; at most " +
                   std::to_string(kListEntriesMax) + " are allowed");
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = "entry " + std::to_string(i) + " ";
    if (list[i].empty()) return invalid(where + "is empty");
    if (list[i].size() > kListEntryBytesMax) {
      return invalid(where + "is " + std::to_string(list[i].size()) + " bytes long; at most " +
                     std::to_string(kListEntryBytesMax) + " are allowed");
    }
    if (!is_utf8(list[i])) return invalid(where + "is not valid UTF-8");
    if (std::find(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i), list[i]) !=
        list.begin() + static_cast<std::ptrdiff_t>(i)) {
      return invalid(where + "repeats an earlier one");
    }
  }
  return ok_status();
}

Status check_written_name(std::string_view name) {
  VITRINE_TRY(check_attribute_name(name));
  if (name != canonical_name(name)) return invalid("is another name of categories");
  const KnownAttribute* known = find_known_attribute(name);
  if (known != nullptr && !known->writable) return invalid("is given by Vitrine and can't be set");
  return ok_status();
}

Status check_total(std::size_t attributes, std::size_t bytes) {
  if (attributes > kAttributesPerItemMax) {
    return invalid("has " + std::to_string(attributes) + " attributes; at most " +
                   std::to_string(kAttributesPerItemMax) + " are allowed");
  }
  if (bytes > kItemBytesMax) {
    return invalid("takes " + std::to_string(bytes) + " bytes; at most " +
                   std::to_string(kItemBytesMax) + " are allowed");
  }
  return ok_status();
}

}  // namespace

std::string_view attribute_type_name(AttributeType type) {
  switch (type) {
    case AttributeType::kString: return "string";
    case AttributeType::kNumber: return "number";
    case AttributeType::kBoolean: return "boolean";
    case AttributeType::kList: return "list of strings";
    case AttributeType::kTime: return "time";
  }
  return "unknown";
}

const AttributeValue* Item::find(std::string_view name) const {
  const auto at =
      std::lower_bound(attributes.begin(), attributes.end(), name,
                       [](const Attribute& a, std::string_view n) { return a.name < n; });
  return at != attributes.end() && at->name == name ? &at->value : nullptr;
}

const KnownAttribute* find_known_attribute(std::string_view name) {
  const auto at =
      std::lower_bound(kKnown.begin(), kKnown.end(), name,
                       [](const KnownAttribute& k, std::string_view n) { return k.name < n; });
  return at != kKnown.end() && at->name == name ? &*at : nullptr;
}

std::string_view canonical_name(std::string_view name) {
  return name == "category" ? std::string_view("categories") : name;
}

std::size_t attribute_bytes(std::string_view name, const AttributeValue& value) {
  std::size_t bytes = name.size();
  if (const auto* text = std::get_if<std::string>(&value)) {
    bytes += text->size();
  } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const auto& entry : *list) bytes += entry.size();
  } else {
    bytes += 8;
  }
  return bytes;
}

bool is_plain_utf8(std::string_view text) {
  if (!is_utf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return false;
    // U+0080..U+009F is C2 80..C2 9F.
    if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
  }
  return true;
}

Status check_item_id(std::string_view id) {
  if (id.empty()) return invalid("is empty; an item id has 1 to 256 bytes");
  if (id.size() > kItemIdBytesMax) {
    return invalid("is " + std::to_string(id.size()) +
                   " bytes long; an item id has 1 to 256 bytes");
  }
  if (!is_plain_utf8(id)) return invalid("must be valid UTF-8 without control characters");
  return ok_status();
}

Status check_attribute_name(std::string_view name) {
  const bool length_ok = !name.empty() && name.size() <= kAttributeNameBytesMax;
  const bool letters_ok = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!length_ok || !letters_ok) {
    return invalid("is not an attribute name: 1 to 64 of a-z, 0-9 and _ are allowed");
  }
  return ok_status();
}

Status check_attribute_value(std::string_view name, const AttributeValue& value) {
  const KnownAttribute* known = find_known_attribute(name);
  if (known != nullptr && known->type != type_of(value)) {
    return invalid("must be a " + std::string(attribute_type_name(known->type)) + ", not a " +
                   std::string(attribute_type_name(type_of(value))));
  }
  switch (type_of(value)) {
    case AttributeType::kString: return check_string(std::get<std::string>(value));
    case AttributeType::kNumber: return check_number(name, std::get<double>(value));
    case AttributeType::kBoolean: return ok_status();
    case AttributeType::kList: return check_list(std::get<std::vector<std::string>>(value));
    case AttributeType::kTime: {
      const TimeUs us = std::get<Time>(value).us;
      if (us < kTimeMin || us > kTimeMax)
        return invalid("must lie between the years 1900 and 3000");
      return ok_status();
    }
  }
  return ok_status();
}

Status check_item(const Item& item) {
  VITRINE_TRY(check_item_id(item.id));
  std::size_t bytes = 0;
  const std::string* last = nullptr;
  for (const auto& [name, value] : item.attributes) {
    if (last != nullptr && *last >= name) return invalid("attributes are not in ascending order");
    last = &name;
    VITRINE_TRY(check_written_name(name));
    VITRINE_TRY(check_attribute_value(name, value));
    bytes += attribute_bytes(name, value);
  }
  return check_total(item.attributes.size(), bytes);
}

Status check_patch(const ItemPatch& patch) {
  VITRINE_TRY(check_item_id(patch.id));
  std::size_t bytes = 0;
  const std::string* last = nullptr;
  for (const auto& [name, value] : patch.edits) {
    if (last != nullptr && *last >= name) return invalid("attributes are not in ascending order");
    last = &name;
    VITRINE_TRY(check_written_name(name));
    if (!value.has_value()) continue;
    VITRINE_TRY(check_attribute_value(name, *value));
    bytes += attribute_bytes(name, *value);
  }
  return check_total(patch.edits.size(), bytes);
}

Status check_inventory(const ItemPatch& patch) {
  for (const auto& edit : patch.edits) {
    if (edit.name != "stock" && edit.name != "price") {
      return invalid("is not part of an inventory change: only stock and price are");
    }
  }
  return check_patch(patch);
}

}  // namespace vitrine::catalog
