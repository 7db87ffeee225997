#include "engine/kv/cold_rows.h"

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

namespace vitrine::kv {
namespace {

namespace fs = std::filesystem;

// A key is space (4 bytes) then row (8 bytes), big-endian so that bytes sort like numbers.
// The one key that is longer holds the position; no row key can equal it.
constexpr std::string_view kPositionKey = "\xFF\xFF\xFF\xFFposition-of-checkpoint";
constexpr std::size_t kKeyBytes = 4 + 8;

using KeyBytes = std::array<char, kKeyBytes>;

KeyBytes encode(RowKey key) {
  const std::uint32_t space = __builtin_bswap32(key.space);
  const std::uint64_t row = __builtin_bswap64(key.row);
  KeyBytes out;
  std::memcpy(out.data(), &space, sizeof(space));
  std::memcpy(out.data() + sizeof(space), &row, sizeof(row));
  return out;
}

rocksdb::Slice slice(const KeyBytes& key) { return {key.data(), key.size()}; }
rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

Error to_error(const rocksdb::Status& status, std::string_view what, const std::string& directory) {
  ErrorCode code = ErrorCode::kInternal;
  // This store's own files are missing only if someone took them away.
  if (status.IsCorruption() || status.IsPathNotFound()) {
    code = ErrorCode::kCorrupt;
  } else if (status.IsNoSpace()) {
    code = ErrorCode::kExhausted;
  } else if (status.IsIOError()) {
    code = ErrorCode::kIo;
  } else if (status.IsBusy() || status.IsTimedOut() || status.IsTryAgain()) {
    code = ErrorCode::kUnavailable;
  }
  return Error(code, std::string(what) + " cold rows in " + directory + ": " + status.ToString());
}

Error to_error(const std::error_code& code, std::string_view what, const fs::path& path) {
  return io_error(what, path.string(), code.value());
}

// Table files never change once written and may be shared; everything else (manifest, options)
// is appended to or replaced, so the working folder gets its own copy.
Status populate(const fs::path& checkpoint, const fs::path& directory) {
  std::error_code failed;
  fs::directory_iterator entries(checkpoint, failed);
  if (failed) return to_error(failed, "open checkpoint", checkpoint);
  for (const auto& entry : entries) {
    const fs::path to = directory / entry.path().filename();
    if (entry.path().extension() == ".sst") {
      fs::create_hard_link(entry.path(), to, failed);
      if (!failed) continue;
    }
    fs::copy_file(entry.path(), to, failed);
    if (failed) return to_error(failed, "copy", entry.path());
  }
  return ok_status();
}

Status empty_directory(const fs::path& directory) {
  std::error_code failed;
  fs::remove_all(directory, failed);
  if (failed) return to_error(failed, "remove", directory);
  fs::create_directories(directory, failed);
  if (failed) return to_error(failed, "create", directory);
  return ok_status();
}

Status sync_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error("open", directory.string(), errno);
  const int result = ::fsync(fd);
  const int failed = errno;
  ::close(fd);
  if (result != 0) return io_error("sync", directory.string(), failed);
  return ok_status();
}

rocksdb::Options rocks_options(const ColdRowsOptions& options) {
  rocksdb::Options out;
  out.create_if_missing = true;
  out.paranoid_checks = true;
  out.write_buffer_size = options.memtable_bytes;
  out.max_write_buffer_number = 3;
  out.compression = rocksdb::kLZ4Compression;
  out.max_background_jobs = 2;
  out.max_open_files = 512;
  out.keep_log_file_num = 2;
  out.max_log_file_size = 1 << 20;
  out.info_log_level = rocksdb::WARN_LEVEL;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

rocksdb::WriteOptions no_log() {
  rocksdb::WriteOptions out;
  out.disableWAL = true;
  return out;
}

}  // namespace

struct ColdBatch::State {
  rocksdb::WriteBatch batch;
};

ColdBatch::ColdBatch() : state_(std::make_unique<State>()) {}
ColdBatch::~ColdBatch() = default;
ColdBatch::ColdBatch(ColdBatch&&) noexcept = default;
ColdBatch& ColdBatch::operator=(ColdBatch&&) noexcept = default;

void ColdBatch::put(RowKey key, std::string_view value) {
  // Fails only for a batch with a size limit; this one has none.
  state_->batch.Put(slice(encode(key)), slice(value)).PermitUncheckedError();
}
void ColdBatch::erase(RowKey key) {
  state_->batch.Delete(slice(encode(key))).PermitUncheckedError();
}
void ColdBatch::clear() { state_->batch.Clear(); }
std::size_t ColdBatch::size() const { return static_cast<std::size_t>(state_->batch.Count()); }

struct ColdCursorState {
  std::unique_ptr<rocksdb::Iterator> iterator;
  std::uint32_t space;
  std::string directory;
};

ColdCursor::ColdCursor(std::unique_ptr<ColdCursorState> state) : state_(std::move(state)) {}
ColdCursor::~ColdCursor() = default;
ColdCursor::ColdCursor(ColdCursor&&) noexcept = default;

bool ColdCursor::valid() const {
  if (!state_->iterator->Valid()) return false;
  const rocksdb::Slice key = state_->iterator->key();
  const std::uint32_t space = __builtin_bswap32(state_->space);
  return key.size() == kKeyBytes && std::memcmp(key.data(), &space, sizeof(space)) == 0;
}

std::uint64_t ColdCursor::row() const {
  std::uint64_t row = 0;
  std::memcpy(&row, state_->iterator->key().data() + 4, sizeof(row));
  return __builtin_bswap64(row);
}

std::string_view ColdCursor::value() const {
  const rocksdb::Slice value = state_->iterator->value();
  return {value.data(), value.size()};
}

void ColdCursor::next() { state_->iterator->Next(); }

void ColdCursor::seek(std::uint64_t row) {
  state_->iterator->Seek(slice(encode({state_->space, row})));
}

Status ColdCursor::status() const {
  const rocksdb::Status status = state_->iterator->status();
  if (!status.ok()) return to_error(status, "scanning", state_->directory);
  return ok_status();
}

struct ColdRows::State {
  std::string directory;
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::uint64_t position = 0;
};

ColdRows::ColdRows(std::unique_ptr<State> state) : state_(std::move(state)) {}
ColdRows::~ColdRows() = default;

Result<std::unique_ptr<ColdRows>> ColdRows::create(ColdRowsOptions options) {
  VITRINE_TRY(empty_directory(options.directory));
  return open(std::move(options));
}

Result<std::unique_ptr<ColdRows>> ColdRows::open_from_checkpoint(const std::string& checkpoint,
                                                                 ColdRowsOptions options) {
  // Without this name a folder that lost its files would open as an empty database.
  std::error_code failed;
  if (!fs::exists(fs::path(checkpoint) / "CURRENT", failed)) {
    return Error(ErrorCode::kCorrupt, checkpoint + "/CURRENT: the checkpoint has no such file");
  }
  VITRINE_TRY(empty_directory(options.directory));
  VITRINE_TRY(populate(checkpoint, options.directory));
  return open(std::move(options));
}

Result<std::unique_ptr<ColdRows>> ColdRows::open(ColdRowsOptions options) {
  auto state = std::make_unique<State>();
  state->directory = options.directory;
  const rocksdb::Options rocks = rocks_options(options);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(rocks, options.directory, &db);
  if (!opened.ok()) return to_error(opened, "opening", options.directory);
  state->db.reset(db);
  std::string position;
  const rocksdb::Status got = db->Get({}, slice(kPositionKey), &position);
  if (!got.ok() && !got.IsNotFound()) return to_error(got, "opening", options.directory);
  if (got.ok()) {
    if (position.size() != sizeof(state->position)) {
      return Error(ErrorCode::kCorrupt, "cold rows in " + options.directory +
                                            ": the position has " +
                                            std::to_string(position.size()) + " bytes, not 8");
    }
    std::memcpy(&state->position, position.data(), sizeof(state->position));
  }
  return std::unique_ptr<ColdRows>(new ColdRows(std::move(state)));
}

Result<bool> ColdRows::get(RowKey key, std::string& out) const {
  const rocksdb::Status status = state_->db->Get({}, slice(encode(key)), &out);
  if (status.ok()) return true;
  out.clear();
  if (status.IsNotFound()) return false;
  return to_error(status, "reading", state_->directory);
}

Status ColdRows::put(RowKey key, std::string_view value) {
  ColdBatch batch;
  batch.put(key, value);
  return write(batch);
}

Status ColdRows::erase(RowKey key) {
  ColdBatch batch;
  batch.erase(key);
  return write(batch);
}

Status ColdRows::write(ColdBatch& batch) {
  rocksdb::Status status = state_->db->Write(no_log(), &batch.state_->batch);
  // After a failed flush RocksDB refuses writes until told that the cause may be gone. The
  // rows of that flush are still in its memtable, so nothing was lost meanwhile.
  if (!status.ok() && state_->db->Resume().ok()) {
    status = state_->db->Write(no_log(), &batch.state_->batch);
  }
  if (!status.ok()) return to_error(status, "writing", state_->directory);
  return ok_status();
}

Status ColdRows::erase_space(std::uint32_t space) {
  rocksdb::WriteBatch batch;
  const KeyBytes first = encode({space, 0});
  const KeyBytes last = encode({space, ~0ull});
  batch.DeleteRange(slice(first), slice(last)).PermitUncheckedError();
  batch.Delete(slice(last)).PermitUncheckedError();
  const rocksdb::Status status = state_->db->Write(no_log(), &batch);
  if (!status.ok()) return to_error(status, "erasing a space of", state_->directory);
  return ok_status();
}

ColdCursor ColdRows::scan(std::uint32_t space) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;  // a walk over everything must not push out what requests use
  auto state = std::make_unique<ColdCursorState>();
  state->iterator.reset(state_->db->NewIterator(options));
  state->space = space;
  state->directory = state_->directory;
  ColdCursor cursor(std::move(state));
  cursor.seek(0);
  return cursor;
}

Status ColdRows::checkpoint(const std::string& directory, std::uint64_t position) {
  std::string bytes(reinterpret_cast<const char*>(&position), sizeof(position));
  rocksdb::Status status = state_->db->Put(no_log(), slice(kPositionKey), bytes);
  if (!status.ok()) return to_error(status, "writing the position of", state_->directory);
  rocksdb::Checkpoint* raw = nullptr;
  status = rocksdb::Checkpoint::Create(state_->db.get(), &raw);
  if (!status.ok()) return to_error(status, "checkpointing", state_->directory);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  status = checkpoint->CreateCheckpoint(directory, 0);
  if (!status.ok()) return to_error(status, "checkpointing", state_->directory);
  return sync_directory(fs::path(directory).parent_path());
}

std::uint64_t ColdRows::position() const { return state_->position; }

std::uint64_t ColdRows::memory_bytes() const {
  std::uint64_t tables = 0;
  std::uint64_t readers = 0;
  std::uint64_t cache = 0;
  state_->db->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &tables);
  state_->db->GetIntProperty(rocksdb::DB::Properties::kEstimateTableReadersMem, &readers);
  state_->db->GetIntProperty(rocksdb::DB::Properties::kBlockCacheUsage, &cache);
  return tables + readers + cache;
}

}  // namespace vitrine::kv
