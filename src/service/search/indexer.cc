#include "service/search/indexer.h"

#include <chrono>

namespace vitrine::search {
namespace {
// How long a change waits at most before it is looked for.
constexpr std::chrono::milliseconds kPause{20};
}  // namespace

Indexer::Indexer(Executor& executor, std::function<void(const Error&)> on_error)
    : on_error_(std::move(on_error)), level_at_(std::chrono::steady_clock::now()) {
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

std::chrono::nanoseconds Indexer::age() const {
  return std::chrono::steady_clock::now() - level_at_.load();
}

void Indexer::refresh_all() {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<SearchBox>> boxes;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(boxes_, [](const auto& box) { return box.expired(); });
    for (const auto& box : boxes_) {
      if (auto held = box.lock()) boxes.push_back(std::move(held));
    }
  }
  bool all = true;
  for (const auto& box : boxes) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const auto changed = box->refresh();
    if (!changed.ok()) {
      on_error_(changed.error());
      all = false;
    }
  }
  if (all) level_at_.store(begin);
}

void Indexer::work() {
  while (true) {
    refresh_all();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kPause, [this] { return stopping_; })) return;
  }
}

}  // namespace vitrine::search
