// Answers that wait for somebody else's append: a duplicate is acknowledged only when its original
// is durable. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "base/result.h"
#include "engine/eventlog/types.h"

namespace vitrine::collect {

class DurableWaiters {
 public:
  using Callback = std::function<void(const Status&)>;

  // Calls `fn` once with the outcome of the append that holds `position`: now if settled() was
  // told it, else from the settled() that brings it.
  void add(eventlog::Position position, Callback fn);

  // The append that ends at `last` has ended, and with it all before: ok means that everything up
  // to `last` is durable; after an error no append succeeds any more. In any order.
  void settled(eventlog::Position last, const Status& status);

 private:
  std::mutex mutex_;
  eventlog::Position settled_ = 0;                           // guarded by mutex_
  eventlog::Position failed_from_ = ~eventlog::Position{0};  // guarded by mutex_
  Status failure_;                                           // guarded by mutex_
  std::multimap<eventlog::Position, Callback> waiting_;      // guarded by mutex_
};

}  // namespace vitrine::collect
