#include "service/recommend/evidence.h"

#include <algorithm>
#include <cmath>

namespace vitrine::recommend {

namespace {
// What the filter keeps out needs no score.
covisit::ItemMask mask_of(const Context& context) {
  return context.matches == nullptr ? covisit::ItemMask()
                                    : covisit::ItemMask(context.match_words());
}
}  // namespace

double saturate(double x) {
  const double root = std::sqrt(x);
  return root / (1 + root);
}

bool CoVisitSource::wanted(const policy::PlacementPolicy& policy) const {
  return policy.weights[Source::kCoView] > 0 || policy.weights[Source::kSecondHop] > 0;
}

void CoVisitSource::gather(const Context& context, SourceScratch& scratch, ItemTable& table) const {
  if (context.anchors.empty()) return;
  const double direct_weight = context.weight(Source::kCoView);
  const double second_weight = context.weight(Source::kSecondHop);
  covisit::ScoreOptions options = options_;
  if (second_weight == 0) options.second_hop = 0;
  context.state->covisit.score(context.anchors, options, mask_of(context), scratch.covisit,
                               scratch.candidates);
  // In units of the larger weight, so that either may be 0.
  const double unit = std::max(direct_weight, second_weight);
  const double direct_share = direct_weight / unit;
  const double second_share = second_weight / unit;
  for (const covisit::Candidate& candidate : scratch.candidates) {
    const double direct = candidate.direct;
    const double second = static_cast<double>(candidate.score) - direct;
    const double x = direct * direct_share + (second > 0 ? second * second_share : 0);
    if (!(x > 0)) continue;
    // weight * evidence, summed over both, is unit * saturate(x).
    const double per_x = saturate(x) / x;
    ItemEntry& entry = table.insert(candidate.item);
    if (direct_weight > 0) {
      entry.evidence[slot_of(Source::kCoView)] = static_cast<float>(per_x * direct);
    }
    if (second_weight > 0 && second > 0) {
      entry.evidence[slot_of(Source::kSecondHop)] = static_cast<float>(per_x * second);
    }
  }
}

bool BasketSource::wanted(const policy::PlacementPolicy& policy) const {
  return policy.weights[Source::kCoBuy] > 0;
}

void BasketSource::gather(const Context& context, SourceScratch& scratch, ItemTable& table) const {
  if (context.anchors.empty()) return;
  covisit::ScoreOptions options = options_;
  options.second_hop = 0;
  context.state->baskets.score(context.anchors, options, mask_of(context), scratch.covisit,
                               scratch.candidates);
  for (const covisit::Candidate& candidate : scratch.candidates) {
    if (!(candidate.score > 0)) continue;
    table.insert(candidate.item).evidence[slot_of(Source::kCoBuy)] =
        static_cast<float>(saturate(static_cast<double>(candidate.score)));
  }
}

bool HistorySource::wanted(const policy::PlacementPolicy& policy) const {
  return policy.weights[Source::kHistory] > 0;
}

void HistorySource::gather(const Context& context, SourceScratch&, ItemTable& table) const {
  int rank = 0;
  for (std::size_t i = context.history.size(); i-- > 0;) {
    if (!context.history[i].positive()) continue;
    float& evidence = table.insert(context.history[i].item).evidence[slot_of(Source::kHistory)];
    if (evidence > 0) continue;
    evidence = 1.0f / static_cast<float>(1 + rank++);
  }
}

bool RepeatSource::wanted(const policy::PlacementPolicy& policy) const {
  return policy.weights[Source::kRepeat] > 0;
}

void RepeatSource::gather(const Context& context, SourceScratch&, ItemTable& table) const {
  for (const DueItem& due : context.due) {
    table.insert(due.item).evidence[slot_of(Source::kRepeat)] =
        static_cast<float>(std::sqrt(due.probability));
  }
}

bool ModelSource::wanted(const policy::PlacementPolicy& policy) const {
  return policy.weights[Source::kModel] > 0;
}

void ModelSource::gather(const Context& context, SourceScratch& scratch, ItemTable& table) const {
  if (context.model == nullptr) return;
  model_history(context, scratch.model_history);
  context.model->top(scratch.model_history, scratch.model, scratch.model_items);
  const double scale = context.model->weight() / kModelWeightMax;
  const covisit::ItemMask mask = mask_of(context);
  for (std::size_t rank = 0; rank < scratch.model_items.size(); ++rank) {
    const ItemIndex item = scratch.model_items[rank];
    if (item == kNoItem || !mask.contains(item.value)) continue;
    table.insert(item).evidence[slot_of(Source::kModel)] =
        static_cast<float>(scale * rank_evidence(rank));
  }
}

void model_history(const Context& context, std::vector<ItemIndex>& out) {
  out.clear();
  if (context.policy->about == policy::About::kVisitor) {
    for (const profile::HistoryEntry& entry : context.history) {
      if (entry.positive()) out.push_back(entry.item);
    }
  }
  // What the request names, and history does not have, comes last.
  const std::size_t known = out.size();
  for (auto anchor = context.anchors.rbegin(); anchor != context.anchors.rend(); ++anchor) {
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(known);
    if (std::find(out.begin(), end, anchor->item) == end) out.push_back(anchor->item);
  }
}

}  // namespace vitrine::recommend
