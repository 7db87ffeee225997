#include "tool/backup/source.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "service/apply/snapshots.h"

namespace vitrine::backup {
namespace {

constexpr std::string_view kPartitionPrefix = "partition-";

bool is_partition(std::string_view name) {
  if (!name.starts_with(kPartitionPrefix)) return false;
  name.remove_prefix(kPartitionPrefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && end == name.data() + name.size();
}

class Cutter {
 public:
  explicit Cutter(const SourceOptions& options) : options_(options), files_(*options.files) {}

  Result<SourceCut> run() {
    VITRINE_TRY(const bool exists, files_.exists(options_.data_directory));
    if (!exists) {
      return Error(ErrorCode::kNotFound, "there is no data directory " + options_.data_directory);
    }
    VITRINE_TRY(const auto names, files_.list(options_.data_directory));
    std::vector<std::string> partitions;
    for (const auto& name : names) {
      if (is_partition(name)) partitions.push_back(name);
    }
    if (partitions.empty()) {
      return Error(ErrorCode::kNotFound, options_.data_directory +
                                             " holds no partition: it is no data directory of a "
                                             "server, or one that never started");
    }
    // First of all, and for all: what is acknowledged by now has to be in the backup.
    for (const auto& name : partitions) {
      VITRINE_TRY(durable_before_[name], eventlog::durable_now(files_, in_data(name + "/log")));
    }
    for (const auto& name : partitions) {
      Status added = add_partition(name);
      if (!added.ok()) return std::move(added).error().context(name);
    }
    if (options_.with_answers) {
      LogEntry entry;
      entry.directory = "answers";
      entry.has_state = false;
      VITRINE_TRY(add_log("answers", entry));
      if (entry.last > 0) cut_.logs.push_back(entry);
    }
    VITRINE_TRY(add_control());
    add_small(std::string(kSettingsFile), options_.settings, FileKind::kSmall, 0640);
    std::sort(cut_.files.begin(), cut_.files.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.entry.path < b.entry.path; });
    return std::move(cut_);
  }

 private:
  std::string in_data(std::string_view name) const {
    return io::join_path(options_.data_directory, name);
  }

  Status add_partition(const std::string& name) {
    LogEntry entry;
    entry.directory = name;
    entry.durable_before = durable_before_[name];
    VITRINE_TRY(entry.snapshot, add_snapshot(name));
    VITRINE_TRY(add_log(name + "/log", entry));
    if (entry.last < entry.snapshot) {
      return Error(ErrorCode::kCorrupt, "the snapshot is of position " +
                                            std::to_string(entry.snapshot) +
                                            " but the log ends at " + std::to_string(entry.last));
    }
    if (entry.last > 0 && entry.oldest > entry.snapshot + 1) {
      return Error(ErrorCode::kCorrupt, "the log begins at position " +
                                            std::to_string(entry.oldest) +
                                            ", and no snapshot makes up for what was before it");
    }
    cut_.logs.push_back(entry);
    return ok_status();
  }

  // Fills oldest, last and last_time_us.
  Status add_log(const std::string& directory, LogEntry& entry) {
    VITRINE_TRY(const auto cut, eventlog::cut_log(files_, in_data(directory)));
    entry.oldest = cut.oldest;
    entry.last = cut.last;
    entry.last_time_us = cut.last_time_us;
    for (const auto& segment : cut.segments) {
      SourceFile file;
      file.entry.path = io::join_path(directory, segment.file);
      file.entry.kind = segment.sealed ? FileKind::kSegment : FileKind::kLogEnd;
      file.entry.file_bytes = segment.file_bytes;
      file.entry.identity = segment.identity;
      file.data_bytes = segment.data_bytes;
      file.log_directory = in_data(directory);
      file.segment = segment;
      cut_.files.push_back(std::move(file));
    }
    if (!cut.generation.empty()) {
      add_small(io::join_path(directory, eventlog::kGenerationFile), cut.generation,
                FileKind::kSmall, 0640);
    }
    return ok_status();
  }

  // The newest complete one; its position, 0 where there is none.
  Result<eventlog::Position> add_snapshot(const std::string& partition) {
    const std::string folder = in_data(partition + "/snapshots");
    const auto snapshots = apply::SnapshotDirectory::view(files_, folder);
    VITRINE_TRY(const auto positions, snapshots.list());
    if (positions.empty()) return eventlog::Position{0};
    const eventlog::Position position = positions.front();
    VITRINE_TRY(const auto manifest, snapshots.manifest(position));
    const std::string name = partition + "/snapshots/" + apply::snapshot_name(position);
    VITRINE_TRY(add_folder(name));
    for (const auto& tenant : manifest.tenants) {
      for (const auto& file : tenant.id_files) {
        VITRINE_TRY(
            add_open(partition + "/ids/tenant-" + std::to_string(tenant.id.value) + "/" + file));
      }
    }
    // Its manifest goes before anything else of it: if that is there still, all that was opened is
    // of this snapshot.
    VITRINE_TRY(const auto again, snapshots.manifest(position));
    if (again == manifest) return position;
    return Error(ErrorCode::kNotFound, name + " was replaced meanwhile");
  }

  Status add_folder(const std::string& path) {
    VITRINE_TRY(const auto names, files_.list(in_data(path)));
    for (const auto& name : names) {
      const std::string inner = path + "/" + name;
      VITRINE_TRY(const bool is_folder, files_.is_directory(in_data(inner)));
      VITRINE_TRY(is_folder ? add_folder(inner) : add_open(inner));
    }
    return ok_status();
  }

  Status add_open(const std::string& path) {
    SourceFile file;
    file.entry.path = path;
    file.entry.kind = FileKind::kSnapshot;
    VITRINE_TRY(file.open, files_.open(in_data(path), io::OpenMode::kRead));
    VITRINE_TRY(file.data_bytes, file.open->size());
    file.entry.file_bytes = file.data_bytes;
    cut_.files.push_back(std::move(file));
    return ok_status();
  }

  void add_small(std::string path, std::string contents, FileKind kind, std::uint16_t permissions) {
    SourceFile file;
    file.entry.path = std::move(path);
    file.entry.kind = kind;
    file.entry.permissions = permissions;
    file.entry.file_bytes = contents.size();
    file.data_bytes = contents.size();
    file.contents = std::move(contents);
    cut_.files.push_back(std::move(file));
  }

  Status add_control() {
    auto copy = options_.copy_control();
    if (!copy.ok()) return std::move(copy).error().context("copying the control database");
    cut_.control_version = copy->version;
    cut_.tenants = std::move(copy->tenants);
    add_small(std::string(kControlFile), std::move(copy->database), FileKind::kControl, 0600);
    return ok_status();
  }

  const SourceOptions& options_;
  io::FileSystem& files_;
  std::map<std::string, eventlog::Position> durable_before_;
  SourceCut cut_;
};

}  // namespace

Result<std::string> SourceFile::read(io::FileSystem& files, const std::string& data_directory,
                                     std::uint64_t offset, std::size_t bytes) const {
  if (!contents.empty()) return contents.substr(offset, bytes);
  std::string out(bytes, '\0');
  std::size_t got = 0;
  if (open) {
    VITRINE_TRY(got, open->read_at(offset, out));
  } else {
    VITRINE_TRY(const auto file,
                files.open(io::join_path(data_directory, entry.path), io::OpenMode::kRead));
    VITRINE_TRY(got, file->read_at(offset, out));
  }
  if (got == bytes) return out;
  return Error(ErrorCode::kCorrupt, entry.path + ": at byte " + std::to_string(offset + got) +
                                        ": the file has become shorter");
}

Result<SourceCut> cut_source(const SourceOptions& options) { return Cutter(options).run(); }

}  // namespace vitrine::backup
