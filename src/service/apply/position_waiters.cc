#include "service/apply/position_waiters.h"

#include <vector>

namespace vitrine::apply {

PositionWaiters::WaitId PositionWaiters::add(eventlog::Position position, Callback fn) {
  WaitId id;
  {
    std::lock_guard lock(mutex_);
    id = {position, next_number_++};
    waiting_.emplace(std::pair{id.position, id.number}, std::move(fn));
    earliest_ = waiting_.begin()->first.first;
  }
  // The applier may have passed the position before it could see this waiter.
  const eventlog::Position now = reached_;
  if (now >= position) {
    reached(now);
    return {};
  }
  return id;
}

bool PositionWaiters::cancel(WaitId id) {
  if (id.position == 0) return false;
  std::lock_guard lock(mutex_);
  const bool erased = waiting_.erase({id.position, id.number}) > 0;
  earliest_ = waiting_.empty() ? kNobody : waiting_.begin()->first.first;
  return erased;
}

void PositionWaiters::reached(eventlog::Position position) {
  if (position > reached_) reached_ = position;  // only the applier raises it
  if (earliest_ > position) return;
  std::vector<Callback> due;
  {
    std::lock_guard lock(mutex_);
    while (!waiting_.empty() && waiting_.begin()->first.first <= position) {
      due.push_back(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
    }
    earliest_ = waiting_.empty() ? kNobody : waiting_.begin()->first.first;
  }
  for (auto& callback : due) callback();
}

std::size_t PositionWaiters::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace vitrine::apply
