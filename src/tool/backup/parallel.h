// The same work on many things, on a few threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/executor.h"
#include "base/progress.h"
#include "base/result.h"

namespace vitrine::backup {

// Calls work(i) once for each i below `count`, on `threads` threads, lower ones first. After an
// error nothing new is begun; the error of the lowest i that failed comes back.
inline Status for_each_parallel(Executor& executor, unsigned threads, std::size_t count,
                                const std::function<Status(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::size_t first_failed = count;  // guarded by mutex
  Status error;                      // guarded by mutex
  const auto loop = [&] {
    while (!failed) {
      const std::size_t i = next.fetch_add(1);
      if (i >= count) return;
      Status done = work(i);
      if (done.ok()) continue;
      failed = true;
      std::lock_guard lock(mutex);
      if (i < first_failed) {
        first_failed = i;
        error = std::move(done);
      }
    }
  };
  if (threads <= 1 || count <= 1) {
    loop();
    return error;
  }
  std::vector<std::unique_ptr<Task>> tasks;
  for (unsigned t = 0; t < threads; ++t) tasks.push_back(executor.run_thread("backup", loop));
  for (auto& task : tasks) task->wait();
  return error;
}

// A Progress that many threads may advance.
class SharedProgress {
 public:
  SharedProgress(Progress& progress, std::string_view phase, std::uint64_t total,
                 std::string_view unit)
      : progress_(progress) {
    progress_.start(phase, total, unit);
  }
  ~SharedProgress() { progress_.finish(); }
  SharedProgress(const SharedProgress&) = delete;
  SharedProgress& operator=(const SharedProgress&) = delete;
  void add(std::uint64_t amount) {
    std::lock_guard lock(mutex_);
    done_ += amount;
    progress_.update(done_);
  }

 private:
  Progress& progress_;
  std::mutex mutex_;
  std::uint64_t done_ = 0;  // guarded by mutex_
};

}  // namespace vitrine::backup
