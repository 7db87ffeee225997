// The Recommender of one tenant: a request and a state in, an answer with its reasons out.
//
// A pipeline of stages, each a small class with a file of its own:
//   context      context.h      who asks, about what; history, exclusions, anchors
//   candidates   evidence.h     independent sources write evidence into one ItemTable
//   filter       filter_cache.h parse and bind; match_cache.h: its matches; filter_gate.h
//   rank         ranker.h       scorer.h, streams.h, eligibility.h: the fallback chain, lazily
//   slate        slate.h        limits per category and brand, diversity, boosts
//   record       answer_record.h  the answer as bytes of the recommendation log
//
// Deterministic: equal state, policy and request give equal answers, bit for bit, but for
// Answer::stage_ns. Work is bounded by counts (WalkLimits, kAnchorsMax, the engines' row sizes),
// never by time, for a limit in time would make answers depend on the machine; a stage's time
// budget is only reported.
//
// Thread-safe: recommend() from any number of threads, each with a Scratch of its own, each
// holding the tenant's read lock for the call.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/ids.h"
#include "base/result.h"
#include "service/recommend/answer.h"
#include "service/recommend/answer_record.h"
#include "service/recommend/context.h"
#include "service/recommend/evidence.h"
#include "service/recommend/examine.h"
#include "service/recommend/filter_cache.h"
#include "service/recommend/item_vectors.h"
#include "service/recommend/ranker.h"
#include "service/recommend/request.h"
#include "service/recommend/slate.h"
#include "service/recommend/trained_model.h"

namespace vitrine::recommend {

// Told about every answer; for metrics. Called on the answering thread: keep it cheap.
class AnswerObserver {
 public:
  virtual ~AnswerObserver() = default;
  virtual void answered(const policy::PlacementPolicy& policy, const Answer& answer) = 0;
  virtual void failed(const policy::PlacementPolicy& policy, const Error& error) = 0;
  // Of `shown` items of an answer, `shared` are among the first `shown` that the shadow would show.
  virtual void shadowed(const policy::PlacementPolicy& policy, std::size_t shared,
                        std::size_t shown) {
    (void)policy, (void)shared, (void)shown;
  }
};

// What a stage should take at most, at a million items; one that takes longer is worth a look.
std::int64_t stage_budget_us(Stage stage);

inline constexpr std::uint32_t kShadowEvery = 16;

struct RecommenderOptions {
  WalkLimits walks;
  FilterCacheOptions filter_cache;
  MatchCacheOptions match_cache;
  covisit::ScoreOptions covisit;
  covisit::ScoreOptions baskets;
  // Of the tenant's items. A model's go first; content vectors serve until there are some, and for
  // visitors and pages that the model knows nothing of. Either may be null.
  std::shared_ptr<const ItemVectorsProvider> model_vectors, content_vectors;
  // The pool that diversity and limits choose from, in units of the request's limit.
  std::uint32_t pool_factor = 4;
  // Never score all matches of a filter, however few. For tests, that compare both ways.
  bool always_walk = false;
  // Never know all matches of a filter, test the items one by one. For tests as well.
  bool always_test = false;
};

// Working memory of one thread. Grows to what the largest answer needed, some hundred KB.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  friend class Recommender;
  Context context_;
  ItemTable table_;
  SourceScratch sources_;
  RankScratch rank_;
  Slate slate_;
  std::vector<std::uint32_t> chosen_;
  std::vector<double> boosts_;
};

class Recommender {
 public:
  // `observer` may be null. Clock and observer outlive the Recommender.
  Recommender(RecommenderOptions options, const Clock& clock, AnswerObserver* observer);

  // Replaces `answer`. kInvalidArgument names the field and what would be right.
  Status recommend(const StateView& state, const policy::PlacementPolicy& policy,
                   const Request& request, Scratch& scratch, Answer& answer);

  // Puts request.to_rank, each item once, into the order in which the placement would show them:
  // answer.items, then answer.left_out with those that it would not show. Pages, limits and
  // limits per category do not count. Errors as of recommend().
  Status rank(const StateView& state, const policy::PlacementPolicy& policy, const Request& request,
              Scratch& scratch, Answer& answer);

  // Makes the answer anew and says what became of one item in it (examine.h). Looks at the
  // catalog's best 1000 for the rank: some hundred microseconds.
  Status examine(const StateView& state, const policy::PlacementPolicy& policy,
                 const Request& request, std::string_view item_id, Scratch& scratch, Answer& answer,
                 Verdict& verdict);

  // Appends the record of an answer to `out`, and its time to the answer.
  void record(RequestId id, TenantId tenant, const Request& request, Answer& answer,
              std::string& out) const;

  // The model that later answers ask; null: none. Answers that are being made keep theirs.
  void set_model(std::shared_ptr<const TrainedModel> model) {
    models_.with([&](Models& models) { models.live = std::move(model); });
  }
  std::shared_ptr<const TrainedModel> model() const {
    return models_.with([](const Models& models) { return models.live; });
  }
  // A model whose lists are compared with every kShadowEvery-th answer, and told to the observer.
  void set_shadow(std::shared_ptr<const TrainedModel> model) {
    models_.with([&](Models& models) { models.shadow = std::move(model); });
  }

  FilterCache& filter_cache() { return filter_cache_; }
  MatchCache& match_cache() { return match_cache_; }

 private:
  Status prepare(const StateView& state, const policy::PlacementPolicy& policy,
                 const Request& request, Scratch& scratch, Answer& answer);
  Status observed(Status status, const policy::PlacementPolicy& policy, Scratch& scratch,
                  const Answer& answer) const;
  void rank_given(Scratch& scratch, Answer& answer) const;
  void judge(ItemIndex item, Scratch& scratch, Answer& answer, Verdict& verdict) const;
  struct Place {
    std::uint32_t rank = 0;        // of the item among all that may be shown, 0 if not known
    std::uint32_t last_shown = 0;  // the largest rank of an item of the answer
  };
  Place find_place(ItemIndex item, const Scorer& scorer, Scratch& scratch,
                   const Answer& answer) const;
  Status run(const StateView& state, const policy::PlacementPolicy& policy, const Request& request,
             Scratch& scratch, Answer& answer);
  void gather(Scratch& scratch, Answer& answer) const;
  void take_model(Scratch& scratch, Answer& answer);
  void ask_shadow(Scratch& scratch, const Answer& answer);
  void rank_and_choose(Scratch& scratch, Answer& answer) const;
  void choose_from(Ranker& ranker, const Scorer& scorer, bool enumerated, Scratch& scratch,
                   Answer& answer) const;
  void apply_boosts(const Scorer& scorer, Scratch& scratch) const;
  void write_items(const Scorer& scorer, const Scratch& scratch, Answer& answer) const;

  RecommenderOptions options_;
  const Clock& clock_;
  AnswerObserver* observer_;
  FilterCache filter_cache_;
  MatchCache match_cache_;
  std::vector<std::unique_ptr<EvidenceSource>> sources_;
  const EvidenceSource* near_ = nullptr;  // of sources_; not asked for a recorded answer
  struct Models {
    std::shared_ptr<const TrainedModel> live, shadow;
  };
  Guarded<Models> models_;
  std::atomic<std::uint32_t> shadow_turn_{0};
};

}  // namespace vitrine::recommend
