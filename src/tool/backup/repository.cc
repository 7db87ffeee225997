#include "tool/backup/repository.h"

#include <sodium.h>

#include "base/bytes.h"

namespace vitrine::backup {
namespace {

constexpr std::string_view kRepositoryKey = "repository";
constexpr std::string_view kChunks = "chunks/";
constexpr std::string_view kBackups = "backups/";
constexpr std::string_view kMagic = "vitrine backup repository";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kObjectBytesMax = 2ull << 30;
// A sealed chunk is never much larger than its contents.
constexpr std::uint64_t kChunkObjectBytesMax = kChunkBytes + (1u << 20);
constexpr int kManifestLevel = 3;

Error corrupt(std::string_view object, std::uint64_t offset, std::string_view what) {
  return {ErrorCode::kCorrupt,
          std::string(object) + ": at byte " + std::to_string(offset) + ": " + std::string(what)};
}

struct Description {
  std::string id;
  std::string key_id;  // empty: not encrypted
};

std::string encode_description(const Description& d) {
  std::string out;
  ByteWriter w(out);
  w.raw(kMagic);
  w.u32(kVersion);
  w.string(d.id);
  w.string(d.key_id);
  return out;
}

Result<Description> decode_description(std::string_view bytes) {
  ByteReader r(bytes);
  if (r.raw(kMagic.size()) != kMagic) return corrupt(kRepositoryKey, 0, "describes something else");
  const std::uint32_t version = r.u32();
  if (r.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "the repository is in format " + std::to_string(version) +
                                              ", this build reads " + std::to_string(kVersion));
  }
  Description d;
  d.id = r.string();
  d.key_id = r.string();
  if (!r.at_end()) return corrupt(kRepositoryKey, 0, "its length does not fit its contents");
  return d;
}

}  // namespace

std::string chunk_key(const Chunk& chunk) {
  const std::string hex = to_hex({reinterpret_cast<const char*>(chunk.id.data()), chunk.id.size()});
  return std::string(kChunks) + hex.substr(0, 2) + "/" + hex;
}

std::string backup_key(std::string_view id) { return std::string(kBackups) + std::string(id); }

Repository::Repository(blob::ObjectStore& store, const BackupKey* key)
    : store_(store), key_(key ? std::make_unique<BackupKey>(*key) : nullptr) {}

Result<std::unique_ptr<Repository>> Repository::create(blob::ObjectStore& store,
                                                       const BackupKey* key) {
  if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
  VITRINE_TRY(const auto objects, store.list(""));
  if (!objects.empty()) {
    return Error(ErrorCode::kConflict,
                 store.describe() + " is not empty: it holds " + objects.front().key);
  }
  std::array<char, 8> random{};
  randombytes_buf(random.data(), random.size());
  Description made{to_hex({random.data(), random.size()}), key ? key->id : ""};
  VITRINE_TRY(const std::string sealed,
              blob::seal(encode_description(made), kRepositoryKey, {nullptr, 0}));
  VITRINE_TRY(const auto put, store.put(kRepositoryKey, sealed));
  if (put == blob::Put::kExisted) {
    return Error(ErrorCode::kConflict, store.describe() + " has become a repository meanwhile");
  }
  return open(store, key);
}

Result<std::unique_ptr<Repository>> Repository::open(blob::ObjectStore& store,
                                                     const BackupKey* key) {
  if (sodium_init() < 0) return Error(ErrorCode::kInternal, "libsodium does not start");
  auto sealed = store.get(kRepositoryKey, 4096);
  if (!sealed.ok()) {
    if (sealed.error().code() != ErrorCode::kNotFound) return std::move(sealed).error();
    return Error(ErrorCode::kNotFound, "there is no backup repository in " + store.describe());
  }
  VITRINE_TRY(const std::string plain, blob::unseal(*sealed, kRepositoryKey, nullptr, 4096));
  VITRINE_TRY(Description found, decode_description(plain));
  if (found.key_id.empty() && key != nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 "the repository in " + store.describe() +
                     " is not encrypted: use it without a key, or begin another one");
  }
  if (!found.key_id.empty() && key == nullptr) {
    return Error(ErrorCode::kPermissionDenied, "the repository in " + store.describe() +
                                                   " is encrypted with key " + found.key_id +
                                                   ": give its key file");
  }
  if (key != nullptr && key->id != found.key_id) {
    return Error(ErrorCode::kPermissionDenied, "wrong key: the repository in " + store.describe() +
                                                   " is encrypted with key " + found.key_id +
                                                   ", the one given is " + key->id);
  }
  std::unique_ptr<Repository> self(new Repository(store, key));
  self->id_ = std::move(found.id);
  return self;
}

Result<std::unique_ptr<blob::StoreLock>> Repository::begin_writing() {
  VITRINE_TRY(auto lock, store_.lock());
  VITRINE_TRY(const auto objects, store_.list(kChunks));
  VITRINE_TRY(store_.settle());
  std::lock_guard guard(mutex_);
  known_.clear();
  for (const auto& object : objects) known_.insert(object.key);
  return lock;
}

Chunk Repository::name_of(std::string_view bytes) const {
  Chunk chunk;
  chunk.bytes = static_cast<std::uint32_t>(bytes.size());
  crypto_generichash(chunk.id.data(), chunk.id.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     key_ ? key_->naming.data() : nullptr, key_ ? key_->naming.size() : 0);
  return chunk;
}

bool Repository::knows(const Chunk& chunk) {
  std::lock_guard lock(mutex_);
  return known_.contains(chunk_key(chunk));
}

Result<Repository::Stored> Repository::put_chunk(std::string_view bytes, int level) {
  Stored stored{name_of(bytes), 0};
  const std::string key = chunk_key(stored.chunk);
  {
    std::lock_guard lock(mutex_);
    if (known_.contains(key)) return stored;
  }
  VITRINE_TRY(const std::string sealed, blob::seal(bytes, key, {seal_key(), level}));
  VITRINE_TRY(const auto put, store_.put(key, sealed));
  if (put == blob::Put::kStored) stored.stored_bytes = sealed.size();
  std::lock_guard lock(mutex_);
  known_.insert(key);
  return stored;
}

Result<std::string> Repository::open_chunk_object(const std::string& key) {
  auto sealed = store_.get(key, kChunkObjectBytesMax);
  if (sealed.ok()) return blob::unseal(*sealed, key, seal_key(), kChunkBytes);
  if (sealed.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kNotFound, key + " is missing in " + store_.describe());
  }
  if (sealed.error().code() == ErrorCode::kTooLarge) {
    return corrupt(key, kChunkObjectBytesMax, "it is longer than a chunk can be");
  }
  return std::move(sealed).error();
}

Result<std::string> Repository::get_chunk(const Chunk& chunk) {
  const std::string key = chunk_key(chunk);
  VITRINE_TRY(std::string bytes, open_chunk_object(key));
  if (name_of(bytes) != chunk) return corrupt(key, 0, "its contents do not fit its name");
  return bytes;
}

Status Repository::check_chunk_object(const std::string& key) {
  VITRINE_TRY(const std::string bytes, open_chunk_object(key));
  if (chunk_key(name_of(bytes)) == key) return ok_status();
  return corrupt(key, 0, "its contents do not fit its name");
}

Status Repository::put_manifest(const BackupManifest& manifest) {
  const std::string key = backup_key(manifest.id);
  VITRINE_TRY(const std::string sealed,
              blob::seal(encode_backup_manifest(manifest), key, {seal_key(), kManifestLevel}));
  VITRINE_TRY(const auto put, store_.put(key, sealed));
  if (put == blob::Put::kStored) return ok_status();
  return Error(ErrorCode::kConflict, "there is a backup " + manifest.id + " already");
}

Result<std::vector<std::string>> Repository::list_backups() {
  VITRINE_TRY(const auto objects, store_.list(kBackups));
  std::vector<std::string> ids;
  for (const auto& object : objects) ids.push_back(object.key.substr(kBackups.size()));
  return ids;
}

Result<BackupManifest> Repository::get_manifest(std::string_view wanted) {
  VITRINE_TRY(const auto ids, list_backups());
  std::vector<std::string> fitting;
  const bool newest = wanted.empty() || wanted == "latest";
  for (const auto& id : ids) {
    if (newest || id.starts_with(wanted)) fitting.push_back(id);
  }
  if (newest && !fitting.empty()) fitting = {fitting.back()};
  if (fitting.empty()) {
    return Error(ErrorCode::kNotFound,
                 newest ? "there is no complete backup in " + store_.describe()
                        : "there is no backup " + std::string(wanted) + " in " + store_.describe());
  }
  if (fitting.size() > 1) {
    return Error(ErrorCode::kInvalidArgument, "'" + std::string(wanted) + "' begins the names of " +
                                                  std::to_string(fitting.size()) + " backups");
  }
  const std::string key = backup_key(fitting.front());
  VITRINE_TRY(const std::string sealed, store_.get(key, kObjectBytesMax));
  VITRINE_TRY(const std::string plain, blob::unseal(sealed, key, seal_key(), kManifestBytesMax));
  auto manifest = decode_backup_manifest(plain);
  if (!manifest.ok()) return std::move(manifest).error().context(key);
  if (manifest->id != fitting.front()) return corrupt(key, 0, "it is another backup's manifest");
  return manifest;
}

}  // namespace vitrine::backup
