#include <chrono>
#include <filesystem>
#include <thread>

#include "commands.h"
#include "domain/catalog/item_codec.h"
#include "domain/catalog/item_json.h"
#include "domain/conduct/standing.h"
#include "domain/event/event_codec.h"
#include "domain/event/event_json.h"
#include "domain/model/registry.h"
#include "domain/person/person_json.h"
#include "domain/record/record.h"
#include "engine/eventlog/reader.h"
#include "platform/codec/json_writer.h"
#include "service/apply/partition_set.h"

namespace vitrine::app {
namespace {

using record::RecordKind;

std::string hex(const Hash128& hash) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

void write_value(const catalog::AttributeValue& value, codec::JsonWriter& json) {
  catalog::Item holder;
  holder.id = "x";
  holder.attributes.push_back({"value", value});
  std::string text;
  catalog::append_json(holder, text);
  const std::size_t colon = text.rfind("\"value\":");
  json.raw(std::string_view(text).substr(colon + 8, text.size() - colon - 9));
}

}  // namespace

Result<std::unique_ptr<apply::PartitionState>> replayed_state(const std::string& directory,
                                                              const Settings& settings,
                                                              eventlog::Position last,
                                                              eventlog::Position* snapshot) {
  apply::PartitionStateOptions options = partition_state_options(settings);
  options.directory = directory;
  options.tenant.id_window_memory_bytes = ~std::uint64_t{0};  // never writes run files of its own
  options.snapshot_max = last;
  apply::LoadReport report;
  auto& files = io::system_files();
  VITRINE_TRY(auto state, apply::PartitionState::load(files, options, true, report));
  if (snapshot != nullptr) *snapshot = report.snapshot_position;
  VITRINE_TRY(auto reader,
              eventlog::Reader::open(files, io::join_path(directory, "log"), state->position() + 1,
                                     eventlog::ReadScope::kWholeFrames));
  eventlog::RecordView record;
  while (state->position() < last) {
    VITRINE_TRY(const auto end, reader->next(record));
    if (end == eventlog::ReadEnd::kEndOfLog) break;
    VITRINE_TRY(const auto outcome, state->apply(record));
    (void)outcome;
  }
  return state;
}

Status write_record_payload(const eventlog::RecordView& record, codec::JsonWriter& json) {
  ByteReader in(record.payload);
  record::read_tenant(in);
  const std::string_view body = in.raw(in.remaining());
  switch (static_cast<RecordKind>(record.kind)) {
    case RecordKind::kEvent:
    case RecordKind::kImportedEvent: {
      event::Event event;
      VITRINE_TRY(event::decode_event(body, event));
      json.key(static_cast<RecordKind>(record.kind) == RecordKind::kEvent ? "event"
                                                                          : "imported_event");
      event::write_event_json(event, json);
      return ok_status();
    }
    case RecordKind::kItemUpsert: {
      VITRINE_TRY(const auto item, catalog::decode_upsert(body));
      std::string text;
      catalog::append_json(item, text);
      json.key("item_upsert").raw(text);
      return ok_status();
    }
    case RecordKind::kItemPatch:
    case RecordKind::kInventory: {
      const bool inventory = static_cast<RecordKind>(record.kind) == RecordKind::kInventory;
      VITRINE_TRY(const auto patch,
                  inventory ? catalog::decode_inventory(body) : catalog::decode_patch(body));
      json.key(inventory ? "inventory" : "item_patch").begin_object();
      json.key("item_id").string(patch.id);
      for (const auto& edit : patch.edits) {
        json.escaped_key(edit.name);
        if (edit.value) {
          write_value(*edit.value, json);
        } else {
          json.null();
        }
      }
      json.end_object();
      return ok_status();
    }
    case RecordKind::kItemDelete: {
      VITRINE_TRY(const auto item_id, catalog::decode_delete(body));
      json.key("item_delete").string(item_id);
      return ok_status();
    }
    case RecordKind::kUserUpsert:
    case RecordKind::kUserPatch:
    case RecordKind::kUserDelete:
    case RecordKind::kUserMerge:
    case RecordKind::kUserConsent:
    case RecordKind::kUserErase:
      return person::write_record(static_cast<RecordKind>(record.kind), body, json);
    case RecordKind::kSearchSettings: json.key("search_settings").raw(body); return ok_status();
    case RecordKind::kModelChange: {
      VITRINE_TRY(const auto change, model::decode_change(body));
      json.key("model_change").begin_object();
      json.key("action").string(model::action_name(change.action));
      json.key("model_id").string(change.model_id);
      json.key("reason").string(change.reason);
      json.end_object();
      return ok_status();
    }
    case RecordKind::kAbuseSettings: json.key("abuse_settings").raw(body); return ok_status();
    case RecordKind::kVisitorStanding: {
      VITRINE_TRY(const auto change, conduct::decode_change(body));
      json.key("visitor_standing").begin_object();
      conduct::write_change(change, json);
      json.end_object();
      return ok_status();
    }
    case RecordKind::kErased: json.key("erased").boolean(true); return ok_status();
  }
  return Error(ErrorCode::kUnsupported,
               "is of kind " + std::to_string(record.kind) + ", which this version does not know");
}

Result<std::vector<backup::StateDigest>> state_digests(const Settings& settings,
                                                       const backup::LastPositions& last) {
  std::vector<backup::StateDigest> found;
  for (std::uint32_t number = 0; number < 100'000; ++number) {
    const std::string directory =
        apply::PartitionSet::directory_of(settings.data_directory, number);
    if (!std::filesystem::exists(directory)) {
      if (number >= static_cast<std::uint32_t>(settings.partitions)) break;
      continue;
    }
    const auto limit = last.find(number);
    if (!last.empty() && (limit == last.end() || limit->second == 0)) continue;
    VITRINE_TRY(const auto state, replayed_state(directory, settings,
                                                 last.empty() ? ~std::uint64_t{0} : limit->second));
    VITRINE_TRY(const auto digests, state->digest());
    for (const auto& digest : digests) {
      found.push_back({number, digest.tenant.value, digest.position, digest.digest});
    }
  }
  return found;
}

Result<std::unique_ptr<apply::PartitionState>> partition_state_now(const Settings& settings,
                                                                   const std::string& directory) {
  return replayed_state(directory, settings, ~eventlog::Position{0});
}

Status run_state_digest(const Settings& settings, bool json_output, std::ostream& out) {
  if (!std::filesystem::exists(settings.data_directory)) {
    return Error(ErrorCode::kNotFound, "there is no data directory " + settings.data_directory +
                                           "; name the server's with --data.directory");
  }
  VITRINE_TRY(const auto digests, state_digests(settings, {}));
  for (const auto& digest : digests) {
    if (json_output) {
      out << "{\"partition\":" << digest.partition << ",\"tenant\":" << digest.tenant
          << ",\"position\":" << digest.position << ",\"digest\":\"" << hex(digest.digest)
          << "\"}\n";
    } else {
      out << "partition " << digest.partition << "  tenant " << digest.tenant << "  position "
          << digest.position << "  " << hex(digest.digest) << "\n";
    }
  }
  if (digests.empty() && !json_output) {
    out << "no tenant has any state in " << settings.data_directory << "\n";
  }
  return ok_status();
}

Result<std::unique_ptr<control::ControlStore>> open_control_store(const Settings& settings) {
  VITRINE_TRY(io::system_files().create_directories(settings.data_directory));
  control::StoreOptions options;
  options.path = io::join_path(settings.data_directory, "control.db");
  options.pool_partitions = static_cast<std::uint32_t>(settings.partitions);
  return control::ControlStore::open(options);
}

void wait_for_running_server(const Settings& settings) {
  // It looks ten times a second; one look more than that, to be on the safe side.
  if (std::filesystem::exists(io::join_path(settings.data_directory, "runtime.json"))) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
}

inspect::PayloadPrinter payload_printer() {
  return [](const eventlog::RecordView& record, std::ostream& out) {
    std::string text;
    codec::JsonWriter json(text);
    json.begin_object();
    ByteReader in(record.payload);
    json.key("tenant").number(record::read_tenant(in).value);
    const Status written = write_record_payload(record, json);
    if (!written.ok()) json.key("error").string(written.error().to_string());
    json.end_object();
    json.finish();
    out << text;
  };
}

std::string log_directory(const std::string& directory, std::uint32_t partition) {
  const std::string below = apply::PartitionSet::directory_of(directory, partition) + "/log";
  return std::filesystem::exists(below) ? below : directory;
}

}  // namespace vitrine::app
