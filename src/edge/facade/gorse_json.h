// What bodies of items, users and feedback have in common.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/catalog/item.h"
#include "edge/facade/gorse.h"
#include "edge/facade/json_value.h"

namespace vitrine::facade {

// The attributes that hold Labels: a list of strings as such; of anything else the whole as text.
inline constexpr std::string_view kGorseLabels = "labels";
inline constexpr std::string_view kGorseRawLabels = "gorse_labels";

Error wrong_gorse_body(std::string_view what);
// Valid until this thread parses another one.
Result<element> parse_gorse_body(std::string_view body, std::size_t readable_behind);

// Calls `take` with the one object the document is, or with each entry of its array.
template <class Take>
Status for_each_gorse_entry(const element& document, Take&& take) {
  simdjson::dom::array list;
  if (document.get(list) != simdjson::SUCCESS) {
    if (!document.is_object()) {
      return wrong_gorse_body("the body must be an object or an array of them");
    }
    take(document);
    return ok_status();
  }
  if (list.size() > kGorseListMax) {
    return Error(ErrorCode::kTooLarge, "a request may hold " + std::to_string(kGorseListMax) +
                                           " entries: send it in parts")
        .with_reason("too_many_items");
  }
  for (const auto entry : list) take(entry);
  return ok_status();
}

// The member `key` as an id under `to`; what is none is left for the reader to refuse.
void write_gorse_id(const object& from, std::string_view key, std::string_view to,
                    codec::JsonWriter& json);

// Labels as attributes. `is_patch`: takes away what the other form of labels had left, except
// label_NAME of names that are gone.
void write_gorse_labels(const element& labels, bool is_patch, codec::JsonWriter& json);
// And back, as the value of a key; null where there are none.
void append_gorse_labels(const catalog::AttributeValue* raw, const catalog::AttributeValue* list,
                         codec::JsonWriter& json);
// The strings of a list; an empty list where it is none.
void append_gorse_list(const catalog::AttributeValue* list, codec::JsonWriter& json);

}  // namespace vitrine::facade
