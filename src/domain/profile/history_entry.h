// One thing a user did with one item, in 12 bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "base/clock.h"
#include "base/ids.h"
#include "domain/event/event.h"

namespace vitrine::profile {

// Bits of HistoryEntry::flags. Values are on disk: add, never renumber.
inline constexpr std::uint8_t kPositive = 1;  // interest was shown (interaction.h says by what)
inline constexpr std::uint8_t kBought = 2;    // the item was purchased by this event
inline constexpr std::uint8_t kNegative = 4;  // dislike, refund, low rating
inline constexpr std::uint8_t kImported = 8;  // from history brought in, not seen live

// Stored times count milliseconds from 1900-01-01T00:00:00Z in 48 bits, so that every instant
// from 1900 to 10819 has its own value; what lies outside is moved to the nearer end.
inline constexpr std::int64_t kHistoryEpochMs = -2'208'988'800'000;
inline constexpr std::int64_t kHistoryTimeMax = (std::int64_t{1} << 48) - 1;

struct HistoryEntry {
  ItemIndex item;
  std::uint32_t time_low = 0;   // of the stored time: low 32 bits
  std::uint16_t time_high = 0;  // and high 16 bits
  event::EventType type = event::EventType::kCustom;
  std::uint8_t flags = 0;

  // Rounds down to the millisecond.
  static HistoryEntry make(ItemIndex item, TimeUs event_time, event::EventType type,
                           std::uint8_t flags) {
    const std::int64_t ms = event_time / 1000 - (event_time % 1000 < 0 ? 1 : 0);
    const auto stored = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(ms - kHistoryEpochMs, 0, kHistoryTimeMax));
    return {item, static_cast<std::uint32_t>(stored), static_cast<std::uint16_t>(stored >> 32),
            type, flags};
  }

  // Milliseconds since kHistoryEpochMs: what histories are ordered by.
  std::uint64_t stored_time() const {
    return static_cast<std::uint64_t>(time_high) << 32 | time_low;
  }
  TimeUs event_time() const {
    return (static_cast<std::int64_t>(stored_time()) + kHistoryEpochMs) * 1000;
  }
  bool positive() const { return (flags & kPositive) != 0; }
  bool bought() const { return (flags & kBought) != 0; }
  bool negative() const { return (flags & kNegative) != 0; }

  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

static_assert(sizeof(HistoryEntry) == 12 && alignof(HistoryEntry) == 4);
static_assert(std::has_unique_object_representations_v<HistoryEntry>);
static_assert(std::is_trivially_copyable_v<HistoryEntry>);

}  // namespace vitrine::profile
