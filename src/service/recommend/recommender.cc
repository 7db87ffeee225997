#include "service/recommend/recommender.h"

#include <algorithm>

#include "service/recommend/because.h"
#include "service/recommend/near_source.h"

namespace vitrine::recommend {

namespace {

// Adds the time from construction, or from the last lap, to a stage.
class StageTimer {
 public:
  StageTimer(const Clock& clock, Answer& answer)
      : clock_(clock), answer_(answer), last_ns_(clock.steady_ns()) {}
  void lap(Stage stage) {
    const std::int64_t now_ns = clock_.steady_ns();
    answer_.stage_ns[static_cast<std::size_t>(stage)] += now_ns - last_ns_;
    last_ns_ = now_ns;
  }

 private:
  const Clock& clock_;
  Answer& answer_;
  std::int64_t last_ns_;
};

void note_near(const ItemTable& table, Source source, Answer& answer) {
  answer.near_source = source;
  for (const ItemEntry& entry : table.entries()) {
    const float evidence = entry.evidence[kNearEvidence];
    if (evidence > 0) answer.near.push_back({entry.item, evidence});
  }
  std::sort(answer.near.begin(), answer.near.end(),
            [](const NearEvidence& a, const NearEvidence& b) { return a.item < b.item; });
}

// With boosts the order of the pool changes: look this deep for what they may bring up.
constexpr std::size_t kBoostPool = 200;

// The exclusions that are given up when nothing is left, in this order.
constexpr Drop kRelaxations[] = {Drop::kSeen, Drop::kBought, Drop::kAge};

constexpr std::size_t position(Drop drop) { return static_cast<std::size_t>(drop); }

// Nothing left: gives up the first exclusion that kept anything out. False if none did.
bool relax_next(Answer& answer) {
  for (const Drop drop : kRelaxations) {
    if (answer.drops[position(drop)] == 0) continue;
    answer.relaxed = static_cast<std::uint16_t>(answer.relaxed | 1u << position(drop));
    answer.drops.fill(0);
    return true;
  }
  return false;
}

}  // namespace

std::int64_t stage_budget_us(Stage stage) {
  switch (stage) {
    case Stage::kContext: return 20;
    case Stage::kCandidates: return 100;
    case Stage::kFilter: return 20;
    case Stage::kRank: return 200;
    case Stage::kSlate: return 50;
    case Stage::kRecord: return 20;
  }
  return 0;
}

Recommender::Recommender(RecommenderOptions options, const Clock& clock, AnswerObserver* observer)
    : options_(options),
      clock_(clock),
      observer_(observer),
      filter_cache_(options.filter_cache),
      match_cache_(options.match_cache) {
  sources_.push_back(std::make_unique<CoVisitSource>(options.covisit));
  sources_.push_back(std::make_unique<BasketSource>(options.baskets));
  sources_.push_back(std::make_unique<HistorySource>());
  sources_.push_back(std::make_unique<RepeatSource>());
  sources_.push_back(
      std::make_unique<NearSource>(options_.model_vectors, options_.content_vectors));
  near_ = sources_.back().get();
  sources_.push_back(std::make_unique<ModelSource>());
}

Status Recommender::recommend(const StateView& state, const policy::PlacementPolicy& policy,
                              const Request& request, Scratch& scratch, Answer& answer) {
  answer.clear();
  return observed(run(state, policy, request, scratch, answer), policy, scratch, answer);
}

Status Recommender::observed(Status status, const policy::PlacementPolicy& policy, Scratch& scratch,
                             const Answer& answer) const {
  // Bound filters point into the catalog, which may change as soon as the lock is gone.
  scratch.context_.release();
  if (observer_ != nullptr) {
    if (status.ok()) {
      observer_->answered(policy, answer);
    } else {
      observer_->failed(policy, status.error());
    }
  }
  return status;
}

Status Recommender::prepare(const StateView& state, const policy::PlacementPolicy& policy,
                            const Request& request, Scratch& scratch, Answer& answer) {
  StageTimer timer(clock_, answer);
  VITRINE_TRY(build_context(state, policy, request, scratch.context_, scratch.table_, answer));
  take_model(scratch, answer);
  timer.lap(Stage::kContext);
  VITRINE_TRY(bind_filters(scratch.context_, filter_cache_,
                           options_.always_test ? nullptr : &match_cache_));
  timer.lap(Stage::kFilter);
  gather(scratch, answer);
  timer.lap(Stage::kCandidates);
  return ok_status();
}

Status Recommender::run(const StateView& state, const policy::PlacementPolicy& policy,
                        const Request& request, Scratch& scratch, Answer& answer) {
  VITRINE_TRY(prepare(state, policy, request, scratch, answer));
  rank_and_choose(scratch, answer);
  ask_shadow(scratch, answer);
  if (request.explain) {
    find_because(scratch.context_, {options_.covisit, options_.baskets}, scratch.sources_, answer);
  }
  return ok_status();
}

void Recommender::take_model(Scratch& scratch, Answer& answer) {
  Context& context = scratch.context_;
  context.model.reset();
  if (!(context.weight(Source::kModel) > 0)) return;
  context.model = models_.with([](const Models& models) { return models.live; });
  if (context.model != nullptr) answer.model = context.model->id();
}

// The answer is made already: nothing of this is in it.
void Recommender::ask_shadow(Scratch& scratch, const Answer& answer) {
  const Context& context = scratch.context_;
  if (observer_ == nullptr || !(context.weight(Source::kModel) > 0) || answer.items.empty()) return;
  const auto shadow = models_.with([](const Models& models) { return models.shadow; });
  if (shadow == nullptr || shadow_turn_.fetch_add(1, std::memory_order_relaxed) % kShadowEvery != 0)
    return;
  SourceScratch& s = scratch.sources_;
  model_history(context, s.model_history);
  shadow->top(s.model_history, s.model, s.model_items);
  // Of what may be shown at all, which the shadow does not know: seen items are passed over.
  std::erase_if(s.model_items, [&](ItemIndex item) {
    return std::find(s.model_history.begin(), s.model_history.end(), item) != s.model_history.end();
  });
  const std::size_t shown = answer.items.size();
  s.model_items.resize(std::min(shown, s.model_items.size()));
  const auto shared =
      std::count_if(answer.items.begin(), answer.items.end(), [&](const AnswerItem& item) {
        return std::find(s.model_items.begin(), s.model_items.end(), item.item) !=
               s.model_items.end();
      });
  observer_->shadowed(*context.policy, static_cast<std::size_t>(shared), shown);
}

void Recommender::gather(Scratch& scratch, Answer& answer) const {
  Context& context = scratch.context_;
  scratch.sources_.near_source = Source::kContent;
  scratch.sources_.near_found = false;
  for (const auto& source : sources_) {
    if (!source->wanted(*context.policy)) continue;
    if (context.request->recorded_near && source.get() == near_) continue;
    source->gather(context, scratch.sources_, scratch.table_);
  }
  if (const auto& recorded = context.request->recorded_near) {
    scratch.sources_.near_source = recorded->source;
    scratch.sources_.near_found = !recorded->evidence.empty();
    for (const NearEvidence& near : recorded->evidence) {
      // A forged record may name what never was.
      if (near.item.value >= context.catalog().item_count()) continue;
      scratch.table_.insert(near.item).evidence[kNearEvidence] = near.evidence;
    }
  }
  context.near_source = scratch.sources_.near_source;
  if (scratch.sources_.near_found) note_near(scratch.table_, context.near_source, answer);
}

void Recommender::rank_and_choose(Scratch& scratch, Answer& answer) const {
  const Context& context = scratch.context_;
  StageTimer timer(clock_, answer);
  const Scorer scorer(context, scratch.table_);
  bool enumerated = false;
  if (context.filtered()) {
    const std::uint64_t matches =
        context.matches != nullptr ? context.matches->size() : context.filter->estimate();
    enumerated = scorer.ends_with_newest() && !options_.always_walk &&
                 worth_enumerating(matches, context.catalog().listed_count(), context.limit);
    answer.filter_path = enumerated ? FilterPath::kEnumerated : FilterPath::kRankOrder;
  }
  for (;;) {
    Ranker ranker(context, scorer, scratch.table_, options_.walks, answer.relaxed, scratch.rank_,
                  answer);
    choose_from(ranker, scorer, enumerated, scratch, answer);
    if (!scratch.chosen_.empty() || !relax_next(answer)) break;
    scratch.table_.remove_mark(kMarkTried);
  }
  timer.lap(Stage::kRank);
  write_items(scorer, scratch, answer);
  timer.lap(Stage::kSlate);
}

void Recommender::choose_from(Ranker& ranker, const Scorer& scorer, bool enumerated,
                              Scratch& scratch, Answer& answer) const {
  const Context& context = scratch.context_;
  const SlateRules rules{.limit = context.limit,
                         .diversity = context.diversity,
                         .category_max = context.policy->category_max,
                         .brand_max = context.policy->brand_max};
  const std::size_t pool_max = std::size_t{context.limit} * options_.pool_factor;
  std::size_t want = rules.diversity > 0 ? std::size_t{context.limit} * 2 : context.limit;
  if (!context.boosts.empty()) want = std::max(pool_max, kBoostPool);
  const std::vector<Ranked>& pool = scratch.rank_.pool;
  if (enumerated) ranker.enumerate(pool_max);
  for (;;) {
    if (!enumerated) ranker.fill(want);
    const std::size_t size = std::min(pool.size(), want);
    if (!context.boosts.empty()) apply_boosts(scorer, scratch);
    const SlateResult result = scratch.slate_.choose(std::span(pool).first(size), rules,
                                                     context.catalog(), scratch.chosen_);
    const bool more = size == want && want < pool_max;
    if (result.within == context.limit || !more) {
      answer.drops[position(Drop::kDiversity)] = result.held_back;
      if (result.relaxed) {
        answer.relaxed =
            static_cast<std::uint16_t>(answer.relaxed | 1u << position(Drop::kDiversity));
      }
      return;
    }
    want = std::min(pool_max, want + context.limit - result.within);
  }
}

// Factors reorder within a link: a boost prefers among equals, it does not make an item personal.
void Recommender::apply_boosts(const Scorer& scorer, Scratch& scratch) const {
  std::vector<Ranked>& pool = scratch.rank_.pool;
  for (Ranked& ranked : pool) ranked.boost = scorer.boost(ranked.item);
  std::sort(pool.begin(), pool.end(), [](const Ranked& a, const Ranked& b) { return a.before(b); });
}

void Recommender::write_items(const Scorer& scorer, const Scratch& scratch, Answer& answer) const {
  const catalog::Catalog& catalog = scratch.context_.catalog();
  const std::vector<Ranked>& pool = scratch.rank_.pool;
  for (const std::uint32_t at : scratch.chosen_) catalog.prefetch_id_place(pool[at].item);
  for (const std::uint32_t at : scratch.chosen_) catalog.prefetch_id(pool[at].item);
  for (const std::uint32_t at : scratch.chosen_) {
    const Ranked& ranked = pool[at];
    AnswerItem& item = answer.items.emplace_back();
    item.item = ranked.item;
    item.link = ranked.link;
    item.contributions = scorer.contributions(ranked);
    item.source = main_source(item.link, item.contributions);
    item.boost = static_cast<float>(ranked.boost);
    item.fade = static_cast<float>(scorer.fade(ranked.item));
    double score = 0;
    for (const float part : item.contributions) score += static_cast<double>(part);
    item.score = static_cast<float>(score * ranked.boost);
    answer.add_item_id(catalog.item_id(ranked.item));
    ++answer.supplied[static_cast<std::size_t>(ranked.link)];
  }
}

void Recommender::record(RequestId id, TenantId tenant, const Request& request, Answer& answer,
                         std::string& out) const {
  StageTimer timer(clock_, answer);
  encode_answer(id, tenant, request, answer, out);
  timer.lap(Stage::kRecord);
}

}  // namespace vitrine::recommend
