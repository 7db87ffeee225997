#include "tool/backup/create.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "platform/codec/time_format.h"
#include "tool/backup/erasures.h"
#include "tool/backup/parallel.h"

namespace vitrine::backup {
namespace {

constexpr int kAttempts = 3;

// "20261122T190000Z-0000": the time, and a number that tells backups of one second apart. Names
// are in the order of making even where the clock was set back.
std::string make_id(TimeUs now, const std::string& last) {
  std::string time;
  for (const char c : codec::format_rfc3339(now / kSecondUs * kSecondUs)) {
    if (c != '-' && c != ':') time += c;
  }
  unsigned number = 0;
  const std::string last_time = last.substr(0, last.rfind('-'));
  if (last_time >= time) {
    time = last_time;
    number = static_cast<unsigned>(std::strtoul(last.c_str() + last_time.size() + 1, nullptr, 10));
    ++number;
  }
  char text[16];
  std::snprintf(text, sizeof text, "-%04u", number);
  return time + text;
}

// One attempt at one cut.
class Creation {
 public:
  Creation(Repository& repository, const CreateOptions& options, const BackupManifest* parent)
      : repository_(repository), options_(options) {
    // What is not read says nothing of orders to erase: then the parent must have kept them.
    if (parent == nullptr || options.reread || !parent->erasures_known) return;
    for (const auto& file : parent->files) {
      if (file.kind == FileKind::kSegment) before_.emplace(file.path, &file);
    }
  }

  Result<CreateReport> run(Progress& progress) {
    report_.manifest.begun_us = options_.clock->wall_us();
    VITRINE_TRY(cut_, cut_source(options_.source));
    report_.manifest.cut_us = options_.clock->wall_us();
    plan();
    {
      SharedProgress shared(progress, "backing up", to_read_, "bytes");
      VITRINE_TRY(for_each_parallel(*options_.executor, options_.threads, work_.size(),
                                    [&](std::size_t i) { return do_work(work_[i], shared); }));
    }
    fill_manifest();
    return std::move(report_);
  }

 private:
  struct Work {
    std::size_t file = 0;
    std::size_t chunk = 0;
    bool check = false;  // the segment's frames instead of a chunk
  };

  bool take_from_parent(SourceFile& file) {
    const auto known = before_.find(file.entry.path);
    if (known == before_.end()) return false;
    const BackupFile& before = *known->second;
    if (before.identity != file.entry.identity || before.file_bytes != file.entry.file_bytes ||
        before.data_bytes() != file.data_bytes) {
      return false;
    }
    for (const Chunk& chunk : before.chunks) {
      if (!repository_.knows(chunk)) return false;
    }
    file.entry.chunks = before.chunks;
    return true;
  }

  void plan() {
    // What could vanish first comes first.
    std::vector<std::size_t> order(cut_.files.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const auto rank = [&](std::size_t i) {
        return cut_.files[i].entry.kind == FileKind::kSnapshot ? 0 : 1;
      };
      return rank(a) < rank(b);
    });
    for (const std::size_t i : order) {
      SourceFile& file = cut_.files[i];
      const std::size_t chunks = (file.data_bytes + kChunkBytes - 1) / kChunkBytes;
      report_.data_bytes += file.data_bytes;
      report_.chunks += chunks;
      const bool segment =
          file.entry.kind == FileKind::kSegment || file.entry.kind == FileKind::kLogEnd;
      if (segment && take_from_parent(file)) continue;
      file.entry.chunks.resize(chunks);
      to_read_ += file.data_bytes;
      if (segment) work_.push_back({i, 0, true});
      for (std::size_t c = 0; c < chunks; ++c) work_.push_back({i, c, false});
    }
    report_.read_bytes = to_read_;
  }

  Status do_work(const Work& work, SharedProgress& progress) {
    SourceFile& file = cut_.files[work.file];
    if (work.check) {
      return check_segment(file);
    }
    const std::uint64_t offset = work.chunk * kChunkBytes;
    const std::size_t bytes = std::min(kChunkBytes, file.data_bytes - offset);
    VITRINE_TRY(const std::string contents,
                file.read(*options_.source.files, options_.source.data_directory, offset, bytes));
    VITRINE_TRY(const auto stored, repository_.put_chunk(contents, options_.level));
    file.entry.chunks[work.chunk] = stored.chunk;
    if (stored.stored_bytes > 0) {
      ++new_chunks_;
      stored_bytes_ += stored.stored_bytes;
    }
    progress.add(bytes);
    return ok_status();
  }

  Status check_segment(const SourceFile& file) {
    eventlog::VisitRecord note_erasures;
    if (file.entry.path.starts_with("partition-")) {
      note_erasures = [&](const eventlog::RecordView& record) -> Status {
        VITRINE_TRY(auto entry, privacy::erasure_of(record));
        if (!entry) return ok_status();
        std::lock_guard lock(erasures_mutex_);
        erasures_.push_back(std::move(*entry));
        return ok_status();
      };
    }
    return eventlog::check_cut_segment(*options_.source.files, file.log_directory, file.segment,
                                       note_erasures);
  }

  void fill_manifest() {
    BackupManifest& m = report_.manifest;
    m.control_version = cut_.control_version;
    m.logs = std::move(cut_.logs);
    m.tenants = std::move(cut_.tenants);
    m.erasures = std::move(erasures_);
    for (auto& file : cut_.files) m.files.push_back(std::move(file.entry));
    report_.new_chunks = new_chunks_;
    report_.stored_bytes = stored_bytes_;
  }

  Repository& repository_;
  const CreateOptions& options_;
  std::map<std::string, const BackupFile*> before_;
  SourceCut cut_;
  std::vector<Work> work_;
  std::uint64_t to_read_ = 0;
  std::atomic<std::uint64_t> new_chunks_{0};
  std::atomic<std::uint64_t> stored_bytes_{0};
  std::mutex erasures_mutex_;
  privacy::ErasureList erasures_;  // in the segments that were read
  CreateReport report_;
};

// To the orders found in the log those that earlier backups know of, as far as any backup lacks
// them.
Status add_known_erasures(Repository& repository, const std::vector<std::string>& ids,
                          const BackupManifest* parent, BackupManifest& manifest) {
  privacy::ErasureList before;
  if (parent != nullptr) {
    before = parent->erasures;
  } else {
    VITRINE_TRY(auto known, known_erasures(repository));
    before = std::move(known.list);
  }
  for (auto& entry : before) manifest.erasures.push_back(std::move(entry));
  privacy::settle(manifest.erasures);
  if (ids.empty()) {
    drop_held_by_all(manifest.erasures, manifest);
    return ok_status();
  }
  const auto oldest = repository.get_manifest(ids.front());
  if (oldest.ok()) drop_held_by_all(manifest.erasures, *oldest);  // else all are kept
  return ok_status();
}

}  // namespace

Result<CreateReport> create_backup(Repository& repository, const CreateOptions& options,
                                   Progress& progress) {
  const std::int64_t started = options.clock->steady_ns();
  VITRINE_TRY(const auto lock, repository.begin_writing());
  std::vector<std::string> notes;
  VITRINE_TRY(const auto ids, repository.list_backups());
  const std::string last = ids.empty() ? "" : ids.back();
  auto parent = repository.get_manifest("latest");
  if (!parent.ok() && parent.error().code() != ErrorCode::kNotFound) {
    // A damaged one must not be in the way of a good one.
    notes.push_back("the newest backup can't be read: " + parent.error().to_string());
  }
  for (int attempt = 1;; ++attempt) {
    Creation creation(repository, options, parent.ok() ? &parent.value() : nullptr);
    auto made = creation.run(progress);
    // Snapshots and segments are dropped by a running server: then the next cut knows newer ones.
    if (!made.ok() && made.error().code() == ErrorCode::kNotFound && attempt < kAttempts) continue;
    if (!made.ok()) return std::move(made).error();
    BackupManifest& manifest = made->manifest;
    manifest.id = make_id(manifest.begun_us, last);
    manifest.parent = parent.ok() ? parent->id : "";
    manifest.version = options.version;
    manifest.source = options.source.data_directory;
    manifest.settings = options.source.settings;
    manifest.ended_us = options.clock->wall_us();
    VITRINE_TRY(
        add_known_erasures(repository, ids, parent.ok() ? &parent.value() : nullptr, manifest));
    VITRINE_TRY(repository.put_manifest(manifest));
    made->notes = std::move(notes);
    made->seconds = static_cast<double>(options.clock->steady_ns() - started) / 1e9;
    return made;
  }
}

}  // namespace vitrine::backup
