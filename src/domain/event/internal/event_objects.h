// The objects of one event (transaction to properties), copied one after the other into one buffer
// that is kept for the next event.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "domain/event/event_json.h"
#include "domain/event/internal/event_fields.h"

namespace vitrine::event::internal {

class EventObjects {
 public:
  void clear() {
    buffer_.clear();
    spans_ = {};
  }

  // Copies `value` as `field`. False: it is no object, or beyond the limits (object_copy.h).
  bool copy(Field field, const simdjson::dom::element& value, Rejection& why);
  // Puts `json`, an object within the limits, in the place of `field`.
  void replace(Field field, std::string_view json);

  // Empty if absent. A view that lives until the next change.
  std::string_view text(Field field) const {
    const Span& span = spans_[object_index(field)];
    return std::string_view(buffer_).substr(span.start, span.size);
  }
  // Sets the views of `event`; to be called when nothing is added any more.
  void show_in(Event& event) const;

  // At least the bytes of all objects.
  std::size_t bytes() const { return buffer_.size(); }

 private:
  struct Span {
    std::size_t start = 0;
    std::size_t size = 0;
  };
  std::string buffer_;
  std::array<Span, kObjects> spans_;
};

}  // namespace vitrine::event::internal
