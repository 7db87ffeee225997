#include "service/recommend/examine.h"

#include <algorithm>

#include "service/recommend/recommender.h"

namespace vitrine::recommend {

std::string_view fate_name(Fate fate) {
  switch (fate) {
    case Fate::kShown: return "shown";
    case Fate::kUnknown: return "unknown";
    case Fate::kDropped: return "dropped";
    case Fate::kNoSource: return "no_source";
    case Fate::kBelow: return "below";
  }
  return "unknown";
}

Status Recommender::examine(const StateView& state, const policy::PlacementPolicy& policy,
                            const Request& request, std::string_view item_id, Scratch& scratch,
                            Answer& answer, Verdict& verdict) {
  answer.clear();
  verdict = {};
  Status status = run(state, policy, request, scratch, answer);
  if (status.ok()) {
    if (const auto item = state.catalog.find(item_id)) judge(*item, scratch, answer, verdict);
  }
  scratch.context_.release();
  return status;
}

void Recommender::judge(ItemIndex item, Scratch& scratch, Answer& answer, Verdict& verdict) const {
  const Context& context = scratch.context_;
  const Scorer scorer(context, scratch.table_);
  if (auto ranked = scorer.rank(item)) {
    ranked->boost = scorer.boost(item);
    verdict.link = ranked->link;
    verdict.contributions = scorer.contributions(*ranked);
    verdict.fade = static_cast<float>(scorer.fade(item));
    verdict.boost = static_cast<float>(ranked->boost);
    double score = 0;
    for (const float part : verdict.contributions) score += static_cast<double>(part);
    verdict.score = static_cast<float>(score * ranked->boost);
  } else {
    verdict.fate = Fate::kNoSource;
  }
  const auto shown = std::find_if(answer.items.begin(), answer.items.end(),
                                  [item](const AnswerItem& one) { return one.item == item; });
  if (shown != answer.items.end()) {
    verdict.fate = Fate::kShown;
    verdict.rank = static_cast<std::uint32_t>(shown - answer.items.begin()) + 1;
    return;
  }
  Answer counts;  // what the question itself counts is not the answer's
  FilterGate gate(context, counts);
  std::optional<Drop> drop;
  if (!gate.passes(item)) {
    drop = Drop::kFilter;
  } else {
    drop = Eligibility(context, scratch.table_, answer.relaxed, counts).reason_against(item);
  }
  if (!drop && verdict.fate == Fate::kNoSource) return;
  if (!drop) {
    const Place place = find_place(item, scorer, scratch, answer);
    verdict.rank = place.rank;
    // Before the last that is shown and yet not there: its category or brand had its share.
    if (place.rank != 0 && place.rank < place.last_shown) drop = Drop::kDiversity;
  }
  verdict.drop = drop;
  verdict.fate = drop ? Fate::kDropped : Fate::kBelow;
}

Recommender::Place Recommender::find_place(ItemIndex item, const Scorer& scorer, Scratch& scratch,
                                           const Answer& answer) const {
  scratch.table_.remove_mark(kMarkTried);
  Answer counts;
  Ranker ranker(scratch.context_, scorer, scratch.table_, options_.walks, answer.relaxed,
                scratch.rank_, counts);
  if (answer.filter_path == FilterPath::kEnumerated) {
    ranker.enumerate(kRanksKnown);
  } else {
    ranker.fill(kRanksKnown);
  }
  if (!scratch.context_.boosts.empty()) apply_boosts(scorer, scratch);
  const std::vector<Ranked>& pool = scratch.rank_.pool;
  Place place;
  for (std::uint32_t at = 0; at < std::min<std::size_t>(pool.size(), kRanksKnown); ++at) {
    if (pool[at].item == item) place.rank = at + 1;
    for (const AnswerItem& shown : answer.items) {
      if (shown.item == pool[at].item) place.last_shown = at + 1;
    }
  }
  return place;
}

}  // namespace vitrine::recommend
