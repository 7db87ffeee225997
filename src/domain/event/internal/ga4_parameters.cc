#include "domain/event/internal/ga4_parameters.h"

#include "domain/event/internal/member_names.h"
#include "domain/event/internal/object_copy.h"
#include "domain/event/internal/rejecting.h"
#include "domain/event/internal/value_reader.h"

namespace vitrine::event::internal {

using simdjson::dom::element;

bool Ga4Parameters::take(const Ga4Name& known, const element& value, Rejection& why) {
  used_ = true;
  const std::uint32_t bit = 1u << (&known - kGa4OfEvent.data());
  if ((seen_ & bit) != 0) return given_twice(known.name, why);
  seen_ |= bit;
  if (value.is_null()) return true;
  if (known.place == kListId) {
    return is_blank(value) || read_id(value, known.name, kIdBytesMax, list_id_, why);
  }
  if (known.place == kSearch) {
    if (!value.is_string()) return wrong_type(known.name, "a string", value, why);
    if (is_blank(value)) return true;
  }
  return add(known.place, known.key, value, why);
}

bool Ga4Parameters::add(Field place, std::string_view key, const element& value, Rejection& why) {
  used_ = true;
  return copy_member(place, key, value, members_[object_index(place)], why);
}

void Ga4Parameters::forget() {
  used_ = false;
  seen_ = 0;
  list_id_ = {};
  for (auto& members : members_) members.clear();
}

bool Ga4Parameters::merge_all(EventObjects& objects, std::vector<EventItem>& items,
                              Rejection& why) const {
  for (std::uint32_t field = kTransaction; field <= kProperties; ++field) {
    if (!merge_object(static_cast<Field>(field), objects, why)) return false;
  }
  if (list_id_.empty()) return true;
  for (EventItem& item : items) {
    if (item.list_id.empty()) item.list_id = list_id_;
  }
  return true;
}

bool Ga4Parameters::merge_object(Field field, EventObjects& objects, Rejection& why) const {
  const std::string& members = members_[object_index(field)];
  if (members.empty()) return true;
  const std::string_view own = objects.text(field);
  if (field == kSearch && !own.empty()) {
    return reject(RejectCode::kDuplicateField,
                  "search and search_term are both given: what was searched for is one text", why);
  }
  std::string whole = "{";
  if (own.size() > 2) whole.append(own, 1, own.size() - 2) += ',';
  whole += members;
  whole += '}';
  if (whole.size() > kObjectBytesMax) return too_large(field, why);
  if (!check_merged_names(field, whole, why)) return false;
  objects.replace(field, whole);
  return true;
}

}  // namespace vitrine::event::internal
