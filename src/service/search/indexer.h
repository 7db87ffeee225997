// One thread that keeps all search boxes of a process level with their catalogs.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "service/search/search_box.h"

namespace vitrine::search {

class Indexer {
 public:
  // `on_error` is told why a refresh failed, on the indexer's thread; the box is tried again.
  Indexer(Executor& executor, std::function<void(const Error&)> on_error);
  ~Indexer();  // waits for the refresh that runs

  // From now on the box is looked after, until its last owner lets go of it.
  void add(const std::shared_ptr<SearchBox>& box);
  // No refresh begins after it returns. Idempotent.
  void stop();
  // The indexes hold every change that is older than this; how long the indexer exists while it has
  // not been through all boxes, and from its last pass on while one of them fails. Any thread.
  std::chrono::nanoseconds age() const;

 private:
  void work();
  void refresh_all();

  std::function<void(const Error&)> on_error_;
  std::atomic<std::chrono::steady_clock::time_point> level_at_;  // all boxes hold what was then
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;                        // guarded by mutex_
  std::vector<std::weak_ptr<SearchBox>> boxes_;  // guarded by mutex_
  std::unique_ptr<Task> thread_;
};

}  // namespace vitrine::search
