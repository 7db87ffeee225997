#include "engine/graph/workers.h"

namespace vitrine::graph {

Workers::Workers(Executor& executor, unsigned threads) {
  for (unsigned i = 1; i < threads; ++i) {
    tasks_.push_back(executor.run_thread("graph-worker", [this] { loop(); }));
  }
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  tasks_.clear();
}

void Workers::take_pieces(std::unique_lock<std::mutex>& lock) {
  while (next_ < pieces_) {
    const std::size_t mine = next_++;
    const auto& piece = *piece_;
    ++running_;
    lock.unlock();
    piece(mine);
    lock.lock();
    --running_;
  }
  if (running_ == 0) idle_.notify_all();
}

void Workers::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || next_ < pieces_; });
    if (stop_) return;
    take_pieces(lock);
  }
}

void Workers::run(std::size_t pieces, const std::function<void(std::size_t)>& piece) {
  if (tasks_.empty() || pieces <= 1) {
    for (std::size_t i = 0; i < pieces; ++i) piece(i);
    return;
  }
  std::unique_lock lock(mutex_);
  piece_ = &piece;
  next_ = 0;
  pieces_ = pieces;
  wake_.notify_all();
  take_pieces(lock);
  idle_.wait(lock, [this] { return next_ >= pieces_ && running_ == 0; });
  pieces_ = 0;
}

}  // namespace vitrine::graph
