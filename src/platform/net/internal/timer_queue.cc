#include "platform/net/internal/timer_queue.h"

#include <algorithm>

namespace vitrine::net::internal {

bool TimerQueue::add(Timers::Id id, std::int64_t due_ns, std::unique_ptr<TimerTask> task) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;  // `task` dies with the argument, after the lock
  tasks_.emplace(id, std::move(task));
  heap_.push_back({due_ns, id});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  return heap_.front().id == id;
}

bool TimerQueue::cancel(Timers::Id id) {
  std::unique_ptr<TimerTask> task;  // destroyed after the lock
  std::lock_guard lock(mutex_);
  const auto it = tasks_.find(id);
  if (it == tasks_.end()) return false;
  task = std::move(it->second);
  tasks_.erase(it);
  if (heap_.size() > 64 && heap_.size() > 2 * tasks_.size()) compact();
  return true;
}

void TimerQueue::compact() {
  std::erase_if(heap_, [this](const Entry& e) { return !tasks_.contains(e.id); });
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
}

std::int64_t TimerQueue::next_due_ns() const {
  std::lock_guard lock(mutex_);
  return heap_.empty() ? kNever : heap_.front().due_ns;
}

std::size_t TimerQueue::run_due(std::int64_t now_ns) {
  std::vector<std::unique_ptr<TimerTask>> due;
  {
    std::lock_guard lock(mutex_);
    while (!heap_.empty() && heap_.front().due_ns <= now_ns) {
      const auto it = tasks_.find(heap_.front().id);
      if (it != tasks_.end()) {
        due.push_back(std::move(it->second));
        tasks_.erase(it);
      }
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      heap_.pop_back();
    }
  }
  for (auto& task : due) task->run();
  return due.size();
}

void TimerQueue::close() {
  std::unordered_map<Timers::Id, std::unique_ptr<TimerTask>> tasks;
  std::lock_guard lock(mutex_);
  closed_ = true;
  heap_.clear();
  tasks.swap(tasks_);
}

}  // namespace vitrine::net::internal
