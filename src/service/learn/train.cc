#include "service/learn/train.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "platform/io/atomic_file.h"
#include "service/learn/judge.h"

namespace vitrine::learn {
namespace {

using evaluate::Case;
using evaluate::Interaction;
using evaluate::Split;

// Of the interactions in the order of their times.
constexpr double kValidationFrom = 0.7;
constexpr double kTestFrom = 0.8;

Error not_enough(std::string what) {
  return Error(ErrorCode::kInvalidArgument, std::move(what)).with_reason("not_enough_data");
}

// The time before which that share of the interactions lies.
TimeUs time_at(const evaluate::Dataset& data, double share) {
  const auto n = data.interactions.size();
  return data
      .interactions[std::min(n - 1, static_cast<std::size_t>(share * static_cast<double>(n)))]
      .time;
}

Split split_at(const evaluate::Dataset& data, TimeUs cut, std::size_t cases_most) {
  Split split = evaluate::temporal(data, {cut, true, true});
  thin_out(split.cases, cases_most);
  return split;
}

// Only what happened before `end`.
evaluate::Dataset before(const evaluate::Dataset& data, TimeUs end) {
  evaluate::Dataset out;
  out.users.resize(data.users.size());
  out.has_times = out.live = true;
  for (const Interaction& one : data.interactions) {
    if (one.time < end) out.interactions.push_back(one);
  }
  return out;
}

class Training {
 public:
  Training(const TrainRequest& request, const TrainPlace& place, const TrainWatch& watch)
      : request_(request),
        place_(place),
        watch_(watch),
        progress_(watch.progress != nullptr ? *watch.progress : no_progress()),
        workers_(place.executor, std::max(1u, place.threads)) {}

  Result<TrainOutcome> run() {
    started_ns_ = place_.clock.steady_ns();
    VITRINE_TRY(cut());
    VITRINE_TRY(load_live());
    name_it();
    auto existing = place_.store.manifest(request_.tenant, manifest_.id);
    if (existing.ok()) return TrainOutcome{std::move(*existing), true};
    if (existing.error().code() != ErrorCode::kNotFound) return std::move(existing).error();
    VITRINE_TRY(check_memory());
    checkpoint_ =
        directory_checkpoint(place_.files, io::join_path(place_.work_directory, manifest_.id));
    VITRINE_TRY(choose_split());
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
      return not_enough("the log has no interaction of this tenant that may be learned from (" +
                        std::to_string(data_.cut.without_consent) + " are without consent, " +
                        std::to_string(data_.cut.erased) + " erased)");
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
    return request_.warm && live_.model != nullptr && live_.model->kind() == request_.recipe.kind &&
           live_.model->dimensions() > 0;
  }

  void name_it() {
    manifest_.tenant = request_.tenant;
    manifest_.kind = kind_name(request_.recipe.kind);
    manifest_.code_version = place_.code_version;
    manifest_.parameters = request_.recipe.parameters;
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
    manifest_.id = model::make_model_id(manifest_.kind, request_.tenant, data_.cut.position,
                                        manifest_.parameters, manifest_.parent + against);
  }

  Status check_memory() {
    const auto& cut = data_.cut;
    std::uint64_t bytes = training_bytes(request_.recipe, cut.users, cut.items, cut.interactions);
    if (bytes > request_.memory_bytes_max && request_.recipe.kind == Kind::kIals) {
      spill_ = true;
      bytes = training_bytes(request_.recipe, 0, cut.items, cut.interactions);
    }
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

  FitContext context(std::string phase) {
    FitContext out{workers_,          progress_, {}, {}, nullptr, watch_.stop,
                   checkpoint_.get(), {},        {}, {}, nullptr};
    out.phase = std::move(phase);
    out.on_epoch = watch_.on_epoch;
    if (warms_up()) {
      warm_ = {live_.model.get(), live_mapped_.to_data};
      out.warm = &warm_;
    }
    if (spill_) {
      out.spill_directory =
          io::join_path(place_.work_directory, manifest_.id + "/users-" + out.phase);
      out.files = &place_.files;
    }
    return out;
  }

  // Where the test part begins: at 80 %, or where the live model's data ends if that is later and
  // enough visitors came since.
  Status choose_split() {
    const evaluate::Dataset& data = data_.data;
    test_cut_ = time_at(data, kTestFrom);
    test_ = split_at(data, test_cut_, kTestCasesMost);
    if (live_.model != nullptr && live_manifest_->data.append_time > test_cut_) {
      Split later = split_at(data, live_manifest_->data.append_time + 1, kTestCasesMost);
      if (later.cases.size() >= kTestCasesMin) {
        test_cut_ = live_manifest_->data.append_time + 1;
        test_ = std::move(later);
        live_as_stored_ = true;
      }
    } else {
      live_as_stored_ = live_.model != nullptr;
    }
    if (test_.cases.size() < kTestCasesMin) {
      return not_enough("the log has " + std::to_string(data.interactions.size()) +
                        " interactions of " + std::to_string(data.users.size()) +
                        " visitors, of whom " + std::to_string(test_.cases.size()) +
                        " turned to something new in the last part of the time; at least " +
                        std::to_string(kTestCasesMin) + " are needed to judge a model");
    }
    const evaluate::Dataset early = before(data, test_cut_);
    const TimeUs validation_cut = time_at(early, kValidationFrom / kTestFrom);
    validation_ = split_at(early, validation_cut, kValidationCasesMost);
    if (validation_.cases.size() < kValidationCasesMin) {
      return not_enough("only " + std::to_string(validation_.cases.size()) +
                        " visitors came back in the part of the time that is for choosing; at "
                        "least " +
                        std::to_string(kValidationCasesMin) + " are needed");
    }
    return ok_status();
  }

  Status choose() {
    stage("choose");
    FitContext context = this->context("choose");
    AloneScorer alone("", probe_);
    alone.fit(validation_.train, items());
    context.validate = [&](const FittedModel& model) {
      probe_.model = &model;
      return mean_ndcg(alone, validation_.cases, items(), request_.k);
    };
    VITRINE_TRY(auto fit, fit_model(request_.recipe, validation_.train, items(), context));
    epochs_ = fit.report.epochs;
    manifest_.train_cpu_s += fit.report.cpu_s;
    manifest_.weight = choose_weight({fit.model.get(), {}, {}}, validation_, items(), request_.k);
    return ok_status();
  }

  FitContext settled(std::string phase) {
    FitContext out = context(std::move(phase));
    if (epochs_ > 0) out.epochs = epochs_;
    return out;
  }

  Status judge() {
    stage("judge");
    VITRINE_TRY(auto fit, fit_model(request_.recipe, test_.train, items(), settled("judge")));
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

    model::Judgement& judgement = manifest_.judgement;
    judgement.cut = test_cut_;
    judgement.cases = reports.front().cases;
    judgement.k = request_.k;
    judgement.comparisons.push_back(
        compare(reports[0], as_item_item, "item-item", "as it serves", how.bootstrap));
    if (live_manifest_) {
      VITRINE_TRY(auto live, judge_live(evaluator, item_item));
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
    if (request_.learning_curve) VITRINE_TRY(learning_curve(evaluator, judgement));
    decide(judgement);
    return ok_status();
  }

  Result<evaluate::Report> judge_live(const evaluate::Evaluator& evaluator,
                                      evaluate::CovisitScorer& item_item) {
    std::unique_ptr<FittedModel> again;
    MappedModel mapped = live_mapped_;
    double cpu_s = live_manifest_->train_cpu_s;
    if (!live_as_stored_) {
      const auto kind = find_kind(live_manifest_->kind);
      if (!kind) {
        return Error(ErrorCode::kUnsupported, "the live model is of kind " + live_manifest_->kind +
                                                  ", which this version does not know");
      }
      FitContext context{workers_, progress_, {}, {}, nullptr, watch_.stop,
                         nullptr,  {},        {}, {}, nullptr};
      if (!live_manifest_->losses.empty()) {
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
      VITRINE_TRY(auto fit, fit_model(request_.recipe, part.train, items(), context));
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
    VITRINE_TRY(auto fit,
                fit_model(request_.recipe, data_.data.interactions, items(), settled("final")));
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
  std::uint32_t epochs_ = 0;
  model::Manifest manifest_;
};

// A file a phase; written whole or not at all. What can't be read is begun anew.
class DirectoryCheckpoint final : public Checkpoint {
 public:
  DirectoryCheckpoint(io::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  Result<std::optional<std::string>> load(std::string_view phase) override {
    const std::string path = file_of(phase);
    VITRINE_TRY(const bool exists, files_.exists(path));
    if (!exists) return std::optional<std::string>();
    VITRINE_TRY(std::string bytes, io::read_file(files_, path, kModelBytesMax));
    StringSource in(bytes);
    Hash128 hash;
    if (!in.value(hash).ok() || in.remaining() == 0) {
      return std::optional<std::string>();
    }
    bytes.erase(0, sizeof hash);
    if (hash128(bytes) != hash) return std::optional<std::string>();
    return std::optional(std::move(bytes));
  }
  Status save(std::string_view phase, const std::string& bytes) override {
    VITRINE_TRY(files_.create_directories(directory_));
    StringSink out;
    out.value(hash128(bytes));
    out.write(bytes);
    return io::write_file_atomically(files_, file_of(phase), out.bytes());
  }
  Status clear() override {
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
    return error ? io_error("remove", directory_, error.value()) : ok_status();
  }

 private:
  std::string file_of(std::string_view phase) const {
    return io::join_path(directory_, std::string(phase) + ".checkpoint");
  }
  io::FileSystem& files_;
  const std::string directory_;
};

}  // namespace

std::unique_ptr<Checkpoint> directory_checkpoint(io::FileSystem& files, std::string directory) {
  return std::make_unique<DirectoryCheckpoint>(files, std::move(directory));
}

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
