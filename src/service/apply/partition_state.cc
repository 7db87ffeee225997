#include "service/apply/partition_state.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "domain/record/record.h"
#include "platform/io/checked_file.h"

namespace vitrine::apply {
namespace {

// The snapshot writer hands its data to the disk in steps, so that the event log's own
// syncs don't wait behind gigabytes.
constexpr std::uint64_t kSyncEachBytes = 8ull << 20;

std::string state_name(TenantId tenant) { return "tenant state " + std::to_string(tenant.value); }

}  // namespace

PartitionState::PartitionState(io::FileSystem& files, PartitionStateOptions options,
                               SnapshotDirectory snapshots)
    : files_(files), options_(std::move(options)), snapshots_(std::move(snapshots)) {}

PartitionState::~PartitionState() {
  release();
  if (child_ != 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(child_pipe_);
  }
  if (scratch_) {
    std::error_code ignored;
    cold_.reset();
    std::filesystem::remove_all(options_.cold.directory, ignored);
  }
}

std::string PartitionState::ids_directory(TenantId tenant) const {
  return io::join_path(options_.directory, "ids/tenant-" + std::to_string(tenant.value));
}

Result<std::unique_ptr<PartitionState>> PartitionState::load(io::FileSystem& files,
                                                             PartitionStateOptions options,
                                                             bool scratch, LoadReport& report) {
  const std::int64_t started = system_clock().steady_ns();
  const std::string folder = io::join_path(options.directory, "snapshots");
  SnapshotDirectory snapshots = SnapshotDirectory::view(files, folder);
  if (!scratch) {
    VITRINE_TRY(snapshots, SnapshotDirectory::open(files, folder));
  }
  options.cold.directory = io::join_path(
      options.directory, scratch ? "cold-scratch-" + std::to_string(getpid()) : "cold");
  VITRINE_TRY(auto positions, snapshots.list());
  std::erase_if(positions, [&](eventlog::Position p) { return p > options.snapshot_max; });
  std::unique_ptr<PartitionState> state;
  for (std::size_t i = 0; i <= positions.size(); ++i) {
    // A state that failed half-way is thrown away whole, so that nothing of it survives.
    state.reset(new PartitionState(files, options, snapshots));
    state->scratch_ = scratch;
    if (i == positions.size()) {
      VITRINE_TRY(state->open_cold(""));
      break;
    }
    auto loaded = state->load_snapshot(positions[i]);
    if (loaded.ok()) {
      report.snapshot_position = positions[i];
      break;
    }
    // A snapshot of a newer build must not be replaced by replaying an old one over it.
    if (loaded.error().code() == ErrorCode::kUnsupported) return std::move(loaded).error();
    report.skipped.push_back(loaded.error().to_string());
  }
  report.tenants = state->tenants_.size();
  report.seconds = static_cast<double>(system_clock().steady_ns() - started) / 1e9;
  return state;
}

Status PartitionState::open_cold(const std::string& checkpoint) {
  if (&files_ != &io::system_files()) return ok_status();  // the row store needs real files
  auto opened = checkpoint.empty() ? kv::ColdRows::create(options_.cold)
                                   : kv::ColdRows::open_from_checkpoint(checkpoint, options_.cold);
  if (!opened.ok()) return std::move(opened).error();
  cold_ = std::move(opened).value();
  return ok_status();
}

Status PartitionState::load_snapshot(eventlog::Position position) {
  VITRINE_TRY(const auto manifest, snapshots_.manifest(position));
  const std::string folder = snapshots_.path(position);
  VITRINE_TRY(open_cold(manifest.has_cold_rows ? io::join_path(folder, "cold") : ""));
  for (const auto& tenant : manifest.tenants) {
    const std::string file = io::join_path(folder, tenant_file_name(tenant.id));
    VITRINE_TRY(auto reader,
                io::CheckedFileReader::open(files_, file, state_name(tenant.id), kStateFormat));
    auto runtime = ensure_tenant(tenant.id);
    auto loaded = runtime->state_.load(*reader, reader->format());
    if (!loaded.ok()) return std::move(loaded).error().context(file);
    VITRINE_TRY(reader->expect_end());
    runtime->note_counts();
  }
  position_ = position;
  return ok_status();
}

std::shared_ptr<TenantRuntime> PartitionState::tenant(TenantId id) const {
  std::lock_guard lock(tenants_mutex_);
  const auto it = tenants_.find(id);
  return it == tenants_.end() ? nullptr : it->second;
}

std::vector<TenantId> PartitionState::tenants() const {
  std::lock_guard lock(tenants_mutex_);
  std::vector<TenantId> ids;
  for (const auto& [id, runtime] : tenants_) ids.push_back(id);
  return ids;
}

std::shared_ptr<TenantRuntime> PartitionState::ensure_tenant(TenantId id) {
  std::lock_guard lock(tenants_mutex_);
  auto& runtime = tenants_[id];
  if (!runtime) {
    runtime = std::make_shared<TenantRuntime>(
        id, options_.tenant, TenantStores{&files_, cold_.get(), ids_directory(id)});
  }
  return runtime;
}

const TenantState* PartitionState::state_for(const eventlog::RecordView& record) const {
  ByteReader in(record.payload);
  const TenantId id = record::read_tenant(in);
  if (!in.ok()) return nullptr;
  if (last_ != nullptr && last_->state_.id() == id) return &last_->state_;
  const auto it = tenants_.find(id);  // only this thread adds tenants
  return it == tenants_.end() ? nullptr : &it->second->state_;
}

Result<ApplyOutcome> PartitionState::apply(const eventlog::RecordView& record) {
  VITRINE_CHECK_MSG(record.position == position_ + 1, std::to_string(record.position));
  ByteReader in(record.payload);
  const TenantId id = record::read_tenant(in);
  if (!in.ok() || id.value == 0) {
    return Error(ErrorCode::kCorrupt,
                 "record " + std::to_string(record.position) + " names no tenant");
  }
  if (last_ == nullptr || last_->state_.id() != id) last_ = ensure_tenant(id).get();
  if (held_ != last_) {
    release();
    last_->lock_.lock();
    held_ = last_;
  }
  lookahead_.advance([this](const eventlog::RecordView& coming) { return state_for(coming); });
  auto outcome = last_->state_.apply(record);
  if (!outcome.ok()) {
    release();
    return std::move(outcome).error().context("record " + std::to_string(record.position));
  }
  position_ = record.position;
  append_time_ = record.append_time_us;
  if (!hold_locks_) release();
  return outcome;
}

void PartitionState::hold_locks(bool on) {
  hold_locks_ = on;
  if (!on) release();
}

void PartitionState::release() {
  if (held_ == nullptr) return;
  held_->note_counts();
  held_->lock_.unlock();
  held_ = nullptr;
}

Status PartitionState::write_tenant_files(const std::string& folder) {
  for (const auto& [id, runtime] : tenants_) {
    io::CheckedFileOptions options;
    options.name = state_name(id);
    options.format = kStateFormat;
    options.sync_each_bytes = kSyncEachBytes;
    VITRINE_TRY(auto writer,
                io::CheckedFileWriter::create(files_, io::join_path(folder, tenant_file_name(id)),
                                              std::move(options)));
    runtime->state_.save(*writer);
    state_bytes_written_[id] = writer->bytes_written();
    VITRINE_TRY(writer->finish());
    VITRINE_TRY(runtime->state_.event_ids().sync_runs());
  }
  return ok_status();
}

// Reads back what was written: a snapshot counts for retention only when its bytes are right.
Status PartitionState::verify_tenant_files(const std::string& folder) const {
  std::string buffer(io::kCheckedBlockBytes, '\0');
  for (const auto& [id, runtime] : tenants_) {
    VITRINE_TRY(auto reader,
                io::CheckedFileReader::open(files_, io::join_path(folder, tenant_file_name(id)),
                                            state_name(id), kStateFormat));
    std::uint64_t left = state_bytes_written_.at(id);
    while (left > 0) {
      const std::size_t size = std::min<std::uint64_t>(left, buffer.size());
      VITRINE_TRY(reader->read(buffer.data(), size));
      left -= size;
    }
    VITRINE_TRY(reader->expect_end());
  }
  return ok_status();
}

SnapshotManifest PartitionState::make_manifest() const {
  SnapshotManifest manifest{position_, false, {}};
  for (const auto& [id, runtime] : tenants_) {
    manifest.tenants.push_back({id, runtime->state_.event_ids().live_files()});
    if (runtime->state_.profiles().cold_users() > 0) manifest.has_cold_rows = true;
  }
  return manifest;
}

Status PartitionState::begin_snapshot() {
  VITRINE_CHECK(child_ == 0);
  release();
  VITRINE_TRY(const std::string folder, snapshots_.begin(position_));
  child_manifest_ = make_manifest();
  if (child_manifest_.has_cold_rows) {
    VITRINE_TRY(cold_->checkpoint(io::join_path(folder, "cold"), position_));
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return io_error("open", "a pipe", errno);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    const int code = errno;
    close(ends[0]);
    close(ends[1]);
    return io_error("fork", "the snapshot writer", code);
  }
  if (child == 0) {
    // The child has the applier's memory as of this instant and only this thread. It writes
    // files and ends; it must not outlive the server, whose lock and sockets it inherited.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(2);
    prctl(PR_SET_NAME, "snapshot");
    [[maybe_unused]] const int ignored = nice(10);
    Status written = write_tenant_files(folder);
    if (written.ok()) written = verify_tenant_files(folder);
    if (!written.ok()) {
      const std::string text = written.error().to_string();
      [[maybe_unused]] const ssize_t sent = write(ends[1], text.data(), text.size());
      _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  child_ = child;
  child_pipe_ = ends[0];
  return ok_status();
}

std::optional<Result<eventlog::Position>> PartitionState::poll_snapshot() {
  if (child_ == 0) return std::nullopt;
  int status = 0;
  const pid_t ended = waitpid(child_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  char text[1024];
  const ssize_t size = ::read(child_pipe_, text, sizeof text);
  close(child_pipe_);
  child_ = 0;
  child_pipe_ = -1;
  if (ended < 0) return io_error("wait for", "the snapshot writer", errno);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::string why = size > 0 ? std::string(text, static_cast<std::size_t>(size))
                               : "ended with status " + std::to_string(status);
    return Error(ErrorCode::kIo, "the snapshot writer: " + std::move(why));
  }
  auto finished = snapshots_.finish(child_manifest_);
  if (!finished.ok()) return std::move(finished).error();
  return child_manifest_.position;
}

Result<eventlog::Position> PartitionState::write_snapshot() {
  if (&files_ != &io::system_files()) return write_snapshot_here();
  VITRINE_TRY(begin_snapshot());
  while (true) {
    if (auto result = poll_snapshot()) return std::move(*result);
    usleep(500);
  }
}

// A child's writes to files that live in memory would end with the child.
Result<eventlog::Position> PartitionState::write_snapshot_here() {
  release();
  VITRINE_TRY(const std::string folder, snapshots_.begin(position_));
  VITRINE_TRY(write_tenant_files(folder));
  VITRINE_TRY(verify_tenant_files(folder));
  VITRINE_TRY(snapshots_.finish(make_manifest()));
  return position_;
}

Result<eventlog::Position> PartitionState::prune_snapshots(std::size_t keep) {
  VITRINE_TRY(const auto oldest, snapshots_.prune(keep));
  VITRINE_TRY(remove_unused_id_files());
  return oldest + 1;
}

Status PartitionState::remove_unused_id_files() {
  std::map<TenantId, std::vector<std::string>> needed;
  VITRINE_TRY(const auto positions, snapshots_.list());
  for (eventlog::Position position : positions) {
    VITRINE_TRY(const auto manifest, snapshots_.manifest(position));
    for (const auto& tenant : manifest.tenants) {
      auto& files = needed[tenant.id];
      files.insert(files.end(), tenant.id_files.begin(), tenant.id_files.end());
    }
  }
  for (const auto& [id, runtime] : tenants_) {
    VITRINE_TRY(runtime->state_.event_ids().remove_unused_files(needed[id]));
  }
  return ok_status();
}

Result<std::vector<PartitionState::Digest>> PartitionState::digest() const {
  std::vector<Digest> digests;
  for (TenantId id : tenants()) {
    const auto runtime = tenant(id);
    const auto state = runtime->read();
    VITRINE_TRY(const auto hash, state->digest());
    digests.push_back({id, state->position(), hash});
  }
  return digests;
}

std::uint64_t PartitionState::memory_bytes() const {
  std::uint64_t sum = cold_ ? cold_->memory_bytes() : 0;
  for (TenantId id : tenants()) sum += tenant(id)->read()->memory_bytes();
  return sum;
}

}  // namespace vitrine::apply
