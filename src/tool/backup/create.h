// Makes a backup of a data directory, whether its server runs or not.
#pragma once

#include <string>
#include <vector>

#include "base/executor.h"
#include "base/progress.h"
#include "tool/backup/repository.h"
#include "tool/backup/source.h"

namespace vitrine::backup {

struct CreateOptions {
  SourceOptions source;
  const Clock* clock = nullptr;
  Executor* executor = nullptr;
  unsigned threads = 2;
  int level = 1;  // of zstd
  // Read sealed segments again though the backup before has them. Costs reading the whole log.
  bool reread = false;
  std::string version;  // of the program
};

struct CreateReport {
  BackupManifest manifest;
  std::uint64_t data_bytes = 0;    // in the backup
  std::uint64_t read_bytes = 0;    // of it, read now; the rest is sealed segments known before
  std::uint64_t chunks = 0;        // in the backup
  std::uint64_t new_chunks = 0;    // of them, not there before
  std::uint64_t stored_bytes = 0;  // of the new ones, as they lie in the repository
  double seconds = 0;
  std::vector<std::string> notes;  // what the operator should know though the backup is good
};

// The backup counts from the moment its manifest is put, last of all: killed or failed before
// that, nothing is there but chunks, which the next one finds and does not write again. Chunks of
// segments are read only after the segment's frames passed their checksums, so that a damaged log
// is an error and not a backup. kExhausted for a full disk, kConflict where another writer is at
// work in the repository.
Result<CreateReport> create_backup(Repository& repository, const CreateOptions& options,
                                   Progress& progress);

}  // namespace vitrine::backup
