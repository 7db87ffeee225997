// `vitrine state replay-decision`: an answer of the past, made again.
#include <filesystem>

#include "application_models.h"
#include "commands.h"
#include "edge/api/state_views.h"
#include "platform/io/child_process.h"
#include "service/apply/partition_set.h"
#include "service/privacy/answer_kind.h"
#include "service/recommend/decision_log.h"
#include "service/recommend/replay.h"

namespace vitrine::app {
namespace {

using recommend::AnswerRecord;

Result<tenant::Tenant> find_tenant(const Settings& settings, const std::string& name) {
  VITRINE_TRY(const auto store, open_control_store(settings));
  if (!name.empty()) return store->get_tenant(name);
  VITRINE_TRY(auto tenants, store->list_tenants());
  if (tenants.size() == 1) return std::move(tenants.front());
  return Error(ErrorCode::kInvalidArgument, "say whose decision it is: --tenant NAME");
}

Result<std::unique_ptr<apply::PartitionState>> state_of(const Settings& settings,
                                                        const tenant::Tenant& tenant,
                                                        const AnswerRecord& record,
                                                        eventlog::Position& snapshot) {
  const std::string directory =
      apply::PartitionSet::directory_of(settings.data_directory, tenant.partition);
  auto state = replayed_state(directory, settings, record.position, &snapshot);
  if (!state.ok() && state.error().code() == ErrorCode::kGone) {
    return Error(ErrorCode::kGone,
                 "the answer was made at position " + std::to_string(record.position) +
                     ", and neither a snapshot before it nor the log behind such a snapshot is "
                     "kept any more: it can't be made again (" +
                     state.error().message() + ")");
  }
  return state;
}

// The model that the answer was made with; kGone where it is no longer kept.
Result<std::shared_ptr<const recommend::TrainedModel>> recorded_model(
    const Settings& settings, TenantId tenant, const std::string& id,
    const apply::TenantState& state) {
  VITRINE_TRY(const auto objects,
              blob::DirectoryStore::create(io::system_files(), models_directory(settings)));
  learn::ModelStore store(*objects);
  const auto manifest = store.manifest(tenant, id);
  if (!manifest.ok() && manifest.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kGone,
                 "the answer was made with model " + id + ", which is no longer kept");
  }
  if (!manifest.ok()) return manifest.error();
  VITRINE_TRY(auto stored, store.load(*manifest));
  const auto numbers = [&state](std::span<const std::string> ids,
                                std::span<learn::CatalogItem> out) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      out[i].number = state.catalog().find(ids[i]).value_or(kNoItem);
    }
  };
  return std::shared_ptr<const recommend::TrainedModel>(
      std::make_shared<learn::ServedModel>(id, manifest->weight, std::move(stored), numbers));
}

void write_verdict(const std::string& item_id, const recommend::Verdict& verdict,
                   codec::JsonWriter& json) {
  json.key("item").begin_object();
  json.key("item_id").string(item_id);
  json.key("fate").string(recommend::fate_name(verdict.fate));
  if (verdict.drop) json.key("dropped_by").string(recommend::drop_name(*verdict.drop));
  if (verdict.rank != 0) json.key("rank").number(verdict.rank);
  if (verdict.score != 0) json.key("score").number(verdict.score);
  json.end_object();
}

void print_report(const std::string& json_text, const AnswerRecord& record,
                  eventlog::Position snapshot, const recommend::Replay& replay,
                  const std::string& item_id, const recommend::Verdict& verdict, bool json,
                  std::ostream& out) {
  if (json) {
    out << json_text << "\n";
    return;
  }
  out << "decision " << recommend::format_request_id(record.request_id) << ": "
      << record.items.size() << " items of '" << record.placement << "' at position "
      << record.position << ", made again from "
      << (snapshot == 0 ? "the begin of the log" : "the snapshot of " + std::to_string(snapshot))
      << ": " << (replay.same ? "the same, bit for bit" : "DIFFERENT") << "\n";
  for (const std::string& difference : replay.differences) out << "  " << difference << "\n";
  if (item_id.empty()) return;
  out << "  " << item_id << ": " << recommend::fate_name(verdict.fate);
  if (verdict.drop) out << " by " << recommend::drop_name(*verdict.drop);
  if (verdict.rank != 0) out << ", rank " << verdict.rank;
  out << "\n";
}

std::string report_json(const AnswerRecord& record, eventlog::Position snapshot,
                        const recommend::Replay& replay, const std::string& item_id,
                        const recommend::Verdict& verdict) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  json.key("request_id").string(recommend::format_request_id(record.request_id));
  json.key("placement").string(record.placement);
  json.key("position").number(record.position);
  json.key("snapshot").number(snapshot);
  json.key("items").number(record.items.size());
  json.key("same").boolean(replay.same);
  json.key("differences").begin_array();
  for (const std::string& difference : replay.differences) json.string(difference);
  json.end_array();
  if (!item_id.empty()) write_verdict(item_id, verdict, json);
  json.end_object();
  json.finish();
  return text;
}

}  // namespace

Status run_replay_decision(const Settings& settings, const ReplayOptions& options,
                           std::ostream& out) {
  if (options.job_memory != 0) {
    io::die_with_parent();
    io::take_lowest_priority();
    VITRINE_TRY(io::limit_memory(options.job_memory));
  }
  const auto id = recommend::parse_request_id(options.request_id);
  if (!id) {
    return Error(ErrorCode::kInvalidArgument,
                 "the id of a decision is the request_id of an answer: 32 hexadecimal digits");
  }
  VITRINE_TRY(const auto tenant, find_tenant(settings, options.tenant));
  const recommend::DecisionLog log{&io::system_files(),
                                   io::join_path(settings.data_directory, "answers"),
                                   privacy::kAnswerKind, false};
  VITRINE_TRY(const auto record,
              recommend::find_decision(log, *id, tenant.id, system_clock().wall_us()));
  eventlog::Position snapshot = 0;
  VITRINE_TRY(const auto state, state_of(settings, tenant, record, snapshot));
  const auto runtime = state->ensure_tenant(tenant.id);
  const auto read = runtime->read();
  if (read->position() != record.position) {
    return Error(ErrorCode::kGone, "the log ends at position " + std::to_string(read->position()) +
                                       " of this tenant, before the answer's " +
                                       std::to_string(record.position));
  }
  recommend::Recommender recommender(recommend::RecommenderOptions{}, system_clock(), nullptr);
  if (!record.model.empty()) {
    VITRINE_TRY(auto model, recorded_model(settings, tenant.id, record.model, *read));
    recommender.set_model(std::move(model));
  }
  recommend::Scratch scratch;
  recommend::Answer answer;
  VITRINE_TRY(const auto replay,
              recommend::replay(record, api::shop_view(*read), recommender, scratch, answer));
  recommend::Verdict verdict;
  if (!options.item_id.empty()) {
    VITRINE_TRY(const auto recorded, recommend::RecordedRequest::from(record));
    VITRINE_TRY(recommender.examine(api::shop_view(*read), recorded.policy(), recorded.request(),
                                    options.item_id, scratch, answer, verdict));
  }
  print_report(report_json(record, snapshot, replay, options.item_id, verdict), record, snapshot,
               replay, options.item_id, verdict, options.json, out);
  if (replay.same) return ok_status();
  return Error(ErrorCode::kConflict, "the answer that was made again is not the recorded one");
}

}  // namespace vitrine::app
