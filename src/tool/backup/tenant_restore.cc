#include "tool/backup/tenant_restore.h"

#include <filesystem>

#include "domain/catalog/item_json.h"
#include "domain/event/event_codec.h"
#include "domain/event/event_json.h"
#include "domain/record/record.h"
#include "engine/eventlog/reader.h"
#include "platform/codec/json_writer.h"
#include "service/apply/tenant_state.h"

namespace vitrine::backup {
namespace {

using record::RecordKind;

class TenantRestore {
 public:
  TenantRestore(Repository& repository, const TenantRestoreOptions& options)
      : repository_(repository), options_(options) {}
  ~TenantRestore() {
    std::error_code ignored;
    if (restored_) std::filesystem::remove_all(options_.restore.target, ignored);
  }

  Result<TenantRestoreReport> run(Progress& progress) {
    const std::int64_t started = options_.restore.clock->steady_ns();
    VITRINE_TRY(manifest_, repository_.get_manifest(options_.restore.id));
    report_.backup = manifest_.id;
    VITRINE_TRY(find_tenant());
    VITRINE_TRY(check_log());
    VITRINE_TRY(check_target());
    VITRINE_TRY(restore_log(progress));
    VITRINE_TRY(send_items(progress));
    VITRINE_TRY(send_events(progress));
    report_.seconds = static_cast<double>(options_.restore.clock->steady_ns() - started) / 1e9;
    return std::move(report_);
  }

 private:
  std::string partition() const { return "partition-" + std::to_string(report_.tenant.partition); }

  Status find_tenant() {
    for (const auto& tenant : manifest_.tenants) {
      if (tenant.name != options_.tenant && std::to_string(tenant.id) != options_.tenant) continue;
      report_.tenant = tenant;
      return ok_status();
    }
    return Error(ErrorCode::kNotFound,
                 "backup " + manifest_.id + " has no tenant '" + options_.tenant + "'");
  }

  Status check_log() {
    for (const auto& log : manifest_.logs) {
      if (log.directory != partition()) continue;
      last_ = log.last;
      if (log.oldest <= 1 || options_.allow_partial) return ok_status();
      return Error(ErrorCode::kConflict,
                   "the log in the backup begins at position " + std::to_string(log.oldest) +
                       ": what the tenant sent before that is only in the snapshot and can't be "
                       "carried over; allow it to be left out with --allow-partial");
    }
    return ok_status();  // a partition that was never written: nothing to send
  }

  Status check_target() {
    VITRINE_TRY(auto api,
                importer::ApiClient::open({options_.url, options_.key, options_.ca_file}));
    VITRINE_TRY(const auto answer, api.get("/v1/items?limit=1"));
    if (!answer.ok()) return refusal(answer);
    if (options_.allow_existing || answer.body.find("\"item_id\"") == std::string::npos) {
      return ok_status();
    }
    return Error(ErrorCode::kConflict,
                 "the tenant of this key has items already: restore into a new tenant, or allow "
                 "both to be mixed with --allow-existing");
  }

  Status restore_log(Progress& progress) {
    RestoreOptions restore = options_.restore;
    restore.id = manifest_.id;
    restore.wanted = [prefix = partition() + "/log/"](const BackupFile& file) {
      return file.path.starts_with(prefix);
    };
    VITRINE_TRY(const auto restored, restore_backup(repository_, restore, progress));
    restored_ = true;
    return ok_status();
  }

  // Calls fn(record, body) for each record of the tenant.
  template <class Fn>
  Status for_each_record(Progress& progress, Fn fn) {
    if (last_ == 0) return ok_status();
    VITRINE_TRY(auto reader,
                eventlog::Reader::open(*options_.restore.files,
                                       options_.restore.target + "/" + partition() + "/log", 0,
                                       eventlog::ReadScope::kWholeFrames));
    eventlog::RecordView record;
    while (true) {
      VITRINE_TRY(const auto end, reader->next(record));
      if (end == eventlog::ReadEnd::kEndOfLog) return ok_status();
      if (record.position % 1024 == 0) progress.update(record.position);
      ByteReader in(record.payload);
      if (record::read_tenant(in).value != report_.tenant.id) continue;
      VITRINE_TRY(fn(record, in.raw(in.remaining())));
    }
  }

  Result<std::unique_ptr<importer::BatchSender>> sender(const char* path) {
    importer::SendOptions send;
    send.target = {options_.url, options_.key};
    send.path = path;
    send.sleep = options_.sleep;
    return importer::BatchSender::start(std::move(send));
  }

  Status send_items(Progress& progress) {
    // The catalog by the very code that made it: changes, in order, into an empty state.
    apply::TenantState state(TenantId{report_.tenant.id}, {}, {});
    progress.start("reading the catalog", last_, "records");
    const auto apply_item = [&](const eventlog::RecordView& record, std::string_view) -> Status {
      ++report_.records;
      const auto kind = static_cast<RecordKind>(record.kind);
      if (kind == RecordKind::kEvent || kind == RecordKind::kImportedEvent) return ok_status();
      VITRINE_TRY(const auto outcome, state.apply(record));
      (void)outcome;
      return ok_status();
    };
    VITRINE_TRY(for_each_record(progress, apply_item));
    progress.finish();
    const catalog::Catalog& items = state.catalog();
    progress.start("sending items", items.listed_count(), "items");
    VITRINE_TRY(auto out, sender("/v1/items:import"));
    std::string line;
    for (std::uint32_t i = 0; i < items.item_count(); ++i) {
      const auto item = items.get_item(ItemIndex{i});
      if (!item) continue;
      line.clear();
      catalog::append_json(*item, line);
      VITRINE_TRY(out->add(line, i));
      progress.update(out->answered());
    }
    VITRINE_TRY(report_.items, out->finish(progress));
    progress.finish();
    return ok_status();
  }

  Status send_events(Progress& progress) {
    progress.start("sending events", last_, "records");
    VITRINE_TRY(auto out, sender("/v1/events:import"));
    event::Event event;
    std::string line;
    const auto send = [&](const eventlog::RecordView& record, std::string_view body) -> Status {
      const auto kind = static_cast<RecordKind>(record.kind);
      if (kind != RecordKind::kEvent && kind != RecordKind::kImportedEvent) return ok_status();
      VITRINE_TRY(event::decode_event(body, event));
      line.clear();
      codec::JsonWriter json(line);
      event::write_event_json(event, json);
      json.finish();
      return out->add(line, record.position);
    };
    VITRINE_TRY(for_each_record(progress, send));
    VITRINE_TRY(report_.events, out->finish(no_progress()));
    progress.finish();
    return ok_status();
  }

  Repository& repository_;
  const TenantRestoreOptions& options_;
  BackupManifest manifest_;
  eventlog::Position last_ = 0;
  bool restored_ = false;
  TenantRestoreReport report_;
};

}  // namespace

Result<TenantRestoreReport> restore_tenant(Repository& repository,
                                           const TenantRestoreOptions& options,
                                           Progress& progress) {
  return TenantRestore(repository, options).run(progress);
}

}  // namespace vitrine::backup
