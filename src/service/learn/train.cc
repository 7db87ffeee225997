#include "service/learn/train.h"

#include <algorithm>
#include <cstdio>

#include "service/learn/checkpoint.h"
#include "service/learn/judge.h"
#include "service/learn/parts.h"

namespace vitrine::learn {
namespace {

using evaluate::Split;

// Of everything that a search's result depends on beside the recipe.
std::string search_text(const SearchRequest& search) {
  std::string text =
      "search " + std::to_string(search.time.value_or(-1)) + " " + std::to_string(search.trials);
  for (const std::string& name : search.fixed) text += " " + name;
  return text;
}

class Training {
 public:
  Training(const TrainRequest& request, const TrainPlace& place, const TrainWatch& watch)
      : request_(request),
        place_(place),
        watch_(watch),
        progress_(watch.progress != nullptr ? *watch.progress : no_progress()),
        workers_(place.executor, std::max(1u, place.threads)),
        recipe_(request.recipe) {}

  Result<TrainOutcome> run() {
    started_ns_ = place_.clock.steady_ns();
    VITRINE_TRY(cut());
    VITRINE_TRY(load_live());
    name_it();
    auto existing = place_.store.manifest(request_.tenant, manifest_.id);
    if (existing.ok()) return TrainOutcome{std::move(*existing), true};
    if (existing.error().code() != ErrorCode::kNotFound) return std::move(existing).error();
    VITRINE_TRY(check_memory(recipe_));
    checkpoint_ =
        directory_checkpoint(place_.files, io::join_path(place_.work_directory, manifest_.id));
    VITRINE_TRY(choose_split());
    if (request_.search) VITRINE_TRY(search());
    VITRINE_TRY(choose());
    VITRINE_TRY(judge());
    return finish();
  }

 private:
  void stage(std::string_view name) {
    if (watch_.on_stage) watch_.on_stage(name);
  }
  std::uint32_t items() const { return static_cast<std::uint32_t>(data_.data.items.size()); }

  Status cut() {
    stage("cut");
    CutOptions options;
    options.until = request_.until;
    options.stop = watch_.stop;
    if (!request_.flagged.empty()) {
      options.flagged = [this](const Hash128& key) {
        return std::binary_search(request_.flagged.begin(), request_.flagged.end(), key);
      };
    }
    VITRINE_TRY(data_, cut_tenant_data(place_.files, place_.log_directory, request_.tenant, options,
                                       progress_));
    if (data_.data.interactions.empty()) {
      return Error(ErrorCode::kInvalidArgument,
                   "the log has no interaction of this tenant that may be learned from (" +
                       std::to_string(data_.cut.without_consent) + " are without consent, " +
                       std::to_string(data_.cut.erased) + " erased)")
          .with_reason("not_enough_data");
    }
    return ok_status();
  }

  Status load_live() {
    const std::string id = request_.live.value_or(data_.models.live());
    if (id.empty()) return ok_status();
    auto manifest = place_.store.manifest(request_.tenant, id);
    if (manifest.ok()) {
      live_manifest_ = std::move(*manifest);
      auto stored = place_.store.load(*live_manifest_);
      // Of a damaged one the settings are compared.
      if (!stored.ok()) return ok_status();
      live_ = std::move(*stored);
      live_mapped_ = map_model(*live_.model, live_.items, data_.data.items);
      return ok_status();
    }
    return std::move(manifest).error().context("the live model");
  }

  bool warms_up() const {
    // Settings that differ have tables that differ: a search begins anew.
    return request_.warm && !request_.search && live_.model != nullptr &&
           live_.model->kind() == recipe_.kind && can_warm_up(recipe_.kind);
  }

  void name_it() {
    manifest_.tenant = request_.tenant;
    manifest_.kind = kind_name(recipe_.kind);
    manifest_.code_version = place_.code_version;
    manifest_.parameters = recipe_.parameters;
    manifest_.data = data_.cut;
    if (warms_up()) manifest_.parent = live_manifest_->id;
    // Judged against another live model it is another manifest.
    std::string against = live_manifest_ ? "|" + live_manifest_->id : std::string();
    // Without others who are flagged, too.
    if (data_.cut.flagged > 0) {
      const std::string_view keys(reinterpret_cast<const char*>(request_.flagged.data()),
                                  request_.flagged.size() * sizeof(Hash128));
      against += "|" + std::to_string(hash64(keys));
    }
    // Found by another search it may be another model.
    if (request_.search) against += "|" + search_text(*request_.search);
    manifest_.id = model::make_model_id(manifest_.kind, request_.tenant, data_.cut.position,
                                        manifest_.parameters, manifest_.parent + against);
  }

  // What training takes at most; sets spill_ where users must go to files.
  Status check_memory(const Recipe& recipe) {
    const auto& cut = data_.cut;
    std::uint64_t bytes = training_bytes(recipe, cut.users, cut.items, cut.interactions);
    spill_ = bytes > request_.memory_bytes_max && recipe.kind == Kind::kIals;
    if (spill_) bytes = training_bytes(recipe, 0, cut.items, cut.interactions);
    manifest_.memory_bytes = bytes;
    if (bytes <= request_.memory_bytes_max) return ok_status();
    return Error(ErrorCode::kTooLarge,
                 "training " + manifest_.kind + " on " + std::to_string(cut.interactions) +
                     " interactions of " + std::to_string(cut.users) + " visitors with " +
                     std::to_string(cut.items) + " items takes about " +
                     human_bytes(static_cast<double>(bytes)) + ", above the budget of " +
                     human_bytes(static_cast<double>(request_.memory_bytes_max)) +
                     ": raise it, or choose fewer dimensions or another kind")
        .with_reason("memory_budget");
  }

  FitContext context(std::string phase, Progress* progress = nullptr) {
    FitContext out{workers_, progress == nullptr ? progress_ : *progress};
    out.stop = watch_.stop;
    out.checkpoint = checkpoint_.get();
    out.phase = std::move(phase);
    out.on_epoch = watch_.on_epoch;
    if (warms_up()) {
      warm_ = {live_.model.get(), live_mapped_.to_data};
      out.warm = &warm_;
    }
    if (spill_) {
      // One trial after the other has the same files.
      const std::string name = out.phase.starts_with("search-") ? "search" : out.phase;
      out.spill_directory = io::join_path(place_.work_directory, manifest_.id + "/users-" + name);
      out.files = &place_.files;
    }
    return out;
  }

  Status choose_split() {
    std::optional<TimeUs> live_end;
    if (live_.model != nullptr) live_end = live_manifest_->data.append_time;
    VITRINE_TRY(Parts parts, cut_parts(data_.data, live_end));
    test_cut_ = parts.test_cut;
    test_ = std::move(parts.test);
    validation_ = std::move(parts.validation);
    live_as_stored_ = parts.behind_live;
    return ok_status();
  }

  // Sets recipe and epochs to those of the best trial.
  Status search() {
    stage("search");
    const SearchPlace place{
        validation_,
        items(),
        request_.k,
        place_.clock,
        *checkpoint_,
        [this](const Recipe& recipe, std::string phase, Progress& progress) -> Result<FitContext> {
          VITRINE_TRY(check_memory(recipe));
          return context(std::move(phase), &progress);
        },
        progress_,
        watch_.stop,
        watch_.on_trial};
    VITRINE_TRY(manifest_.search, search_recipe(recipe_, *request_.search, place));
    const model::Trial& best = manifest_.search.trials[manifest_.search.chosen];
    recipe_ = recipe_of(recipe_.kind, best);
    manifest_.parameters = recipe_.parameters;
    if (has_epochs(recipe_.kind)) epochs_ = static_cast<std::uint32_t>(best.epochs);
    return check_memory(recipe_);
  }

  // When to stop, and the weight. After a search the first is known.
  Status choose() {
    stage("choose");
    FitContext context = settled("choose");
    AloneScorer alone("", probe_);
    // What a blend settles on is chosen here in any case.
    if (!request_.search || recipe_.kind == Kind::kBlend) {
      alone.fit(validation_.train, items());
      context.validate = [&](const FittedModel& model) {
        probe_.model = &model;
        return mean_ndcg(alone, validation_.cases, items(), request_.k);
      };
    }
    VITRINE_TRY(auto fit, fit_model(recipe_, validation_.train, items(), context));
    if (has_epochs(recipe_.kind)) epochs_ = fit.report.epochs;
    if (fit.report.settled) {
      recipe_ = *fit.report.settled;
      manifest_.parameters = recipe_.parameters;
    }
    manifest_.train_cpu_s += fit.report.cpu_s;
    manifest_.weight = choose_weight({fit.model.get(), {}, {}}, validation_, items(), request_.k);
    return ok_status();
  }

  FitContext settled(std::string phase) {
    FitContext out = context(std::move(phase));
    out.epochs = epochs_;
    return out;
  }

  Status judge() {
    stage("judge");
    VITRINE_TRY(auto fit, fit_model(recipe_, test_.train, items(), settled("judge")));
    manifest_.train_cpu_s += fit.report.cpu_s;
    const double fit_cpu_s = fit.report.cpu_s;
    const MappedModel mapped{fit.model.get(), {}, {}};
    evaluate::EvaluatorOptions how;
    how.k = request_.k;
    const evaluate::Evaluator evaluator(std::move(test_), items(), how);
    const std::string name = manifest_.kind;

    std::vector<evaluate::Report> reports;
    evaluate::CovisitScorer item_item({}, {}, evaluate::CovisitScorer::Histories::kLive);
    const evaluate::Report as_item_item = evaluator.run(item_item);
    MixScorer mix(name + " as it would serve", mapped, manifest_.weight, item_item);
    AloneScorer alone(name + " alone", mapped);
    reports.push_back(evaluator.run(mix));
    reports.back().fit_cpu_s = fit_cpu_s + as_item_item.fit_cpu_s;
    reports.push_back(evaluator.run(alone));
    reports.back().fit_cpu_s = fit_cpu_s;
    reports.push_back(as_item_item);
    evaluate::Popularity popularity(30 * kDayUs);
    reports.push_back(evaluator.run(popularity));

    const auto strangers = evaluate::new_visitors(data_.data, test_cut_, kNewVisitorsMost);
    auto by_strangers = evaluate::buckets_of(strangers);
    const auto ask_strangers = [&](evaluate::Scorer& scorer) {
      evaluate::add_values(scorer, strangers, items(), request_.k, how.bootstrap, by_strangers);
    };
    for (evaluate::Scorer* scorer :
         std::initializer_list<evaluate::Scorer*>{&mix, &alone, &item_item, &popularity}) {
      ask_strangers(*scorer);
    }

    model::Judgement& judgement = manifest_.judgement;
    judgement.cut = test_cut_;
    judgement.cases = reports.front().cases;
    judgement.k = request_.k;
    judgement.comparisons.push_back(
        compare(reports[0], as_item_item, "item-item", "as it serves", how.bootstrap));
    if (live_manifest_) {
      VITRINE_TRY(auto live, judge_live(evaluator, item_item, ask_strangers));
      judgement.comparisons.push_back(compare(
          reports[0], live, live_manifest_->id,
          live_as_stored_ ? "stored model" : "its settings on the same data", how.bootstrap));
      reports.push_back(std::move(live));
    }
    judgement.table = table_of(reports);
    judgement.activity =
        breakdown_of(evaluate::by_activity(evaluator.split(), reports, how.bootstrap));
    judgement.popularity =
        breakdown_of(evaluate::by_popularity(evaluator.split(), reports, how.bootstrap));
    judgement.new_visitors = breakdown_of(by_strangers);
    if (request_.learning_curve) VITRINE_TRY(learning_curve(evaluator, judgement));
    decide(judgement);
    return ok_status();
  }

  Result<evaluate::Report> judge_live(const evaluate::Evaluator& evaluator,
                                      evaluate::CovisitScorer& item_item,
                                      const std::function<void(evaluate::Scorer&)>& ask_strangers) {
    std::unique_ptr<FittedModel> again;
    MappedModel mapped = live_mapped_;
    double cpu_s = live_manifest_->train_cpu_s;
    if (!live_as_stored_) {
      const auto kind = find_kind(live_manifest_->kind);
      if (!kind) {
        return Error(ErrorCode::kUnsupported, "the live model is of kind " + live_manifest_->kind +
                                                  ", which this version does not know");
      }
      FitContext context{workers_, progress_};
      context.stop = watch_.stop;
      // An embedding without any epoch is its start.
      if (!live_manifest_->losses.empty() || *kind == Kind::kEmbedding) {
        context.epochs = static_cast<std::uint32_t>(live_manifest_->losses.size());
      }
      VITRINE_TRY(auto fit, fit_model({*kind, live_manifest_->parameters}, evaluator.split().train,
                                      items(), context));
      cpu_s = fit.report.cpu_s;
      again = std::move(fit.model);
      mapped = {again.get(), {}, {}};
    }
    MixScorer live(live_manifest_->id + " as it serves", mapped, live_manifest_->weight, item_item);
    evaluate::Report report = evaluator.run(live);
    report.fit_cpu_s = cpu_s;
    ask_strangers(live);
    return report;
  }

  // NDCG after learning from the first share of the data only; in the table's order: the model as
  // it would serve and alone, item-item, popularity.
  Status learning_curve(const evaluate::Evaluator& judged, model::Judgement& judgement) {
    Split part;
    part.cases = judged.split().cases;
    thin_out(part.cases, 2000);
    for (const double share : {0.1, 0.25, 0.5, 1.0}) {
      const auto n =
          static_cast<std::ptrdiff_t>(share * static_cast<double>(judged.split().train.size()));
      part.train.assign(judged.split().train.begin(), judged.split().train.begin() + n);
      if (part.train.empty()) continue;
      FitContext context = settled("curve-" + std::to_string(n));
      VITRINE_TRY(auto fit, fit_model(recipe_, part.train, items(), context));
      const MappedModel mapped{fit.model.get(), {}, {}};
      const evaluate::Evaluator evaluator(part, items(), judged.options());
      evaluate::CovisitScorer item_item({}, {}, evaluate::CovisitScorer::Histories::kLive);
      const evaluate::Report base = evaluator.run(item_item);
      MixScorer mix("mix", mapped, manifest_.weight, item_item);
      AloneScorer alone("alone", mapped);
      evaluate::Popularity popularity(30 * kDayUs);
      auto& row = judgement.learning.emplace_back();
      char name[32];
      std::snprintf(name, sizeof name, "%g %%", 100 * share);
      row.name = name;
      row.size = part.train.size();
      for (const evaluate::Report& report :
           {evaluator.run(mix), evaluator.run(alone), base, evaluator.run(popularity)}) {
        row.values.push_back({report.ndcg.value, report.ndcg.low, report.ndcg.high});
      }
    }
    return ok_status();
  }

  Result<TrainOutcome> finish() {
    stage("final");
    VITRINE_TRY(auto fit, fit_model(recipe_, data_.data.interactions, items(), settled("final")));
    manifest_.train_cpu_s += fit.report.cpu_s;
    manifest_.losses = fit.report.losses;
    manifest_.created = place_.clock.wall_us();
    manifest_.train_s = static_cast<double>(place_.clock.steady_ns() - started_ns_) / 1e9;
    VITRINE_TRY(place_.store.put(manifest_, encode_model(data_.data.items, *fit.model)));
    VITRINE_TRY(checkpoint_->clear());
    return TrainOutcome{std::move(manifest_), false};
  }

  const TrainRequest& request_;
  const TrainPlace& place_;
  const TrainWatch& watch_;
  Progress& progress_;
  graph::Workers workers_;
  std::int64_t started_ns_ = 0;
  TenantData data_;
  std::optional<model::Manifest> live_manifest_;
  StoredModel live_;
  MappedModel live_mapped_;
  bool live_as_stored_ = false;
  WarmStart warm_;
  MappedModel probe_;
  bool spill_ = false;
  std::unique_ptr<Checkpoint> checkpoint_;
  TimeUs test_cut_ = 0;
  Split test_, validation_;
  Recipe recipe_;  // as asked for; after a search, the best trial's
  std::optional<std::uint32_t> epochs_;
  model::Manifest manifest_;
};

}  // namespace

Result<TrainOutcome> train_model(const TrainRequest& request, const TrainPlace& place,
                                 const TrainWatch& watch) {
  if (request.k < 1 || request.k > kTopMost) {
    return Error(ErrorCode::kInvalidArgument, "k must be 1 to " + std::to_string(kTopMost) +
                                                  ", got " + std::to_string(request.k))
        .with_reason("invalid_request");
  }
  return Training(request, place, watch).run();
}

}  // namespace vitrine::learn
