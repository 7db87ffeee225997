// A small server's data directory and a repository, for tests.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "domain/person/person_codec.h"
#include "domain/record/record.h"
#include "engine/blob/directory_store.h"
#include "engine/eventlog/reader.h"
#include "engine/eventlog/writer.h"
#include "platform/io/simulated_files.h"
#include "service/apply/apply_test_util.h"
#include "service/apply/partition_state.h"
#include "tool/backup/create.h"
#include "tool/backup/restore.h"

namespace vitrine::backup::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine-backup-XXXXXX").string();
    VITRINE_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

using Digests = std::map<std::uint32_t, Hash128>;

inline apply::PartitionStateOptions state_options(const std::string& partition) {
  apply::PartitionStateOptions options;
  options.directory = partition;
  options.tenant.id_window_memory_bytes = 38 * 64;  // so tight that run files are written
  return options;
}

// Of the newest snapshot and the log behind it up to `last` (~0: all of it).
inline Digests digests_of(io::FileSystem& files, const std::string& partition,
                          eventlog::Position last = ~eventlog::Position{0}) {
  apply::LoadReport report;
  auto options = state_options(partition);
  options.tenant.id_window_memory_bytes = 1 << 30;
  auto loaded = apply::PartitionState::load(files, options, true, report);
  VITRINE_CHECK_MSG(loaded.ok(), loaded.error().to_string());
  VITRINE_CHECK(report.skipped.empty());
  auto& state = *loaded.value();
  auto reader = eventlog::Reader::open(files, partition + "/log", state.position() + 1,
                                       eventlog::ReadScope::kWholeFrames);
  VITRINE_CHECK_MSG(reader.ok(), reader.error().to_string());
  eventlog::RecordView record;
  while (state.position() < last) {
    const auto end = reader.value()->next(record);
    VITRINE_CHECK_MSG(end.ok(), end.error().to_string());
    if (end.value() == eventlog::ReadEnd::kEndOfLog) break;
    VITRINE_CHECK(state.apply(record).ok());
  }
  Digests digests;
  const auto all = state.digest();
  VITRINE_CHECK(all.ok());
  for (const auto& digest : all.value()) digests[digest.tenant.value] = digest.digest;
  return digests;
}

// The directory "data" of a server with one partition and two tenants, at work.
class SourceShop {
 public:
  static constexpr TimeUs kStart = 1'760'000'000 * kSecondUs;

  explicit SourceShop(io::FileSystem& files, std::string directory = "data")
      : files_(files), directory_(std::move(directory)) {
    options_.directory = partition() + "/log";
    options_.files = &files_;
    options_.clock = &clock_;
    options_.executor = &thread_executor();
    options_.segment_bytes = 16384;
    options_.group_bytes_max = 4096;
    options_.background = false;
    options_.seal_after_us = 0;
    open();
  }

  std::string partition() const { return directory_ + "/partition-0"; }

  void open() {
    VITRINE_CHECK(files_.create_directories(partition()).ok());
    auto writer = eventlog::Writer::open(options_);
    VITRINE_CHECK_MSG(writer.ok(), writer.error().to_string());
    writer_ = std::move(writer).value();
    apply::LoadReport report;
    auto state = apply::PartitionState::load(files_, state_options(partition()), false, report);
    VITRINE_CHECK(state.ok());
    state_ = std::move(state).value();
    auto reader = eventlog::Reader::open(files_, partition() + "/log", state_->position() + 1);
    VITRINE_CHECK_MSG(reader.ok(), reader.error().to_string());
    reader_ = std::move(reader).value();
  }

  // `count` more events, in turn of both tenants, applied.
  void add_events(int count) {
    for (int i = 0; i < count; ++i, ++events_) {
      clock_.advance_us(1000);
      const TenantId tenant{1 + static_cast<std::uint32_t>(events_ % 2)};
      const auto record = apply::testing::event_record(
          tenant, event::EventType::kDetailPageView, "event-" + std::to_string(events_),
          "user-" + std::to_string(events_ % 17), {"item-" + std::to_string(events_ % 29)},
          kStart + events_ * 1000);
      const auto ref = record.ref();
      const auto range = writer_->append(std::span(&ref, 1), nullptr);
      VITRINE_CHECK(range.ok());
      VITRINE_CHECK(writer_->wait_durable(range.value().last, kMinuteUs).ok());
    }
    eventlog::RecordView record;
    while (reader_->next(record).value() == eventlog::ReadEnd::kRecord) {
      VITRINE_CHECK(state_->apply(record).ok());
    }
  }

  // Orders to erase; gives when.
  TimeUs erase(TenantId tenant, const std::vector<Hash128>& keys) {
    clock_.advance_us(1000);
    std::string payload;
    ByteWriter out(payload);
    record::write_tenant(out, tenant);
    person::encode_erasure({keys}, out);
    const eventlog::RecordRef ref{static_cast<std::uint16_t>(record::RecordKind::kUserErase), 0,
                                  payload};
    const auto range = writer_->append(std::span(&ref, 1), nullptr);
    VITRINE_CHECK(range.ok());
    VITRINE_CHECK(writer_->wait_durable(range.value().last, kMinuteUs).ok());
    add_events(0);
    return clock_.wall_us();
  }

  void snapshot() {
    const auto written = state_->write_snapshot();
    VITRINE_CHECK_MSG(written.ok(), written.error().to_string());
    VITRINE_CHECK(state_->prune_snapshots(2).ok());
  }

  eventlog::Position durable() const { return writer_->durable(); }
  io::FileSystem& files() { return files_; }
  apply::PartitionState& state() { return *state_; }

  CreateOptions create_options() {
    CreateOptions options;
    options.source.files = &files_;
    options.source.data_directory = directory_;
    options.source.copy_control = [this]() -> Result<ControlCopy> {
      if (on_control) on_control();
      return ControlCopy{"control data of " + std::to_string(control_version),
                         control_version,
                         {{1, "shoes", 0}, {2, "books", 0}}};
    };
    options.source.settings = "history.entries = 100\n";
    options.clock = &clock_;
    options.executor = &thread_executor();
    options.threads = 1;
    options.version = "1.2.3";
    return options;
  }

  std::function<void()> on_control;  // between the cut of the log and the reading of its files
  std::uint64_t control_version = 1;

 private:
  io::FileSystem& files_;
  const std::string directory_;
  ManualClock clock_{kStart};
  eventlog::WriterOptions options_;
  std::unique_ptr<eventlog::Writer> writer_;
  std::unique_ptr<apply::PartitionState> state_;
  std::unique_ptr<eventlog::Reader> reader_;
  std::int64_t events_ = 0;
};

inline BackupKey test_key(unsigned char first = 1) {
  BackupKey key;
  key.seal[0] = first;
  key.naming[0] = first;
  key.id = "key-" + std::to_string(first);
  return key;
}

// A repository in a store of its own.
class TestRepository {
 public:
  explicit TestRepository(io::FileSystem& files, bool encrypted = true, std::string root = "repo")
      : files_(files), root_(std::move(root)), encrypted_(encrypted) {
    reopen_store();
    auto made = Repository::create(*store_, encrypted_ ? &key_ : nullptr);
    VITRINE_CHECK_MSG(made.ok(), made.error().to_string());
    repository_ = std::move(made).value();
  }
  void reopen() {
    reopen_store();
    auto opened = Repository::open(*store_, encrypted_ ? &key_ : nullptr);
    VITRINE_CHECK_MSG(opened.ok(), opened.error().to_string());
    repository_ = std::move(opened).value();
  }
  Repository& operator*() { return *repository_; }
  Repository* operator->() { return repository_.get(); }
  blob::ObjectStore& store() { return *store_; }
  std::string path_of(const std::string& key) const { return io::join_path(root_, key); }

 private:
  void reopen_store() {
    repository_.reset();
    auto store = blob::DirectoryStore::create(files_, root_);
    VITRINE_CHECK(store.ok());
    store_ = std::move(store).value();
  }
  io::FileSystem& files_;
  const std::string root_;
  const bool encrypted_;
  const BackupKey key_ = test_key();
  std::unique_ptr<blob::DirectoryStore> store_;
  std::unique_ptr<Repository> repository_;
};

// Passes everything on to the operating system until an operation that fails.
class FailingFiles final : public io::FileSystem {
 public:
  explicit FailingFiles(std::int64_t fail_at) : left_(fail_at) {}
  bool failed() const { return left_ < 0; }
  std::int64_t left() const { return left_; }  // operations until it fails

  Result<std::unique_ptr<io::File>> open(const std::string& path, io::OpenMode mode,
                                         unsigned permissions) override {
    if (mode != io::OpenMode::kRead) VITRINE_TRY(step("open " + path));
    VITRINE_TRY(auto file, real_.open(path, mode, permissions));
    return std::unique_ptr<io::File>(std::make_unique<FailingFile>(*this, std::move(file)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    VITRINE_TRY(step("rename " + from));
    return real_.rename(from, to);
  }
  Status rename_new(const std::string& from, const std::string& to) override {
    VITRINE_TRY(step("rename " + from));
    return real_.rename_new(from, to);
  }
  Status remove(const std::string& path) override {
    VITRINE_TRY(step("remove " + path));
    return real_.remove(path);
  }
  Result<std::vector<std::string>> list(const std::string& d) override { return real_.list(d); }
  Status create_directories(const std::string& path) override {
    VITRINE_TRY(step("mkdir " + path));
    return real_.create_directories(path);
  }
  Status sync_directory(const std::string& path) override {
    VITRINE_TRY(step("sync " + path));
    return real_.sync_directory(path);
  }
  Result<bool> exists(const std::string& path) override { return real_.exists(path); }
  Result<bool> is_directory(const std::string& path) override { return real_.is_directory(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    if (free) return *free;
    return real_.free_bytes(path);
  }
  Result<std::unique_ptr<io::FileLock>> try_lock(const std::string& path) override {
    return real_.try_lock(path);
  }
  std::optional<std::uint64_t> free;

 private:
  class FailingFile final : public io::File {
   public:
    FailingFile(FailingFiles& owner, std::unique_ptr<io::File> file)
        : owner_(owner), file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
      return file_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::string_view bytes) override {
      VITRINE_TRY(owner_.step("write"));
      return file_->write_at(offset, bytes);
    }
    Status sync_data() override {
      VITRINE_TRY(owner_.step("sync"));
      return file_->sync_data();
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    Status truncate(std::uint64_t size) override {
      VITRINE_TRY(owner_.step("truncate"));
      return file_->truncate(size);
    }
    Status preallocate_zeros(std::uint64_t size) override {
      VITRINE_TRY(owner_.step("preallocate"));
      return file_->preallocate_zeros(size);
    }
    Result<std::unique_ptr<io::SharedMapping>> map_shared(std::size_t size) override {
      return file_->map_shared(size);
    }

   private:
    FailingFiles& owner_;
    std::unique_ptr<io::File> file_;
  };

  Status step(const std::string& what) {
    if (--left_ >= 0) return ok_status();
    return Error(ErrorCode::kExhausted, what + ": no space left on device");
  }
  io::FileSystem& real_ = io::system_files();
  std::int64_t left_;
};

inline RestoreOptions restore_options(const std::string& target) {
  RestoreOptions options;
  options.files = &io::system_files();
  options.clock = &system_clock();
  options.executor = &thread_executor();
  options.threads = 1;
  options.target = target;
  return options;
}

}  // namespace vitrine::backup::testing
