#include "engine/vec/workers.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

namespace vitrine::vec {

void parallel_for(const Workers& workers, std::size_t count,
                  const std::function<void(std::size_t, unsigned)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&](unsigned worker) {
    for (;;) {
      const std::size_t i = next.fetch_add(1);
      if (i >= count) return;
      work(i, worker);
    }
  };
  std::vector<std::unique_ptr<Task>> others;
  const std::size_t wanted = std::min<std::size_t>(workers.count, count);
  if (workers.executor != nullptr) {
    for (unsigned worker = 1; worker < wanted; ++worker)
      others.push_back(workers.executor->run_thread("vec-work", [&run, worker] { run(worker); }));
  }
  run(0);
  for (const auto& task : others) task->wait();
}

}  // namespace vitrine::vec
