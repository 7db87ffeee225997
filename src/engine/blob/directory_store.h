// An object store in a directory: a file an object, its key the path.
//
//   ROOT/tmp/        files being written; what lies there when the lock is taken is removed
//   ROOT/lock        who holds the lock
//   ROOT/a/b/c       the object "a/b/c"
//
// A put writes and syncs a file in tmp/, gives it its name without ever replacing another, and
// syncs the folder. So a crash leaves the whole object, or none and a file in tmp/.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "engine/blob/object_store.h"
#include "platform/io/file_system.h"

namespace vitrine::blob {

struct DirectoryStoreOptions {
  unsigned permissions = 0640;
};

class DirectoryStore final : public ObjectStore {
 public:
  // Creates the folder where it is absent.
  static Result<std::unique_ptr<DirectoryStore>> create(io::FileSystem& files, std::string root,
                                                        DirectoryStoreOptions options = {});
  // kNotFound where it is absent; writes nothing until the first put.
  static Result<std::unique_ptr<DirectoryStore>> open(io::FileSystem& files, std::string root,
                                                      DirectoryStoreOptions options = {});

  Result<Put> put(std::string_view key, std::string_view bytes) override;
  Result<std::string> get(std::string_view key, std::uint64_t bytes_max) override;
  Result<bool> exists(std::string_view key) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override;
  Status settle() override;
  Status remove(std::string_view key) override;
  Result<std::unique_ptr<StoreLock>> lock() override;
  Result<std::uint64_t> free_bytes() override { return files_.free_bytes(root_); }
  std::string describe() const override { return "directory " + root_; }

 private:
  DirectoryStore(io::FileSystem& files, std::string root, DirectoryStoreOptions options)
      : files_(files), root_(std::move(root)), options_(options) {}
  Status list_folder(const std::string& key_prefix, std::vector<ObjectInfo>& found);
  Result<std::string> write_unnamed(std::string_view bytes);
  Status ensure_folder(const std::string& path);
  std::string path_of(std::string_view key) const { return io::join_path(root_, key); }

  io::FileSystem& files_;
  const std::string root_;
  const DirectoryStoreOptions options_;
  std::atomic<std::uint64_t> next_unnamed_{1};
  std::mutex mutex_;
  std::set<std::string> known_folders_;      // guarded by mutex_; made or seen by this object
  std::set<std::string> unsettled_folders_;  // guarded by mutex_; see settle()
};

}  // namespace vitrine::blob
