#include "tool/backup/erasures.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "platform/io/atomic_file.h"

namespace vitrine::backup {
namespace {

constexpr std::uint64_t kFileBytesMax = 1ull << 30;

}  // namespace

std::uint32_t partition_number(const std::string& directory) {
  constexpr std::string_view kPrefix = "partition-";
  std::uint32_t number = 0;
  if (directory.starts_with(kPrefix)) {
    std::from_chars(directory.data() + kPrefix.size(), directory.data() + directory.size(), number);
  }
  return number;
}

Result<KnownErasures> known_erasures(Repository& repository) {
  VITRINE_TRY(auto ids, repository.list_backups());
  KnownErasures known;
  for (; !ids.empty(); ids.pop_back()) {
    auto manifest = repository.get_manifest(ids.back());
    if (!manifest.ok() && manifest.error().code() != ErrorCode::kCorrupt) {
      return std::move(manifest).error();
    }
    if (!manifest.ok()) {
      known.damaged.push_back(ids.back());
      continue;
    }
    if (manifest->erasures_known) known.backup = ids.back();
    known.list = std::move(manifest->erasures);
    break;
  }
  return known;
}

Result<KnownErasures> erasures_for_restore(Repository& repository, io::FileSystem& files,
                                           const std::string& file) {
  VITRINE_TRY(auto known, known_erasures(repository));
  if (file.empty()) {
    if (known.damaged.empty()) return known;
    return Error(ErrorCode::kCorrupt,
                 "backup " + known.damaged.front() +
                     " can't be read, and with it the newest list of persons who were erased since "
                     "the backup that is restored. Give the list with --erasures FILE (`vitrine "
                     "erase list` writes it from a data directory; an empty file says that there "
                     "are none)");
  }
  VITRINE_TRY(const std::string text, io::read_file(files, file, kFileBytesMax));
  auto given = privacy::parse_erasures(text);
  if (!given.ok()) return std::move(given).error().context(file);
  for (auto& entry : *given) known.list.push_back(std::move(entry));
  privacy::settle(known.list);
  return known;
}

void drop_held_by_all(privacy::ErasureList& list, const BackupManifest& oldest) {
  TimeUs cut = std::numeric_limits<TimeUs>::max();
  for (const auto& log : oldest.logs) {
    if (log.has_state && log.last > 0) cut = std::min(cut, log.last_time_us);
  }
  std::erase_if(list, [&](const auto& entry) { return entry.time < cut; });
}

privacy::ErasureList erasures_after(const privacy::ErasureList& list, const LogEntry& log,
                                    const std::vector<TenantEntry>& tenants) {
  privacy::ErasureList out;
  if (!log.has_state || log.last == 0) return out;
  const std::uint32_t partition = partition_number(log.directory);
  for (const auto& entry : list) {
    const auto tenant = std::ranges::find(tenants, entry.tenant.value, &TenantEntry::id);
    if (tenant == tenants.end() || tenant->partition != partition) continue;
    // Of the same microsecond it may be either in the log or behind it: who applies it looks.
    if (entry.time >= log.last_time_us) out.push_back(entry);
  }
  return out;
}

}  // namespace vitrine::backup
