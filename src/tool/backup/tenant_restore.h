// One tenant of a backup into a tenant of a running server, without touching any other.
//
// The tenant's records are read from the backup's log and sent through the API, as the shop itself
// would send them: first the catalog as it was at the cut (each item once), then all events in
// their order, as history. docs/backup.md says what carries over and what does not.
#pragma once

#include <functional>
#include <string>

#include "tool/backup/restore.h"
#include "tool/import/batch_sender.h"

namespace vitrine::backup {

struct TenantRestoreOptions {
  RestoreOptions restore;  // target: a scratch folder for the log; removed at the end
  std::string tenant;      // its name in the backup, or its number
  std::string url;         // of the running server
  std::string ca_file{};   // PEM: whom to trust with https; empty: the system's authorities
  std::string key;         // a secret key of the tenant to restore into
  // Go on though the backup's log does not reach back to the tenant's first event.
  bool allow_partial = false;
  // Go on though the target has items already.
  bool allow_existing = false;
  std::function<void(std::chrono::milliseconds)> sleep;  // as in importer::SendOptions
};

struct TenantRestoreReport {
  std::string backup;
  TenantEntry tenant;
  std::uint64_t records = 0;  // of the tenant, in the log
  importer::SendTotals items;
  importer::SendTotals events;
  double seconds = 0;
};

// Repeating it is harmless: items replace themselves, events are known by their id. kNotFound where
// the backup has no such tenant, kConflict where the target is not empty or the log begins too
// late, and those of the API. Rejected rows are in the report.
Result<TenantRestoreReport> restore_tenant(Repository& repository,
                                           const TenantRestoreOptions& options, Progress& progress);

}  // namespace vitrine::backup
