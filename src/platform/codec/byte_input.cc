#include "platform/codec/byte_input.h"

#include <cerrno>
#include <limits>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/codec/gzip.h"

namespace vitrine::codec {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;

class PlainFile final : public ByteInput {
 public:
  PlainFile(int fd, std::string path, std::uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size), buffer_(kPieceBytes) {}
  ~PlainFile() override { ::close(fd_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  Result<std::string_view> next() override {
    for (;;) {
      const ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return io_error("read", path_, errno);
      done_ += static_cast<std::uint64_t>(got);
      return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
    }
  }
  std::uint64_t bytes_done() const override { return done_; }
  std::uint64_t bytes_total() const override { return size_; }

 private:
  int fd_;
  std::string path_;
  std::uint64_t size_;
  std::uint64_t done_ = 0;
  std::vector<char> buffer_;
};

class GzipInput final : public ByteInput {
 public:
  GzipInput(std::unique_ptr<ByteInput> packed, std::string path)
      : packed_(std::move(packed)), path_(std::move(path)) {}

  Result<std::string_view> next() override {
    plain_.clear();
    // A slice of packed data may hold nothing but a header.
    while (plain_.empty()) {
      if (rest_.empty()) {
        VITRINE_TRY(rest_, packed_->next());
      }
      if (rest_.empty()) {
        if (auto end = inflater_.finish(); !end.ok()) {
          return Error(end.error()).context(path_);
        }
        break;
      }
      // Deflate unpacks to at most 1032 times its size: slices bound what one call holds to 16 MiB.
      constexpr std::size_t kSliceBytes = 16 << 10;
      const std::string_view slice = rest_.substr(0, kSliceBytes);
      rest_.remove_prefix(slice.size());
      if (auto fed = inflater_.feed(slice, kUnpackedBytesMax, plain_); !fed.ok()) {
        return Error(fed.error()).context(path_);
      }
    }
    return std::string_view(plain_);
  }
  std::uint64_t bytes_done() const override { return packed_->bytes_done() - rest_.size(); }
  std::uint64_t bytes_total() const override { return packed_->bytes_total(); }

 private:
  static constexpr std::size_t kUnpackedBytesMax = 64 << 20;

  std::unique_ptr<ByteInput> packed_;
  std::string path_;
  std::string_view rest_;  // of the packed piece being worked on
  std::string plain_;
  GzipInflater inflater_;
};

class MemoryInput final : public ByteInput {
 public:
  MemoryInput(std::string_view bytes, std::size_t piece_bytes)
      : bytes_(bytes), piece_bytes_(piece_bytes) {}
  Result<std::string_view> next() override {
    const std::string_view piece = bytes_.substr(done_, piece_bytes_);
    done_ += piece.size();
    return piece;
  }
  std::uint64_t bytes_done() const override { return done_; }
  std::uint64_t bytes_total() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t piece_bytes_;
  std::size_t done_ = 0;
};

}  // namespace

Result<std::unique_ptr<ByteInput>> open_input_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return Error(ErrorCode::kNotFound, "there is no file " + path);
  if (fd < 0) return io_error("open", path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const int error = errno;
    ::close(fd);
    return io_error("fstat", path, error);
  }
  auto plain = std::make_unique<PlainFile>(fd, path, static_cast<std::uint64_t>(info.st_size));
  char magic[2] = {};
  const bool is_gzip =
      ::pread(fd, magic, sizeof(magic), 0) == 2 && looks_like_gzip({magic, sizeof(magic)});
  if (!is_gzip) return std::unique_ptr<ByteInput>(std::move(plain));
  return std::unique_ptr<ByteInput>(std::make_unique<GzipInput>(std::move(plain), path));
}

std::unique_ptr<ByteInput> memory_input(std::string_view bytes, std::size_t piece_bytes) {
  return std::make_unique<MemoryInput>(bytes, piece_bytes);
}

}  // namespace vitrine::codec
