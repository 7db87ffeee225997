#include "domain/event/internal/event_objects.h"

#include <simdjson.h>

#include "domain/event/internal/object_copy.h"
#include "domain/event/internal/rejecting.h"

namespace vitrine::event::internal {

bool EventObjects::copy(Field field, const simdjson::dom::element& value, Rejection& why) {
  if (!value.is_object()) return wrong_type(kFieldNames[field], "an object", value, why);
  const std::size_t start = buffer_.size();
  if (!copy_object(field, value, buffer_, why)) return false;
  spans_[object_index(field)] = {start, buffer_.size() - start};
  return true;
}

void EventObjects::replace(Field field, std::string_view json) {
  spans_[object_index(field)] = {buffer_.size(), json.size()};
  buffer_ += json;
}

void EventObjects::show_in(Event& event) const {
  event.transaction = text(kTransaction);
  event.search = text(kSearch);
  event.page = text(kPage);
  event.attribution = text(kAttribution);
  event.context = text(kContext);
  event.properties = text(kProperties);
}

}  // namespace vitrine::event::internal
