// One tenant of a backup into a tenant of a running server, without touching any other.
//
// The tenant's records are read from the backup's log and sent through the API, as the shop itself
// would send them: first the catalog as it was at the cut (each item once); then, in the order of
// the log, all events as history and between them, each at its place, consents, merges of visitors
// and users that were to be forgotten, so that a denial is in force for the very events it was in
// force for; last what the shop says about its users, as it was at the cut.
//
// Of persons whom a later record of the log orders to erase nothing is sent that is older than the
// order: what `vitrine erase run` would take out of the log. RestoreOptions::erasures are heeded in
// the same way. docs/backup.md says what carries over
// and what does not.
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
  importer::SendTotals changes;      // consents, merges, deletions: positions are their origins
  importer::SendTotals users;        // attributes; numbers of users are their origins
  std::uint64_t consents = 0;        // changes of them that were applied
  std::uint64_t merges = 0;          // applied
  std::uint64_t merges_refused = 0;  // the visitor is another user already, as it was then
  std::uint64_t forgotten = 0;       // deletions applied
  std::uint64_t later_erasures = 0;  // orders from after the cut that were heeded
  std::uint64_t erased = 0;          // records of persons who were erased later: not sent
  std::string profile_version;       // of the last answer
  double seconds = 0;

  std::uint64_t rejected() const {
    return items.rejected + events.rejected + changes.rejected + users.rejected;
  }
};

// Repeating it within 73 hours counts nothing twice: items and users replace themselves, events are
// known by their id, consents and merges end as they were. Only a user that was deleted and came
// back has no history then: it is deleted again, and the events since are known. Where the target
// was used meanwhile, what was said there about items, attributes and consents is replaced.
//
// kNotFound where the backup has no such tenant, kConflict where the target is not empty or the log
// begins too late, and those of the API. Rejected rows are in the report.
Result<TenantRestoreReport> restore_tenant(Repository& repository,
                                           const TenantRestoreOptions& options, Progress& progress);

}  // namespace vitrine::backup
