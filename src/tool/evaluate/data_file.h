// Lines of a data set file, plain or gzip, with errors that name the file and the line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/codec/line_reader.h"

namespace vitrine::evaluate {

// Not thread-safe.
class DataFile {
 public:
  // kNotFound where there is none, kInvalidArgument for a folder.
  static Result<DataFile> open(const std::string& path);

  // False at the end. The line comes without its end ("\n" or "\r\n") and is valid until the
  // next call. A damaged or truncated gzip file is kCorrupt; a line over 16 MiB kTooLarge.
  Result<bool> next(std::string_view& line);

  std::uint64_t line_number() const { return lines_.line_number(); }  // of the last line, from 1
  std::uint64_t bytes_read() const { return lines_.input().bytes_done(); }  // as it lies on disk
  std::uint64_t file_bytes() const { return lines_.input().bytes_total(); }

  // `what`, with the file and the number of the last line in front.
  Error error(const std::string& what) const;

 private:
  DataFile(std::string path, codec::LineReader lines);

  std::string path_;
  codec::LineReader lines_;
};

// The file as bytes, for other readers than of lines; errors as those of DataFile::open.
Result<std::unique_ptr<codec::ByteInput>> open_data_input(const std::string& path);
// What reading `path` failed with: broken packed data is kCorrupt here, for the file is wrong and
// not what was asked.
Error data_error(const std::string& path, std::uint64_t line, Error error);

}  // namespace vitrine::evaluate
