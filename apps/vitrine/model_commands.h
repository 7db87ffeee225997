// `vitrine train` and `vitrine models`: on a data directory, whether a server runs on it or not.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "domain/model/registry.h"
#include "settings.h"

namespace vitrine::app {

// What `vitrine train` ends with, so that whoever starts it (cron, a Kubernetes CronJob) can tell.
enum TrainExit : int {
  kTrained = 0,        // and promoted, unless that was not asked for
  kTrainFailed = 1,    // an error, told on standard error
  kTrainWrongUse = 2,  // arguments or settings
  kNotPromoted = 3,    // trained and kept, but not better than what serves
  kNotEnoughData = 4,
  kTrainStopped = 5,   // by SIGINT or SIGTERM; the same command goes on where it was
  kTrainTooLarge = 6,  // above the memory budget
};

struct TrainCommand {
  std::string tenant;  // its name
  std::string kind = "ials";
  std::vector<std::string> parameters;  // "name=value"
  bool warm = false;
  bool promote = true;
  bool learning_curve = false;
  std::string search;  // a duration, as "10m"; empty: no search, unless trials are given
  std::optional<std::uint32_t> search_trials;
  std::optional<std::uint64_t> until;  // position; absent: the end of the log
  std::string html;                    // also write the report to this file
  bool json = false;
};
Result<int> run_train(const Settings& settings, const TrainCommand& command, Progress& progress,
                      std::ostream& out);

Status run_models_list(const Settings& settings, const std::string& tenant, bool json,
                       std::ostream& out);
Status run_models_show(const Settings& settings, const std::string& tenant,
                       const std::string& model_id, const std::string& html, bool json,
                       std::ostream& out);

struct ModelsChange {
  std::string tenant;
  model::Change change;
  bool force = false;  // of a promotion: whatever its judgement says
};
Status run_models_change(const Settings& settings, const ModelsChange& wanted, std::ostream& out);

}  // namespace vitrine::app
