// What other vocabularies call the events of this one.
//
// The names are those of Segment's e-commerce, email and mobile specifications (with the aliases of
// the first version of the e-commerce one) and of GA4's recommended events. The table here is the
// table in docs/api/events.md; a test compares them. Names without a counterpart (checkout steps,
// promotions, coupons, wish lists) are not in it: a tenant may declare types of its own for them,
// and those of GA4's e-commerce events are then taken as they are written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "domain/event/event.h"

namespace vitrine::event {

enum class Vocabulary : std::uint8_t { kSegment, kGa4 };

struct Synonym {
  Vocabulary vocabulary;
  std::string_view name;
  EventType type;
};

// In a fixed order, each name once.
std::span<const Synonym> synonyms();

// GA4's e-commerce events that mean nothing here: "begin_checkout". Kept where the tenant declared
// their declared_name(). The list is the one in docs/api/events.md.
std::span<const std::string_view> ga4_without_counterpart();
bool is_ga4_without_counterpart(std::string_view name);

// The name a tenant would have to declare to keep events of another vocabulary that have no
// counterpart: "Checkout Started" -> "checkout-started", "begin_checkout" -> "begin-checkout".
// Letters become small, every run of anything but letters and digits one hyphen; empty where
// nothing is left or the first character is no letter. At most 64 bytes, the rest is cut.
std::string declared_name(std::string_view name);

}  // namespace vitrine::event
