// Where threads come from. Engines take an Executor& and start no thread of their own,
// so that the process decides how many there are and a test can run them where it likes.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace vitrine {

// A running piece of work. Destruction waits for it.
class Task {
 public:
  virtual ~Task() = default;
  virtual void wait() = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` once on a thread of its own, named for debuggers (15 characters are kept).
  // For loops that live as long as their owner: committer, applier, flusher.
  virtual std::unique_ptr<Task> run_thread(std::string name, std::function<void()> work) = 0;
};

// Plain threads of the operating system.
Executor& thread_executor();
// Threads that get a processor only where those of thread_executor() leave one: for work that no
// request waits for, as merging, saving and training. Threads that such work starts are like it.
Executor& background_executor();

}  // namespace vitrine
