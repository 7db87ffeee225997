#include "domain/catalog/item_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <simdjson.h>

#include "domain/catalog/columns.h"
#include "domain/catalog/time_text.h"
#include "platform/codec/json_writer.h"

namespace vitrine::catalog {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

std::string_view json_type_name(element_type type) {
  switch (type) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

std::string_view view(const element& e) { return e.get_string().value_unsafe(); }

// One JSON object on its way to edits.
struct Reader {
  ItemPatch patch;
  std::vector<FieldError> errors;
  std::string body_id;  // as the body gives it
  bool has_body_id = false;
  bool id_is_wrong = false;  // and reported

  void fail(std::string_view field, std::string reason) {
    errors.push_back({std::string(field.substr(0, kAttributeNameBytesMax)), std::move(reason)});
  }

  // False after fail().
  bool read_time(std::string_view key, std::string_view text, AttributeValue& out) {
    const auto time = parse_time(text);
    if (!time.ok()) {
      fail(key, time.error().message());
      return false;
    }
    out = Time{time.value()};
    return true;
  }

  bool read_list(std::string_view key, const simdjson::dom::array& array, AttributeValue& out) {
    if (array.size() > kListEntriesMax) {
      fail(key, "has more than " + std::to_string(kListEntriesMax) + " entries");
      return false;
    }
    std::vector<std::string> list;
    for (const element entry : array) {
      if (!entry.is_string()) {
        fail(key, "entry " + std::to_string(list.size()) + " must be a string, not " +
                      std::string(json_type_name(entry.type())));
        return false;
      }
      if (std::find(list.begin(), list.end(), view(entry)) == list.end())
        list.emplace_back(view(entry));
    }
    out = std::move(list);
    return true;
  }

  bool read_object(std::string_view key, const simdjson::dom::object& object, AttributeValue& out) {
    element inner;
    if (object.size() == 1 && object["$time"].get(inner) == simdjson::SUCCESS &&
        inner.is_string()) {
      return read_time(key, view(inner), out);
    }
    fail(key,
         "is an object; only {\"$time\": \"2026-11-22T16:10:43Z\"} is allowed: give nested "
         "fields as attributes of their own");
    return false;
  }

  bool read_string(std::string_view key, std::string_view text, AttributeValue& out) {
    const KnownAttribute* known = find_known_attribute(key);
    if (known != nullptr && known->type == AttributeType::kTime) return read_time(key, text, out);
    if (known != nullptr && known->type == AttributeType::kList) {
      out = std::vector<std::string>{std::string(text)};
    } else {
      out = std::string(text);
    }
    return true;
  }

  bool read_value(std::string_view key, const element& json, AttributeValue& out) {
    switch (json.type()) {
      case element_type::STRING: return read_string(key, view(json), out);
      case element_type::BOOL: out = json.get_bool().value_unsafe(); return true;
      case element_type::ARRAY: return read_list(key, json.get_array().value_unsafe(), out);
      case element_type::OBJECT: return read_object(key, json.get_object().value_unsafe(), out);
      case element_type::NULL_VALUE: return false;
      default: out = json.get_double().value_unsafe() + 0.0; return true;  // + 0.0: -0 becomes 0
    }
  }

  void read_field(std::string_view key, const element& json) {
    if (key == "item_id" || key == "id") {
      if (std::exchange(has_body_id, true)) return fail(key, "appears twice");
      id_is_wrong = !json.is_string();
      if (id_is_wrong) return fail(key, "must be a string");
      body_id = std::string(view(json));
      return;
    }
    if (key == "created" || key == "updated") return;
    if (key == "in_stock") {
      return fail(key,
                  "follows from stock and can't be set: send \"stock\": 0 for an item that is out "
                  "of stock");
    }
    if (auto named = check_attribute_name(key); !named.ok())
      return fail(key, named.error().message());
    const std::string_view name = canonical_name(key);
    if (json.is_null()) {
      patch.edits.push_back({std::string(name), std::nullopt});
      return;
    }
    AttributeValue value;
    if (!read_value(name, json, value)) return;
    if (auto good = check_attribute_value(name, value); !good.ok())
      return fail(key, good.error().message());
    patch.edits.push_back({std::string(name), std::move(value)});
  }

  void settle_id(std::string_view known_id) {
    if (id_is_wrong) return;
    if (!known_id.empty() && has_body_id && body_id != known_id) {
      return fail("item_id", "differs from the id in the path");
    }
    if (known_id.empty() && !has_body_id) return fail("item_id", "is missing");
    patch.id = known_id.empty() ? body_id : std::string(known_id);
    if (auto good = check_item_id(patch.id); !good.ok()) fail("item_id", good.error().message());
  }

  void settle_names() {
    std::stable_sort(
        patch.edits.begin(), patch.edits.end(),
        [](const AttributeEdit& a, const AttributeEdit& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < patch.edits.size(); ++i) {
      if (patch.edits[i].name == patch.edits[i - 1].name)
        fail(patch.edits[i].name, "appears twice");
    }
  }
};

Reader read(const element& json, std::string_view id) {
  Reader reader;
  if (!json.is_object()) {
    reader.fail("", "must be a JSON object, not " + std::string(json_type_name(json.type())));
    return reader;
  }
  const auto object = json.get_object().value_unsafe();
  // The named ones, and as many again that are ignored or null.
  if (object.size() > 2 * kAttributesPerItemMax) {
    reader.fail("", "has more than " + std::to_string(kAttributesPerItemMax) + " attributes");
    return reader;
  }
  for (const auto field : object) reader.read_field(field.key, field.value);
  reader.settle_id(id);
  reader.settle_names();
  return reader;
}

Checked<ItemPatch> finish_patch(Reader reader, Status (*check)(const ItemPatch&)) {
  if (reader.errors.empty()) {
    if (auto good = check(reader.patch); !good.ok()) reader.fail("", good.error().message());
  }
  return {std::move(reader.patch), std::move(reader.errors)};
}

Checked<ItemPatch> finish_inventory(Reader reader) {
  for (const auto& edit : reader.patch.edits) {
    if (edit.name != "stock" && edit.name != "price") {
      reader.fail(edit.name, "is not part of an inventory change: only stock and price are");
    }
  }
  if (reader.errors.empty() && reader.patch.edits.empty())
    reader.fail("", "names neither stock nor price");
  return finish_patch(std::move(reader), &check_inventory);
}

Checked<Item> finish_item(Reader reader) {
  Item item{std::move(reader.patch.id), {}};
  for (auto& [name, value] : reader.patch.edits) {
    if (value.has_value()) item.attributes.push_back({std::move(name), *std::move(value)});
  }
  if (reader.errors.empty()) {
    if (auto good = check_item(item); !good.ok()) reader.fail("", good.error().message());
  }
  return {std::move(item), std::move(reader.errors)};
}

// --- Text -----------------------------------------------------------------------------------

// simdjson refuses NaN and 1e400 without saying where. Looks through the members of the outermost
// object for a bare word that is no JSON value and gives its key, or empty.
std::string_view key_of_bad_number(std::string_view text) {
  std::string_view key;
  std::string_view last_string;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const std::size_t begin = ++i;
      while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
      if (i >= text.size()) return {};
      last_string = text.substr(begin, i - begin);
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':') {
      if (depth == 1) key = last_string;
    } else if (c != ',' && c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      const std::size_t end = std::min(text.find_first_of(",]} \t\r\n", i), text.size());
      const std::string_view word = text.substr(i, end - i);
      double number = 0;
      const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
      const bool number_ok = parsed.ec == std::errc() && parsed.ptr == word.data() + word.size() &&
                             std::isfinite(number);
      if (!number_ok && word != "true" && word != "false" && word != "null") return key;
      i = end - 1;
    }
  }
  return {};
}

FieldError explain(simdjson::error_code code, std::string_view text) {
  if (code == simdjson::UTF8_ERROR) return {"", "is not valid UTF-8"};
  const std::string_view key = key_of_bad_number(text);
  if (!key.empty()) {
    return {std::string(key.substr(0, kAttributeNameBytesMax)),
            "is not a JSON value, or a number beyond 1.8e308"};
  }
  return {"", std::string("is not valid JSON: ") + simdjson::error_message(code)};
}

template <class T, class Fn>
Checked<T> parse_text(std::string_view json, Fn&& fn) {
  if (json.size() > kItemJsonBytesMax) {
    return {{}, {{"", "is longer than " + std::to_string(kItemJsonBytesMax) + " bytes"}}};
  }
  thread_local simdjson::dom::parser parser;
  element root;
  const auto code = parser.parse(json.data(), json.size()).get(root);
  if (code != simdjson::SUCCESS) return {{}, {explain(code, json)}};
  return fn(root);
}

void append_string(std::string_view text, std::string& out) { codec::JsonWriter(out).string(text); }

void append_value(std::string_view name, const AttributeValue& value, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    append_string(*text, out);
  } else if (const auto* number = std::get_if<double>(&value)) {
    char buffer[32];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, *number).ptr);
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    out.append(*boolean ? "true" : "false");
  } else if (const auto* time = std::get_if<Time>(&value)) {
    const bool plain = find_known_attribute(name) != nullptr;
    if (!plain) out.append("{\"$time\":");
    append_string(format_time(time->us), out);
    if (!plain) out.push_back('}');
  } else {
    out.push_back('[');
    bool first = true;
    for (const auto& entry : std::get<std::vector<std::string>>(value)) {
      if (!first) out.push_back(',');
      first = false;
      append_string(entry, out);
    }
    out.push_back(']');
  }
}

}  // namespace

std::string to_string(const std::vector<FieldError>& errors) {
  std::string out;
  for (const auto& [field, reason] : errors) {
    if (!out.empty()) out += "; ";
    out += (field.empty() ? std::string("the item") : field + ":") + " " + reason;
  }
  return out;
}

Checked<Item> parse_item(const element& json, std::string_view id) {
  return finish_item(read(json, id));
}
Checked<ItemPatch> parse_patch(const element& json, std::string_view id) {
  return finish_patch(read(json, id), &check_patch);
}
Checked<ItemPatch> parse_inventory(const element& json, std::string_view id) {
  return finish_inventory(read(json, id));
}

Checked<Item> parse_item(std::string_view json, std::string_view id) {
  return parse_text<Item>(json, [&](const element& root) { return parse_item(root, id); });
}
Checked<ItemPatch> parse_patch(std::string_view json, std::string_view id) {
  return parse_text<ItemPatch>(json, [&](const element& root) { return parse_patch(root, id); });
}
Checked<ItemPatch> parse_inventory(std::string_view json, std::string_view id) {
  return parse_text<ItemPatch>(json,
                               [&](const element& root) { return parse_inventory(root, id); });
}

void append_json(const Item& item, std::string& out) {
  append_json(item, {TimeColumn::kAbsent, TimeColumn::kAbsent}, out);
}

void append_json(const Item& item, const ItemTimes& times, std::string& out) {
  out.append("{\"item_id\":");
  append_string(item.id, out);
  for (const auto& [name, value] : item.attributes) {
    out.append(",\"").append(name).append("\":");
    append_value(name, value, out);
  }
  if (times.created != TimeColumn::kAbsent) {
    out.append(",\"created\":");
    append_string(format_time(times.created), out);
  }
  if (times.updated != TimeColumn::kAbsent) {
    out.append(",\"updated\":");
    append_string(format_time(times.updated), out);
  }
  out.push_back('}');
}

}  // namespace vitrine::catalog
