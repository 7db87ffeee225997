#include "model_commands.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>

#include "application_models.h"
#include "base/config.h"
#include "commands.h"
#include "domain/record/record.h"
#include "edge/api/models_json.h"
#include "engine/eventlog/writer.h"
#include "platform/codec/json_parse.h"
#include "platform/codec/time_format.h"
#include "service/apply/partition_set.h"
#include "service/learn/flagged.h"
#include "service/learn/gate.h"
#include "tool/evaluate/html_page.h"
#include "tool/import/api_client.h"
#include "tool/learn/mlflow.h"
#include "tool/learn/model_report.h"

namespace vitrine::app {
namespace {

std::atomic<bool> stop_training{false};
void on_signal(int) { stop_training = true; }

// A tenant of a data directory, with its models.
struct Shop {
  tenant::Tenant tenant;
  std::string directory;  // of its partition
  std::unique_ptr<blob::DirectoryStore> objects;
  std::unique_ptr<learn::ModelStore> store;
  std::string log() const { return io::join_path(directory, "log"); }
};

Result<Shop> open_shop(const Settings& settings, const std::string& name) {
  const std::string database = io::join_path(settings.data_directory, "control.db");
  VITRINE_TRY(const bool present, io::system_files().exists(database));
  if (!present) {
    return Error(ErrorCode::kInvalidArgument,
                 settings.data_directory + " is no data directory: there is no " + database);
  }
  VITRINE_TRY(const auto control, open_control_store(settings));
  Shop shop;
  VITRINE_TRY(shop.tenant, control->get_tenant(name));
  shop.directory =
      apply::PartitionSet::directory_of(settings.data_directory, shop.tenant.partition);
  VITRINE_TRY(shop.objects,
              blob::DirectoryStore::create(io::system_files(), models_directory(settings)));
  shop.store = std::make_unique<learn::ModelStore>(*shop.objects);
  return shop;
}

// From snapshot and log: what a server has, or would have.
Result<model::Registry> registry_of(const Settings& settings, const Shop& shop) {
  VITRINE_TRY(const bool any, io::system_files().exists(shop.log()));
  if (!any) return model::Registry();
  VITRINE_TRY(const auto state, partition_state_now(settings, shop.directory));
  const auto runtime = state->tenant(shop.tenant.id);
  return runtime ? runtime->read()->models() : model::Registry();
}

// Appends to a log that no server has open.
Status append_alone(const Settings& settings, const Shop& shop, const model::Change& change) {
  std::string payload;
  ByteWriter writer(payload);
  record::write_tenant(writer, shop.tenant.id);
  model::encode_change(change, writer);
  eventlog::WriterOptions options;
  options.directory = shop.log();
  options.files = &io::system_files();
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.segment_bytes = settings.log_segment;
  options.group_bytes_max =
      std::min<std::uint64_t>(options.group_bytes_max, settings.log_segment / 4);
  VITRINE_TRY(const auto log, eventlog::Writer::open(options));
  const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kModelChange), 0,
                                payload};
  VITRINE_TRY(const auto range, log->append(std::span(&ref, 1), nullptr));
  VITRINE_TRY(const bool durable, log->wait_durable(range.last, 30 * kSecondUs));
  if (!durable) return Error(ErrorCode::kDeadlineExceeded, "the log is not durable after 30 s");
  return log->close();
}

Result<std::string> running_url(const Settings& settings) {
  VITRINE_TRY(const std::string text,
              io::read_file(io::system_files(),
                            io::join_path(settings.data_directory, "runtime.json"), 64 << 10));
  codec::JsonParser parser;
  VITRINE_TRY(const auto document, parser.parse(text));
  std::string_view url;
  if (document["url"].get(url) != simdjson::SUCCESS) {
    return Error(ErrorCode::kCorrupt, "runtime.json has no url");
  }
  return std::string(url);
}

// The server that has the log open makes the change: asked with a key that lives for this one call.
Status change_through_server(const Settings& settings, const Shop& shop,
                             const model::Change& change) {
  VITRINE_TRY(const std::string url, running_url(settings));
  VITRINE_TRY(const auto control, open_control_store(settings));
  control::NewKey wanted;
  wanted.tenant_name = shop.tenant.name;
  wanted.label = "vitrine models " + std::string(model::action_name(change.action));
  wanted.expires_us = system_clock().wall_us() + 5 * kMinuteUs;
  VITRINE_TRY(const auto key, control->create_key({}, wanted));
  wait_for_running_server(settings);
  const auto ask = [&]() -> Status {
    VITRINE_TRY(auto client, importer::ApiClient::open({url, key.text}));
    std::string body;
    codec::JsonWriter json(body);
    json.begin_object();
    json.key("reason").string(change.reason);
    if (change.action == model::Action::kRollback && !change.model_id.empty()) {
      json.key("model_id").string(change.model_id);
    }
    // Whether it is better was decided here.
    if (change.action == model::Action::kPromote) json.key("force").boolean(true);
    json.end_object();
    json.finish();
    const std::string path = change.action == model::Action::kRollback
                                 ? "/v1/models:rollback"
                                 : "/v1/models/" + change.model_id + ":" +
                                       std::string(model::action_name(change.action));
    VITRINE_TRY(const auto answer, client.post_json(path, body));
    return answer.ok() ? ok_status() : Status(importer::refusal(answer));
  };
  Status asked = ask();
  // A busy server may take longer to notice the key.
  for (int i = 0; i < 20 && !asked.ok() && asked.error().code() == ErrorCode::kUnauthenticated;
       ++i) {
    wait_for_running_server(settings);
    asked = ask();
  }
  const auto revoked = control->revoke_key({}, key.info.id);
  if (!revoked.ok() && asked.ok()) return revoked.error();
  return asked;
}

Status make_change(const Settings& settings, const Shop& shop, const model::Change& change) {
  Status alone = append_alone(settings, shop, change);
  if (alone.ok() || alone.error().code() != ErrorCode::kConflict) return alone;
  return change_through_server(settings, shop, change);
}

Result<std::map<std::string, double>> read_parameters(const std::vector<std::string>& given) {
  std::map<std::string, double> out;
  for (const std::string& one : given) {
    const std::size_t equals = one.find('=');
    double value = 0;
    const char* begin = one.data() + (equals == std::string::npos ? one.size() : equals + 1);
    const char* end = one.data() + one.size();
    const auto [at, error] = std::from_chars(begin, end, value);
    if (equals == std::string::npos || begin == end || error != std::errc() || at != end) {
      return Error(ErrorCode::kInvalidArgument,
                   "--set takes name=number, such as dimensions=64, got '" + one + "'");
    }
    out[one.substr(0, equals)] = value;
  }
  return out;
}

Result<std::optional<learn::SearchRequest>> read_search(
    const TrainCommand& command, const std::map<std::string, double>& parameters) {
  if (command.search.empty() && !command.search_trials) {
    return std::optional<learn::SearchRequest>();
  }
  learn::SearchRequest search;
  if (!command.search.empty()) {
    auto time = parse_duration_us(command.search);
    if (!time.ok()) return std::move(time).error().context("--search");
    search.time = *time;
  }
  search.trials = command.search_trials.value_or(learn::kTrialsMost);
  for (const auto& [name, value] : parameters) search.fixed.push_back(name);
  return std::optional(std::move(search));
}

int exit_of(const Error& error) {
  if (error.reason() == "not_enough_data") return kNotEnoughData;
  if (error.reason() == "training_stopped") return kTrainStopped;
  if (error.reason() == "memory_budget") return kTrainTooLarge;
  return error.code() == ErrorCode::kInvalidArgument ? kTrainWrongUse : kTrainFailed;
}

void log_to_mlflow(const Settings& settings, const learn_tool::MlflowRun& run) {
  if (settings.models_mlflow_url.empty()) return;
  const char* token = std::getenv("MLFLOW_TRACKING_TOKEN");
  const auto logged =
      learn_tool::log_run({settings.models_mlflow_url, settings.models_mlflow_experiment,
                           token == nullptr ? "" : token},
                          run);
  // The model is there all the same.
  if (!logged.ok()) std::cerr << "vitrine: MLflow: " << logged.error().message() << "\n";
}

std::string manifest_json(const model::Manifest& manifest, const model::Registry& registry) {
  std::string text;
  codec::JsonWriter json(text);
  api::write_model(manifest, registry, true, json);
  json.finish();
  return text;
}

// Promotes where the judgement allows it; whether it did, and what to say.
Result<bool> promote_if_better(const Settings& settings, const Shop& shop,
                               const model::Manifest& manifest, std::string& said) {
  VITRINE_TRY(const model::Registry registry, registry_of(settings, shop));
  if (registry.live() == manifest.id) {
    said = "it is live already";
    return true;
  }
  const Status may = learn::check_promotion(manifest, registry.live());
  if (!may.ok()) {
    said = may.error().message();
    return false;
  }
  model::Change change{model::Action::kPromote, manifest.id, manifest.judgement.why};
  change.reason.resize(std::min(change.reason.size(), model::kReasonBytesMax));
  VITRINE_TRY(make_change(settings, shop, change));
  said = "promoted";
  return true;
}

}  // namespace

Result<int> run_train(const Settings& settings, const TrainCommand& command, Progress& progress,
                      std::ostream& out) {
  const auto kind = learn::find_kind(command.kind);
  if (!kind) {
    return Error(ErrorCode::kInvalidArgument, "--model must be one of " + learn::kind_names());
  }
  VITRINE_TRY(const auto parameters, read_parameters(command.parameters));
  learn::TrainRequest request;
  VITRINE_TRY(request.recipe, learn::make_recipe(*kind, parameters));
  VITRINE_TRY(request.search, read_search(command, parameters));
  if (request.search) VITRINE_TRY(learn::check_search(*kind, *request.search));
  VITRINE_TRY(const Shop shop, open_shop(settings, command.tenant));
  VITRINE_TRY(const bool any, io::system_files().exists(shop.log()));
  if (any) {
    VITRINE_TRY(const auto state, partition_state_now(settings, shop.directory));
    if (const auto runtime = state->tenant(shop.tenant.id)) {
      const auto read = runtime->read();
      request.live = read->models().live();
      request.flagged = learn::flagged_keys(*read);
    }
  }
  request.tenant = shop.tenant.id;
  request.warm = command.warm;
  request.learning_curve = command.learning_curve;
  request.memory_bytes_max = settings.models_memory;
  if (command.until) request.until = *command.until;
  const learn::TrainPlace place{
      io::system_files(),
      shop.log(),
      *shop.store,
      io::join_path(settings.data_directory, "training/" + std::to_string(shop.tenant.id.value)),
      thread_executor(),
      static_cast<unsigned>(settings.models_threads),
      system_clock(),
      VITRINE_VERSION};
  learn::TrainWatch watch;
  watch.progress = &progress;
  watch.stop = &stop_training;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  const TimeUs started = system_clock().wall_us();
  const auto trained = learn::train_model(request, place, watch);
  if (!trained.ok()) {
    const Error& error = trained.error();
    if (error.reason() != "training_stopped") {
      log_to_mlflow(settings, learn_tool::failed_run(command.kind, command.tenant, started,
                                                     system_clock().wall_us(), error.message()));
    }
    std::cerr << "vitrine: " << error.message() << "\n";
    return exit_of(error);
  }
  const model::Manifest& manifest = trained->manifest;
  std::string said = "not asked to promote";
  bool promoted = false;
  if (command.promote) {
    VITRINE_TRY(promoted, promote_if_better(settings, shop, manifest, said));
  }
  if (!trained->existed) {
    log_to_mlflow(settings, learn_tool::run_of(manifest, command.tenant, promoted));
  }
  if (!command.html.empty()) {
    VITRINE_TRY(
        evaluate::write_page(command.html, learn_tool::model_page(manifest, command.tenant)));
  }
  if (command.json) {
    VITRINE_TRY(const model::Registry now, registry_of(settings, shop));
    out << manifest_json(manifest, now) << "\n";
  } else {
    out << learn_tool::model_text(manifest)
        << (trained->existed ? "it had been trained before; " : "") << said << "\n";
    if (!command.html.empty()) out << "report with charts: " << command.html << "\n";
  }
  return !command.promote || promoted ? kTrained : kNotPromoted;
}

Status run_models_list(const Settings& settings, const std::string& tenant, bool json_output,
                       std::ostream& out) {
  VITRINE_TRY(const Shop shop, open_shop(settings, tenant));
  VITRINE_TRY(const model::Registry registry, registry_of(settings, shop));
  std::vector<std::string> problems;
  VITRINE_TRY(auto models, shop.store->list(shop.tenant.id, &problems));
  std::sort(models.begin(), models.end(),
            [](const auto& a, const auto& b) { return a.created > b.created; });
  for (const std::string& problem : problems) std::cerr << "vitrine: " << problem << "\n";
  for (const model::Manifest& m : models) {
    if (json_output) {
      std::string text;
      codec::JsonWriter json(text);
      api::write_model(m, registry, false, json);
      json.finish();
      out << text << "\n";
      continue;
    }
    const std::string ndcg =
        m.judgement.table.empty() ? "-" : std::to_string(m.judgement.table.front().ndcg.value);
    out << m.id << "  " << model::state_name(registry.state_of(m.id)) << "  "
        << codec::format_rfc3339(m.created) << "  NDCG@" << m.judgement.k << " "
        << ndcg.substr(0, 6) << "  " << (m.judgement.promote ? "better" : "not better") << "\n";
  }
  if (models.empty() && !json_output) {
    out << "no model of " << tenant << " yet: vitrine train --tenant " << tenant << "\n";
  }
  return ok_status();
}

Status run_models_show(const Settings& settings, const std::string& tenant,
                       const std::string& model_id, const std::string& html, bool json_output,
                       std::ostream& out) {
  VITRINE_TRY(const Shop shop, open_shop(settings, tenant));
  VITRINE_TRY(const model::Registry registry, registry_of(settings, shop));
  VITRINE_TRY(const auto manifest, shop.store->manifest(shop.tenant.id, model_id));
  if (!html.empty()) {
    VITRINE_TRY(evaluate::write_page(html, learn_tool::model_page(manifest, tenant)));
  }
  if (json_output) {
    out << manifest_json(manifest, registry) << "\n";
    return ok_status();
  }
  out << learn_tool::model_text(manifest);
  out << "state: " << model::state_name(registry.state_of(model_id));
  if (const model::Entry* entry = registry.find(model_id)) {
    out << " since " << codec::format_rfc3339(entry->at) << " (position " << entry->position << ")";
    if (!entry->reason.empty()) out << ": " << entry->reason;
  }
  out << "\n";
  if (!html.empty()) out << "report with charts: " << html << "\n";
  return ok_status();
}

Status run_models_change(const Settings& settings, const ModelsChange& wanted, std::ostream& out) {
  using model::Action;
  VITRINE_TRY(const Shop shop, open_shop(settings, wanted.tenant));
  VITRINE_TRY(model::Registry registry, registry_of(settings, shop));
  model::Change change = wanted.change;
  if (change.reason.size() > model::kReasonBytesMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "--reason may have " + std::to_string(model::kReasonBytesMax) + " bytes");
  }
  if (change.action != Action::kRollback) {
    VITRINE_TRY(const auto manifest, shop.store->manifest(shop.tenant.id, change.model_id));
    if (change.action == Action::kPromote) {
      if (!wanted.force) VITRINE_TRY(learn::check_promotion(manifest, registry.live()));
      if (change.reason.empty()) change.reason = wanted.force ? "forced" : manifest.judgement.why;
      change.reason.resize(std::min(change.reason.size(), model::kReasonBytesMax));
    }
  }
  // What the applier would say; a server may have moved on, then its own answer counts.
  if (auto problem = registry.apply(change, 0, 0)) {
    return Error(ErrorCode::kConflict, *problem).with_reason("model_conflict");
  }
  VITRINE_TRY(make_change(settings, shop, change));
  VITRINE_TRY(registry, registry_of(settings, shop));
  out << (registry.live().empty() ? "no model is live" : "live: " + registry.live()) << "\n";
  return ok_status();
}

}  // namespace vitrine::app
