#include "base/executor.h"

#include <algorithm>
#include <thread>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace vitrine {
namespace {

// Linux gives a thread of it a tenth of what one of niceness 0 gets where both want a processor.
constexpr int kBackgroundNiceness = 10;

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
  explicit ThreadExecutor(bool background) : background_(background) {}
  std::unique_ptr<Task> run_thread(std::string name, std::function<void()> work) override {
    std::thread thread([background = background_, name = std::move(name), work = std::move(work)] {
      pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
      // Of this thread alone. Refused, it only competes.
      if (background) {
        const auto self = static_cast<id_t>(::gettid());
        const int own = ::getpriority(PRIO_PROCESS, self);
        (void)::setpriority(PRIO_PROCESS, self, std::max(own, kBackgroundNiceness));
      }
      work();
    });
    return std::make_unique<ThreadTask>(std::move(thread));
  }

 private:
  bool background_;
};

}  // namespace

Executor& thread_executor() {
  static ThreadExecutor executor(false);
  return executor;
}

Executor& background_executor() {
  static ThreadExecutor executor(true);
  return executor;
}

}  // namespace vitrine
