// Is an archive complete, and is each byte of it what was written?
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "service/archive/archiver.h"

namespace vitrine::archive {

struct ArchiveVerifyReport {
  std::uint64_t manifests = 0;
  std::uint64_t objects = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t compared = 0;  // records that were compared with the log
  eventlog::PositionRange range;
  std::vector<std::string> problems;  // at most 100; each with the object
};

// For one log: manifests follow one another without gap, each as it was written; every object is
// there with the right hashes; its lines are its tenant's, in order, within its range, and as many
// as it should have, so that records accepted and archived are the same number. With
// `options.log_directory` also: what the log still has is what the archive says.
Result<ArchiveVerifyReport> verify_archive(const ArchiveOptions& options, Progress& progress);

// Names of the logs in an archive.
Result<std::vector<std::string>> archived_logs(blob::ObjectStore& store);

}  // namespace vitrine::archive
