// Logs trainings to an MLflow tracking server over its REST API (2.0): an experiment by name, a run
// with parameters, metrics by epoch, tags, and the manifest and report as artifacts.
//
// Calls, in this order:
//   GET  /api/2.0/mlflow/experiments/get-by-name?experiment_name=..   404: POST experiments/create
//   POST /api/2.0/mlflow/runs/create        {"experiment_id","start_time","run_name","tags"}
//   POST /api/2.0/mlflow/runs/log-batch     {"run_id","metrics","params","tags"}, in as many as
//   needed PUT  /api/2.0/mlflow-artifacts/artifacts/EXPERIMENT/RUN/artifacts/NAME POST
//   /api/2.0/mlflow/runs/update        {"run_id","status","end_time"}
// Artifacts go where the server proxies them (mlflow server --serve-artifacts, its default); a run
// whose artifact_uri says otherwise keeps its figures and gets no files, which is told.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/model/manifest.h"

namespace vitrine::learn_tool {

struct MlflowTarget {
  std::string url;  // "http://127.0.0.1:5000"; no TLS
  std::string experiment = "vitrine";
  std::string token;  // sent as a bearer token; empty: none
};

struct MlflowRun {
  std::string name;
  TimeUs started = 0, ended = 0;
  bool failed = false;
  std::vector<std::pair<std::string, std::string>> params, tags;
  struct Metric {
    std::string name;
    double value = 0;
    std::uint64_t step = 0;
  };
  std::vector<Metric> metrics;
  std::vector<std::pair<std::string, std::string>> artifacts;  // name, bytes
};

// What is worth logging of a training; without a manifest one that failed with `error`.
MlflowRun run_of(const model::Manifest& manifest, const std::string& tenant, bool promoted);
MlflowRun failed_run(const std::string& kind, const std::string& tenant, TimeUs started,
                     TimeUs ended, const std::string& error);

// Logs the run and gives its id. kUnavailable where the server can't be reached, kInternal with its
// answer where it refuses. A problem with artifacts alone is kUnsupported, after all else was
// logged.
Result<std::string> log_run(const MlflowTarget& target, const MlflowRun& run);

}  // namespace vitrine::learn_tool
