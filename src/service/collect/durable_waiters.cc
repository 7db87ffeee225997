#include "service/collect/durable_waiters.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vitrine::collect {

void DurableWaiters::add(eventlog::Position position, Callback fn) {
  Status outcome;
  {
    std::lock_guard lock(mutex_);
    if (position > settled_) {
      waiting_.emplace(position, std::move(fn));
      return;
    }
    if (position >= failed_from_) outcome = failure_;
  }
  fn(outcome);
}

void DurableWaiters::settled(eventlog::Position last, const Status& status) {
  std::vector<std::pair<eventlog::Position, Callback>> due;
  {
    std::lock_guard lock(mutex_);
    if (!status.ok() && failure_.ok()) {
      failure_ = status;
      failed_from_ = settled_ + 1;
    }
    settled_ = std::max(settled_, last);
    const auto end = waiting_.upper_bound(last);
    for (auto waiter = waiting_.begin(); waiter != end; ++waiter) {
      due.emplace_back(waiter->first, std::move(waiter->second));
    }
    waiting_.erase(waiting_.begin(), end);
  }
  for (auto& [position, fn] : due) fn(status);
}

}  // namespace vitrine::collect
