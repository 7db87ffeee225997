#include "domain/event/internal/object_copy.h"

#include <simdjson.h>

#include "domain/event/internal/member_names.h"
#include "domain/event/internal/rejecting.h"
#include "platform/codec/json_writer.h"
#include "platform/codec/utf8.h"

namespace vitrine::event::internal {

using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

// One copy being made.
class Copier {
 public:
  Copier(Field field, std::string& out, Rejection& why) : field_(field), json_(out), why_(why) {}

  bool object(const element& value) { return copy(value, 1); }
  bool only_member(std::string_view name, const element& value) {
    json_.begin_object();
    if (!key(name) || !copy(value, 2)) return false;
    json_.end_object();
    return true;
  }

 private:
  // Bounded by kObjectDepthMax.
  bool copy(const element& value, std::size_t depth) {  // NOLINT
    if (json_.size() > kObjectBytesMax) return too_large(field_, why_);
    switch (value.type()) {
      case element_type::OBJECT: {
        if (depth > kObjectDepthMax) return too_deep();
        json_.begin_object();
        const simdjson::dom::object object = value.get_object().value_unsafe();
        NameDigests names;
        bool repeats = false;
        for (const auto member : object) {
          repeats |= names.may_repeat(member.key);
          if (!key(member.key) || !copy(member.value, depth + 1)) return false;
        }
        // Here what was copied is within the limit, and so are the names.
        if (repeats && !check_names(field_, object, why_)) return false;
        json_.end_object();
        break;
      }
      case element_type::ARRAY: {
        if (depth > kObjectDepthMax) return too_deep();
        json_.begin_array();
        const simdjson::dom::array array = value.get_array().value_unsafe();
        for (const auto entry : array) {
          if (!copy(entry, depth + 1)) return false;
        }
        json_.end_array();
        break;
      }
      case element_type::STRING: {
        const std::string_view text = value.get_string().value_unsafe();
        if (!good_text(text)) return false;
        json_.string(text);
        break;
      }
      case element_type::INT64: json_.number(value.get_int64().value_unsafe()); break;
      case element_type::UINT64: json_.number(value.get_uint64().value_unsafe()); break;
      case element_type::DOUBLE: json_.number(value.get_double().value_unsafe() + 0.0); break;
      case element_type::BOOL: json_.boolean(value.get_bool().value_unsafe()); break;
      case element_type::NULL_VALUE: json_.null(); break;
    }
    return json_.size() <= kObjectBytesMax || too_large(field_, why_);
  }

  bool key(std::string_view name) {
    if (!good_text(name)) return false;
    json_.escaped_key(name);
    return true;
  }

  bool good_text(std::string_view text) {
    if (text.size() > kObjectBytesMax) return too_large(field_, why_);
    // Escaped surrogates pass the parser alone; in our own text they would be invalid.
    return codec::is_valid_utf8(text) ||
           reject(RejectCode::kInvalidUtf8,
                  std::string(kFieldNames[field_]) + " contains half of a surrogate pair", why_);
  }

  bool too_deep() {
    return reject(RejectCode::kTooDeep,
                  std::string(kFieldNames[field_]) + " is nested more than " +
                      std::to_string(kObjectDepthMax) + " levels deep",
                  why_);
  }

  const Field field_;
  codec::JsonWriter json_;
  Rejection& why_;
};

}  // namespace

bool copy_object(Field field, const element& value, std::string& out, Rejection& why) {
  return Copier(field, out, why).object(value);
}

bool copy_member(Field field, std::string_view key, const element& value, std::string& members,
                 Rejection& why) {
  std::string member;
  if (!Copier(field, member, why).only_member(key, value)) return false;
  if (members.size() + member.size() > kObjectBytesMax + 2) return too_large(field, why);
  if (!members.empty()) members += ',';
  members.append(member, 1, member.size() - 2);  // without braces
  return true;
}

bool too_large(Field field, Rejection& why) {
  return reject(RejectCode::kTooLarge,
                std::string(kFieldNames[field]) + " has more than " +
                    std::to_string(kObjectBytesMax) + " bytes",
                why);
}

}  // namespace vitrine::event::internal
