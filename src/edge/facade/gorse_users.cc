#include "edge/facade/gorse_users.h"

#include <algorithm>

#include "edge/facade/gorse_json.h"

namespace vitrine::facade {
namespace {

using codec::JsonWriter;

constexpr std::string_view kSubscribe = "subscribe";
constexpr std::string_view kComment = "comment";

std::string user_json(const object& user, bool is_patch) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  if (!is_patch) write_gorse_id(user, "UserId", "user_id", json);
  json.key("attributes").begin_object();
  if (const auto labels = member(user, "Labels")) write_gorse_labels(*labels, is_patch, json);
  if (const auto subscribe = member(user, "Subscribe")) {
    json.key(kSubscribe);
    copy_value(*subscribe, json);
  }
  if (const auto comment = member(user, "Comment")) {
    std::string_view text;
    const bool is_empty = comment->get(text) == simdjson::SUCCESS && text.empty();
    if (!is_empty) {
      json.key(kComment);
      copy_value(*comment, json);
    } else if (is_patch) {
      json.key(kComment).null();
    }
  }
  json.end_object().end_object();
  json.finish();
  return out;
}

}  // namespace

Result<std::vector<person::Checked<person::User>>> translate_gorse_users(
    std::string_view body, std::size_t readable_behind) {
  VITRINE_TRY(const element document, parse_gorse_body(body, readable_behind));
  std::vector<person::Checked<person::User>> out;
  VITRINE_TRY(for_each_gorse_entry(document, [&](const element& entry) {
    object user;
    if (entry.get(user) == simdjson::SUCCESS) {
      out.push_back(person::parse_user(user_json(user, false)));
    } else {
      out.emplace_back().errors.push_back({"", "a user is a JSON object"});
    }
  }));
  return out;
}

Result<person::Checked<person::UserPatch>> translate_gorse_user_patch(std::string_view user_id,
                                                                      std::string_view body,
                                                                      std::size_t readable_behind) {
  VITRINE_TRY(const element document, parse_gorse_body(body, readable_behind));
  object user;
  if (document.get(user) != simdjson::SUCCESS) {
    return wrong_gorse_body("the body must be an object");
  }
  return person::parse_patch(user_json(user, true), user_id);
}

void append_gorse_user(const person::User& user, std::string& out) {
  const auto find = [&](std::string_view name) -> const person::AttributeValue* {
    const auto at = std::ranges::find(user.attributes, name, &person::Attribute::name);
    return at == user.attributes.end() ? nullptr : &at->value;
  };
  JsonWriter json(out);
  json.begin_object();
  json.key("UserId").string(user.id);
  json.key("Labels");
  append_gorse_labels(find(kGorseRawLabels), find(kGorseLabels), json);
  json.key("Subscribe");
  append_gorse_list(find(kSubscribe), json);
  const auto* comment = find(kComment);
  const auto* text = comment == nullptr ? nullptr : std::get_if<std::string>(comment);
  json.key("Comment").string(text == nullptr ? std::string_view() : std::string_view(*text));
  json.end_object();
  json.finish();
}

}  // namespace vitrine::facade
