// Files as the engines see them: positioned reads and writes, explicit syncs, no hidden state.
//
// Two implementations: system_files() (the operating system) and SimulatedFiles
// (platform/io/simulated_files.h), which forgets what was not synced. Durability rules, the
// same for both: file contents last once sync_data() returned, names (creation, rename,
// removal) once sync_directory() of their folder returned.
//
// Errors: kNotFound where a path does not exist, kConflict where it must not exist but does,
// kExhausted where the disk is full, else kIo; the message names operation and path.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::io {

enum class OpenMode {
  kRead,       // must exist; writes are refused
  kReadWrite,  // must exist
  kCreate,     // read and write; created where absent
  kCreateNew,  // read and write; must not exist yet
};

// Memory shared by everyone who maps the same file, in this and in other processes.
// Unmapped on destruction. Contents after a power loss are any mixture of what was stored.
class SharedMapping {
 public:
  virtual ~SharedMapping() = default;
  virtual std::span<char> bytes() = 0;  // aligned to a page
};

// An open file; closed on destruction. Calls from several threads are fine as long as no
// two of them write the same bytes.
class File {
 public:
  virtual ~File() = default;
  // Fills `out` from `offset`; fewer bytes only where the file ends.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) = 0;
  // Writes all of `bytes`, growing the file where needed. After an error any part of it may
  // have been written.
  virtual Status write_at(std::uint64_t offset, std::string_view bytes) = 0;
  // fdatasync. After an error what was written since the last success is lost or not, and a
  // second call proves nothing: give up the file.
  virtual Status sync_data() = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  // Makes the file `size` zero bytes long, really written and synced, so that later writes
  // inside it change no metadata and can't meet a full disk. For new files.
  virtual Status preallocate_zeros(std::uint64_t size) = 0;
  // Maps the first `size` bytes, which must exist. Writable where the file is.
  virtual Result<std::unique_ptr<SharedMapping>> map_shared(std::size_t size) = 0;
};

// Held until destruction or the end of the process, however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // `permissions` of a file that is created, as in chmod (the umask is applied).
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                             unsigned permissions = 0640) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  // The same, but kConflict where `to` exists: of several that try, one succeeds.
  virtual Status rename_new(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // Names (without the folder) of what is in `directory`, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Status create_directories(const std::string& path) = 0;  // durable; fine where it exists
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Result<bool> is_directory(const std::string& path) = 0;  // false where nothing is
  // Bytes an unprivileged writer may still allocate on the disk that holds `path`.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
  // Takes the exclusive advisory lock of `path` (created where absent), or kConflict when
  // another holder in this or another process has it.
  virtual Result<std::unique_ptr<FileLock>> try_lock(const std::string& path) = 0;
};

// The operating system's. Lives as long as the process.
FileSystem& system_files();

// "a/b" from "a" and "b".
std::string join_path(std::string_view directory, std::string_view name);
// "a" of "a/b", "." of "b".
std::string parent_path(std::string_view path);

// The whole file, or kTooLarge above `size_max`.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t size_max);

}  // namespace vitrine::io
