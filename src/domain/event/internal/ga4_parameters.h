// What GA4's names of parameters said about one event: collected while it is read, because our own
// objects and items may come later in the text, and merged when all of it is known.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event/event_json.h"
#include "domain/event/internal/event_fields.h"
#include "domain/event/internal/event_objects.h"
#include "domain/event/internal/ga4_names.h"

namespace vitrine::event::internal {

class Ga4Parameters {
 public:
  // Forgets the event before.
  void clear() {
    if (used_) forget();
  }

  // A parameter of kGa4OfEvent. False: it is given twice, or not what it must be.
  bool take(const Ga4Name& known, const simdjson::dom::element& value, Rejection& why);
  // A parameter that has no place of its own: a member of properties.
  bool take_property(std::string_view key, const simdjson::dom::element& value, Rejection& why) {
    return add(kProperties, key, value, why);
  }

  // Puts the parameters behind what our own objects said, and the list into the items that name
  // none. False: the same was said in both ways, or an object becomes too large.
  bool merge(EventObjects& objects, std::vector<EventItem>& items, Rejection& why) const {
    return !used_ || merge_all(objects, items, why);
  }

  bool has_query() const { return !members_[object_index(kSearch)].empty(); }

 private:
  void forget();
  bool add(Field place, std::string_view key, const simdjson::dom::element& value, Rejection& why);
  bool merge_all(EventObjects& objects, std::vector<EventItem>& items, Rejection& why) const;
  bool merge_object(Field field, EventObjects& objects, Rejection& why) const;

  bool used_ = false;         // something of what follows is to be merged, or to be forgotten
  std::uint32_t seen_ = 0;    // bit i: kGa4OfEvent[i] has been read
  std::string_view list_id_;  // of the items that name none
  std::array<std::string, kObjects> members_;  // for each object, without braces
};
static_assert(kGa4OfEvent.size() <= 32);

}  // namespace vitrine::event::internal
