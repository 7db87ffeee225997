#include "domain/person/person_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include <simdjson.h>

#include "domain/catalog/time_text.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"

namespace vitrine::person {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::array<std::string_view, 4> kGivenByVitrine = {"consents", "activity", "created",
                                                             "updated"};

std::string_view json_type_name(const element& json) {
  switch (json.type()) {
    case element_type::ARRAY: return "an array";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

std::string shortened(std::string_view name) { return std::string(name.substr(0, 64)); }

// One JSON object on its way to a value. Collects every error.
class Reader {
 public:
  std::vector<FieldError> errors;
  std::string id;
  std::vector<AttributeEdit> edits;

  void fail(std::string_view field, std::string reason) {
    errors.push_back({shortened(field), std::move(reason)});
  }

  bool text(std::string_view field, const element& json, std::string& out) {
    std::string_view value;
    if (json.get(value) != simdjson::SUCCESS) {
      fail(field, "must be a string, not " + std::string(json_type_name(json)));
      return false;
    }
    out = value;
    return true;
  }

  void settle_id(std::string_view known) {
    if (!known.empty() && !id.empty() && id != known) {
      return fail("user_id", "differs from the id in the path");
    }
    if (!known.empty()) id = known;
    if (auto good = check_id(id); !good.ok()) {
      fail("user_id", id.empty() ? "is missing" : good.error().message());
    }
  }

  void read_attributes(const element& json) {
    simdjson::dom::object object;
    if (json.get(object) != simdjson::SUCCESS) {
      return fail("attributes", "must be an object, not " + std::string(json_type_name(json)));
    }
    if (object.size() > kAttributesPerUserMax) {
      return fail("attributes",
                  "has more than " + std::to_string(kAttributesPerUserMax) + " entries");
    }
    for (const auto [name, value] : object) read_attribute(name, value);
    std::stable_sort(edits.begin(), edits.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < edits.size(); ++i) {
      if (edits[i].name == edits[i - 1].name) fail(edits[i].name, "appears twice");
    }
  }

 private:
  void read_attribute(std::string_view name, const element& json) {
    if (auto good = catalog::check_attribute_name(name); !good.ok()) {
      return fail(name, good.error().message());
    }
    AttributeValue value;
    if (json.is_null()) {
      edits.push_back({std::string(name), std::nullopt});
      return;
    }
    if (!read_value(name, json, value)) return;
    if (auto good = check_attribute_value(value); !good.ok()) {
      return fail(name, good.error().message());
    }
    edits.push_back({std::string(name), std::move(value)});
  }

  bool read_value(std::string_view name, const element& json, AttributeValue& out) {
    switch (json.type()) {
      case element_type::STRING: out = std::string(json.get_string().value_unsafe()); return true;
      case element_type::BOOL: out = json.get_bool().value_unsafe(); return true;
      case element_type::ARRAY: return read_list(name, json.get_array().value_unsafe(), out);
      case element_type::OBJECT: return read_time(name, json.get_object().value_unsafe(), out);
      case element_type::NULL_VALUE: return false;
      default: out = json.get_double().value_unsafe() + 0.0; return true;  // + 0.0: -0 becomes 0
    }
  }

  bool read_list(std::string_view name, const simdjson::dom::array& array, AttributeValue& out) {
    std::vector<std::string> list;
    for (const element entry : array) {
      std::string value;
      if (list.size() > catalog::kListEntriesMax) break;  // the check says it
      if (!text(name, entry, value)) return false;
      if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
    }
    out = std::move(list);
    return true;
  }

  bool read_time(std::string_view name, const simdjson::dom::object& object, AttributeValue& out) {
    std::string_view text;
    if (object.size() != 1 || object["$time"].get(text) != simdjson::SUCCESS) {
      fail(name, "is an object; only {\"$time\": \"2026-11-22T16:10:43Z\"} is allowed");
      return false;
    }
    const auto time = catalog::parse_time(text);
    if (!time.ok()) {
      fail(name, time.error().message());
      return false;
    }
    out = catalog::Time{*time};
    return true;
  }
};

// Parses the text to an object and gives its members to `take`.
template <class Take>
void each_field(std::string_view json, Reader& reader, Take&& take) {
  if (json.size() > kUserJsonBytesMax) {
    return reader.fail("", "is longer than " + std::to_string(kUserJsonBytesMax) + " bytes");
  }
  thread_local codec::JsonParser parser;
  const auto root = parser.parse(json);
  if (!root.ok()) return reader.fail("", root.error().message());
  simdjson::dom::object object;
  if (root->get(object) != simdjson::SUCCESS) {
    return reader.fail("", "must be a JSON object, not " + std::string(json_type_name(*root)));
  }
  for (const auto [name, value] : object) take(name, value);
}

Reader read_user(std::string_view json, std::string_view id) {
  Reader reader;
  bool attributes = false;
  each_field(json, reader, [&](std::string_view name, const element& value) {
    if (name == "user_id") {
      if (!reader.id.empty()) return reader.fail(name, "appears twice");
      if (reader.text(name, value, reader.id) && reader.id.empty()) reader.fail(name, "is empty");
    } else if (name == "attributes") {
      if (std::exchange(attributes, true)) return reader.fail(name, "appears twice");
      if (!value.is_null()) reader.read_attributes(value);
    } else if (std::find(kGivenByVitrine.begin(), kGivenByVitrine.end(), name) ==
               kGivenByVitrine.end()) {
      reader.fail(name, "is no field of a user: it has user_id and attributes");
    }
  });
  if (reader.errors.empty()) reader.settle_id(id);
  return reader;
}

template <class T>
Checked<T> finish(T value, Reader& reader, Status (*check)(const T&)) {
  if (reader.errors.empty()) {
    if (auto good = check(value); !good.ok()) reader.fail("attributes", good.error().message());
  }
  return {std::move(value), std::move(reader.errors)};
}

void write_value(const AttributeValue& value, codec::JsonWriter& json) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    json.string(*text);
  } else if (const auto* number = std::get_if<double>(&value)) {
    json.number(*number);
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    json.boolean(*boolean);
  } else if (const auto* time = std::get_if<catalog::Time>(&value)) {
    json.begin_object().key("$time").string(catalog::format_time(time->us)).end_object();
  } else {
    json.begin_array();
    for (const auto& entry : std::get<std::vector<std::string>>(value)) json.string(entry);
    json.end_array();
  }
}

}  // namespace

Checked<User> parse_user(std::string_view json, std::string_view id) {
  Reader reader = read_user(json, id);
  User user{std::move(reader.id), {}};
  for (auto& [name, value] : reader.edits) {
    if (value) user.attributes.push_back({std::move(name), *std::move(value)});
  }
  return finish(std::move(user), reader, &check_user);
}

Checked<UserPatch> parse_patch(std::string_view json, std::string_view id) {
  Reader reader = read_user(json, id);
  return finish(UserPatch{std::move(reader.id), std::move(reader.edits)}, reader, &check_patch);
}

Checked<ConsentChange> parse_consents(std::string_view json, std::string_view id) {
  Reader reader;
  ConsentChange change;
  each_field(json, reader, [&](std::string_view name, const element& value) {
    const auto purpose = event::find_purpose(name);
    bool granted = false;
    if (!purpose) {
      reader.fail(name, "is no purpose: there are analytics, personalization and marketing");
    } else if (value.get(granted) != simdjson::SUCCESS) {
      reader.fail(name, "must be true or false, not " + std::string(json_type_name(value)));
    } else {
      change.consents.set(*purpose, granted);
    }
  });
  if (reader.errors.empty() && !change.consents.any()) reader.fail("", "names no purpose");
  if (reader.errors.empty()) reader.settle_id(id);
  change.user_id = std::move(reader.id);
  return {std::move(change), std::move(reader.errors)};
}

Checked<Merge> parse_merge(std::string_view json, std::string_view id) {
  Reader reader;
  Merge merge;
  each_field(json, reader, [&](std::string_view name, const element& value) {
    if (name != "anonymous_id") return reader.fail(name, "is not known; there is anonymous_id");
    reader.text(name, value, merge.anonymous_id);
  });
  if (reader.errors.empty()) {
    if (auto good = check_id(merge.anonymous_id); !good.ok()) {
      reader.fail("anonymous_id",
                  merge.anonymous_id.empty() ? "is missing" : good.error().message());
    }
  }
  if (reader.errors.empty()) reader.settle_id(id);
  merge.user_id = std::move(reader.id);
  return {std::move(merge), std::move(reader.errors)};
}

void write_attributes(const std::vector<Attribute>& attributes, codec::JsonWriter& json) {
  json.key("attributes").begin_object();
  for (const auto& [name, value] : attributes) {
    json.key(name);
    write_value(value, json);
  }
  json.end_object();
}

void write_attributes(const std::vector<AttributeEdit>& edits, codec::JsonWriter& json) {
  json.key("attributes").begin_object();
  for (const auto& [name, value] : edits) {
    json.key(name);
    if (value) {
      write_value(*value, json);
    } else {
      json.null();
    }
  }
  json.end_object();
}

void write_consents(event::Consents consents, codec::JsonWriter& json) {
  json.key("consents").begin_object();
  for (const event::Purpose purpose : event::kPurposes) {
    if (const auto said = consents.get(purpose))
      json.key(event::purpose_name(purpose)).boolean(*said);
  }
  json.end_object();
}

}  // namespace vitrine::person
