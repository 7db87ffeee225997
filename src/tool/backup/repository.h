// A backup repository in an object store.
//
//   repository            what it is: its id, and the id of its key where it is encrypted
//   chunks/ab/<64 hex>    up to 4 MiB of some file, named by a keyed hash of its bytes, so that
//                         equal bytes are kept once; compressed, encrypted (blob/seal.h)
//   backups/<id>          a manifest; put last, so a backup is there when all of it is
//
// Several processes may read at a time; one writes (it holds the store's lock). Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/blob/object_store.h"
#include "tool/backup/key_file.h"
#include "tool/backup/manifest.h"

namespace vitrine::backup {

std::string chunk_key(const Chunk& chunk);
std::string backup_key(std::string_view id);

class Repository {
 public:
  // Makes a repository in an empty store; encrypted if there is a key. kConflict where the store
  // holds anything.
  static Result<std::unique_ptr<Repository>> create(blob::ObjectStore& store, const BackupKey* key);
  // kNotFound where the store holds no repository. kPermissionDenied where it is encrypted and
  // there is no key or another one; kInvalidArgument where there is a key and it is not encrypted.
  static Result<std::unique_ptr<Repository>> open(blob::ObjectStore& store, const BackupKey* key);

  bool encrypted() const { return key_ != nullptr; }
  const std::string& id() const { return id_; }
  blob::ObjectStore& store() { return store_; }

  // Takes the lock and learns what is there. kConflict where somebody else writes.
  Result<std::unique_ptr<blob::StoreLock>> begin_writing();

  Chunk name_of(std::string_view bytes) const;
  bool knows(const Chunk& chunk);  // needs begin_writing()
  struct Stored {
    Chunk chunk;
    std::uint64_t stored_bytes = 0;  // 0: it was there
  };
  // Needs begin_writing().
  Result<Stored> put_chunk(std::string_view bytes, int level);
  // kNotFound, or kCorrupt with object and offset, also where the bytes don't fit the name.
  Result<std::string> get_chunk(const Chunk& chunk);

  // The same for an object of which nothing but its key is known.
  Status check_chunk_object(const std::string& key);

  // `manifest.id` must be new.
  Status put_manifest(const BackupManifest& manifest);
  // `id` may be shortened as long as it is unique; empty or "latest": the newest.
  Result<BackupManifest> get_manifest(std::string_view id);
  // Ids, oldest first.
  Result<std::vector<std::string>> list_backups();

 private:
  Result<std::string> open_chunk_object(const std::string& key);
  Repository(blob::ObjectStore& store, const BackupKey* key);
  const blob::SealKey* seal_key() const { return key_ ? &key_->seal : nullptr; }

  blob::ObjectStore& store_;
  std::unique_ptr<BackupKey> key_;  // null: not encrypted
  std::string id_;
  std::mutex mutex_;
  std::unordered_set<std::string> known_;  // guarded by mutex_; keys of chunks in the store
};

}  // namespace vitrine::backup
