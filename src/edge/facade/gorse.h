// Gorse's feedback and items as events and items, and items back.
//
// Feedback {"FeedbackType": "star", "UserId": "u", "ItemId": "i", "Timestamp": "...", "Value": 5,
// "Comment": "..."} is an event. Its type is looked up in gorse_feedback_types(), then among the
// event types and their synonyms, then among what the tenant declared. Its event id is a hash
// of the feedback: the same feedback again counts once, as in Gorse; without a timestamp that is
// once per type, user and item in the 73 hours that ids are remembered.
//
// An item's Categories are categories, Comment is title, Timestamp is the attribute timestamp,
// IsHidden is a stock of 0. Labels that are strings are the list labels; of an object of labels
// each plain value becomes an attribute label_NAME, and the whole is kept in gorse_labels to be
// given back.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/catalog/item.h"
#include "domain/catalog/item_json.h"
#include "domain/event/event.h"
#include "edge/facade/translation.h"

namespace vitrine::facade {

struct FeedbackType {
  std::string_view name;
  event::EventType type;
  std::optional<double> value{};  // of the event, where the name says it
};
// In a fixed order; docs/api/facades.md has the same table.
std::span<const FeedbackType> gorse_feedback_types();

inline constexpr std::size_t kGorseListMax = 1000;

// The body is one feedback or an array of up to kGorseListMax. kInvalidArgument, kTooLarge.
Result<Translation> translate_gorse_feedback(std::string_view body, std::size_t readable_behind);

// The body is one item or an array of up to kGorseListMax; entry i is the i-th, with what is
// wrong with it.
Result<std::vector<catalog::Checked<catalog::Item>>> translate_gorse_items(
    std::string_view body, std::size_t readable_behind);

// What PATCH changes: the fields that are there.
Result<catalog::Checked<catalog::ItemPatch>> translate_gorse_patch(std::string_view item_id,
                                                                   std::string_view body,
                                                                   std::size_t readable_behind);

// The item as Gorse would give it; `created` where it has no timestamp of its own.
void append_gorse_item(const catalog::Item& item, bool in_stock, TimeUs created, std::string& out);

}  // namespace vitrine::facade
