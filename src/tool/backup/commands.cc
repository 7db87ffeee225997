#include "tool/backup/commands.h"

#include <cstdio>
#include <ostream>

#include "platform/codec/json_writer.h"
#include "platform/codec/time_format.h"
#include "tool/backup/erasures.h"
#include "tool/backup/prune.h"
#include "tool/backup/verify.h"

namespace vitrine::backup {
namespace {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
std::string bytes_text(std::uint64_t bytes) { return human_bytes(static_cast<double>(bytes)); }
std::string count_text(std::uint64_t n) { return human_count(static_cast<double>(n)); }
double mb_per_s(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / 1e6 / seconds : 0;
}

// Writes one JSON document and a line end.
template <class Fill>
void write_json(std::ostream& out, Fill fill) {
  std::string text;
  codec::JsonWriter json(text);
  json.begin_object();
  fill(json);
  json.end_object();
  json.finish();
  out << text << "\n";
}

void write_logs(codec::JsonWriter& json, const std::vector<LogEntry>& logs) {
  json.key("logs").begin_array();
  for (const auto& log : logs) {
    json.begin_object();
    json.key("log").string(log.directory);
    json.key("first").number(log.oldest);
    json.key("last").number(log.last);
    json.key("snapshot").number(log.snapshot);
    if (log.last > 0) json.key("last_time").string(codec::format_rfc3339(log.last_time_us));
    json.end_object();
  }
  json.end_array();
}

void print_logs(std::ostream& out, const std::vector<LogEntry>& logs) {
  for (const auto& log : logs) {
    out << "  " << log.directory << ": ";
    if (log.last == 0) {
      out << "nothing was ever written\n";
      continue;
    }
    out << "records " << log.oldest << " to " << log.last << " ("
        << codec::format_rfc3339(log.last_time_us) << ")";
    if (log.has_state && log.snapshot > 0) out << ", snapshot of " << log.snapshot;
    if (log.has_state && log.snapshot == 0) out << ", no snapshot yet: a restore replays all";
    out << "\n";
  }
}

void print_erasures(std::ostream& out, const KnownErasures& known, const std::string& file,
                    const RestoreReport& report) {
  out << "  " << report.erasures << " orders to erase from after the cut were carried out, "
      << report.erased_records << " records erased; known from ";
  if (known.backup.empty() && file.empty()) {
    out << "nothing: no backup here keeps a list. Give --erasures FILE, or order them again before "
           "the server is used";
  } else {
    out << (known.backup.empty() ? "" : "backup " + known.backup)
        << (known.backup.empty() || file.empty() ? "" : " and ") << file;
  }
  out << "\n";
}

constexpr std::string_view kNotEncrypted =
    "NOT ENCRYPTED: whoever can read the repository can read every shop's events. "
    "`vitrine backup key FILE` makes a key; begin a new repository with it.";

}  // namespace

Result<OpenRepository> open_repository(const CommandOptions& options, bool create) {
  auto& files = io::system_files();
  if (options.repository.empty()) {
    return Error(ErrorCode::kInvalidArgument, "say where the backups are: --repository DIR");
  }
  std::unique_ptr<BackupKey> key;
  if (!options.key_file.empty()) {
    VITRINE_TRY(auto read, read_key_file(files, options.key_file));
    key = std::make_unique<BackupKey>(std::move(read));
  }
  OpenRepository opened;
  if (create) {
    VITRINE_TRY(opened.store, blob::DirectoryStore::create(files, options.repository));
  } else {
    VITRINE_TRY(opened.store, blob::DirectoryStore::open(files, options.repository));
  }
  auto repository = Repository::open(*opened.store, key.get());
  if (!repository.ok() && repository.error().code() == ErrorCode::kNotFound && create) {
    repository = Repository::create(*opened.store, key.get());
    opened.made = true;
  }
  if (!repository.ok()) return std::move(repository).error();
  opened.repository = std::move(repository).value();
  return opened;
}

Status run_key(const std::string& path, std::ostream& out) {
  VITRINE_TRY(const auto key, create_key_file(io::system_files(), path));
  out << "made key " << key.id << " in " << path
      << "\nKeep a copy away from the backups: without it they can't be read, by anyone.\n";
  return ok_status();
}

Status run_create(const CommandOptions& options, const CreateOptions& create, Progress& progress,
                  std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, true));
  VITRINE_TRY(const auto report, create_backup(*opened.repository, create, progress));
  const double rate = mb_per_s(report.data_bytes, report.seconds);
  if (options.json) {
    write_json(out, [&](codec::JsonWriter& json) {
      json.key("backup").string(report.manifest.id);
      json.key("encrypted").boolean(opened.repository->encrypted());
      write_logs(json, report.manifest.logs);
      json.key("data_bytes").number(report.data_bytes);
      json.key("read_bytes").number(report.read_bytes);
      json.key("chunks").number(report.chunks);
      json.key("new_chunks").number(report.new_chunks);
      json.key("stored_bytes").number(report.stored_bytes);
      json.key("seconds").number(report.seconds);
      json.key("mb_per_s").number(rate);
    });
    return ok_status();
  }
  if (opened.made) out << "made a new repository in " << options.repository << "\n";
  for (const auto& note : report.notes) out << "note: " << note << "\n";
  out << "backup " << report.manifest.id << " is complete\n";
  print_logs(out, report.manifest.logs);
  out << "  " << bytes_text(report.data_bytes) << " in " << report.chunks << " chunks; "
      << report.new_chunks << " were new and take " << bytes_text(report.stored_bytes) << "\n  "
      << human_duration(report.seconds) << ", " << fixed(rate, 0) << " MB/s";
  if (report.read_bytes < report.data_bytes) {
    out << " (" << bytes_text(report.data_bytes - report.read_bytes)
        << " of sealed segments were known)";
  }
  out << "\n";
  if (!opened.repository->encrypted()) out << kNotEncrypted << "\n";
  return ok_status();
}

Status run_list(const CommandOptions& options, std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, false));
  VITRINE_TRY(const auto ids, opened.repository->list_backups());
  if (ids.empty() && !options.json) out << "there is no backup in " << options.repository << "\n";
  for (const auto& id : ids) {
    auto manifest = opened.repository->get_manifest(id);
    if (!manifest.ok()) {
      if (options.json) {
        write_json(out, [&](codec::JsonWriter& json) {
          json.key("backup").string(id);
          json.key("error").string(manifest.error().to_string());
        });
      } else {
        out << id << "  " << manifest.error().to_string() << "\n";
      }
      continue;
    }
    if (options.json) {
      write_json(out, [&](codec::JsonWriter& json) {
        json.key("backup").string(id);
        json.key("time").string(codec::format_rfc3339(manifest->cut_us));
        json.key("data_bytes").number(manifest->data_bytes());
        json.key("tenants").number(manifest->tenants.size());
        json.key("version").string(manifest->version);
        write_logs(json, manifest->logs);
      });
    } else {
      out << id << "  " << bytes_text(manifest->data_bytes()) << "  " << manifest->tenants.size()
          << " tenants\n";
      print_logs(out, manifest->logs);
    }
  }
  if (!opened.repository->encrypted() && !options.json) out << kNotEncrypted << "\n";
  return ok_status();
}

Status run_verify(const CommandOptions& options, const std::string& id, unsigned threads,
                  Progress& progress, std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, false));
  VerifyOptions verify;
  verify.executor = &thread_executor();
  verify.threads = threads;
  verify.id = id;
  VITRINE_TRY(const auto report, verify_repository(*opened.repository, verify, progress));
  if (options.json) {
    write_json(out, [&](codec::JsonWriter& json) {
      json.key("backups").number(report.backups);
      json.key("objects").number(report.objects);
      json.key("bytes").number(report.bytes);
      json.key("damages").begin_array();
      for (const auto& damage : report.damages) {
        json.begin_object();
        json.key("object").string(damage.object);
        json.key("offset").number(damage.offset);
        json.key("what").string(damage.what);
        json.key("backups").begin_array();
        for (const auto& backup : damage.needed) json.string(backup);
        json.end_array();
        json.end_object();
      }
      json.end_array();
    });
  } else {
    for (const auto& damage : report.damages) {
      out << "DAMAGED " << damage.what;
      if (damage.needed.empty()) out << " (no backup needs it)";
      for (const auto& backup : damage.needed) out << "\n        needed by backup " << backup;
      out << "\n";
    }
    out << report.backups << " backups, " << report.objects << " objects, "
        << bytes_text(report.bytes) << " read";
    if (report.unneeded_objects > 0) {
      out << "; " << report.unneeded_objects << " objects belong to no backup (prune removes them)";
    }
    out << "\n";
    if (!opened.repository->encrypted()) out << kNotEncrypted << "\n";
  }
  if (report.damages.empty()) {
    if (!options.json) out << "all is what was written\n";
    return ok_status();
  }
  return Error(ErrorCode::kCorrupt,
               std::to_string(report.damages.size()) +
                   " objects are damaged or missing. Remove the damaged ones and run `backup "
                   "create`: what the source still has is stored again");
}

Status run_restore(const CommandOptions& options, const RestoreOptions& wanted, Progress& progress,
                   std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, false));
  VITRINE_TRY(auto known,
              erasures_for_restore(*opened.repository, *wanted.files, options.erasures));
  RestoreOptions restore = wanted;
  restore.erasures = std::move(known.list);
  VITRINE_TRY(const auto report, restore_backup(*opened.repository, restore, progress));
  if (options.json) {
    write_json(out, [&](codec::JsonWriter& json) {
      json.key("backup").string(report.manifest.id);
      json.key("directory").string(restore.target);
      json.key("files").number(report.files);
      json.key("data_bytes").number(report.data_bytes);
      json.key("erasures").number(report.erasures);
      json.key("erased_records").number(report.erased_records);
      json.key("erasures_known_by").string(known.backup);
      json.key("seconds").number(report.seconds);
      write_logs(json, report.manifest.logs);
    });
    return ok_status();
  }
  out << "restored backup " << report.manifest.id << " of "
      << codec::format_rfc3339(report.manifest.cut_us) << " into " << restore.target << "\n";
  print_logs(out, report.manifest.logs);
  print_erasures(out, known, options.erasures, report);
  out << "  " << report.files << " files, " << bytes_text(report.data_bytes) << ", "
      << human_duration(report.seconds) << ", "
      << fixed(mb_per_s(report.data_bytes, report.seconds), 0) << " MB/s\nStart it with: vitrine "
      << "serve --config " << restore.target << "/" << kSettingsFile << " --data.directory "
      << restore.target << "\n(" << kSettingsFile
      << " has the settings the state depends on; the others are yours to give)\n";
  return ok_status();
}

Status run_restore_tenant(const CommandOptions& options, const TenantRestoreOptions& wanted,
                          Progress& progress, std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, false));
  VITRINE_TRY(auto known,
              erasures_for_restore(*opened.repository, *wanted.restore.files, options.erasures));
  TenantRestoreOptions restore = wanted;
  restore.restore.erasures = std::move(known.list);
  VITRINE_TRY(const auto report, restore_tenant(*opened.repository, restore, progress));
  const std::uint64_t rejected = report.rejected();
  if (options.json) {
    write_json(out, [&](codec::JsonWriter& json) {
      json.key("backup").string(report.backup);
      json.key("tenant").string(report.tenant.name);
      json.key("records").number(report.records);
      json.key("items").number(report.items.accepted);
      json.key("events").number(report.events.accepted);
      json.key("duplicates").number(report.events.duplicates);
      json.key("users").number(report.users.accepted);
      json.key("consents").number(report.consents);
      json.key("merges").number(report.merges);
      json.key("merges_refused").number(report.merges_refused);
      json.key("forgotten").number(report.forgotten);
      json.key("erased_records").number(report.erased);
      json.key("later_erasures").number(report.later_erasures);
      json.key("rejected").number(rejected);
      json.key("profile_version").string(report.profile_version);
      json.key("seconds").number(report.seconds);
    });
  } else {
    out << "restored tenant " << report.tenant.name << " of backup " << report.backup << ": "
        << count_text(report.items.accepted) << " items, " << count_text(report.events.accepted)
        << " events, " << report.events.duplicates << " known already, " << rejected
        << " rejected, " << human_duration(report.seconds) << "\n  "
        << count_text(report.users.accepted) << " users with attributes, "
        << count_text(report.consents) << " consents, " << count_text(report.merges) << " merges, "
        << count_text(report.forgotten) << " deletions of users\n";
    if (report.merges_refused > 0) {
      out << "  " << count_text(report.merges_refused)
          << " merges were refused because the visitor is another user already\n";
    }
    if (report.erased > 0) {
      out << "  " << count_text(report.erased)
          << " records of persons who were erased later were not sent\n";
    }
    out << "  " << report.later_erasures << " orders to erase from after the cut were heeded\n";
    for (const auto* totals : {&report.items, &report.events, &report.changes, &report.users}) {
      for (const auto& line : totals->first_rejected) {
        out << "  rejected at " << line.origin << ": " << line.code << ": " << line.detail << "\n";
      }
    }
  }
  if (rejected == 0) return ok_status();
  return Error(ErrorCode::kInvalidArgument, std::to_string(rejected) + " rows were rejected");
}

Status run_prune(const CommandOptions& options, std::size_t keep, Progress& progress,
                 std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, false));
  VITRINE_TRY(const auto report, prune_repository(*opened.repository, keep, progress));
  if (options.json) {
    write_json(out, [&](codec::JsonWriter& json) {
      json.key("removed").begin_array();
      for (const auto& id : report.removed) json.string(id);
      json.end_array();
      json.key("objects").number(report.objects);
      json.key("bytes").number(report.bytes);
    });
    return ok_status();
  }
  for (const auto& id : report.removed) out << "removed backup " << id << "\n";
  out << report.objects << " objects removed, " << bytes_text(report.bytes) << " freed\n";
  return ok_status();
}

namespace {

void write_drill(codec::JsonWriter& json, const DrillReport& report) {
  json.key("backup").string(report.manifest.id);
  json.key("restore_s").number(report.restore_s);
  json.key("start_s").number(report.start_s);
  json.key("answer_s").number(report.answer_s);
  json.key("rto_s").number(report.rto_s());
  json.key("rpo_events").number(report.rpo_records);
  json.key("rpo_s").number(report.rpo_s);
  json.key("records").number(report.records);
  json.key("replayed").number(report.replayed);
  json.key("records_since").number(report.records_since);
  json.key("since_s").number(report.since_s);
  json.key("tenants_compared").number(report.tenants_compared);
  json.key("digest_equal").boolean(report.digest_equal());
  if (!report.not_compared.empty()) json.key("not_compared").string(report.not_compared);
  json.key("differences").begin_array();
  for (const auto& difference : report.differences) json.string(difference);
  json.end_array();
}

void print_drill(std::ostream& out, const DrillReport& report) {
  out << "drill with backup " << report.manifest.id << "\n  restored      "
      << human_duration(report.restore_s) << ", " << bytes_text(report.manifest.data_bytes())
      << ", " << count_text(report.records) << " records\n  server ready  "
      << human_duration(report.start_s) << ", " << count_text(report.replayed)
      << " records behind the snapshot\n  first answer  " << human_duration(report.answer_s)
      << "\n  RTO           " << human_duration(report.rto_s()) << "\n  RPO           "
      << report.rpo_records << " records acknowledged before the backup began are missing";
  if (report.rpo_records > 0) out << ", " << human_duration(report.rpo_s);
  out << "\n  since then    " << count_text(report.records_since)
      << " records would be lost if the source were lost now; the backup is "
      << human_duration(report.since_s) << " old\n  state         ";
  if (!report.not_compared.empty()) {
    out << "not compared: " << report.not_compared;
  } else if (report.differences.empty()) {
    out << "equal to the source at the cut, " << report.tenants_compared << " tenants, "
        << human_duration(report.compare_s);
  } else {
    out << "DIFFERENT";
    for (const auto& difference : report.differences) out << "\n                " << difference;
  }
  out << "\n";
}

}  // namespace

Status run_backup_drill(const CommandOptions& options, const DrillOptions& drill,
                        Progress& progress, std::ostream& out) {
  VITRINE_TRY(const auto opened, open_repository(options, false));
  VITRINE_TRY(const auto report, run_drill(*opened.repository, drill, progress));
  if (options.json) {
    write_json(out, [&](codec::JsonWriter& json) { write_drill(json, report); });
  } else {
    print_drill(out, report);
  }
  if (!report.differences.empty()) {
    return Error(ErrorCode::kCorrupt, "the restored state differs from the source's");
  }
  if (report.rpo_records > 0) {
    return Error(ErrorCode::kCorrupt, "acknowledged records are missing in the backup");
  }
  return ok_status();
}

}  // namespace vitrine::backup
