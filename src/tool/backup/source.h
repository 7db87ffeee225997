// What of a data directory belongs into a backup, at one moment, while its server runs.
//
// The cut, for each partition: the newest snapshot first, then the log up to what is durable then,
// so that the snapshot lies within the log. The control database is copied last, so that it knows
// every tenant that has a record in the cut. Between partitions there is no common moment, and none
// is needed: a tenant lies in one.
//
// Left out: what is made anew (cold/, other snapshots), answers unless asked for, admin.key (its
// hash is in the control database, its text should not lie in a second place), runtime.json.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/eventlog/cut.h"
#include "platform/io/file_system.h"
#include "tool/backup/manifest.h"

namespace vitrine::backup {

struct ControlCopy {
  std::string database;  // the bytes of a consistent copy
  std::uint64_t version = 0;
  std::vector<TenantEntry> tenants;  // those that are not deleted
};

struct SourceOptions {
  io::FileSystem* files = nullptr;
  std::string data_directory;
  std::function<Result<ControlCopy>()> copy_control;
  bool with_answers = false;  // also the recommendation log
  std::string settings;       // see BackupManifest
};

inline constexpr std::string_view kSettingsFile = "settings.toml";
inline constexpr std::string_view kControlFile = "control.db";

// A file to be read. Its bytes [0, data_bytes) don't change any more.
struct SourceFile {
  BackupFile entry;  // without chunks
  std::uint64_t data_bytes = 0;
  std::string contents;            // of those that are in memory
  std::shared_ptr<io::File> open;  // of those that could vanish: files of snapshots
  std::string log_directory;       // of segments: what check_cut_segment() wants
  eventlog::CutSegment segment;

  // kNotFound where a segment was dropped by retention meanwhile.
  Result<std::string> read(io::FileSystem& files, const std::string& data_directory,
                           std::uint64_t offset, std::size_t bytes) const;
};

struct SourceCut {
  std::vector<LogEntry> logs;
  std::vector<TenantEntry> tenants;
  std::uint64_t control_version = 0;
  std::vector<SourceFile> files;  // by path
};

// kNotFound where the directory is none of a server, or where files vanish faster than they can be
// looked at; kCorrupt where log and snapshots don't fit together.
Result<SourceCut> cut_source(const SourceOptions& options);

}  // namespace vitrine::backup
