#include "domain/catalog/item_codec.h"

#include <cmath>
#include <utility>

namespace vitrine::catalog {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kRemove = 255;

Error corrupt(std::string message) { return Error(ErrorCode::kCorrupt, std::move(message)); }

Result<ItemPatch> decode_edits(std::string_view body) {
  ByteReader in(body);
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "item change of version " + std::to_string(version));
  }
  ItemPatch patch;
  patch.id = std::string(in.string());
  const std::uint64_t count = in.varint();
  if (count > kAttributesPerItemMax) in.fail();
  if (in.ok()) patch.edits.reserve(count);
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    std::string name(in.string());
    patch.edits.push_back({std::move(name), decode_value(in)});
  }
  if (!in.at_end()) return corrupt("an item change ends early, has bytes left or a wrong value");
  return patch;
}

// What the encoders only write checked is checked again: these bytes may come from a damaged disk.
Status as_corrupt(Status status) {
  if (status.ok()) return status;
  return corrupt("an item change breaks a rule: " + status.error().message());
}

}  // namespace

void encode_value(const std::optional<AttributeValue>& value, ByteWriter& out) {
  if (value.has_value()) return encode_value(*value, out);
  out.u8(kRemove);
}

void encode_value(const AttributeValue& value, ByteWriter& out) {
  out.u8(static_cast<std::uint8_t>(type_of(value)));
  switch (type_of(value)) {
    case AttributeType::kString: out.string(std::get<std::string>(value)); break;
    case AttributeType::kNumber: out.f64(std::get<double>(value)); break;
    case AttributeType::kBoolean: out.u8(std::get<bool>(value) ? 1 : 0); break;
    case AttributeType::kList: {
      const auto& list = std::get<std::vector<std::string>>(value);
      out.varint(list.size());
      for (const auto& entry : list) out.string(entry);
      break;
    }
    case AttributeType::kTime: out.i64(std::get<Time>(value).us); break;
  }
}

std::optional<AttributeValue> decode_value(ByteReader& in) {
  const std::uint8_t tag = in.u8();
  if (tag == kRemove) return std::nullopt;
  switch (tag) {
    case static_cast<std::uint8_t>(AttributeType::kString): return std::string(in.string());
    case static_cast<std::uint8_t>(AttributeType::kNumber): {
      const double number = in.f64();
      if (number == 0 && std::signbit(number)) in.fail();  // written as 0
      return number;
    }
    case static_cast<std::uint8_t>(AttributeType::kBoolean): {
      const std::uint8_t byte = in.u8();
      if (byte > 1) in.fail();
      return byte == 1;
    }
    case static_cast<std::uint8_t>(AttributeType::kList): {
      const std::uint64_t count = in.varint();
      if (count > kListEntriesMax) in.fail();
      std::vector<std::string> list;
      for (std::uint64_t i = 0; in.ok() && i < count; ++i) list.emplace_back(in.string());
      return list;
    }
    case static_cast<std::uint8_t>(AttributeType::kTime): return Time{in.i64()};
    default: in.fail(); return std::nullopt;
  }
}

void encode_upsert(const Item& item, ByteWriter& out) {
  out.u8(kVersion);
  out.string(item.id);
  out.varint(item.attributes.size());
  for (const auto& [name, value] : item.attributes) {
    out.string(name);
    encode_value(value, out);
  }
}

void encode_patch(const ItemPatch& patch, ByteWriter& out) {
  out.u8(kVersion);
  out.string(patch.id);
  out.varint(patch.edits.size());
  for (const auto& [name, value] : patch.edits) {
    out.string(name);
    encode_value(value, out);
  }
}

void encode_delete(std::string_view item_id, ByteWriter& out) {
  out.u8(kVersion);
  out.string(item_id);
}

Result<Item> decode_upsert(std::string_view body) {
  VITRINE_TRY(ItemPatch patch, decode_edits(body));
  Item item{std::move(patch.id), {}};
  item.attributes.reserve(patch.edits.size());
  for (auto& [name, value] : patch.edits) {
    if (!value.has_value()) return corrupt("an upsert removes an attribute");
    item.attributes.push_back({std::move(name), *std::move(value)});
  }
  VITRINE_TRY(as_corrupt(check_item(item)));
  return item;
}

Result<ItemPatch> decode_patch(std::string_view body) {
  VITRINE_TRY(ItemPatch patch, decode_edits(body));
  VITRINE_TRY(as_corrupt(check_patch(patch)));
  return patch;
}

Result<ItemPatch> decode_inventory(std::string_view body) {
  VITRINE_TRY(ItemPatch patch, decode_edits(body));
  VITRINE_TRY(as_corrupt(check_inventory(patch)));
  return patch;
}

Result<std::string> decode_delete(std::string_view body) {
  ByteReader in(body);
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "item delete of version " + std::to_string(version));
  }
  std::string id(in.string());
  if (!in.at_end()) return corrupt("an item delete ends early or has bytes left");
  VITRINE_TRY(as_corrupt(check_item_id(id)));
  return id;
}

}  // namespace vitrine::catalog
