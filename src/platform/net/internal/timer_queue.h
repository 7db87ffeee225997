// The pending tasks of one thread, in order of their time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "platform/net/internal/wheel.h"
#include "platform/net/timers.h"

namespace vitrine::net::internal {

// Thread-safe. Tasks run and are destroyed outside its lock, so they may schedule and cancel.
class TimerQueue {
 public:
  // True if `due_ns` is now the earliest: whoever sleeps until then must be told.
  bool add(Timers::Id id, std::int64_t due_ns, std::unique_ptr<TimerTask> task);
  bool cancel(Timers::Id id);
  // kNever without a pending task.
  std::int64_t next_due_ns() const;
  // Runs what is due; returns how many ran. What a task adds waits for the next call.
  std::size_t run_due(std::int64_t now_ns);
  // Destroys what is pending and refuses (destroys) whatever is added later.
  void close();

 private:
  struct Entry {
    std::int64_t due_ns;
    Timers::Id id;
    bool operator>(const Entry& other) const {
      return due_ns != other.due_ns ? due_ns > other.due_ns : id > other.id;
    }
  };
  void compact();

  mutable std::mutex mutex_;
  // guarded by mutex_; a cancelled task leaves its entry in heap_ until it comes up or
  // until such entries are the majority.
  std::unordered_map<Timers::Id, std::unique_ptr<TimerTask>> tasks_;
  std::vector<Entry> heap_;
  bool closed_ = false;
};

}  // namespace vitrine::net::internal
