// The best k hits so far: a heap whose root is the worst of them.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/text/schema.h"

namespace vitrine::text::internal {

struct Scored {
  double score;
  DocumentId id;
  // Better first: higher score, then smaller id.
  friend bool operator<(const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  }
};

class TopK {
 public:
  // Hits below `floor` are known not to be among the best.
  void reset(std::uint32_t k, double floor) {
    k_ = k;
    floor_ = floor;
    heap_.clear();
  }
  void raise_floor(double floor) { floor_ = std::max(floor_, floor); }
  // What a hit must reach (with a smaller id, if equal) to count.
  double threshold() const {
    return full() && k_ > 0 ? std::max(floor_, heap_.front().score) : floor_;
  }
  bool full() const { return heap_.size() >= k_; }
  // Whether the threshold may have risen.
  bool offer(double score, DocumentId id) {
    const Scored hit{score, id};
    if (score < floor_) return false;
    if (full()) {
      if (k_ == 0 || !(hit < heap_.front())) return false;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = hit;
    } else {
      heap_.push_back(hit);
    }
    std::push_heap(heap_.begin(), heap_.end());
    return full();
  }
  // Best first; the heap is used up.
  std::vector<Scored>& sorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return heap_;
  }

 private:
  std::uint32_t k_ = 0;
  double floor_ = 0;
  std::vector<Scored> heap_;
};

}  // namespace vitrine::text::internal
