#include "service/evaluate/covisit_scorer.h"

#include <algorithm>
#include <cmath>

#include "service/apply/tenant_state.h"
#include "service/recommend/context.h"

namespace vitrine::evaluate {

CovisitScorer::CovisitScorer(const covisit::Options& options, const covisit::ScoreOptions& ask,
                             Histories histories)
    : state_(options), ask_(ask), histories_(histories) {}

void CovisitScorer::fit(std::span<const Interaction> train, std::uint32_t items) {
  popular_.fit(train, items);
  std::vector<std::vector<ItemIndex>> histories;  // by user, oldest first
  std::vector<ItemIndex> recent;
  for (const Interaction& one : train) {
    if (!one.positive()) continue;
    if (one.user.value >= histories.size()) histories.resize(one.user.value + 1);
    auto& history = histories[one.user.value];
    collect_recent(history, one.item, recent);
    state_.observe(recent, one.item, one.time);
    history.push_back(one.item);
  }
}

// The items before `item`, newest first.
void CovisitScorer::collect_recent(const std::vector<ItemIndex>& history, ItemIndex item,
                                   std::vector<ItemIndex>& recent) const {
  const std::size_t window = state_.options().window;
  if (histories_ == Histories::kAsListed) {
    const auto n = static_cast<std::ptrdiff_t>(std::min(history.size(), window));
    recent.assign(history.rbegin(), history.rbegin() + n);
    return;
  }
  recent.clear();
  const std::size_t kept = apply::TenantOptions{}.history_entries;
  const auto n = static_cast<std::ptrdiff_t>(std::min(history.size(), kept));
  for (auto at = history.rbegin(); at != history.rbegin() + n && recent.size() < window; ++at) {
    if (*at != item && std::find(recent.begin(), recent.end(), *at) == recent.end())
      recent.push_back(*at);
  }
}

void CovisitScorer::ask_about(const Case& one) {
  history_.clear();
  const bool live = histories_ == Histories::kLive;
  std::uint32_t age = 0;
  for (auto it = one.history.rbegin(); it != one.history.rend(); ++it) {
    if (it != one.history.rbegin() && it->event != std::prev(it)->event) ++age;
    if (!live) {
      history_.push_back({it->item, age, 1});
      continue;
    }
    if (history_.size() >= recommend::kAnchorsMax) return;
    const bool known = std::any_of(history_.begin(), history_.end(),
                                   [&](const auto& anchor) { return anchor.item == it->item; });
    if (!known) history_.push_back({it->item, age, std::sqrt(it->weight)});
  }
}

void CovisitScorer::candidates(const Case& one, covisit::ScoreScratch& scratch,
                               std::vector<covisit::Candidate>& out) {
  ask_about(one);
  state_.score(history_, ask_, scratch, out);
}

void CovisitScorer::rank(const Case& one, const Mask& mask, std::size_t k,
                         std::vector<ItemIndex>& out) {
  candidates(one, scratch_, found_);
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
