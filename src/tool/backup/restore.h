// Puts the files of a backup back into an empty directory.
#pragma once

#include <functional>
#include <string>

#include "base/executor.h"
#include "base/progress.h"
#include "service/privacy/erase.h"
#include "tool/backup/repository.h"

namespace vitrine::backup {

struct RestoreOptions {
  io::FileSystem* files = nullptr;
  const Clock* clock = nullptr;
  Executor* executor = nullptr;
  unsigned threads = 2;
  std::string id;      // as in Repository::get_manifest
  std::string target;  // must be absent or an empty folder
  // Which files, by path; empty: all. For the restore of one tenant's log.
  std::function<bool(const BackupFile&)> wanted;
  // Orders to erase that the backup's log may lack (tool/backup/erasures.h). Those that are newer
  // than a partition's cut are given to `erase`, before the folder gets its name; an error fails
  // the restore.
  privacy::ErasureList erasures;
  std::function<Result<privacy::ErasureReport>(const std::string& folder, std::uint32_t partition,
                                               const privacy::ErasureList& orders)>
      erase;
  // Called with the restored folder before it gets its name: the last changes to it. An error
  // fails the restore.
  std::function<Status(const std::string& folder)> finish;
};

struct RestoreReport {
  BackupManifest manifest;
  std::uint64_t files = 0;
  std::uint64_t data_bytes = 0;
  std::uint64_t erasures = 0;        // orders that were carried out
  std::uint64_t erased_records = 0;  // by them
  double seconds = 0;
};

// All or nothing: files are written to TARGET.restoring, which gets its name when everything in it
// is synced. A restore that was killed leaves that folder, and the next one of the same target
// removes it. Every chunk is checked against its name. kConflict where the target is not empty,
// kExhausted before anything is written where the disk is too small, kNotFound and kCorrupt with
// the object where the repository is damaged.
Result<RestoreReport> restore_backup(Repository& repository, const RestoreOptions& options,
                                     Progress& progress);

}  // namespace vitrine::backup
