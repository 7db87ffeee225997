#include "tool/evaluate/covisit_scorer.h"

#include <algorithm>

namespace vitrine::evaluate {

CovisitScorer::CovisitScorer(const covisit::Options& options, const covisit::ScoreOptions& ask)
    : state_(options), ask_(ask) {}

void CovisitScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  popular_.fit(train, items);
  std::vector<std::vector<ItemIndex>> histories;  // by user, oldest first
  std::vector<ItemIndex> recent;
  for (const Interaction& one : train) {
    if (one.user.value >= histories.size()) histories.resize(one.user.value + 1);
    auto& history = histories[one.user.value];
    const std::size_t window = std::min<std::size_t>(history.size(), state_.options().window);
    recent.assign(history.rbegin(), history.rbegin() + static_cast<std::ptrdiff_t>(window));
    state_.observe(recent, one.item, one.time);
    history.push_back(one.item);
  }
}

void CovisitScorer::rank(const Case& one, const Mask& mask, std::size_t k,
                         std::vector<ItemIndex>& out) {
  history_.clear();
  std::uint32_t age = 0;
  for (auto it = one.history.rbegin(); it != one.history.rend(); ++it) {
    if (it != one.history.rbegin() && it->event != std::prev(it)->event) ++age;
    history_.push_back({it->item, age, 1});
  }
  state_.score(history_, ask_, scratch_, found_);
  std::erase_if(found_, [&](const covisit::Candidate& c) { return mask[c.item.value] != 0; });
  const auto better = [](const covisit::Candidate& a, const covisit::Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  };
  const std::size_t n = std::min(k, found_.size());
  std::partial_sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(n), found_.end(),
                    better);
  out.clear();
  for (std::size_t i = 0; i < n; ++i) out.push_back(found_[i].item);
  for (const ItemIndex item : popular_.order()) {
    if (out.size() == k) return;
    if (mask[item.value] == 0 && std::find(out.begin(), out.end(), item) == out.end())
      out.push_back(item);
  }
}

}  // namespace vitrine::evaluate
