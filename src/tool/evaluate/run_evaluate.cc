#include "tool/evaluate/run_evaluate.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

#include "service/apply/tenant_state.h"
#include "service/evaluate/baselines.h"
#include "service/evaluate/covisit_scorer.h"
#include "tool/evaluate/data_file.h"
#include "tool/evaluate/html_page.h"
#include "tool/evaluate/readers.h"
#include "tool/evaluate/report.h"
#include "tool/evaluate/tenant_data.h"
#include "tool/evaluate/trained_scorer.h"

namespace vitrine::evaluate {
namespace {

Result<Format> format_of(const std::string& path) {
  VITRINE_TRY(DataFile reader, DataFile::open(path));
  std::string_view line;
  VITRINE_TRY(const bool any, reader.next(line));
  if (!any) return Error(ErrorCode::kInvalidArgument, path + " is empty");
  if (line.find("InvoiceNo") != std::string_view::npos) return Format::kOnlineRetail;
  return std::count(line.begin(), line.end(), '\t') == 2 ? Format::kEvents : Format::kSequences;
}

Result<Dataset> read(const std::string& path, Format format, Progress& progress) {
  switch (format) {
    case Format::kSequences: return read_sequences(path, progress);
    case Format::kOnlineRetail: return read_online_retail(path, progress);
    case Format::kEvents: return read_events(path, progress);
  }
  return Error(ErrorCode::kInternal, "unknown format");
}

Error too_few_cases(const Dataset& data, SplitKind kind, std::size_t cases) {
  const std::string needed = kind == SplitKind::kLeaveOneOut
                                 ? "three different items"
                                 : "events before the cut and a new item behind it";
  if (cases == 0 && !data.live) {
    return {ErrorCode::kInvalidArgument, "nothing to evaluate: no user has " + needed};
  }
  return {ErrorCode::kInvalidArgument,
          data.name + " has " + std::to_string(data.interactions.size()) + " interactions of " +
              std::to_string(data.users.size()) + " visitors, of whom " + std::to_string(cases) +
              " have " + needed + "; at least " + std::to_string(kTenantCasesMin) + " are needed" +
              (kind == SplitKind::kTemporal ? " (--split leave-one-out may find more)" : "")};
}

TimeUs default_cut(const Dataset& data) {
  return data.interactions[data.interactions.size() * 4 / 5].time;
}

}  // namespace

std::string_view split_name(SplitKind kind) {
  return kind == SplitKind::kLeaveOneOut ? "leave one out" : "temporal";
}

std::optional<Format> find_format(std::string_view name) {
  if (name == "sequences") return Format::kSequences;
  if (name == "online-retail") return Format::kOnlineRetail;
  if (name == "events") return Format::kEvents;
  return std::nullopt;
}

std::optional<SplitKind> find_split(std::string_view name) {
  if (name == "leave-one-out") return SplitKind::kLeaveOneOut;
  if (name == "temporal") return SplitKind::kTemporal;
  return std::nullopt;
}

namespace {

Scorers make_scorers(const Dataset& data, const EvaluateOptions& options, Progress& progress) {
  using Histories = CovisitScorer::Histories;
  const bool live = data.live;
  Scorers scorers;
  scorers.push_back(std::make_unique<CovisitScorer>(
      covisit::Options{}, covisit::ScoreOptions{}, live ? Histories::kLive : Histories::kAsListed));
  scorers.push_back(std::make_unique<Popularity>());
  if (live)
    scorers.push_back(std::make_unique<Popularity>(apply::TenantOptions{}.popular_half_life));
  scorers.push_back(std::make_unique<Random>(options.bootstrap.seed));
  for (const learn::Recipe& recipe : options.models) {
    scorers.push_back(std::make_unique<TrainedScorer>(
        TrainedOptions{recipe, data.has_times, data.live, options.k, options.models_memory},
        progress));
  }
  return scorers;
}

// What a scorer that is trained could not be.
Status status_of(const Scorer& scorer) {
  const auto* trained = dynamic_cast<const TrainedScorer*>(&scorer);
  return trained == nullptr ? ok_status() : trained->status();
}

constexpr std::size_t kNewVisitorsMost = 2'000;  // of each number of known events

Result<Split> make_split(const Dataset& data, const EvaluateOptions& options, SplitKind kind) {
  if (kind == SplitKind::kTemporal && !data.has_times) {
    return Error(ErrorCode::kInvalidArgument,
                 data.name + " has no times: use the leave-one-out split");
  }
  Split split = kind == SplitKind::kLeaveOneOut
                    ? leave_one_out(data, LeaveOneOutOptions{options.stage, data.live})
                    : temporal(data, {options.cut.value_or(default_cut(data)),
                                      options.new_items_only, data.live});
  const std::size_t cases_min = data.live ? kTenantCasesMin : 1;
  if (split.cases.size() < cases_min) return too_few_cases(data, kind, split.cases.size());
  return split;
}

// The scorers of a breakdown stand in the order in which they were made, reports by their HR.
void sort_by_hr(Evaluation& evaluation) {
  std::vector<std::size_t> order(evaluation.reports.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return evaluation.reports[a].hr.value > evaluation.reports[b].hr.value;
  });
  const auto reorder = [&](auto& values) {
    auto old = values;
    for (std::size_t i = 0; i < order.size(); ++i) values[i] = old[order[i]];
  };
  reorder(evaluation.reports);
  for (auto* buckets : {&evaluation.activity, &evaluation.popularity, &evaluation.new_visitors,
                        &evaluation.learning}) {
    for (Bucket& bucket : *buckets) reorder(bucket.values);
  }
}

void print_people(const Evaluation& e, std::ostream& out) {
  out << e.name << ": " << e.users << " users, " << e.items << " items, " << e.interactions
      << " interactions";
  if (e.skipped > 0) out << " (" << e.skipped << " rows skipped)";
  out << "\n"
      << split_name(e.split) << ", " << e.train << " interactions to learn from, " << e.cases
      << " cases, ranked over all items, 95 % bootstrap intervals\n\n";
  print_table(out, e.reports);
}

}  // namespace

Result<Evaluation> evaluate(const Dataset& data, const EvaluateOptions& options,
                            Progress& progress) {
  if (options.k < 1 || options.k > 1000) {
    return Error(ErrorCode::kInvalidArgument,
                 "k is " + std::to_string(options.k) + "; it must be 1 to 1000");
  }
  if (!options.models.empty() && options.k > learn::kTopMost) {
    return Error(ErrorCode::kInvalidArgument, "k is " + std::to_string(options.k) +
                                                  "; models give lists of at most " +
                                                  std::to_string(learn::kTopMost));
  }
  if (data.interactions.empty())
    return Error(ErrorCode::kInvalidArgument, "nothing to evaluate: no interactions");
  Evaluation out;
  out.name = data.name;
  out.users = data.users.size();
  out.items = data.items.size();
  out.interactions = data.interactions.size();
  out.skipped = data.skipped;
  out.k = options.k;
  out.split =
      options.split.value_or(data.has_times ? SplitKind::kTemporal : SplitKind::kLeaveOneOut);
  VITRINE_TRY(Split split, make_split(data, options, out.split));
  out.train = split.train.size();
  out.cases = split.cases.size();
  const auto items = static_cast<std::uint32_t>(data.items.size());
  const EvaluatorOptions how{.k = options.k, .mask_history = true, .bootstrap = options.bootstrap};
  const Evaluator evaluator(std::move(split), items, how);
  const auto scorers = [&] { return make_scorers(data, options, progress); };
  std::vector<CaseGroup> strangers;
  if (options.breakdowns && out.split == SplitKind::kTemporal) {
    strangers = new_visitors(data, options.cut.value_or(default_cut(data)), kNewVisitorsMost);
  }
  out.new_visitors = buckets_of(strangers);
  for (const auto& scorer : scorers()) {
    out.reports.push_back(evaluator.run(*scorer));
    VITRINE_TRY(status_of(*scorer));
    add_values(*scorer, strangers, items, options.k, options.bootstrap, out.new_visitors);
  }
  if (options.breakdowns) {
    out.activity = by_activity(evaluator.split(), out.reports, options.bootstrap);
    out.popularity = by_popularity(evaluator.split(), out.reports, options.bootstrap);
    if (options.models.empty() || options.learning_curve) {
      LearningOptions learning;
      learning.evaluator = how;
      out.learning = learning_curve(evaluator.split(), items, scorers, learning);
    }
  }
  sort_by_hr(out);
  return out;
}

Status evaluate_dataset(const Dataset& data, const EvaluateOptions& options, std::ostream& out,
                        Progress& progress) {
  EvaluateOptions wanted = options;
  wanted.breakdowns = options.breakdowns || !options.html.empty();
  VITRINE_TRY(const Evaluation evaluation, evaluate(data, wanted, progress));
  options.json ? print_json(out, evaluation.reports) : print_people(evaluation, out);
  if (options.html.empty()) return ok_status();
  VITRINE_TRY(write_page(options.html, evaluation_page(evaluation)));
  if (!options.json) out << "\nreport with charts: " << options.html << "\n";
  return ok_status();
}

Result<std::vector<learn::Recipe>> read_models(std::string_view kinds,
                                               const std::vector<std::string>& parameters) {
  const auto wrong = [](std::string what) {
    return Error(ErrorCode::kInvalidArgument, std::move(what));
  };
  std::vector<learn::Kind> wanted;
  while (!kinds.empty()) {
    const std::size_t end = std::min(kinds.find(','), kinds.size());
    const auto kind = learn::find_kind(kinds.substr(0, end));
    if (!kind) {
      return wrong("--model takes kinds, separated by commas, of " + learn::kind_names() +
                   "; got '" + std::string(kinds.substr(0, end)) + "'");
    }
    if (std::find(wanted.begin(), wanted.end(), *kind) != wanted.end()) {
      return wrong("--model names " + std::string(learn::kind_name(*kind)) + " twice");
    }
    wanted.push_back(*kind);
    kinds.remove_prefix(std::min(end + 1, kinds.size()));
  }
  std::map<learn::Kind, std::map<std::string, double>> given;
  for (const std::string& one : parameters) {
    const std::size_t dot = one.find('.'), equals = one.find('=');
    double value = 0;
    const char* end = one.data() + one.size();
    const char* begin = equals == std::string::npos ? end : one.data() + equals + 1;
    const auto [at, error] = std::from_chars(begin, end, value);
    if (dot >= equals || begin == end || error != std::errc() || at != end) {
      return wrong("--set takes kind.name=number, such as ials.dimensions=32, got '" + one + "'");
    }
    const auto kind = learn::find_kind(std::string_view(one).substr(0, dot));
    if (!kind || std::find(wanted.begin(), wanted.end(), *kind) == wanted.end()) {
      return wrong("--set " + one + ": --model has no " + one.substr(0, dot));
    }
    given[*kind][one.substr(dot + 1, equals - dot - 1)] = value;
  }
  std::vector<learn::Recipe> recipes;
  for (const learn::Kind kind : wanted) {
    VITRINE_TRY(auto recipe, learn::make_recipe(kind, given[kind]));
    recipes.push_back(std::move(recipe));
  }
  return recipes;
}

Status run_evaluate_tenant(const std::string& data_directory, std::string_view tenant,
                           const EvaluateOptions& options, std::ostream& out, Progress& progress) {
  VITRINE_TRY(const Dataset data, read_tenant(data_directory, tenant, progress));
  return evaluate_dataset(data, options, out, progress);
}

Status run_evaluate(const EvaluateOptions& options, std::ostream& out, Progress& progress) {
  Format format = Format::kSequences;
  if (options.format) {
    format = *options.format;
  } else {
    VITRINE_TRY(format, format_of(options.path));
  }
  VITRINE_TRY(const Dataset data, read(options.path, format, progress));
  return evaluate_dataset(data, options, out, progress);
}

}  // namespace vitrine::evaluate
