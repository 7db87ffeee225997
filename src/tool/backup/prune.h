// Removes old backups, and then what no backup needs any more.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "tool/backup/repository.h"

namespace vitrine::backup {

struct PruneReport {
  std::vector<std::string> removed;  // ids
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // freed
};

// Keeps the newest `keep` (at least 1) backups. Refuses (kCorrupt) where the manifest of one that
// stays can't be read: what it needs is not known. Killed at any step it leaves whole backups only.
Result<PruneReport> prune_repository(Repository& repository, std::size_t keep, Progress& progress);

}  // namespace vitrine::backup
