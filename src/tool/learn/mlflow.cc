#include "tool/learn/mlflow.h"

#include <algorithm>
#include <cmath>

#include "platform/codec/json_parse.h"
#include "platform/codec/json_writer.h"
#include "platform/net/client.h"
#include "platform/net/url.h"
#include "tool/import/api_client.h"
#include "tool/learn/model_report.h"

namespace vitrine::learn_tool {
namespace {

using codec::JsonWriter;

// Bounds of log-batch: 1,000 metrics, 100 params, 100 tags in a request; a param's value has at
// most 6,000 characters.
constexpr std::size_t kMetricsMost = 1000;
constexpr std::size_t kPairsMost = 100;
constexpr std::size_t kValueBytesMost = 6000;

std::string text_of(double value) {
  std::string text;
  JsonWriter json(text);
  json.number(value);
  json.finish();
  return text;
}

class Session {
 public:
  Session(net::Client client, const MlflowTarget& target)
      : client_(std::move(client)), target_(target) {
    if (!target.token.empty()) authorization_ = "Bearer " + target.token;
  }

  Result<std::string> experiment() {
    VITRINE_TRY(const auto found, send("GET",
                                       "/api/2.0/mlflow/experiments/get-by-name?experiment_name=" +
                                           net::percent_encode(target_.experiment),
                                       {}));
    if (found.status == 200) return field(found.body, {"experiment", "experiment_id"});
    if (found.status != 404) return refused("experiments/get-by-name", found);
    std::string body;
    JsonWriter json(body);
    json.begin_object();
    json.key("name").string(target_.experiment);
    json.end_object();
    json.finish();
    VITRINE_TRY(const auto made, post("experiments/create", body));
    return field(made, {"experiment_id"});
  }

  struct Created {
    std::string id, artifact_uri;
  };
  Result<Created> create(const std::string& experiment, const MlflowRun& run) {
    std::string body;
    JsonWriter json(body);
    json.begin_object();
    json.key("experiment_id").string(experiment);
    json.key("run_name").string(run.name);
    json.key("start_time").number(run.started / 1000);
    write_pairs(json, "tags", run.tags, 0, std::min(kPairsMost, run.tags.size()));
    json.end_object();
    json.finish();
    VITRINE_TRY(const std::string answer, post("runs/create", body));
    Created created;
    VITRINE_TRY(created.id, field(answer, {"run", "info", "run_id"}));
    auto uri = field(answer, {"run", "info", "artifact_uri"});
    if (uri.ok()) created.artifact_uri = std::move(*uri);
    return created;
  }

  Status log(const std::string& run_id, const MlflowRun& run) {
    std::size_t metrics = 0, params = 0;
    do {
      const std::size_t more_metrics = std::min(kMetricsMost, run.metrics.size() - metrics);
      const std::size_t more_params = std::min(kPairsMost, run.params.size() - params);
      std::string body;
      JsonWriter json(body);
      json.begin_object();
      json.key("run_id").string(run_id);
      json.key("metrics").begin_array();
      for (std::size_t i = metrics; i < metrics + more_metrics; ++i) {
        const MlflowRun::Metric& metric = run.metrics[i];
        json.begin_object();
        json.key("key").string(metric.name);
        json.key("value").number(metric.value);
        json.key("timestamp").number(run.ended / 1000);
        json.key("step").number(metric.step);
        json.end_object();
      }
      json.end_array();
      write_pairs(json, "params", run.params, params, more_params);
      json.end_object();
      json.finish();
      VITRINE_TRY(post("runs/log-batch", body));
      metrics += more_metrics;
      params += more_params;
    } while (metrics < run.metrics.size() || params < run.params.size());
    return ok_status();
  }

  // Proxied artifacts: "mlflow-artifacts:/EXPERIMENT/RUN/artifacts".
  Status put_artifacts(const std::string& uri, const MlflowRun& run) {
    constexpr std::string_view kScheme = "mlflow-artifacts:";
    if (run.artifacts.empty()) return ok_status();
    if (!std::string_view(uri).starts_with(kScheme)) {
      return Error(ErrorCode::kUnsupported,
                   "the MLflow server keeps artifacts at '" + uri +
                       "' and does not pass them on (--serve-artifacts): none were sent");
    }
    std::string path = uri.substr(kScheme.size());
    if (path.starts_with("//")) {
      // With an authority: mlflow-artifacts://host:port/path.
      const std::size_t slash = path.find('/', 2);
      path = slash == std::string::npos ? "" : path.substr(slash);
    }
    for (const auto& [name, bytes] : run.artifacts) {
      VITRINE_TRY(const auto put,
                  send("PUT", "/api/2.0/mlflow-artifacts/artifacts" + path + "/" + name, bytes));
      if (put.status / 100 != 2) return refused("artifacts/" + name, put);
    }
    return ok_status();
  }

  Status end(const std::string& run_id, const MlflowRun& run) {
    std::string body;
    JsonWriter json(body);
    json.begin_object();
    json.key("run_id").string(run_id);
    json.key("status").string(run.failed ? "FAILED" : "FINISHED");
    json.key("end_time").number(run.ended / 1000);
    json.end_object();
    json.finish();
    VITRINE_TRY(post("runs/update", body));
    return ok_status();
  }

 private:
  static void write_pairs(JsonWriter& json, std::string_view name,
                          const std::vector<std::pair<std::string, std::string>>& pairs,
                          std::size_t from, std::size_t count) {
    json.key(name).begin_array();
    for (std::size_t i = from; i < from + count; ++i) {
      json.begin_object();
      json.key("key").string(pairs[i].first);
      json.key("value").string(std::string_view(pairs[i].second).substr(0, kValueBytesMost));
      json.end_object();
    }
    json.end_array();
  }

  Result<net::ClientResponse> send(std::string_view method, const std::string& path,
                                   std::string_view body) {
    std::vector<net::Header> headers;
    if (!authorization_.empty()) headers.push_back({"Authorization", authorization_});
    headers.push_back({"Content-Type", path.find("mlflow-artifacts") == std::string::npos
                                           ? "application/json"
                                           : "application/octet-stream"});
    return client_.request(method, path, headers, body);
  }

  Result<std::string> post(const std::string& call, const std::string& body) {
    VITRINE_TRY(const auto answer, send("POST", "/api/2.0/mlflow/" + call, body));
    if (answer.status == 200) return answer.body;
    return refused(call, answer);
  }

  static Error refused(const std::string& call, const net::ClientResponse& answer) {
    return Error(ErrorCode::kInternal, "MLflow " + call + " gave HTTP " +
                                           std::to_string(answer.status) + ": " +
                                           answer.body.substr(0, 300));
  }

  static Result<std::string> field(const std::string& body,
                                   std::initializer_list<std::string_view> path) {
    codec::JsonParser parser;
    auto parsed = parser.parse(body);
    if (!parsed.ok()) return std::move(parsed).error().context("an answer of MLflow");
    simdjson::dom::element at = *parsed;
    for (const std::string_view name : path) {
      if (at[name].get(at) != simdjson::SUCCESS) {
        return Error(ErrorCode::kCorrupt, "an answer of MLflow lacks '" + std::string(name) + "'");
      }
    }
    std::string_view text;
    if (at.get(text) != simdjson::SUCCESS) {
      return Error(ErrorCode::kCorrupt, "an answer of MLflow has no text where an id should be");
    }
    return std::string(text);
  }

  net::Client client_;
  const MlflowTarget& target_;
  std::string authorization_;
};

}  // namespace

MlflowRun run_of(const model::Manifest& m, const std::string& tenant, bool promoted) {
  MlflowRun run;
  run.name = m.id;
  run.ended = m.created;
  run.started = m.created - static_cast<TimeUs>(m.train_s * 1e6);
  run.tags = {{"tenant", tenant},
              {"model_id", m.id},
              {"code_version", m.code_version},
              {"promoted", promoted ? "true" : "false"},
              {"why", m.judgement.why}};
  if (!m.parent.empty()) run.tags.emplace_back("parent", m.parent);
  run.params.emplace_back("kind", m.kind);
  for (const auto& [name, value] : m.parameters) run.params.emplace_back(name, text_of(value));
  run.params.emplace_back("data_position", std::to_string(m.data.position));
  run.params.emplace_back("data_interactions", std::to_string(m.data.interactions));
  for (std::size_t i = 0; i < m.losses.size(); ++i) {
    if (std::isfinite(m.losses[i])) run.metrics.push_back({"loss", m.losses[i], i + 1});
  }
  for (std::size_t i = 0; i < m.search.trials.size(); ++i) {
    if (m.search.trials[i].failed.empty()) {
      run.metrics.push_back({"search_ndcg", m.search.trials[i].measure, i + 1});
    }
  }
  const auto add = [&](const std::string& name, double value) {
    if (std::isfinite(value)) run.metrics.push_back({name, value, 0});
  };
  if (!m.judgement.table.empty()) {
    const model::Judged& best = m.judgement.table.front();
    const std::string k = "_at_" + std::to_string(m.judgement.k);
    add("hr" + k, best.hr.value);
    add("ndcg" + k, best.ndcg.value);
    add("ndcg" + k + "_low", best.ndcg.low);
    add("ndcg" + k + "_high", best.ndcg.high);
    add("recall" + k, best.recall.value);
    add("mrr" + k, best.mrr.value);
    add("coverage", best.coverage);
  }
  for (const model::Comparison& one : m.judgement.comparisons) {
    const std::string with = one.with == "item-item" ? "item_item" : "live";
    add("ndcg_difference_" + with, one.difference.value);
    add("ndcg_difference_" + with + "_low", one.difference.low);
  }
  add("weight", m.weight);
  add("train_cpu_s", m.train_cpu_s);
  run.artifacts = {{"manifest.json", model::print_manifest(m)},
                   {"report.html", model_page(m, tenant)}};
  return run;
}

MlflowRun failed_run(const std::string& kind, const std::string& tenant, TimeUs started,
                     TimeUs ended, const std::string& error) {
  MlflowRun run;
  run.name = kind + " of " + tenant;
  run.started = started;
  run.ended = ended;
  run.failed = true;
  run.tags = {{"tenant", tenant}, {"error", error}};
  run.params.emplace_back("kind", kind);
  return run;
}

Result<std::string> log_run(const MlflowTarget& target, const MlflowRun& run) {
  VITRINE_TRY(auto options, importer::parse_endpoint(target.url));
  Session session(net::Client(std::move(options)), target);
  VITRINE_TRY(const std::string experiment, session.experiment());
  VITRINE_TRY(const auto created, session.create(experiment, run));
  VITRINE_TRY(session.log(created.id, run));
  const Status artifacts = session.put_artifacts(created.artifact_uri, run);
  VITRINE_TRY(session.end(created.id, run));
  if (!artifacts.ok()) return artifacts.error();
  return created.id;
}

}  // namespace vitrine::learn_tool
