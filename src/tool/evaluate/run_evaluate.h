// `vitrine evaluate`: a data set (from a file, or made from a tenant's log) through a split, the
// item-item state, popularity and random, to a table or JSON.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "service/learn/recipe.h"
#include "tool/evaluate/evaluation.h"

namespace vitrine::evaluate {

enum class Format { kSequences, kOnlineRetail, kEvents };

// "sequences", "online-retail", "events"; "leave-one-out", "temporal".
std::optional<Format> find_format(std::string_view name);
std::optional<SplitKind> find_split(std::string_view name);

struct EvaluateOptions {
  std::string path;
  std::optional<Format> format;    // absent: told from the file's first line
  std::optional<SplitKind> split;  // absent: temporal where there are times
  Stage stage = Stage::kTest;      // of leave-one-out
  std::optional<TimeUs>
      cut;  // of temporal; absent: the time before which 80 % of the interactions lie
  bool new_items_only = true;  // of temporal: targets that the user had before are left out
  std::size_t k = 10;          // 1 .. 1000
  BootstrapOptions bootstrap;
  bool json = false;
  bool breakdowns = false;  // fill Evaluation::activity, popularity and learning
  // Kinds that are trained and judged beside the others (trained_scorer.h); k is then at most
  // learn::kTopMost.
  std::vector<learn::Recipe> models;
  std::uint64_t models_memory = std::uint64_t{4} << 30;  // of a training
  // With models, the breakdown `learning` trains them seven times more.
  bool learning_curve = false;
  std::string html;  // also write the report with charts to this file; empty: don't
};

// Reads options.path and evaluates it.
Status run_evaluate(const EvaluateOptions& options, std::ostream& out,
                    Progress& progress = no_progress());

// Reads the log of a tenant (tenant_data.h has the errors) and evaluates it; path and format are
// not looked at. Needs kTenantCasesMin visitors to ask about; says how many there are.
Status run_evaluate_tenant(const std::string& data_directory, std::string_view tenant,
                           const EvaluateOptions& options, std::ostream& out,
                           Progress& progress = no_progress());

inline constexpr std::size_t kTenantCasesMin = 20;

// Evaluates a data set that is in memory and prints it; path and format are not looked at.
Status evaluate_dataset(const Dataset& data, const EvaluateOptions& options, std::ostream& out,
                        Progress& progress = no_progress());
// The same as a value; json and html are not looked at.
Result<Evaluation> evaluate(const Dataset& data, const EvaluateOptions& options,
                            Progress& progress = no_progress());

// The recipes of "ials,ease", with parameters given as "ials.dimensions=32". kInvalidArgument for
// an unknown kind or parameter, one that is not of a kind in the list, or a kind twice.
Result<std::vector<learn::Recipe>> read_models(std::string_view kinds,
                                               const std::vector<std::string>& parameters);

}  // namespace vitrine::evaluate
