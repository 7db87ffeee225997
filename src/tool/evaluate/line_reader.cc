#include "tool/evaluate/line_reader.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <zlib.h>

namespace vitrine::evaluate {
namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kLongestLine = 16 * 1024 * 1024;

}  // namespace

struct LineReader::Gzip {
  explicit Gzip(gzFile f) : file(f) {}
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() { gzclose(file); }
  gzFile file;
};

LineReader::LineReader(std::unique_ptr<Gzip> file) : file_(std::move(file)) {}
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;
LineReader::~LineReader() = default;

Result<LineReader> LineReader::open(const std::string& path) {
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) {
    return Error(ErrorCode::kInvalidArgument, path + " is a folder; give a file");
  }
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    if (errno == ENOENT) return Error(ErrorCode::kNotFound, path + " does not exist");
    return io_error("open", path, errno);
  }
  gzbuffer(file, kChunk);
  LineReader reader(std::make_unique<Gzip>(file));
  reader.path_ = path;
  reader.file_bytes_ = std::filesystem::file_size(path, failed);
  if (failed) reader.file_bytes_ = 0;
  return reader;
}

std::uint64_t LineReader::bytes_read() const {
  const auto offset = gzoffset(file_->file);
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

Error LineReader::error(const std::string& what) const {
  return {ErrorCode::kInvalidArgument, path_ + ":" + std::to_string(line_number_) + ": " + what};
}

Status LineReader::fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kChunk);
  const int got = gzread(file_->file, buffer_.data() + had, kChunk);
  buffer_.resize(had + static_cast<std::size_t>(std::max(got, 0)));
  if (got > 0) return ok_status();
  int code = Z_OK;
  const char* text = gzerror(file_->file, &code);
  if (code == Z_ERRNO) return io_error("read", path_, errno);
  if (got < 0 || code == Z_BUF_ERROR) {
    return Error(ErrorCode::kCorrupt, path_ + " is damaged or cut off after line " +
                                          std::to_string(line_number_) + ": " + text);
  }
  ended_ = true;
  return ok_status();
}

Result<bool> LineReader::next(std::string_view& line) {
  std::size_t searched = at_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos || (ended_ && at_ < buffer_.size())) {
      line = std::string_view(buffer_).substr(
          at_, end == std::string::npos ? std::string::npos : end - at_);
      at_ = end == std::string::npos ? buffer_.size() : end + 1;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      ++line_number_;
      return true;
    }
    if (ended_) return false;
    if (buffer_.size() - at_ > kLongestLine) {
      return Error(
          ErrorCode::kTooLarge,
          path_ + ": a line after line " + std::to_string(line_number_) + " is longer than 16 MiB");
    }
    searched = buffer_.size() - at_;
    VITRINE_TRY(fill());
  }
}

}  // namespace vitrine::evaluate
