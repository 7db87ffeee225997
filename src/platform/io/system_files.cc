// The operating system behind platform/io/file_system.h.
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "platform/io/file_system.h"

namespace vitrine::io {
namespace {

Error system_error(std::string_view operation, std::string_view path, int error) {
  Error made = io_error(operation, path, error);
  if (error == ENOENT) return {ErrorCode::kNotFound, made.message()};
  if (error == EEXIST) return {ErrorCode::kConflict, made.message()};
  return made;
}

constexpr std::uint64_t kZeroPiece = 1 << 20;

// kZeroPiece zeros at an address that direct writes accept.
const char* zero_piece() {
  alignas(4096) static const char zeros[kZeroPiece] = {};
  return zeros;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class SystemMapping final : public SharedMapping {
 public:
  SystemMapping(void* at, std::size_t size) : at_(at), size_(size) {}
  ~SystemMapping() override { ::munmap(at_, size_); }
  std::span<char> bytes() override { return {static_cast<char*>(at_), size_}; }

 private:
  void* at_;
  std::size_t size_;
};

class SystemFile final : public File {
 public:
  SystemFile(Descriptor fd, std::string path, bool writable)
      : fd_(std::move(fd)), path_(std::move(path)), writable_(writable) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(fd_.get(), out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status write_at(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t piece = std::min(bytes.size(), kWritePiece);
      const ssize_t put = ::pwrite(fd_.get(), bytes.data(), piece, static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return system_error("write", path_, errno);
      // The disk begins with a large piece while the next one is copied. An error of it is
      // reported by the sync.
      if (static_cast<std::size_t>(put) == kWritePiece) {
        ::sync_file_range(fd_.get(), static_cast<off_t>(offset), put, SYNC_FILE_RANGE_WRITE);
      }
      offset += static_cast<std::uint64_t>(put);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return ok_status();
  }

  Status sync_data() override {
    if (::fdatasync(fd_.get()) != 0) return system_error("fdatasync", path_, errno);
    return ok_status();
  }

  Result<std::uint64_t> size() override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return system_error("stat", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      return system_error("truncate", path_, errno);
    }
    return ok_status();
  }

  Status preallocate_zeros(std::uint64_t size) override {
    // First the blocks, in one piece where the file system can: a full disk shows here, before
    // anything is written.
    const int refused = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    if (refused != 0 && refused != EOPNOTSUPP && refused != EINVAL) {
      return system_error("allocate", path_, refused);
    }
    // Then zeros, past the page cache where the file system can. For 64 MiB on a virtual disk:
    // 1.7 GB/s and 5 ms CPU, against 0.4 GB/s and 110 ms through it, and no backlog of dirty
    // pages stands in the way of the fdatasync calls of others.
    const Descriptor direct(::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    std::uint64_t at = 0;
    while (direct.get() >= 0 && at + kZeroPiece <= size) {
      const ssize_t put = ::pwrite(direct.get(), zero_piece(), kZeroPiece, static_cast<off_t>(at));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0 && errno != EINVAL) return system_error("write", path_, errno);
      if (put != static_cast<ssize_t>(kZeroPiece)) break;
      at += kZeroPiece;
    }
    while (at < size) {
      const std::uint64_t piece = std::min<std::uint64_t>(kZeroPiece, size - at);
      VITRINE_TRY(write_at(at, {zero_piece(), piece}));
      at += piece;
    }
    if (::fsync(fd_.get()) != 0) return system_error("fsync", path_, errno);
    return ok_status();
  }

  Result<std::unique_ptr<SharedMapping>> map_shared(std::size_t size) override {
    const int access = writable_ ? PROT_READ | PROT_WRITE : PROT_READ;
    void* at = ::mmap(nullptr, size, access, MAP_SHARED, fd_.get(), 0);
    if (at == MAP_FAILED) return system_error("map", path_, errno);
    return std::unique_ptr<SharedMapping>(std::make_unique<SystemMapping>(at, size));
  }

 private:
  static constexpr std::size_t kWritePiece = 256 * 1024;
  Descriptor fd_;
  std::string path_;
  bool writable_;
};

class SystemLock final : public FileLock {
 public:
  explicit SystemLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead: return O_RDONLY | O_CLOEXEC;
    case OpenMode::kReadWrite: return O_RDWR | O_CLOEXEC;
    case OpenMode::kCreate: return O_RDWR | O_CREAT | O_CLOEXEC;
    case OpenMode::kCreateNew: return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  }
  return O_RDONLY | O_CLOEXEC;
}

class SystemFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     unsigned permissions) override {
    Descriptor fd(::open(path.c_str(), open_flags(mode), permissions));
    if (fd.get() < 0) return system_error("open", path, errno);
    return std::unique_ptr<File>(
        std::make_unique<SystemFile>(std::move(fd), path, mode != OpenMode::kRead));
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from, errno);
    return ok_status();
  }

  Status rename_new(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      return ok_status();
    }
    if (errno == EEXIST) return Error(ErrorCode::kConflict, to + " exists");
    if (errno != EINVAL && errno != ENOSYS) return system_error("rename", from, errno);
    // A file system that can't refuse to replace can refuse a second link.
    if (::link(from.c_str(), to.c_str()) != 0) {
      if (errno == EEXIST) return Error(ErrorCode::kConflict, to + " exists");
      return system_error("link", from, errno);
    }
    return remove(from);
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);
    return ok_status();
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(directory.c_str()), &::closedir);
    if (folder == nullptr) return system_error("list", directory, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) return system_error("list", directory, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status create_directories(const std::string& path) override {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string part = path.substr(0, end);
      if (::mkdir(part.c_str(), 0750) == 0) {
        VITRINE_TRY(sync_directory(parent_path(part)));
      } else if (errno != EEXIST) {
        return system_error("create folder", part, errno);
      }
      if (end == std::string::npos) return ok_status();
    }
  }

  Status sync_directory(const std::string& path) override {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return system_error("open folder", path, errno);
    if (::fsync(fd.get()) != 0) return system_error("fsync", path, errno);
    return ok_status();
  }

  Result<bool> exists(const std::string& path) override {
    if (::access(path.c_str(), F_OK) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_error("look for", path, errno);
  }

  Result<bool> is_directory(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return S_ISDIR(info.st_mode);
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_error("look at", path, errno);
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) return system_error("statvfs", path, errno);
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  Result<std::unique_ptr<FileLock>> try_lock(const std::string& path) override {
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (fd.get() < 0) return system_error("open", path, errno);
    while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return Error(ErrorCode::kConflict, path + " is locked");
      return system_error("lock", path, errno);
    }
    return std::unique_ptr<FileLock>(std::make_unique<SystemLock>(std::move(fd)));
  }
};

}  // namespace

FileSystem& system_files() {
  static SystemFiles files;
  return files;
}

}  // namespace vitrine::io
