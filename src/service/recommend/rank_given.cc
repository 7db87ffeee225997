// Recommender::rank(): a given list in the order of a placement.
#include <algorithm>

#include "service/recommend/because.h"
#include "service/recommend/recommender.h"

namespace vitrine::recommend {

Status Recommender::rank(const StateView& state, const policy::PlacementPolicy& policy,
                         const Request& request, Scratch& scratch, Answer& answer) {
  answer.clear();
  Status status = prepare(state, policy, request, scratch, answer);
  if (status.ok()) rank_given(scratch, answer);
  if (status.ok() && request.explain) {
    find_because(scratch.context_, {options_.covisit, options_.baskets}, scratch.sources_, answer);
  }
  return observed(std::move(status), policy, scratch, answer);
}

void Recommender::rank_given(Scratch& scratch, Answer& answer) const {
  const Context& context = scratch.context_;
  const Scorer scorer(context, scratch.table_);
  FilterGate gate(context, answer);
  Eligibility eligibility(context, scratch.table_, 0, answer);
  std::vector<Ranked>& pool = scratch.rank_.pool;
  pool.clear();
  const auto& given = context.request->to_rank;
  std::vector<ItemIndex> met;
  met.reserve(given.size());
  const auto leave_out = [&](std::size_t at, std::string_view reason) {
    answer.left_out.push_back({static_cast<std::uint32_t>(at), reason});
  };
  for (std::size_t at = 0; at < given.size(); ++at) {
    const std::optional<ItemIndex> item = context.catalog().find(given[at]);
    if (!item) {
      leave_out(at, "unknown");
      continue;
    }
    if (std::find(met.begin(), met.end(), *item) != met.end()) continue;
    met.push_back(*item);
    const std::optional<Drop> reason =
        gate.passes(*item) ? eligibility.reason_against(*item) : Drop::kFilter;
    const std::optional<Ranked> ranked = reason ? std::nullopt : scorer.rank(*item);
    if (ranked) {
      pool.push_back(*ranked);
      pool.back().boost = scorer.boost(*item);
    } else {
      leave_out(at, reason ? drop_name(*reason) : "no_source");
    }
  }
  std::sort(pool.begin(), pool.end(), [](const Ranked& a, const Ranked& b) { return a.before(b); });
  const SlateRules rules{.limit = static_cast<std::uint32_t>(std::max<std::size_t>(1, pool.size())),
                         .diversity = context.diversity};
  scratch.slate_.choose(pool, rules, context.catalog(), scratch.chosen_);
  answer.limit = static_cast<std::uint32_t>(pool.size());
  write_items(scorer, scratch, answer);
}

}  // namespace vitrine::recommend
