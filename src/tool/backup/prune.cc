#include "tool/backup/prune.h"

#include <algorithm>
#include <unordered_set>

namespace vitrine::backup {

Result<PruneReport> prune_repository(Repository& repository, std::size_t keep, Progress& progress) {
  if (keep == 0) {
    return Error(ErrorCode::kInvalidArgument, "at least one backup is kept: --keep 1 or more");
  }
  VITRINE_TRY(const auto lock, repository.begin_writing());
  VITRINE_TRY(const auto ids, repository.list_backups());
  const std::size_t remove = ids.size() > keep ? ids.size() - keep : 0;
  std::unordered_set<std::string> needed;
  for (std::size_t i = remove; i < ids.size(); ++i) {
    VITRINE_TRY(const auto manifest, repository.get_manifest(ids[i]));
    for (const auto& file : manifest.files) {
      for (const auto& chunk : file.chunks) needed.insert(chunk_key(chunk));
    }
  }
  PruneReport report;
  blob::ObjectStore& store = repository.store();
  // Manifests first: a backup whose chunks go must not be there any more.
  for (std::size_t i = 0; i < remove; ++i) {
    VITRINE_TRY(store.remove(backup_key(ids[i])));
    report.removed.push_back(ids[i]);
  }
  VITRINE_TRY(const auto objects, store.list("chunks/"));
  progress.start("removing", objects.size(), "objects");
  std::uint64_t seen = 0;
  for (const auto& object : objects) {
    progress.update(++seen);
    if (needed.contains(object.key)) continue;
    VITRINE_TRY(store.remove(object.key));
    ++report.objects;
    report.bytes += object.bytes;
  }
  progress.finish();
  return report;
}

}  // namespace vitrine::backup
