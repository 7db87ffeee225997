#include "service/search/indexer.h"

#include <chrono>

namespace vitrine::search {
namespace {
// How long a change waits at most before it is looked for.
constexpr std::chrono::milliseconds kPause{20};
}  // namespace

Indexer::Indexer(Executor& executor, std::function<void(const Error&)> on_error)
    : on_error_(std::move(on_error)) {
  thread_ = executor.run_thread("search-index", [this] { work(); });
}

Indexer::~Indexer() { stop(); }

void Indexer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.reset();
}

void Indexer::add(const std::shared_ptr<SearchBox>& box) {
  const std::lock_guard lock(mutex_);
  boxes_.push_back(box);
}

bool Indexer::refresh_all() {
  std::vector<std::shared_ptr<SearchBox>> boxes;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(boxes_, [](const auto& box) { return box.expired(); });
    for (const auto& box : boxes_) {
      if (auto held = box.lock()) boxes.push_back(std::move(held));
    }
  }
  bool any = false;
  for (const auto& box : boxes) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
    }
    const auto changed = box->refresh();
    if (!changed.ok()) {
      on_error_(changed.error());
    } else {
      any = any || *changed;
    }
  }
  return any;
}

void Indexer::work() {
  while (true) {
    (void)refresh_all();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kPause, [this] { return stopping_; })) return;
  }
}

}  // namespace vitrine::search
