#include "tool/backup/tenant_restore.h"

#include <filesystem>
#include <limits>

#include "domain/catalog/item_json.h"
#include "domain/event/event_codec.h"
#include "domain/event/event_json.h"
#include "domain/person/person_codec.h"
#include "domain/person/person_json.h"
#include "domain/record/record.h"
#include "engine/eventlog/reader.h"
#include "platform/codec/json_writer.h"
#include "platform/net/url.h"
#include "service/apply/tenant_state.h"
#include "service/privacy/person_match.h"
#include "tool/backup/change_sender.h"
#include "tool/backup/erasures.h"

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
    VITRINE_TRY(read_state(progress));
    VITRINE_TRY(send_items(progress));
    VITRINE_TRY(send_history(progress));
    VITRINE_TRY(send_users(progress));
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

  importer::SendOptions send_options(const char* path) const {
    importer::SendOptions send;
    send.target = {options_.url, options_.key, options_.ca_file};
    send.path = path;
    send.sleep = options_.sleep;
    return send;
  }

  Result<std::unique_ptr<importer::BatchSender>> sender(const char* path) {
    return importer::BatchSender::start(send_options(path));
  }

  void note_version(const std::string& version) {
    if (!version.empty()) report_.profile_version = version;
  }

  // Catalog and users by the very code that made them: changes, in order, into an empty state.
  // And who is erased later, which must be known before the first event is sent.
  Status read_state(Progress& progress) {
    const TenantId tenant{report_.tenant.id};
    state_ =
        std::make_unique<apply::TenantState>(tenant, apply::TenantOptions{}, apply::TenantStores{});
    progress.start("reading the catalog", last_, "records");
    const auto take = [&](const eventlog::RecordView& record, std::string_view body) -> Status {
      ++report_.records;
      const auto kind = static_cast<RecordKind>(record.kind);
      if (kind == RecordKind::kEvent || kind == RecordKind::kImportedEvent) return ok_status();
      if (kind == RecordKind::kUserErase) {
        VITRINE_TRY(const auto erasure, person::decode_erasure(body));
        for (const Hash128& key : erasure.keys) erased_.add(tenant, key, record.position);
      }
      VITRINE_TRY(const auto outcome, state_->apply(record));
      (void)outcome;
      return ok_status();
    };
    VITRINE_TRY(for_each_record(progress, take));
    VITRINE_TRY(take_later_erasures());
    progress.finish();
    return ok_status();
  }

  // Orders that were given after the cut hold for all that is in the backup.
  Status take_later_erasures() {
    for (const auto& log : manifest_.logs) {
      if (log.directory != partition()) continue;
      eventlog::Position position = log.last;
      for (const auto& order : erasures_after(options_.restore.erasures, log, manifest_.tenants)) {
        if (order.tenant.value != report_.tenant.id) continue;
        for (const Hash128& key : order.keys) {
          erased_.add(order.tenant, key, std::numeric_limits<eventlog::Position>::max());
        }
        std::string payload;
        ByteWriter out(payload);
        record::write_tenant(out, order.tenant);
        person::encode_erasure({order.keys}, out);
        VITRINE_TRY(
            const auto outcome,
            state_->apply({++position, order.time,
                           static_cast<std::uint16_t>(RecordKind::kUserErase), 0, payload}));
        (void)outcome;
        ++report_.later_erasures;
      }
    }
    return ok_status();
  }

  Status send_items(Progress& progress) {
    const catalog::Catalog& items = state_->catalog();
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
    note_version(report_.items.profile_version);
    progress.finish();
    return ok_status();
  }

  // What changes how events count keeps its place among them: a consent that was denied before an
  // event is denied before it again, and one that was given later does not reach back.
  Status send_history(Progress& progress) {
    progress.start("sending events", last_, "records");
    VITRINE_TRY(events_, sender("/v1/events:import"));
    VITRINE_TRY(auto changes, ChangeSender::open(send_options("")));
    const auto send = [&](const eventlog::RecordView& record, std::string_view body) -> Status {
      privacy::Match match;
      if (!erased_.empty()) {
        VITRINE_TRY(match, erased_.match(record));
      }
      if (match.about == privacy::About::kPerson) {
        ++report_.erased;
        return ok_status();
      }
      const auto kind = static_cast<RecordKind>(record.kind);
      if (kind == RecordKind::kEvent || kind == RecordKind::kImportedEvent) {
        return send_event(record, body, match.about == privacy::About::kDevice);
      }
      return send_change(record, body, changes);
    };
    VITRINE_TRY(for_each_record(progress, send));
    VITRINE_TRY(finish_events());
    report_.changes = changes.totals();
    progress.finish();
    return ok_status();
  }

  // `erased_device`: somebody else's event on a device of an erased person, whose id stays out.
  Status send_event(const eventlog::RecordView& record, std::string_view body, bool erased_device) {
    VITRINE_TRY(event::decode_event(body, event_));
    if (erased_device) event_.anonymous_id = {};
    line_.clear();
    codec::JsonWriter json(line_);
    event::write_event_json(event_, json);
    json.finish();
    events_pending_ = true;
    return events_->add(line_, record.position);
  }

  // All events so far are in the target's log when this returns.
  Status finish_events() {
    VITRINE_TRY(report_.events, events_->finish(no_progress()));
    if (events_pending_) note_version(report_.events.profile_version);
    events_pending_ = false;
    return ok_status();
  }

  Status send_change(const eventlog::RecordView& record, std::string_view body,
                     ChangeSender& changes) {
    Change change;
    change.origin = record.position;
    std::uint64_t* applied = nullptr;
    switch (static_cast<RecordKind>(record.kind)) {
      case RecordKind::kUserConsent: {
        VITRINE_TRY(const auto said, person::decode_consent(body));
        change.method = "PATCH";
        change.path = user_path(said.user_id) + "/consents";
        change.body = consents_json(said.consents);
        applied = &report_.consents;
        break;
      }
      case RecordKind::kUserMerge: {
        VITRINE_TRY(const auto merge, person::decode_merge(body));
        change.method = "POST";
        change.path = user_path(merge.user_id) + ":merge";
        codec::JsonWriter json(change.body);
        json.begin_object().key("anonymous_id").string(merge.anonymous_id).end_object();
        // The log holds what was asked for, also where it was refused.
        change.harmless_code = "merged_elsewhere";
        applied = &report_.merges;
        break;
      }
      case RecordKind::kUserDelete: {
        VITRINE_TRY(const auto user_id, person::decode_delete(body));
        change.method = "DELETE";
        change.path = user_path(user_id);
        change.harmless_code = "user_not_found";
        applied = &report_.forgotten;
        break;
      }
      default: return ok_status();
    }
    if (events_pending_) VITRINE_TRY(finish_events());
    VITRINE_TRY(const auto outcome, changes.send(change));
    if (outcome == ChangeOutcome::kApplied) {
      ++*applied;
      note_version(changes.totals().profile_version);
    } else if (outcome == ChangeOutcome::kHarmless && applied == &report_.merges) {
      ++report_.merges_refused;
    }
    return ok_status();
  }

  static std::string user_path(std::string_view user_id) {
    return "/v1/users/" + net::percent_encode(user_id);
  }

  static std::string consents_json(event::Consents consents) {
    std::string text;
    codec::JsonWriter json(text);
    json.begin_object();
    for (const event::Purpose purpose : event::kPurposes) {
      if (const auto said = consents.get(purpose)) {
        json.key(event::purpose_name(purpose)).boolean(*said);
      }
    }
    json.end_object();
    json.finish();
    return text;
  }

  // After the history, so that a deletion in it does not take away what was said since.
  Status send_users(Progress& progress) {
    const person::People& people = state_->people();
    progress.start("sending users", people.count(), "users");
    VITRINE_TRY(auto out, sender("/v1/users:import"));
    for (UserIndex user = people.next(UserIndex{0}); user != kNoUser;
         user = people.next(UserIndex{user.value + 1})) {
      const auto described = people.get(user);
      if (!described) continue;
      line_.clear();
      codec::JsonWriter json(line_);
      json.begin_object();
      json.key("user_id").string(described->user.id);
      person::write_attributes(described->user.attributes, json);
      json.end_object();
      json.finish();
      VITRINE_TRY(out->add(line_, user.value));
      progress.update(out->answered());
    }
    VITRINE_TRY(report_.users, out->finish(progress));
    note_version(report_.users.profile_version);
    progress.finish();
    return ok_status();
  }

  Repository& repository_;
  const TenantRestoreOptions& options_;
  BackupManifest manifest_;
  eventlog::Position last_ = 0;
  bool restored_ = false;
  std::unique_ptr<apply::TenantState> state_;  // without events
  privacy::Persons erased_;
  std::unique_ptr<importer::BatchSender> events_;
  bool events_pending_ = false;  // some were added since the last finish_events()
  event::Event event_;           // keeps its memory
  std::string line_;
  TenantRestoreReport report_;
};

}  // namespace

Result<TenantRestoreReport> restore_tenant(Repository& repository,
                                           const TenantRestoreOptions& options,
                                           Progress& progress) {
  return TenantRestore(repository, options).run(progress);
}

}  // namespace vitrine::backup
