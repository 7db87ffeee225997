#include "engine/blob/directory_store.h"

#include <algorithm>

#include <unistd.h>

namespace vitrine::blob {
namespace {

constexpr std::string_view kUnnamedFolder = "tmp";
constexpr std::string_view kLockName = "lock";

bool key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '=' ||
         c == '_' || c == '.' || c == '-';
}

class HeldLock final : public StoreLock {
 public:
  explicit HeldLock(std::unique_ptr<io::FileLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<io::FileLock> lock_;
};

}  // namespace

Status validate_key(std::string_view key) {
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorCode::kInvalidArgument,
                 "object key '" + std::string(key.substr(0, 80)) + "': " + std::string(why));
  };
  if (key.empty()) return wrong("is empty");
  if (key.size() > kKeyBytesMax) return wrong("is longer than 512 bytes");
  bool first = true;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part = key.substr(begin, end - begin);
    if (part.empty()) return wrong("has an empty part");
    if (part == "." || part == "..") return wrong("has a part that means another folder");
    if (first && (part == kUnnamedFolder || part == kLockName)) {
      return wrong("begins with a part that the store keeps for itself");
    }
    if (!std::all_of(part.begin(), part.end(), key_character)) {
      return wrong("has a character outside A-Z a-z 0-9 = _ . -");
    }
    first = false;
    begin = end + 1;
  }
  return ok_status();
}

Result<std::unique_ptr<DirectoryStore>> DirectoryStore::create(io::FileSystem& files,
                                                               std::string root,
                                                               DirectoryStoreOptions options) {
  VITRINE_TRY(files.create_directories(root));
  return std::unique_ptr<DirectoryStore>(new DirectoryStore(files, std::move(root), options));
}

Result<std::unique_ptr<DirectoryStore>> DirectoryStore::open(io::FileSystem& files,
                                                             std::string root,
                                                             DirectoryStoreOptions options) {
  VITRINE_TRY(const bool exists, files.exists(root));
  if (!exists) return Error(ErrorCode::kNotFound, "there is no directory " + root);
  return std::unique_ptr<DirectoryStore>(new DirectoryStore(files, std::move(root), options));
}

Status DirectoryStore::ensure_folder(const std::string& path) {
  {
    std::lock_guard lock(mutex_);
    if (known_folders_.contains(path)) return ok_status();
  }
  VITRINE_TRY(files_.create_directories(path));
  std::lock_guard lock(mutex_);
  known_folders_.insert(path);
  return ok_status();
}

Result<std::string> DirectoryStore::write_unnamed(std::string_view bytes) {
  const std::string folder = io::join_path(root_, kUnnamedFolder);
  VITRINE_TRY(ensure_folder(folder));
  // Never a file that is there: it may be what a crash made of a name that was to go.
  std::string path;
  std::unique_ptr<io::File> file;
  while (!file) {
    path = io::join_path(
        folder, std::to_string(getpid()) + "-" + std::to_string(next_unnamed_.fetch_add(1)));
    auto opened = files_.open(path, io::OpenMode::kCreateNew, options_.permissions);
    if (opened.ok()) {
      file = std::move(opened).value();
    } else if (opened.error().code() != ErrorCode::kConflict) {
      return std::move(opened).error();
    }
  }
  Status written = file->write_at(0, bytes);
  if (written.ok()) written = file->sync_data();
  if (written.ok()) return path;
  (void)files_.remove(path);
  return std::move(written).error();
}

Result<Put> DirectoryStore::put(std::string_view key, std::string_view bytes) {
  VITRINE_TRY(validate_key(key));
  const std::string path = path_of(key);
  const std::string folder = io::parent_path(path);
  VITRINE_TRY(const bool exists, files_.exists(path));
  if (exists) {
    VITRINE_TRY(files_.sync_directory(folder));
    return Put::kExisted;
  }
  VITRINE_TRY(ensure_folder(folder));
  VITRINE_TRY(const std::string unnamed, write_unnamed(bytes));
  Status named = files_.rename_new(unnamed, path);
  const bool raced = !named.ok() && named.error().code() == ErrorCode::kConflict;
  if (!named.ok()) (void)files_.remove(unnamed);
  if (!named.ok() && !raced) return std::move(named).error();
  VITRINE_TRY(files_.sync_directory(folder));
  return raced ? Put::kExisted : Put::kStored;
}

Result<std::string> DirectoryStore::get(std::string_view key, std::uint64_t bytes_max) {
  VITRINE_TRY(validate_key(key));
  return io::read_file(files_, path_of(key), bytes_max);
}

Result<bool> DirectoryStore::exists(std::string_view key) {
  VITRINE_TRY(validate_key(key));
  const std::string path = path_of(key);
  VITRINE_TRY(const bool exists, files_.exists(path));
  if (exists) {
    std::lock_guard lock(mutex_);
    unsettled_folders_.insert(io::parent_path(path));
  }
  return exists;
}

Result<std::vector<ObjectInfo>> DirectoryStore::list(std::string_view prefix) {
  if (!prefix.empty() && prefix.back() != '/') {
    return Error(ErrorCode::kInvalidArgument, "a prefix ends with '/'");
  }
  std::vector<ObjectInfo> found;
  VITRINE_TRY(list_folder(std::string(prefix), found));
  std::sort(found.begin(), found.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return found;
}

Status DirectoryStore::list_folder(const std::string& key_prefix, std::vector<ObjectInfo>& found) {
  const std::string folder = key_prefix.empty() ? root_ : io::join_path(root_, key_prefix);
  const std::string plain = folder.back() == '/' ? folder.substr(0, folder.size() - 1) : folder;
  VITRINE_TRY(const bool exists, files_.exists(plain));
  if (!exists) return ok_status();
  VITRINE_TRY(const auto names, files_.list(plain));
  {
    std::lock_guard lock(mutex_);
    unsettled_folders_.insert(plain);
  }
  for (const std::string& name : names) {
    if (key_prefix.empty() && (name == kUnnamedFolder || name == kLockName)) continue;
    const std::string key = key_prefix + name;
    VITRINE_TRY(const bool is_folder, files_.is_directory(path_of(key)));
    if (is_folder) {
      VITRINE_TRY(list_folder(key + "/", found));
      continue;
    }
    auto file = files_.open(path_of(key), io::OpenMode::kRead);
    if (!file.ok() && file.error().code() == ErrorCode::kNotFound) continue;  // removed meanwhile
    if (!file.ok()) return std::move(file).error();
    VITRINE_TRY(const std::uint64_t bytes, file.value()->size());
    found.push_back({key, bytes});
  }
  return ok_status();
}

Status DirectoryStore::settle() {
  std::set<std::string> folders;
  {
    std::lock_guard lock(mutex_);
    folders.swap(unsettled_folders_);
  }
  // A folder's own name is durable before anything is put into it (create_directories).
  for (const std::string& folder : folders) VITRINE_TRY(files_.sync_directory(folder));
  return ok_status();
}

Status DirectoryStore::remove(std::string_view key) {
  VITRINE_TRY(validate_key(key));
  const std::string path = path_of(key);
  Status removed = files_.remove(path);
  if (!removed.ok() && removed.error().code() != ErrorCode::kNotFound) return removed;
  if (!removed.ok()) return ok_status();
  return files_.sync_directory(io::parent_path(path));
}

Result<std::unique_ptr<StoreLock>> DirectoryStore::lock() {
  auto held = files_.try_lock(io::join_path(root_, kLockName));
  if (!held.ok()) {
    if (held.error().code() != ErrorCode::kConflict) return std::move(held).error();
    return Error(ErrorCode::kConflict, describe() + " is in use by another process");
  }
  const std::string unnamed = io::join_path(root_, kUnnamedFolder);
  VITRINE_TRY(const bool exists, files_.exists(unnamed));
  if (exists) {
    VITRINE_TRY(const auto names, files_.list(unnamed));
    for (const std::string& name : names) VITRINE_TRY(files_.remove(io::join_path(unnamed, name)));
  }
  return std::unique_ptr<StoreLock>(std::make_unique<HeldLock>(std::move(held).value()));
}

}  // namespace vitrine::blob
