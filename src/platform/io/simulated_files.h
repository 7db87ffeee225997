// A file system in memory that loses what was not synced: for tests of everything durable.
//
// crash(seed) is a power loss: of each file's unsynced writes some vanish, some survive, some
// are torn, at 512-byte sectors or in the middle of one, in any order; unsynced creations,
// renames and removals happened or not. The same seed and operations give the same result.
// Files, mappings and locks opened before the crash are dead: every call on them fails.
//
// Mutating operations (write_at, sync_data, truncate, preallocate_zeros, creation, rename,
// remove, sync_directory) are numbered from 0, so that a test can fail or cut each of them.
// Thread-safe.
#pragma once

#include <functional>
#include <string>

#include "platform/io/file_system.h"

namespace vitrine::io {

class SimulatedFiles final : public FileSystem {
 public:
  SimulatedFiles();
  ~SimulatedFiles() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     unsigned permissions = 0640) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status rename_new(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status create_directories(const std::string& path) override;  // durable at once
  Status sync_directory(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<bool> is_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> try_lock(const std::string& path) override;

  // Operations counted so far.
  std::uint64_t operations() const;
  // Operation number `n` fails with `error` (an errno). A failed write may have been done in
  // part; after a failed sync, what it should have saved is never saved unless written again.
  void fail_operation(std::uint64_t n, int error);
  // Power goes at operation `n`: it is done in part, and it and all later ones fail.
  void cut_power_at(std::uint64_t n);
  // See above. Power is back afterwards, faults are forgotten.
  void crash(std::uint64_t seed);
  // The process died, the machine did not: everything written stays, handles and locks are dead.
  void kill_process();

  // Bytes all files together may have; default no limit.
  void set_capacity(std::uint64_t bytes);

  // What a disk does behind everyone's back: contents as read now, and as they'd be after any
  // crash.
  Result<std::string> contents(const std::string& path) const;
  void overwrite(const std::string& path, std::uint64_t offset, std::string_view bytes);

 private:
  struct State;
  class OpenFile;
  class Mapping;
  class Lock;
  std::shared_ptr<State> state_;
};

}  // namespace vitrine::io
