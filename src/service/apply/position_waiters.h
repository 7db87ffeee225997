// Who waits for the state to reach a position: answers with min_profile_version, catalog writes.
//
// Thread-safe. reached() is called by the applier after each batch and costs one atomic
// load when nobody is due.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "engine/eventlog/types.h"

namespace vitrine::apply {

class PositionWaiters {
 public:
  using Callback = std::function<void()>;
  struct WaitId {
    eventlog::Position position = 0;  // 0: nothing to cancel, the callback has run
    std::uint64_t number = 0;
  };

  // Calls `fn` once, on the applier's thread, as soon as reached(p) with p >= position was
  // called; at once on this thread if that is so already.
  WaitId add(eventlog::Position position, Callback fn);

  // True if the callback had not been taken yet and now never runs.
  bool cancel(WaitId id);

  void reached(eventlog::Position position);

  std::size_t waiting() const;
  // Without a lock; somebody may arrive at any moment.
  bool empty() const { return earliest_.load(std::memory_order_relaxed) == kNobody; }

 private:
  static constexpr eventlog::Position kNobody = ~eventlog::Position{0};

  mutable std::mutex mutex_;
  std::map<std::pair<eventlog::Position, std::uint64_t>, Callback> waiting_;  // guarded by mutex_
  std::uint64_t next_number_ = 1;                                             // guarded by mutex_
  // The smallest position waited for; a hint that reached() reads without the lock. A waiter
  // added concurrently looks at reached_ after publishing itself here, so one of the two sees
  // the other (both sequentially consistent).
  std::atomic<eventlog::Position> earliest_{kNobody};
  std::atomic<eventlog::Position> reached_{0};
};

}  // namespace vitrine::apply
