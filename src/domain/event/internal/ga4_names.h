// What GA4 calls a thing, and the place it has here. Looked at only where a name is none of ours.
// docs/api/events.md has the same tables for users.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "domain/event/internal/event_fields.h"

namespace vitrine::event::internal {

struct Ga4Name {
  std::string_view name;
  Field place;
  std::string_view key{};  // within an object
};

// Parameters of an event. The rest of `params` goes into properties as well, but beside `type` only
// these are taken, so that a misspelt field is noticed.
inline constexpr std::array kGa4OfEvent{
    Ga4Name{"transaction_id", kTransaction, "order_id"},
    Ga4Name{"tax", kTransaction, "tax"},
    Ga4Name{"shipping", kTransaction, "shipping"},
    Ga4Name{"coupon", kTransaction, "coupon"},
    Ga4Name{"affiliation", kTransaction, "affiliation"},
    Ga4Name{"payment_type", kTransaction, "payment_type"},
    Ga4Name{"shipping_tier", kTransaction, "shipping_tier"},
    Ga4Name{"customer_type", kTransaction, "customer_type"},
    Ga4Name{"search_term", kSearch, "query"},
    Ga4Name{"item_list_id", kListId},
    Ga4Name{"item_list_name", kProperties, "item_list_name"},
    Ga4Name{"promotion_id", kProperties, "promotion_id"},
    Ga4Name{"promotion_name", kProperties, "promotion_name"},
    Ga4Name{"creative_name", kProperties, "creative_name"},
    Ga4Name{"creative_slot", kProperties, "creative_slot"},
};

// Parameters of an item. kNoField: the catalog describes the item, what the event says is dropped.
inline constexpr std::array kGa4OfItem{
    Ga4Name{"index", kPosition},         Ga4Name{"item_variant", kVariantId},
    Ga4Name{"item_list_id", kListId},    Ga4Name{"item_name", kNoField},
    Ga4Name{"item_brand", kNoField},     Ga4Name{"item_category", kNoField},
    Ga4Name{"item_category2", kNoField}, Ga4Name{"item_category3", kNoField},
    Ga4Name{"item_category4", kNoField}, Ga4Name{"item_category5", kNoField},
    Ga4Name{"item_list_name", kNoField}, Ga4Name{"affiliation", kNoField},
    Ga4Name{"coupon", kNoField},         Ga4Name{"discount", kNoField},
    Ga4Name{"location_id", kNoField},    Ga4Name{"promotion_id", kNoField},
    Ga4Name{"promotion_name", kNoField}, Ga4Name{"creative_name", kNoField},
    Ga4Name{"creative_slot", kNoField},  Ga4Name{"google_business_vertical", kNoField},
};

// The entry of one of the tables above; null if it has no such name.
inline const Ga4Name* find_ga4(std::span<const Ga4Name> table, std::string_view name) {
  const auto known = std::ranges::find(table, name, &Ga4Name::name);
  return known == table.end() ? nullptr : &*known;
}

}  // namespace vitrine::event::internal
