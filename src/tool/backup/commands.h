// `vitrine backup ...`: what the command line does, without its parsing. Each writes its result to
// `out`, as a table for people or with `json` as one JSON document for programs.
#pragma once

#include <iosfwd>
#include <string>

#include "engine/blob/directory_store.h"
#include "tool/backup/create.h"
#include "tool/backup/drill.h"
#include "tool/backup/tenant_restore.h"

namespace vitrine::backup {

struct CommandOptions {
  std::string repository;  // a directory
  std::string key_file;    // empty: not encrypted
  bool json = false;
  std::string erasures{};  // of a restore: a file as `vitrine erase list` writes it; may be empty
};

// A repository with the store and the key it needs.
struct OpenRepository {
  std::unique_ptr<blob::DirectoryStore> store;
  std::unique_ptr<Repository> repository;
  bool made = false;  // just now
};
// `create`: make it where there is none.
Result<OpenRepository> open_repository(const CommandOptions& options, bool create);

Status run_key(const std::string& path, std::ostream& out);
Status run_create(const CommandOptions& options, const CreateOptions& create, Progress& progress,
                  std::ostream& out);
Status run_list(const CommandOptions& options, std::ostream& out);
// kCorrupt, after the whole report, where anything is damaged.
Status run_verify(const CommandOptions& options, const std::string& id, unsigned threads,
                  Progress& progress, std::ostream& out);
Status run_restore(const CommandOptions& options, const RestoreOptions& restore, Progress& progress,
                   std::ostream& out);
// kInvalidArgument, after the report, where rows were rejected.
Status run_restore_tenant(const CommandOptions& options, const TenantRestoreOptions& restore,
                          Progress& progress, std::ostream& out);
Status run_prune(const CommandOptions& options, std::size_t keep, Progress& progress,
                 std::ostream& out);
// kCorrupt, after the report, where a state differs.
Status run_backup_drill(const CommandOptions& options, const DrillOptions& drill,
                        Progress& progress, std::ostream& out);

}  // namespace vitrine::backup
