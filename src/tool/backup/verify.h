// Looks at every object of a repository: is each what was written, and is none missing?
#pragma once

#include <string>
#include <vector>

#include "base/executor.h"
#include "base/progress.h"
#include "tool/backup/repository.h"

namespace vitrine::backup {

struct VerifyOptions {
  Executor* executor = nullptr;
  unsigned threads = 2;
  // Only this backup and what it needs; empty: everything in the repository.
  std::string id;
};

struct Damage {
  std::string object;
  std::uint64_t offset = 0;         // where the damaged piece begins
  std::string what;                 // with object and offset, for people
  std::vector<std::string> needed;  // ids of backups that need it
};

struct VerifyReport {
  std::size_t backups = 0;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // as stored
  std::vector<Damage> damages;
  std::uint64_t unneeded_objects = 0;  // left by a backup that was broken off, or by damage
};

// Errors are those of reading the store at all; damage is in the report.
Result<VerifyReport> verify_repository(Repository& repository, const VerifyOptions& options,
                                       Progress& progress);

}  // namespace vitrine::backup
