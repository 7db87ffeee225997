// Snapshots of a partition's state on disk: which there are, which to trust, which to drop.
//
//   snapshots/00000000000000001234/    state after record 1234 of the partition's log
//       MANIFEST                       written last; without it the folder is no snapshot
//       tenant-7.state                 one checksummed file per tenant (io::CheckedFileWriter)
//       cold/                          hard-linked checkpoint of the rows that left memory
//
// The manifest is written when everything else is on disk, and removed before anything else is:
// a crash at any step leaves either the whole snapshot or a folder without a manifest, which
// the next start removes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "engine/eventlog/types.h"
#include "platform/io/file_system.h"

namespace vitrine::apply {

struct SnapshotManifest {
  struct Tenant {
    TenantId id;
    std::vector<std::string> id_files;  // run files of its event id window that the state refers to
    friend bool operator==(const Tenant&, const Tenant&) = default;
  };
  eventlog::Position position = 0;
  bool has_cold_rows = false;
  std::vector<Tenant> tenants;  // ascending
  friend bool operator==(const SnapshotManifest&, const SnapshotManifest&) = default;
};

std::string encode_manifest(const SnapshotManifest& manifest);
// kCorrupt for anything but what encode_manifest() wrote.
Result<SnapshotManifest> decode_manifest(std::string_view bytes);

std::string snapshot_name(eventlog::Position position);
std::string tenant_file_name(TenantId tenant);

class SnapshotDirectory {
 public:
  // The folder is created where absent; unfinished snapshots in it are removed.
  static Result<SnapshotDirectory> open(io::FileSystem& files, std::string directory);
  // For a look beside the process that writes there: changes nothing.
  static SnapshotDirectory view(io::FileSystem& files, std::string directory) {
    return {files, std::move(directory)};
  }

  // Positions of complete snapshots, newest first.
  Result<std::vector<eventlog::Position>> list() const;
  std::string path(eventlog::Position position) const;
  Result<SnapshotManifest> manifest(eventlog::Position position) const;

  // A fresh, empty folder to write into; then the files; then finish().
  Result<std::string> begin(eventlog::Position position);
  // Writes MANIFEST. After it returns the snapshot survives power loss.
  Status finish(const SnapshotManifest& manifest);
  Status remove(eventlog::Position position);
  // Keeps the newest `keep`; returns the position of the oldest that is left, 0 while there are
  // fewer: the log is dropped only when `keep` snapshots make up for it.
  Result<eventlog::Position> prune(std::size_t keep);

 private:
  std::string manifest_path(eventlog::Position position) const;
  Result<std::vector<eventlog::Position>> folders() const;

  SnapshotDirectory(io::FileSystem& files, std::string directory)
      : files_(&files), directory_(std::move(directory)) {}

  io::FileSystem* files_;
  std::string directory_;
};

}  // namespace vitrine::apply
