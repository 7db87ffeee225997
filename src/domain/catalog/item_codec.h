// Catalog changes as bytes of log records, after the tenant (domain/record/record.h).
//
//   kItemUpsert             version u8 = 1, id string, count varint, count x {name string, value}
//   kItemPatch, kInventory  the same, where a value may also be "remove"
//   kItemDelete             version u8 = 1, id string
// value: tag u8 (AttributeType, or 255: remove), then string: string; number: f64; boolean: u8 (0,
// 1); list: count varint and that many strings; time: i64. Attributes come in ascending order of
// name, so one item has one encoding. Layouts are on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "domain/catalog/item.h"

namespace vitrine::catalog {

// Arguments have passed check_item, check_patch, check_inventory, check_item_id.
void encode_upsert(const Item& item, ByteWriter& out);
void encode_patch(const ItemPatch& patch, ByteWriter& out);  // also for kInventory
void encode_delete(std::string_view item_id, ByteWriter& out);

// The body of a record, all of it. kCorrupt for anything the encoders can't have written,
// kUnsupported for a later version. What they give has passed the checks.
Result<Item> decode_upsert(std::string_view body);
Result<ItemPatch> decode_patch(std::string_view body);
Result<ItemPatch> decode_inventory(std::string_view body);
Result<std::string> decode_delete(std::string_view body);

// One value by itself; empty stands for "remove". A wrong tag or size makes `in` fail; whether
// the value keeps the rules is for the caller to check.
void encode_value(const AttributeValue& value, ByteWriter& out);
void encode_value(const std::optional<AttributeValue>& value, ByteWriter& out);
std::optional<AttributeValue> decode_value(ByteReader& in);

}  // namespace vitrine::catalog
