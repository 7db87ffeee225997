#include "tool/import/row_mapper.h"

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace vitrine::importer {
namespace {

using facade::Cell;
using facade::FieldType;

struct EventField {
  std::string_view name;
  FieldType type;
};
constexpr std::array kEventFields{
    EventField{"event_id", FieldType::kText},     EventField{"type", FieldType::kText},
    EventField{"event_time", FieldType::kTime},   EventField{"user_id", FieldType::kText},
    EventField{"anonymous_id", FieldType::kText}, EventField{"session_id", FieldType::kText},
    EventField{"item_id", FieldType::kText},      EventField{"variant_id", FieldType::kText},
    EventField{"quantity", FieldType::kNumber},   EventField{"price", FieldType::kNumber},
    EventField{"position", FieldType::kNumber},   EventField{"list_id", FieldType::kText},
    EventField{"value", FieldType::kNumber},      EventField{"currency", FieldType::kText},
    EventField{"query", FieldType::kText},        EventField{"order_id", FieldType::kText},
    EventField{"request_id", FieldType::kText},   EventField{"message_id", FieldType::kText},
};
constexpr std::string_view kProperties = "properties.";
constexpr std::string_view kAttributes = "attributes";

Error wrong(std::string message) { return Error(ErrorCode::kInvalidArgument, std::move(message)); }

// "a=b" in two; the first '=' divides.
Result<std::pair<std::string, std::string>> divide(const std::string& text, std::string_view form) {
  const std::size_t at = text.find('=');
  if (at == 0 || at == std::string::npos) {
    return wrong("'" + text + "' must have the form " + std::string(form));
  }
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

Result<std::pair<std::string, FieldType>> event_field(const std::string& name) {
  if (name.starts_with(kProperties) && name.size() > kProperties.size()) {
    return std::pair(name, FieldType::kAny);
  }
  const auto known = std::ranges::find(kEventFields, name, &EventField::name);
  if (known != kEventFields.end()) return std::pair(name, known->type);
  std::string all;
  for (const auto& field : kEventFields) all += std::string(field.name) + ", ";
  return wrong("an event has no field '" + name + "': it has " + all + "properties.NAME");
}

Result<std::pair<std::string, FieldType>> attribute(RowKind kind, const std::string& name,
                                                    FieldType untyped) {
  VITRINE_TRY(auto field, kind == RowKind::kUser ? facade::user_field(name, untyped)
                                                 : facade::item_field(name, untyped));
  return std::pair(std::move(field.name), field.type);
}

bool has_column(const RowSource& source, std::string_view name) {
  return source.columns().empty() ||
         std::ranges::find(source.columns(), name) != source.columns().end();
}

std::string hex(const Hash128& hash) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint64_t half : {hash.high, hash.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(half >> shift) & 15];
  }
  return out;
}

std::string columns_text(const RowSource& source) {
  std::string out;
  for (const std::string& name : source.columns()) out += (out.empty() ? "" : ", ") + name;
  return out;
}

}  // namespace

const RowMapper::Field* RowMapper::find(std::string_view name) const {
  const auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? nullptr : &*found;
}

Result<RowMapper> RowMapper::for_items(const MapOptions& options, const RowSource& source) {
  return for_described(RowKind::kItem, options, source);
}

Result<RowMapper> RowMapper::for_users(const MapOptions& options, const RowSource& source) {
  return for_described(RowKind::kUser, options, source);
}

Result<RowMapper> RowMapper::for_kind(RowKind kind, const MapOptions& options,
                                      const RowSource& source) {
  return kind == RowKind::kEvent ? for_events(options, source)
                                 : for_described(kind, options, source);
}

Result<RowMapper> RowMapper::for_described(RowKind kind, const MapOptions& options,
                                           const RowSource& source) {
  RowMapper out;
  out.kind_ = kind;
  const std::string id = kind == RowKind::kUser ? "user_id" : "item_id";
  const bool is_json = source.columns().empty();
  const FieldType untyped = is_json ? FieldType::kAny : FieldType::kText;
  const auto add = [&](const std::string& text, bool is_constant) -> Status {
    VITRINE_TRY(const auto parts, divide(text, is_constant ? "FIELD=VALUE" : "FIELD=COLUMN"));
    VITRINE_TRY(auto field, attribute(kind, parts.first, untyped));
    if (out.find(field.first) != nullptr) return wrong(field.first + " is given twice");
    if (!is_constant && !has_column(source, parts.second)) {
      return wrong("the file has no column '" + parts.second + "'; it has " + columns_text(source));
    }
    out.fields_.push_back({field.first, field.second, is_constant ? "" : parts.second,
                           is_constant ? parts.second : "", is_constant});
    return ok_status();
  };
  for (const auto& text : options.columns) VITRINE_TRY(add(text, false));
  for (const auto& text : options.constants) VITRINE_TRY(add(text, true));
  if (!options.types.empty()) return wrong("types are a thing of events");
  const auto is_used = [&](std::string_view column) {
    return std::ranges::find(out.fields_, column, &Field::column) != out.fields_.end();
  };
  if (!is_json && !options.only_mapped) {
    for (const std::string& column : source.columns()) {
      if (is_used(column)) continue;
      VITRINE_TRY(auto field, attribute(kind, column, untyped));
      if (out.find(field.first) == nullptr) {
        out.fields_.push_back({field.first, field.second, column, "", false});
      }
    }
  }
  if (out.find(id) == nullptr && is_json) {
    out.fields_.push_back({id, FieldType::kText, id, "", false});
  }
  if (out.find(id) == nullptr) {
    return wrong("no column is " + id + ": say which is with --map " + id +
                 "=COLUMN; the file has " + columns_text(source));
  }
  out.free_columns_ = is_json && !options.only_mapped;
  return out;
}

Result<RowMapper> RowMapper::for_events(const MapOptions& options, const RowSource& source) {
  RowMapper out;
  out.kind_ = RowKind::kEvent;
  const auto add = [&](const std::string& text, bool is_constant) -> Status {
    VITRINE_TRY(const auto parts, divide(text, is_constant ? "FIELD=VALUE" : "FIELD=COLUMN"));
    VITRINE_TRY(auto field, event_field(parts.first));
    if (out.find(field.first) != nullptr) return wrong(field.first + " is given twice");
    if (!is_constant && !has_column(source, parts.second)) {
      return wrong("the file has no column '" + parts.second + "'; it has " + columns_text(source));
    }
    out.fields_.push_back({field.first, field.second, is_constant ? "" : parts.second,
                           is_constant ? parts.second : "", is_constant});
    return ok_status();
  };
  for (const auto& text : options.columns) VITRINE_TRY(add(text, false));
  for (const auto& text : options.constants) VITRINE_TRY(add(text, true));
  for (const auto& text : options.types) {
    VITRINE_TRY(auto parts, divide(text, "VALUE=TYPE"));
    out.types_.insert(std::move(parts));
  }
  for (const auto& field : kEventFields) {
    const std::string name(field.name);
    if (out.find(name) == nullptr && has_column(source, name)) {
      out.fields_.push_back({name, field.type, name, "", false});
    }
  }
  for (const char* needed : {"type", "event_time"}) {
    if (out.find(needed) != nullptr) continue;
    return wrong(std::string("no column is ") + needed + ": say which is with --map " + needed +
                 "=COLUMN, or what it is with --set " + needed + "=VALUE; the file has " +
                 columns_text(source));
  }
  if (out.find("user_id") == nullptr && out.find("anonymous_id") == nullptr) {
    return wrong(
        "no column is user_id or anonymous_id: say which is with --map user_id=COLUMN; "
        "the file has " +
        columns_text(source));
  }
  return out;
}

Cell RowMapper::cell_of(const Field& field, RowSource& row) const {
  return field.is_constant ? Cell{field.constant} : row.cell(field.column);
}

bool RowMapper::run(RowSource& row, std::string& json, std::string& why) {
  json.clear();
  why.clear();
  switch (kind_) {
    case RowKind::kEvent: return run_event(row, json, why);
    case RowKind::kUser: return run_user(row, json, why);
    default: return run_item(row, json, why);
  }
}

bool RowMapper::run_item(RowSource& row, std::string& out, std::string& why) const {
  codec::JsonWriter json(out);
  json.begin_object();
  if (!write_attributes(row, json, why) || !write_free(row, json, why)) return false;
  json.end_object();
  json.finish();
  return true;
}

// The object of that name of a row of users in the API's form; empty if it is not.
std::string_view RowMapper::attributes_of(RowSource& row) const {
  if (!free_columns_) return {};
  const Cell own = row.cell(kAttributes);
  return own.is_json && own.text.starts_with('{') ? own.text : std::string_view();
}

bool RowMapper::run_user(RowSource& row, std::string& out, std::string& why) const {
  codec::JsonWriter json(out);
  json.begin_object();
  if (!write("user_id", "user_id", row, json, why)) return false;
  const std::string_view own = attributes_of(row);
  json.key("attributes").begin_object();
  if (own.empty()) {
    if (!write_attributes(row, json, why) || !write_free(row, json, why)) return false;
  } else {
    if (!write_attributes(row, json, why)) return false;
    if (own.size() > 2) json.raw(own.substr(1, own.size() - 2));  // its members
  }
  json.end_object();
  if (!own.empty() && !write_free(row, json, why)) return false;
  json.end_object();
  json.finish();
  return true;
}

// Each field that has something to say; of a user all but who it is.
bool RowMapper::write_attributes(RowSource& row, codec::JsonWriter& json, std::string& why) const {
  const bool is_user = kind_ == RowKind::kUser;
  for (const Field& field : fields_) {
    const Cell cell = cell_of(field, row);
    if (cell.text.empty() || (is_user && field.name == "user_id")) continue;
    json.escaped_key(field.name);
    if (facade::append_cell(field.type, cell, json, why)) continue;
    why = field.name + ": " + why;
    return false;
  }
  return true;
}

// The keys of the row that no field has taken.
bool RowMapper::write_free(RowSource& row, codec::JsonWriter& json, std::string& why) const {
  if (!free_columns_) return true;
  const bool own_form = kind_ == RowKind::kUser && !attributes_of(row).empty();
  for (const std::string& name : row.names()) {
    const bool used = std::ranges::find(fields_, name, &Field::column) != fields_.end();
    const Cell cell = row.cell(name);
    if (used || find(name) != nullptr || cell.text.empty()) continue;
    if (own_form && name == kAttributes) continue;
    json.escaped_key(name);
    if (!facade::append_cell(FieldType::kAny, cell, json, why)) return false;
  }
  return true;
}

// Writes `key` with the cell of the field, if there is such a field and the cell is not empty.
bool RowMapper::write(std::string_view name, std::string_view key, RowSource& row,
                      codec::JsonWriter& json, std::string& why) const {
  const Field* field = find(name);
  if (field == nullptr) return true;
  const Cell cell = cell_of(*field, row);
  if (cell.text.empty()) return true;
  json.key(key);
  if (facade::append_cell(field->type, cell, json, why)) return true;
  why = field->name + ": " + why;
  return false;
}

bool RowMapper::run_event(RowSource& row, std::string& out, std::string& why) const {
  std::string rest;
  {
    codec::JsonWriter json(rest);
    const auto put = [&](std::string_view name) { return write(name, name, row, json, why); };
    const auto is_there = [&](std::string_view name) {
      const Field* field = find(name);
      return field != nullptr && !cell_of(*field, row).text.empty();
    };
    const auto put_alone = [&](std::string_view object, std::string_view name,
                               std::string_view key) {
      if (!is_there(name)) return true;
      json.key(object).begin_object();
      const bool good = write(name, key, row, json, why);
      json.end_object();
      return good;
    };
    json.begin_object();
    const Field* type = find("type");
    std::string type_text(cell_of(*type, row).text);
    if (const auto other = types_.find(type_text); other != types_.end()) type_text = other->second;
    if (type_text.empty()) {
      why = "type is empty";
      return false;
    }
    json.key("type").string(type_text);
    if (!put("event_time")) return false;
    json.key("user").begin_object();
    if (!put("user_id") || !put("anonymous_id") || !put("session_id")) return false;
    json.end_object();
    if (is_there("item_id")) {
      json.key("items").begin_array().begin_object();
      for (const char* name :
           {"item_id", "variant_id", "quantity", "price", "position", "list_id"}) {
        if (!put(name)) return false;
      }
      json.end_object().end_array();
    }
    if (!put("value") || !put("currency")) return false;
    if (!put_alone("transaction", "order_id", "order_id")) return false;
    if (!put_alone("search", "query", "query")) return false;
    if (is_there("request_id") || is_there("message_id")) {
      json.key("attribution").begin_object();
      if (!put("request_id") || !put("message_id")) return false;
      json.end_object();
    }
    bool has_properties = false;
    for (const Field& field : fields_) {
      if (!field.name.starts_with(kProperties)) continue;
      const Cell cell = cell_of(field, row);
      if (cell.text.empty()) continue;
      if (!has_properties) json.key("properties").begin_object();
      has_properties = true;
      json.escaped_key(field.name.substr(kProperties.size()));
      if (!facade::append_cell(field.type, cell, json, why)) return false;
    }
    if (has_properties) json.end_object();
    json.end_object();
    json.finish();
  }
  const Field* id = find("event_id");
  const Cell own = id == nullptr ? Cell{} : cell_of(*id, row);
  std::string made;
  if (own.text.empty()) made = "row-" + hex(hash128(rest));
  {
    codec::JsonWriter json(out);
    json.begin_object();
    json.key("event_id").string(own.text.empty() ? std::string_view(made) : own.text);
  }
  out += ',';
  out.append(rest, 1);  // without its brace
  return true;
}

}  // namespace vitrine::importer
