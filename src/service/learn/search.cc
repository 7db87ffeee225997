#include "service/learn/search.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "engine/vec/random.h"
#include "service/learn/judge.h"

namespace vitrine::learn {
namespace {

constexpr std::string_view kPhase = "search";
// Draws in a row that were there before, or take too much memory, before the space is used up.
constexpr std::uint64_t kMissesMost = 64;

constexpr SearchRange kPopularity[] = {{"half_life_days", 1, 365, true, 0}};
constexpr SearchRange kItemItem[] = {{"neighbours", 16, 512, true, 1}};
constexpr SearchRange kItemFilter[] = {{"order", 2, 16, false, 1},
                                       {"flatness", 0.5, 4, true, 0},
                                       {"rank", 32, 512, true, 16},
                                       {"rank_weight", 0.05, 1.5, true, 0},
                                       {"degree_power", -0.2, 0.8, false, 0}};
constexpr SearchRange kEase[] = {{"ridge", 5, 5000, true, 0},
                                 {"degree_power", -0.2, 0.6, false, 0}};
constexpr SearchRange kIals[] = {{"dimensions", 32, 256, true, 16},
                                 {"unobserved", 0.001, 1, true, 0},
                                 {"ridge", 0.0003, 0.1, true, 0},
                                 {"frequency_power", 0.4, 1.2, false, 0}};
constexpr SearchRange kSession[] = {{"width", 32, 128, true, 16},
                                    {"batch", 128, 1024, true, 1},
                                    {"dropout", 0.1, 0.6, false, 0},
                                    {"rate", 0.0003, 0.005, true, 0}};

constexpr SearchRange kEmbedding[] = {
    {"dimensions", 32, 256, true, 16}, {"rate", 0.00005, 0.003, true, 0},
    {"smoothness", 0, 1, false, 0},    {"degree_power", 0, 0.8, false, 0},
    {"sharpness", 0.5, 8, true, 0},    {"hop", 0, 1, false, 0}};
constexpr SearchRange kBlend[] = {
    {"ials_dimensions", 32, 256, true, 16},  {"ials_unobserved", 0.001, 1, true, 0},
    {"ials_ridge", 0.0003, 0.1, true, 0},    {"session_width", 32, 128, true, 16},
    {"session_dropout", 0.1, 0.6, false, 0}, {"session_rate", 0.0003, 0.005, true, 0}};

const SearchRange* range_of(Kind kind, std::string_view name) {
  for (const SearchRange& range : search_ranges(kind)) {
    if (range.name == name) return &range;
  }
  return nullptr;
}

bool is_fixed(std::span<const std::string> fixed, std::string_view name) {
  return std::find(fixed.begin(), fixed.end(), name) != fixed.end();
}

std::size_t searched_of(Kind kind, std::span<const std::string> fixed) {
  const auto ranges = search_ranges(kind);
  return static_cast<std::size_t>(
      std::count_if(ranges.begin(), ranges.end(),
                    [&](const auto& range) { return !is_fixed(fixed, range.name); }));
}

// The number above 1 with x^(n + 1) = x + 1: its powers cover n dimensions most evenly.
double generalised_golden_ratio(std::size_t n) {
  double x = 1.5;
  for (int i = 0; i < 64; ++i) x = std::pow(1 + x, 1.0 / (static_cast<double>(n) + 1));
  return x;
}

double value_at(const SearchRange& range, double share) {
  double value = range.log ? range.low * std::pow(range.high / range.low, share)
                           : range.low + (range.high - range.low) * share;
  if (range.step > 0) {
    value = std::round(value / range.step) * range.step;
  } else {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    value = std::strtod(text, nullptr);
  }
  return std::clamp(value, range.low, range.high);
}

// Says which trial a phase belongs to, how good the best one is, and how long the search goes on.
class TrialProgress final : public Progress {
 public:
  TrialProgress(Progress& outer, std::string prefix) : outer_(outer), prefix_(std::move(prefix)) {}
  void start(std::string_view phase, std::uint64_t total, std::string_view unit) override {
    outer_.start(prefix_ + std::string(phase), total, unit);
  }
  void update(std::uint64_t done) override { outer_.update(done); }
  void finish() override { outer_.finish(); }

 private:
  Progress& outer_;
  const std::string prefix_;
};

class Searching {
 public:
  Searching(const Recipe& first, const SearchRequest& request, const SearchPlace& place)
      : first_(first), request_(request), place_(place), alone_("", probe_) {
    found_.searched = true;
    found_.trials_most = request.trials;
    found_.seconds_most = request.time ? static_cast<double>(*request.time) / 1e6 : -1;
    alone_.fit(place.validation.train, place.items);
  }

  Result<model::Search> run() {
    VITRINE_TRY(load());
    while (found_.ended.empty()) VITRINE_TRY(one());
    return std::move(found_);
  }

 private:
  bool is_first() const { return found_.trials.empty(); }
  bool stopped() const { return place_.stop != nullptr && *place_.stop; }
  double elapsed() const {
    return spent_ + static_cast<double>(place_.clock.steady_ns() - began_ns_) / 1e9;
  }
  bool out_of_time() const { return request_.time && elapsed() >= found_.seconds_most; }

  std::string prefix() const {
    char text[128];
    std::string out = "trial " + std::to_string(found_.trials.size() + 1);
    if (request_.trials < kTrialsMost) out += " of " + std::to_string(request_.trials);
    if (is_first()) return out + ": ";
    std::snprintf(text, sizeof text, " (best NDCG@%zu %.4f", place_.k, best().measure);
    out += text;
    const double each = elapsed() / static_cast<double>(found_.trials.size());
    double left = each * static_cast<double>(request_.trials - found_.trials.size());
    if (request_.time) left = std::min(left, std::max(0.0, found_.seconds_most - elapsed()));
    return out + ", about " + human_duration(left) + " to go): ";
  }
  const model::Trial& best() const { return found_.trials[found_.chosen]; }

  Status one() {
    if (found_.trials.size() >= request_.trials) return end("trials");
    if (!is_first() && out_of_time()) return end("time");
    if (stopped()) return stop_here();
    TrialProgress progress(place_.progress, prefix());
    for (std::uint64_t misses = 0; misses < kMissesMost; ++misses, ++draw_) {
      const Recipe recipe = draw_ == 0 ? first_ : drawn_recipe(first_, request_.fixed, draw_);
      if (was_tried(recipe)) continue;
      const std::string phase = "search-" + std::to_string(draw_);
      auto context = place_.context(recipe, phase, progress);
      if (context.ok()) return fit(recipe, *context, phase);
      if (is_first() || context.error().code() != ErrorCode::kTooLarge) {
        return std::move(context).error();
      }
    }
    return end("space");
  }

  Status fit(const Recipe& recipe, FitContext& context, const std::string& phase) {
    const double before = elapsed();
    const auto measure_of = [this](const FittedModel& model) {
      probe_.model = &model;
      return mean_ndcg(alone_, place_.validation.cases, place_.items, place_.k);
    };
    context.validate = measure_of;
    context.checkpoint = &place_.checkpoint;
    context.stop = place_.stop;
    if (!is_first() && request_.time) context.out_of_time = [this] { return out_of_time(); };
    auto fit = fit_model(recipe, place_.validation.train, place_.items, context);
    model::Trial trial;
    if (fit.ok()) {
      const FitReport& report = fit->report;
      trial.parameters = recipe.parameters;
      trial.epochs = report.epochs;
      trial.measure = measure_of(*fit->model);
    } else if (fit.error().reason() == "training_stopped") {
      if (stopped()) return stop_here();
      VITRINE_TRY(place_.checkpoint.remove(phase));
      return end("time");
    } else if (is_first()) {
      return std::move(fit).error();
    } else {
      trial.parameters = recipe.parameters;
      trial.failed = fit.error().message();
    }
    // Kinds without epochs end only here.
    if (!is_first() && out_of_time()) {
      VITRINE_TRY(place_.checkpoint.remove(phase));
      return end("time");
    }
    trial.seconds = elapsed() - before;
    const bool better = trial.failed.empty() && (is_first() || trial.measure > best().measure);
    found_.trials.push_back(std::move(trial));
    if (better) found_.chosen = found_.trials.size() - 1;
    ++draw_;
    VITRINE_TRY(save());
    VITRINE_TRY(place_.checkpoint.remove(phase));
    if (place_.on_trial) place_.on_trial(found_);
    return ok_status();
  }

  bool was_tried(const Recipe& recipe) const {
    return std::any_of(found_.trials.begin(), found_.trials.end(),
                       [&](const auto& trial) { return trial.parameters == recipe.parameters; });
  }

  Status end(std::string why) {
    found_.ended = std::move(why);
    return save();
  }
  // The trial that runs goes on next time, as the same one.
  Status stop_here() {
    VITRINE_TRY(save());
    return training_stopped();
  }

  // Layout: draw u64, seconds f64, ended string, chosen u64, count u64, then the trials.
  Status save() {
    StringSink out;
    out.value(draw_);
    out.value(elapsed());
    out.string(found_.ended);
    out.value<std::uint64_t>(found_.chosen);
    out.value<std::uint64_t>(found_.trials.size());
    for (const model::Trial& trial : found_.trials) {
      for (const auto& [name, value] : trial.parameters) out.value(value);
      out.value(trial.measure);
      out.value(trial.seconds);
      out.value(trial.epochs);
      out.string(trial.failed);
    }
    return place_.checkpoint.save(kPhase, out.bytes());
  }

  // What can't be read is begun anew.
  Status load() {
    began_ns_ = place_.clock.steady_ns();
    VITRINE_TRY(const auto saved, place_.checkpoint.load(kPhase));
    if (!saved) return ok_status();
    const model::Search fresh = found_;
    StringSource in(*saved);
    if (decode(in).ok()) return ok_status();
    found_ = fresh;
    draw_ = 0;
    spent_ = 0;
    return ok_status();
  }
  Status decode(Source& in) {
    std::uint64_t trials = 0;
    VITRINE_TRY(in.value(draw_));
    VITRINE_TRY(in.value(spent_));
    VITRINE_TRY(in.string(found_.ended));
    VITRINE_TRY(in.value(found_.chosen));
    VITRINE_TRY(in.value(trials));
    for (std::uint64_t n = 0; n < std::min<std::uint64_t>(trials, kTrialsMost); ++n) {
      model::Trial& trial = found_.trials.emplace_back();
      trial.parameters = first_.parameters;
      for (auto& [name, value] : trial.parameters) VITRINE_TRY(in.value(value));
      VITRINE_TRY(in.value(trial.measure));
      VITRINE_TRY(in.value(trial.seconds));
      VITRINE_TRY(in.value(trial.epochs));
      VITRINE_TRY(in.string(trial.failed));
    }
    return ok_status();
  }

  const Recipe& first_;
  const SearchRequest& request_;
  const SearchPlace& place_;
  MappedModel probe_;
  AloneScorer alone_;
  model::Search found_;
  std::uint64_t draw_ = 0;  // what is tried now, or next
  double spent_ = 0;        // seconds, of earlier runs
  std::int64_t began_ns_ = 0;
};

}  // namespace

std::span<const SearchRange> search_ranges(Kind kind) {
  switch (kind) {
    case Kind::kPopularity: return kPopularity;
    case Kind::kItemItem: return kItemItem;
    case Kind::kItemFilter: return kItemFilter;
    case Kind::kEase: return kEase;
    case Kind::kIals: return kIals;
    case Kind::kSession: return kSession;
    case Kind::kEmbedding: return kEmbedding;
    case Kind::kBlend: return kBlend;
  }
  return {};
}

Status check_search(Kind kind, const SearchRequest& request) {
  const auto wrong = [](const std::string& what) {
    return Error(ErrorCode::kInvalidArgument, what).with_reason("invalid_request");
  };
  if (request.time && (*request.time < 0 || *request.time > kSearchTimeMost)) {
    return wrong("a search takes 0 s to " + std::to_string(kSearchTimeMost / kDayUs) +
                 " days, got " + std::to_string(*request.time / kSecondUs) + " s");
  }
  if (request.trials < 1 || request.trials > kTrialsMost) {
    return wrong("a search has 1 to " + std::to_string(kTrialsMost) + " trials, got " +
                 std::to_string(request.trials));
  }
  if (searched_of(kind, request.fixed) > 0) return ok_status();
  std::string names;
  for (const SearchRange& range : search_ranges(kind)) {
    names += (names.empty() ? "" : ", ") + std::string(range.name);
  }
  return wrong("nothing is left to be searched: of " + std::string(kind_name(kind)) + " that is " +
               names + ", and all of it was given");
}

Recipe drawn_recipe(const Recipe& first, std::span<const std::string> fixed, std::uint64_t n) {
  const std::size_t dimensions = searched_of(first.kind, fixed);
  const double ratio = generalised_golden_ratio(dimensions);
  vec::Random random(first.seed());
  Recipe recipe = first;
  double step = 1;
  for (auto& [name, value] : recipe.parameters) {
    const SearchRange* range = range_of(first.kind, name);
    if (range == nullptr || is_fixed(fixed, name)) continue;
    step /= ratio;
    const double at = random.uniform() + static_cast<double>(n) * step;
    value = value_at(*range, at - std::floor(at));
  }
  return recipe;
}

Result<model::Search> search_recipe(const Recipe& first, const SearchRequest& request,
                                    const SearchPlace& place) {
  VITRINE_TRY(check_search(first.kind, request));
  return Searching(first, request, place).run();
}

Recipe recipe_of(Kind kind, const model::Trial& trial) { return {kind, trial.parameters}; }

}  // namespace vitrine::learn
