// Notices when many new visitors begin with one and the same item.
//
// A campaign does that as well as whoever pushes an item with made-up visitors; what tells them
// apart is what the visitors do next. So an item that is pushed does not make anybody abnormal: its
// new visitors wait until they do something else (conduct.h).
//
// For each clock hour the items that new visitors begin with are counted in kSlots counters, the
// rarest giving way to new ones (Metwally et al., "space saving", ICDT 2005): an item with more
// than 1/kSlots of all is always among them. Past the bound it stays pushed until the end of the
// next hour.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/stream.h"
#include "domain/conduct/settings.h"

namespace vitrine::conduct {

class PushGuard {
 public:
  static constexpr std::size_t kSlots = 32;

  // A new visitor begins with `item`. True: the item is being pushed. Those who began with it
  // before that was known are then in `suspects()`, once.
  bool begins(UserIndex visitor, ItemIndex item, TimeUs arrived, const Settings& settings);
  const std::vector<UserIndex>& suspects() const { return suspects_; }

  void save(Sink& sink) const;
  // `users`: a visitor with this number or above is kCorrupt.
  Status load(Source& source, std::uint32_t users);
  std::uint64_t memory_bytes() const;

 private:
  struct Slot {
    std::uint32_t item = kNoItem.value;
    std::uint32_t visitors = 0;
    std::uint32_t taken_over = 0;    // of those, how many may have begun with another item
    std::uint32_t pushed_until = 0;  // hour
    std::vector<UserIndex> who;      // until it is pushed; at most settings.push_visitors
  };

  Slot& slot_of(ItemIndex item);

  std::array<Slot, kSlots> slots_;
  std::uint32_t hour_ = 0;
  std::uint32_t visitors_ = 0;  // that began in this hour
  std::vector<UserIndex> suspects_;
};

}  // namespace vitrine::conduct
