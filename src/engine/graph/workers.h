// A fixed number of threads, taken from an Executor, that share the pieces of a loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/executor.h"

namespace vitrine::graph {

// run() is called by one thread at a time, which takes part in the work.
class Workers {
 public:
  // `threads` in all, the caller of run() included; 1 starts none.
  Workers(Executor& executor, unsigned threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  unsigned threads() const { return static_cast<unsigned>(tasks_.size()) + 1; }
  // Calls piece(0) .. piece(pieces - 1), each once, on any of the threads; returns when all did.
  void run(std::size_t pieces, const std::function<void(std::size_t)>& piece);

 private:
  void loop();
  void take_pieces(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  const std::function<void(std::size_t)>* piece_ = nullptr;  // guarded by mutex_, as all below
  std::size_t next_ = 0;
  std::size_t pieces_ = 0;
  std::size_t running_ = 0;
  bool stop_ = false;
  std::vector<std::unique_ptr<Task>> tasks_;
};

}  // namespace vitrine::graph
