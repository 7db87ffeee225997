// Which orders to erase a restore has to carry out besides those in the backup's own log.
//
// Each backup's manifest keeps the list of those that any backup of the repository may lack: what
// the backup before it kept, and what the log says since. So the newest one has them all, but for
// orders that were given after it was made: those come from a file (`vitrine erase list`).
#pragma once

#include <string>
#include <vector>

#include "service/privacy/erasure_list.h"
#include "tool/backup/repository.h"

namespace vitrine::backup {

struct KnownErasures {
  privacy::ErasureList list;
  std::string backup;                // whose list it is; empty: no backup keeps one
  std::vector<std::string> damaged;  // ids of newer backups, which may have known more
};
// Of the newest backup that can be read.
Result<KnownErasures> known_erasures(Repository& repository);

// The list for a restore: that of the repository and that of `file`, if there is one. kCorrupt
// where a damaged backup may have known more and no file stands for it.
Result<KnownErasures> erasures_for_restore(Repository& repository, io::FileSystem& files,
                                           const std::string& file);

// Takes away what no backup lacks: orders from before the oldest one's cut.
void drop_held_by_all(privacy::ErasureList& list, const BackupManifest& oldest);

// Those of `list` that a log which ends with `log.last` may lack, of the tenants that lie in it.
privacy::ErasureList erasures_after(const privacy::ErasureList& list, const LogEntry& log,
                                    const std::vector<TenantEntry>& tenants);

// "partition-3" is 3.
std::uint32_t partition_number(const std::string& directory);

}  // namespace vitrine::backup
