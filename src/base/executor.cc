#include "base/executor.h"

#include <thread>

#include <pthread.h>

namespace vitrine {
namespace {

class ThreadTask final : public Task {
 public:
  explicit ThreadTask(std::thread thread) : thread_(std::move(thread)) {}
  ~ThreadTask() override { wait(); }
  void wait() override {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

class ThreadExecutor final : public Executor {
 public:
  std::unique_ptr<Task> run_thread(std::string name, std::function<void()> work) override {
    std::thread thread([name = std::move(name), work = std::move(work)] {
      pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
      work();
    });
    return std::make_unique<ThreadTask>(std::move(thread));
  }
};

}  // namespace

Executor& thread_executor() {
  static ThreadExecutor executor;
  return executor;
}

}  // namespace vitrine
