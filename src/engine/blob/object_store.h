// Named byte strings that are written once: what archives and backups lie in.
//
// The seam between a directory (directory_store.h) and object storage with conditional writes.
// An object is whole or absent, never half; it is never changed, only removed. Keys are 1..512
// bytes of [A-Za-z0-9=_.-] in parts between single '/', none of which is "." or "..": they mean the
// same on every store. "tmp" is no first part.
//
// Errors: kNotFound for an object that is not there, kExhausted for a full disk, kInvalidArgument
// for a key outside the rules, else kIo; the message names operation and object. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vitrine::blob {

enum class Put {
  kStored,
  kExisted,  // an object of that name is there and stays as it is
};

struct ObjectInfo {
  std::string key;
  std::uint64_t bytes = 0;
};

// Held until destruction or the end of the process, however it ends.
class StoreLock {
 public:
  virtual ~StoreLock() = default;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Puts the object if there is none of that name. Durable when it returns, kExisted too. Of
  // several that put the same name at once, exactly one is told kStored.
  virtual Result<Put> put(std::string_view key, std::string_view bytes) = 0;
  // kTooLarge above `bytes_max`.
  virtual Result<std::string> get(std::string_view key, std::uint64_t bytes_max) = 0;
  virtual Result<bool> exists(std::string_view key) = 0;
  // Objects whose key begins with `prefix`, which is empty or ends with '/'; by key.
  virtual Result<std::vector<ObjectInfo>> list(std::string_view prefix) = 0;
  // What list() and exists() said is there may be an object whose writer died before its name was
  // certain to survive power loss. After this call all of it is.
  virtual Status settle() = 0;
  // Fine where it is gone already.
  virtual Status remove(std::string_view key) = 0;
  // Keeps a second holder out, for work that must not overlap. kConflict where there is one.
  virtual Result<std::unique_ptr<StoreLock>> lock() = 0;
  // Bytes that may still be put; ~0 where there is no bound.
  virtual Result<std::uint64_t> free_bytes() = 0;
  // For people: "directory /srv/backup".
  virtual std::string describe() const = 0;
};

inline constexpr std::size_t kKeyBytesMax = 512;

// kInvalidArgument that names the rule.
Status validate_key(std::string_view key);

}  // namespace vitrine::blob
