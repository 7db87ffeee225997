// What the visitor bought before and is due to buy again (engine/repeat).
#pragma once

#include <vector>

#include "domain/profile/history_entry.h"
#include "engine/repeat/repeat.h"

namespace vitrine::recommend {

struct DueItem {
  ItemIndex item;
  double probability;  // of buying it within a week
};

// Items below this are not worth a place.
inline constexpr double kDueLeast = 0.02;
// A window that only shows what one buys anyway helps nobody find anything.
inline constexpr std::size_t kDueMost = 4;
// Looked at per answer: the items bought last.
inline constexpr std::size_t kDueLookedAt = 32;

// Replaces `out` by the at most kDueMost most probable items, the most probable first, ties by
// ItemIndex. `history`: oldest first. What was sent back since it was bought is not due.
void find_due(const repeat::Repeat& repeats, std::span<const profile::HistoryEntry> history,
              TimeUs now, std::vector<DueItem>& out);

}  // namespace vitrine::recommend
