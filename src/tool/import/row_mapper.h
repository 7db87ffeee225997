// From a row of a foreign file to one item, event or user, by a map of fields to columns.
//
// Fields of an event: event_id type event_time user_id anonymous_id session_id item_id variant_id
// quantity price position list_id value currency query order_id request_id message_id, and
// properties.NAME. A row is one event with at most one item. Fields of an item: its attributes,
// with a type where the column has none ("size:number").
//
// Fields of a user: user_id and attributes, likewise. A JSON row that has an object `attributes` is
// in the API's own form: its members are the attributes, and its other keys stay beside them.
//
// What is not mapped is taken from the column of the field's own name; of an item or user every
// other column becomes an attribute too, unless `only_mapped`. A field may be a constant instead.
//
// An event without event_id gets one made from what it says: a row that is read again is the same
// event, and two rows that say the same count once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tool/import/row_source.h"

namespace vitrine::importer {

struct MapOptions {
  std::vector<std::string> columns;    // "FIELD=COLUMN"
  std::vector<std::string> constants;  // "FIELD=VALUE"
  std::vector<std::string> types;      // "VALUE=TYPE": what the file calls the type of an event
  bool only_mapped = false;            // of an item or user
};

enum class RowKind { kItem, kEvent, kUser };

class RowMapper {
 public:
  // kInvalidArgument names what is wrong: no "=", an unknown field, a field given twice, a column
  // that the file does not have, nothing for a field that must be there.
  static Result<RowMapper> for_items(const MapOptions& options, const RowSource& source);
  static Result<RowMapper> for_events(const MapOptions& options, const RowSource& source);
  static Result<RowMapper> for_users(const MapOptions& options, const RowSource& source);
  static Result<RowMapper> for_kind(RowKind kind, const MapOptions& options,
                                    const RowSource& source);

  // Replaces `json` by the item, event or user of the present row, or says what is wrong with the
  // row.
  bool run(RowSource& row, std::string& json, std::string& why);

 private:
  struct Field {
    std::string name;
    facade::FieldType type = facade::FieldType::kText;
    std::string column;
    std::string constant;
    bool is_constant = false;
  };
  // Of what is described by attributes.
  static Result<RowMapper> for_described(RowKind kind, const MapOptions& options,
                                         const RowSource& source);
  bool run_item(RowSource& row, std::string& json, std::string& why) const;
  bool run_user(RowSource& row, std::string& json, std::string& why) const;
  std::string_view attributes_of(RowSource& row) const;
  bool write_attributes(RowSource& row, codec::JsonWriter& json, std::string& why) const;
  bool write_free(RowSource& row, codec::JsonWriter& json, std::string& why) const;
  bool run_event(RowSource& row, std::string& json, std::string& why) const;
  facade::Cell cell_of(const Field& field, RowSource& row) const;
  const Field* find(std::string_view name) const;
  bool write(std::string_view name, std::string_view key, RowSource& row, codec::JsonWriter& json,
             std::string& why) const;

  RowKind kind_ = RowKind::kItem;
  bool free_columns_ = false;  // other keys of a row become attributes too
  std::vector<Field> fields_;
  std::map<std::string, std::string, std::less<>> types_;
};

}  // namespace vitrine::importer
