#include "tool/backup/restore.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "tool/backup/erasures.h"
#include "tool/backup/parallel.h"

namespace vitrine::backup {
namespace {

// Tells a folder that a restore began from one that only has its name.
constexpr std::string_view kMarker = "restore-not-finished";

Status remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return io_error("remove", path, error.value());
  return ok_status();
}

class Restoration {
 public:
  Restoration(Repository& repository, const RestoreOptions& options)
      : repository_(repository),
        options_(options),
        files_(*options.files),
        folder_(options.target + ".restoring") {}

  Result<RestoreReport> run(Progress& progress) {
    const std::int64_t started = options_.clock->steady_ns();
    VITRINE_TRY(check_target());
    VITRINE_TRY(report_.manifest, repository_.get_manifest(options_.id));
    select();
    VITRINE_TRY(begin_folder());
    Status written = write_all(progress);
    if (!written.ok()) {
      (void)remove_tree(folder_);  // the next restore tries again
      return std::move(written).error();
    }
    report_.seconds = static_cast<double>(options_.clock->steady_ns() - started) / 1e9;
    return std::move(report_);
  }

 private:
  Status check_target() {
    VITRINE_TRY(const bool exists, files_.exists(options_.target));
    if (!exists) return ok_status();
    VITRINE_TRY(const bool is_folder, files_.is_directory(options_.target));
    if (!is_folder) return Error(ErrorCode::kConflict, options_.target + " is a file");
    VITRINE_TRY(const auto names, files_.list(options_.target));
    if (names.empty()) return ok_status();
    return Error(ErrorCode::kConflict, options_.target + " is not empty (it holds " +
                                           names.front() +
                                           "): restore into a new or an empty folder");
  }

  void select() {
    for (const auto& file : report_.manifest.files) {
      if (options_.wanted && !options_.wanted(file)) continue;
      selected_.push_back(&file);
      report_.data_bytes += file.data_bytes();
      disk_bytes_ += file.kind == FileKind::kLogEnd ? file.file_bytes : file.data_bytes();
    }
    report_.files = selected_.size();
  }

  Status begin_folder() {
    VITRINE_TRY(const bool exists, files_.exists(folder_));
    if (exists) {
      VITRINE_TRY(const bool ours, files_.exists(io::join_path(folder_, kMarker)));
      if (!ours) {
        return Error(ErrorCode::kConflict, folder_ + " is in the way, and no restore left it");
      }
      VITRINE_TRY(remove_tree(folder_));
    }
    VITRINE_TRY(files_.create_directories(io::parent_path(folder_)));
    VITRINE_TRY(const std::uint64_t free, files_.free_bytes(io::parent_path(folder_)));
    if (free < disk_bytes_) {
      return Error(ErrorCode::kExhausted, "the restore needs " +
                                              human_bytes(static_cast<double>(disk_bytes_)) +
                                              ", the disk of " + options_.target + " has " +
                                              human_bytes(static_cast<double>(free)));
    }
    VITRINE_TRY(files_.create_directories(folder_));
    VITRINE_TRY(const auto marker,
                files_.open(io::join_path(folder_, kMarker), io::OpenMode::kCreate));
    return files_.sync_directory(folder_);
  }

  Status write_all(Progress& progress) {
    VITRINE_TRY(make_files());
    {
      SharedProgress shared(progress, "restoring", report_.data_bytes, "bytes");
      VITRINE_TRY(for_each_parallel(*options_.executor, options_.threads, work_.size(),
                                    [&](std::size_t i) { return write_chunk(work_[i], shared); }));
    }
    VITRINE_TRY(sync_all());
    VITRINE_TRY(erase_newer());
    if (options_.finish) VITRINE_TRY(options_.finish(folder_));
    VITRINE_TRY(files_.rename(folder_, options_.target));
    VITRINE_TRY(files_.sync_directory(io::parent_path(options_.target)));
    VITRINE_TRY(files_.remove(io::join_path(options_.target, kMarker)));
    return files_.sync_directory(options_.target);
  }

  // The folder has no name to be served from yet: nobody is answered from what is to go.
  Status erase_newer() {
    if (!options_.erase) return ok_status();
    for (const auto& log : report_.manifest.logs) {
      const auto newer = erasures_after(options_.erasures, log, report_.manifest.tenants);
      if (newer.empty()) continue;
      VITRINE_TRY(const auto erased,
                  options_.erase(folder_, partition_number(log.directory), newer));
      report_.erasures += erased.added;
      report_.erased_records += erased.log.changed;
    }
    return ok_status();
  }

  std::string path_of(const BackupFile& file) const { return io::join_path(folder_, file.path); }

  Status make_files() {
    for (std::size_t f = 0; f < selected_.size(); ++f) {
      const BackupFile& file = *selected_[f];
      const std::string path = path_of(file);
      const std::string folder = io::parent_path(path);
      if (folders_.insert(folder).second) VITRINE_TRY(files_.create_directories(folder));
      VITRINE_TRY(const auto made, files_.open(path, io::OpenMode::kCreateNew, file.permissions));
      // The segment that is written next must have its space; behind the data of others is a hole.
      if (file.kind == FileKind::kLogEnd) {
        VITRINE_TRY(made->preallocate_zeros(file.file_bytes));
      } else {
        VITRINE_TRY(made->truncate(file.file_bytes));
      }
      for (std::size_t c = 0; c < file.chunks.size(); ++c) work_.push_back({f, c});
    }
    return ok_status();
  }

  Status write_chunk(const std::pair<std::size_t, std::size_t>& work, SharedProgress& progress) {
    const BackupFile& file = *selected_[work.first];
    const Chunk& chunk = file.chunks[work.second];
    auto bytes = repository_.get_chunk(chunk);
    if (!bytes.ok()) return std::move(bytes).error().context("restoring " + file.path);
    VITRINE_TRY(const auto out, files_.open(path_of(file), io::OpenMode::kReadWrite));
    VITRINE_TRY(out->write_at(work.second * kChunkBytes, *bytes));
    progress.add(bytes->size());
    return ok_status();
  }

  Status sync_all() {
    VITRINE_TRY(for_each_parallel(
        *options_.executor, options_.threads, selected_.size(), [&](std::size_t f) -> Status {
          VITRINE_TRY(const auto file,
                      files_.open(path_of(*selected_[f]), io::OpenMode::kReadWrite));
          return file->sync_data();
        }));
    for (const auto& folder : folders_) VITRINE_TRY(files_.sync_directory(folder));
    return ok_status();
  }

  Repository& repository_;
  const RestoreOptions& options_;
  io::FileSystem& files_;
  const std::string folder_;
  RestoreReport report_;
  std::vector<const BackupFile*> selected_;
  std::vector<std::pair<std::size_t, std::size_t>> work_;  // file in selected_, chunk in file
  std::set<std::string> folders_;
  std::uint64_t disk_bytes_ = 0;
};

}  // namespace

Result<RestoreReport> restore_backup(Repository& repository, const RestoreOptions& options,
                                     Progress& progress) {
  return Restoration(repository, options).run(progress);
}

}  // namespace vitrine::backup
