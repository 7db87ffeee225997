#include "tool/evaluate/run_evaluate.h"

#include <algorithm>

#include "service/apply/tenant_state.h"
#include "tool/evaluate/baselines.h"
#include "tool/evaluate/covisit_scorer.h"
#include "tool/evaluate/data_file.h"
#include "tool/evaluate/report.h"
#include "tool/evaluate/tenant_data.h"

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

Status evaluate_dataset(const Dataset& data, const EvaluateOptions& options, std::ostream& out) {
  if (options.k < 1 || options.k > 1000) {
    return Error(ErrorCode::kInvalidArgument,
                 "k is " + std::to_string(options.k) + "; it must be 1 to 1000");
  }
  if (data.interactions.empty())
    return Error(ErrorCode::kInvalidArgument, "nothing to evaluate: no interactions");
  const SplitKind kind =
      options.split.value_or(data.has_times ? SplitKind::kTemporal : SplitKind::kLeaveOneOut);
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
  if (!options.json) {
    out << data.name << ": " << data.users.size() << " users, " << data.items.size() << " items, "
        << data.interactions.size() << " interactions";
    if (data.skipped > 0) out << " (" << data.skipped << " rows skipped)";
    out << "\n"
        << (kind == SplitKind::kLeaveOneOut ? "leave one out" : "temporal") << ", "
        << split.train.size() << " interactions to learn from, " << split.cases.size()
        << " cases, ranked over all items, 95 % bootstrap intervals\n\n";
  }
  const Evaluator evaluator(std::move(split), static_cast<std::uint32_t>(data.items.size()),
                            {.k = options.k, .mask_history = true, .bootstrap = options.bootstrap});
  CovisitScorer items(
      {}, {}, data.live ? CovisitScorer::Histories::kLive : CovisitScorer::Histories::kAsListed);
  Popularity popularity;
  Popularity recent(apply::TenantOptions{}.popular_half_life);
  Random random(options.bootstrap.seed);
  std::vector<Scorer*> scorers{&items, &popularity, &random};
  if (data.live) scorers.push_back(&recent);
  std::vector<Report> reports;
  for (Scorer* scorer : scorers) reports.push_back(evaluator.run(*scorer));
  if (options.json) {
    print_json(out, reports);
  } else {
    print_table(out, reports);
  }
  return ok_status();
}

Status run_evaluate_tenant(const std::string& data_directory, std::string_view tenant,
                           const EvaluateOptions& options, std::ostream& out, Progress& progress) {
  VITRINE_TRY(const Dataset data, read_tenant(data_directory, tenant, progress));
  return evaluate_dataset(data, options, out);
}

Status run_evaluate(const EvaluateOptions& options, std::ostream& out, Progress& progress) {
  Format format = Format::kSequences;
  if (options.format) {
    format = *options.format;
  } else {
    VITRINE_TRY(format, format_of(options.path));
  }
  VITRINE_TRY(const Dataset data, read(options.path, format, progress));
  return evaluate_dataset(data, options, out);
}

}  // namespace vitrine::evaluate
