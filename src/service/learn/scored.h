// Items with scores, and the best of many.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace vitrine::learn {

struct Scored {
  std::uint32_t item;
  float score;
};

// By score; ties by item.
inline bool better(const Scored& a, const Scored& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

// Keeps the best of a stream, the worst of those in front. O(log most) for one that gets in.
class BestScored {
 public:
  // `heap` is working memory, which outlives it.
  BestScored(std::vector<Scored>& heap, std::size_t most) : heap_(heap), most_(most) {
    heap_.clear();
  }
  // Only what is above it can get in.
  float threshold() const {
    if (most_ == 0) return std::numeric_limits<float>::infinity();
    return heap_.size() < most_ ? -std::numeric_limits<float>::infinity() : heap_.front().score;
  }
  void offer(Scored one) {
    if (heap_.size() == most_) {
      if (most_ == 0 || !better(one, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = one;
    } else {
      heap_.push_back(one);
    }
    std::push_heap(heap_.begin(), heap_.end(), better);
  }
  // Replaces `out` by them, best first.
  void finish(std::vector<Scored>& out) {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    out.assign(heap_.begin(), heap_.end());
  }

 private:
  std::vector<Scored>& heap_;
  std::size_t most_;
};

}  // namespace vitrine::learn
