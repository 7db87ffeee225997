// Lines of a plain or gzip file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vitrine::evaluate {

class LineReader {
 public:
  static Result<LineReader> open(const std::string& path);
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;
  ~LineReader();

  // False at the end. The line comes without its end ("\n" or "\r\n") and is valid until the
  // next call. A damaged or truncated gzip file is kCorrupt; a line over 16 MiB kTooLarge.
  Result<bool> next(std::string_view& line);

  std::uint64_t line_number() const { return line_number_; }  // of the last line, from 1
  std::uint64_t bytes_read() const;                           // of the file as it lies on disk
  std::uint64_t file_bytes() const { return file_bytes_; }

  // `what`, with the file and the number of the last line in front.
  Error error(const std::string& what) const;

 private:
  struct Gzip;
  explicit LineReader(std::unique_ptr<Gzip> file);
  Status fill();

  std::unique_ptr<Gzip> file_;
  std::string path_;
  std::string buffer_;
  std::size_t at_ = 0;  // start of what is not yet given out
  bool ended_ = false;
  std::uint64_t line_number_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace vitrine::evaluate
