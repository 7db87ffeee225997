#include "edge/facade/gorse_json.h"

#include <algorithm>
#include <vector>

#include "platform/codec/json_parse.h"

namespace vitrine::facade {
namespace {

using codec::JsonWriter;

// "Screen Size" -> "label_screen_size"; empty where nothing of the name can stand in one.
std::string label_attribute(std::string_view name) {
  std::string out = "label_";
  for (const char c : name) {
    if (out.size() == catalog::kAttributeNameBytesMax) break;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out += c;
    } else if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c + 32);
    } else if (out.back() != '_') {
      out += '_';
    }
  }
  return out == "label_" ? std::string() : out;
}

bool is_list_of_texts(const element& value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return false;
  return std::ranges::all_of(list, [](const element& entry) { return entry.is_string(); });
}

}  // namespace

Error wrong_gorse_body(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, std::string(what)).with_reason("invalid_request");
}

Result<element> parse_gorse_body(std::string_view body, std::size_t readable_behind) {
  thread_local codec::JsonParser parser;
  auto parsed = parser.parse(body, readable_behind);
  if (!parsed.ok()) return Error(parsed.error()).with_reason("invalid_json");
  return *parsed;
}

void write_gorse_id(const object& from, std::string_view key, std::string_view to,
                    JsonWriter& json) {
  const auto value = member(from, key);
  if (!value) return;
  json.key(to);
  if (const auto id = id_text(*value)) {
    json.string(*id);
  } else {
    copy_value(*value, json);
  }
}

void write_gorse_labels(const element& labels, bool is_patch, JsonWriter& json) {
  if (is_list_of_texts(labels)) {
    json.key(kGorseLabels);
    copy_value(labels, json);
    if (is_patch) json.key(kGorseRawLabels).null();
    return;
  }
  json.key(kGorseRawLabels).string(simdjson::minify(labels));
  if (is_patch) json.key(kGorseLabels).null();
  object named;
  if (labels.get(named) != simdjson::SUCCESS) return;
  std::vector<std::string> used;
  for (const auto field : named) {
    const std::string name = label_attribute(field.key);
    const bool plain = field.value.is_string() || field.value.is_number() ||
                       field.value.is_bool() || is_list_of_texts(field.value);
    if (name.empty() || !plain || std::ranges::find(used, name) != used.end()) continue;
    used.push_back(name);
    json.escaped_key(name);
    copy_value(field.value, json);
  }
}

void append_gorse_list(const catalog::AttributeValue* list, JsonWriter& json) {
  json.begin_array();
  const auto* texts = list == nullptr ? nullptr : std::get_if<std::vector<std::string>>(list);
  if (texts != nullptr) {
    for (const std::string& text : *texts) json.string(text);
  }
  json.end_array();
}

void append_gorse_labels(const catalog::AttributeValue* raw, const catalog::AttributeValue* list,
                         JsonWriter& json) {
  const auto* text = raw == nullptr ? nullptr : std::get_if<std::string>(raw);
  if (text != nullptr && !text->empty()) {
    codec::JsonParser parser;  // written by another way than this one, it may be anything
    if (parser.parse(*text).ok()) {
      json.raw(*text);
    } else {
      json.string(*text);
    }
  } else if (list != nullptr) {
    append_gorse_list(list, json);
  } else {
    json.null();
  }
}

}  // namespace vitrine::facade
