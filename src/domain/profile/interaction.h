// What an event says about a user's interest in its items: the one table that histories,
// counters and co-visitation share, so that "interest" means the same everywhere.
//
//   type                weight  flags
//   detail-page-view      1     positive
//   item-click            1     positive
//   message-click         1     positive
//   add-to-cart           3     positive
//   purchase-complete     5     positive, bought
//   rating >= 3         value   positive       (3, 4 or 5 and between; above 5 counts as 5)
//   rating <  3           0     negative
//   rating without value  1     positive       (taking the trouble to rate is an interaction)
//   dislike               0     negative
//   refund                0     negative       (the item does not count as bought any more)
//   everything else       0                    (seen or done, but says nothing of the item)
//
// The weights order strength of intent; only their ratios matter. They are constants of the
// state, not settings: changing one changes the digest of a replay.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/ids.h"
#include "domain/event/event.h"
#include "domain/profile/history_entry.h"

namespace vitrine::profile {

struct Interaction {
  float weight = 0;        // 0..5
  std::uint8_t flags = 0;  // kPositive, kBought, kNegative

  bool positive() const { return (flags & kPositive) != 0; }
  bool bought() const { return (flags & kBought) != 0; }
  bool negative() const { return (flags & kNegative) != 0; }
};

// `value` is Event::value: the rating for kRating, not looked at for other types.
Interaction classify(event::EventType type, std::optional<double> value = std::nullopt);

// The entry that an event leaves in its user's history for one of its items.
HistoryEntry make_entry(ItemIndex item, TimeUs event_time, event::EventType type,
                        std::optional<double> value = std::nullopt, bool imported = false);

// The weight of a remembered entry. A rating's own value is not kept in an entry, so a
// positive one weighs 4 here, the middle of what a positive rating can weigh.
float entry_weight(const HistoryEntry& entry);

}  // namespace vitrine::profile
