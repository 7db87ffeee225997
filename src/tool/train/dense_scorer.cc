#include "tool/train/dense_scorer.h"

#include <algorithm>

namespace vitrine::train_tool {

void DenseScorer::prepare(std::span<const Case> cases) {
  cases_ = cases;
  first_ = last_ = 0;
}

void DenseScorer::rank(const Case& one, const Mask& mask, std::size_t k,
                       std::vector<ItemIndex>& out) {
  const Case* begin = cases_.data();
  const bool prepared = !cases_.empty() && &one >= begin && &one < begin + cases_.size();
  std::size_t row = 0;
  if (prepared) {
    const auto at = static_cast<std::size_t>(&one - begin);
    if (at < first_ || at >= last_) {
      first_ = at;
      last_ = std::min(cases_.size(), at + batch());
      score(cases_.subspan(first_, last_ - first_), scores_);
    }
    row = at - first_;
  } else {
    first_ = last_ = 0;
    score({&one, 1}, scores_);
  }
  out.clear();
  if (k == 0) return;
  const float* values = scores_.values.data() + row * scores_.case_stride;
  // A heap of the k best so far, the worst of them in front.
  const auto better = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  best_.clear();
  for (std::uint32_t i = 0; i < mask.size(); ++i) {
    const float value = values[i * scores_.item_stride];
    if (best_.size() == k && value <= best_.front().first) continue;
    if (mask[i] != 0) continue;
    if (best_.size() == k) {
      std::pop_heap(best_.begin(), best_.end(), better);
      best_.pop_back();
    }
    best_.emplace_back(value, i);
    std::push_heap(best_.begin(), best_.end(), better);
  }
  std::sort_heap(best_.begin(), best_.end(), better);
  for (const auto& [value, item] : best_) out.push_back(ItemIndex{item});
}

std::vector<std::uint32_t> distinct_items(const Case& one) {
  std::vector<std::uint32_t> out;
  for (const Interaction& seen : one.history) {
    if (seen.positive()) out.push_back(seen.item.value);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace vitrine::train_tool
